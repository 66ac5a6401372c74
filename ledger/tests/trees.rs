//! The tree over a run is that of RFC 6962, and its proofs prove nothing else than what is so.
#![allow(clippy::unwrap_used)]

mod common;
use common::unhex;
use ledger::*;
use proptest::prelude::*;

fn leaves(count: u64) -> Vec<Leaf> {
    (0..count).map(|i| leaf_of(&i.to_be_bytes())).collect()
}

fn range_over(leaves: &[Leaf]) -> CompactRange {
    let mut range = CompactRange::default();
    leaves.iter().for_each(|leaf| range.push(*leaf));
    range
}

/// The eight inputs that the reference implementations of certificate transparency use, and their roots by number.
#[test]
fn the_roots_are_those_of_certificate_transparency() {
    let inputs =
        ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"];
    let roots = [
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
        "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
        "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
        "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
    ];
    let leaves: Vec<Leaf> = inputs.iter().map(|input| leaf_of(&unhex(input))).collect();
    for (count, root) in roots.iter().enumerate() {
        assert_eq!(root_of(&leaves[..count]).to_string(), *root, "{count} leaves");
        assert_eq!(range_over(&leaves[..count]).root().to_string(), *root, "{count} leaves, one by one");
    }
}

#[test]
fn the_range_that_a_writer_keeps_has_the_root_of_all_its_leaves() {
    let leaves = leaves(300);
    let mut range = CompactRange::default();
    for count in 0..leaves.len() {
        assert_eq!(range.root(), root_of(&leaves[..count]), "{count}");
        assert_eq!(range.size(), count as u64);
        range.push(leaves[count]);
    }
}

#[test]
fn every_leaf_of_every_small_tree_is_proved_and_at_no_other_place() {
    for size in 1..=20u64 {
        let leaves = leaves(size);
        let root = root_of(&leaves);
        for index in 0..size {
            let proof = inclusion_proof(&leaves, index).unwrap();
            let leaf = leaves[index as usize];
            assert!(verify_inclusion(leaf, index, size, &proof, root), "{index} of {size}");
            for wrong in (0..size).filter(|wrong| *wrong != index) {
                assert!(!verify_inclusion(leaf, wrong, size, &proof, root), "{index} of {size} at {wrong}");
            }
            assert!(!verify_inclusion(leaf, index, index, &proof, root), "outside of the tree");
        }
        assert_eq!(inclusion_proof(&leaves, size), None);
    }
}

#[test]
fn every_beginning_of_every_small_tree_is_proved_and_no_other_root() {
    for new in 1..=20u64 {
        let leaves = leaves(new);
        let new_root = root_of(&leaves);
        for old in 1..=new {
            let proof = consistency_proof(&leaves, old).unwrap();
            let old_root = root_of(&leaves[..old as usize]);
            assert!(verify_consistency(old, old_root, new, new_root, &proof), "{old} of {new}");
            for wrong in (1..=new).filter(|wrong| *wrong != old) {
                let wrong_root = root_of(&leaves[..wrong as usize]);
                assert!(
                    !verify_consistency(old, wrong_root, new, new_root, &proof),
                    "{wrong} for {old} of {new}"
                );
            }
        }
        assert_eq!(consistency_proof(&leaves, 0), None);
        assert_eq!(consistency_proof(&leaves, new + 1), None);
        assert!(
            !verify_consistency(0, root_of(&[]), new, new_root, &[]),
            "nothing begins everything: no proof is needed"
        );
        assert!(!verify_consistency(new + 1, new_root, new, new_root, &[]), "a run never shrinks");
    }
}

#[test]
fn sizes_that_no_run_has_are_answered_and_do_not_hang() {
    let proof = vec![Root([1; 32]); 64];
    for size in [0, 1, 2, u64::MAX / 2, u64::MAX - 1, u64::MAX] {
        assert!(!verify_inclusion(Leaf([0; 32]), size / 2, size, &proof, Root([0; 32])));
        assert!(!verify_consistency(size / 2, Root([0; 32]), size, Root([2; 32]), &proof));
        assert!(!verify_consistency(size, Root([0; 32]), size, Root([2; 32]), &proof));
    }
}

fn flip(roots: &mut [Root], bit: usize) {
    roots[bit / 256].0[bit / 8 % 32] ^= 1 << (bit % 8);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn one_flipped_bit_anywhere_in_an_inclusion_proof_is_seen(
        size in 2u64..200,
        at in any::<prop::sample::Index>(),
        bit in any::<prop::sample::Index>(),
    ) {
        let (leaves, index) = (leaves(size), at.index(size as usize) as u64);
        let (leaf, root) = (leaves[index as usize], root_of(&leaves));
        let proof = inclusion_proof(&leaves, index).unwrap();
        prop_assert!(verify_inclusion(leaf, index, size, &proof, root));
        let mut all = proof.clone();
        all.extend([Root(leaf.0), root]);
        flip(&mut all, bit.index((proof.len() + 2) * 256));
        let (changed, ends) = all.split_at(proof.len());
        prop_assert!(!verify_inclusion(Leaf(ends[0].0), index, size, changed, ends[1]));
        prop_assert!(!verify_inclusion(leaf, index, size, &proof[1..], root));
        prop_assert!(!verify_inclusion(leaf, index, size, &[&proof[..], &proof[..1]].concat(), root));
    }

    #[test]
    fn one_flipped_bit_anywhere_in_a_consistency_proof_is_seen(
        new in 2u64..200,
        at in any::<prop::sample::Index>(),
        bit in any::<prop::sample::Index>(),
    ) {
        let (leaves, old) = (leaves(new), 1 + at.index(new as usize - 1) as u64);
        let (old_root, new_root) = (root_of(&leaves[..old as usize]), root_of(&leaves));
        let proof = consistency_proof(&leaves, old).unwrap();
        prop_assert!(verify_consistency(old, old_root, new, new_root, &proof));
        let mut all = proof.clone();
        all.extend([old_root, new_root]);
        flip(&mut all, bit.index((proof.len() + 2) * 256));
        let (changed, ends) = all.split_at(proof.len());
        prop_assert!(!verify_consistency(old, ends[0], new, ends[1], changed));
        prop_assert!(!verify_consistency(old, old_root, new, new_root, &proof[1..]));
        prop_assert!(!verify_consistency(old, old_root, new, new_root, &[&proof[..], &proof[..1]].concat()));
    }
}

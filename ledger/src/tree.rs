//! The Merkle tree of RFC 6962 over the leaves of a run: its root, and short proofs that a record is in it and that a longer
//! run begins with a shorter one.
//!
//! Inner nodes are SHA-256(0x01 || left || right); the left part of a tree of n leaves holds the greatest power of two
//! below n; the tree without leaves is SHA-256 of nothing.

use crate::{Leaf, Root};
use sha2::{Digest, Sha256};

/// The tree as its writer keeps it: one root per perfect subtree, so at most 64 for any run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CompactRange {
    size: u64,
    peaks: Vec<Root>,
}

impl CompactRange {
    /// Adds the next leaf.
    pub fn push(&mut self, leaf: Leaf) {
        let mut node = Root(leaf.0);
        for _ in 0..self.size.trailing_ones() {
            let left = self.peaks.pop().expect("one peak per set bit of the size");
            node = parent(&left, &node);
        }
        self.peaks.push(node);
        self.size += 1;
    }

    /// The roots of its perfect subtrees, the greatest first.
    pub(crate) fn peaks(&self) -> &[Root] {
        &self.peaks
    }

    /// As [`CompactRange::peaks`] told it; nothing if their number is not that of a tree of this size.
    pub(crate) fn from_parts(size: u64, peaks: Vec<Root>) -> Option<CompactRange> {
        (peaks.len() == size.count_ones() as usize).then_some(CompactRange { size, peaks })
    }

    /// How many leaves it has.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// The root over all leaves.
    pub fn root(&self) -> Root {
        let folded = self.peaks.iter().rev().copied().reduce(|right, left| parent(&left, &right));
        folded.unwrap_or_else(empty)
    }
}

/// The root over these leaves.
pub fn root_of(leaves: &[Leaf]) -> Root {
    match leaves {
        [] => empty(),
        [leaf] => Root(leaf.0),
        _ => {
            let (left, right) = leaves.split_at(split(leaves.len() as u64) as usize);
            parent(&root_of(left), &root_of(right))
        }
    }
}

/// The proof (RFC 6962 2.1.1) that leaf `index` is in the tree over `leaves`; nothing if there is no such leaf.
pub fn inclusion_proof(leaves: &[Leaf], index: u64) -> Option<Vec<Root>> {
    if index >= leaves.len() as u64 {
        return None;
    }
    if leaves.len() == 1 {
        return Some(Vec::new());
    }
    let middle = split(leaves.len() as u64);
    let (left, right) = leaves.split_at(middle as usize);
    let (mut proof, sibling) = if index < middle {
        (inclusion_proof(left, index)?, root_of(right))
    } else {
        (inclusion_proof(right, index - middle)?, root_of(left))
    };
    proof.push(sibling);
    Some(proof)
}

/// The proof (RFC 6962 2.1.2) that the tree over the first `old` leaves is the beginning of the tree over all of them;
/// nothing if `old` is 0 or greater than their number.
pub fn consistency_proof(leaves: &[Leaf], old: u64) -> Option<Vec<Root>> {
    if old == 0 || old > leaves.len() as u64 {
        return None;
    }
    let mut proof = Vec::new();
    subproof(leaves, old, true, &mut proof);
    Some(proof)
}

/// `whole` says that the tree of `old` leaves is the given one itself, which the verifier knows already.
fn subproof(leaves: &[Leaf], old: u64, whole: bool, proof: &mut Vec<Root>) {
    if old == leaves.len() as u64 {
        proof.extend((!whole).then(|| root_of(leaves)));
        return;
    }
    let middle = split(leaves.len() as u64);
    let (left, right) = leaves.split_at(middle as usize);
    if old <= middle {
        subproof(left, old, whole, proof);
        proof.push(root_of(right));
    } else {
        subproof(right, old - middle, false, proof);
        proof.push(root_of(left));
    }
}

/// Whether `proof` shows that `leaf` stands at `index` in the tree of `size` leaves with this root.
#[must_use]
pub fn verify_inclusion(leaf: Leaf, index: u64, size: u64, proof: &[Root], root: Root) -> bool {
    index < size && climb(leaf, index, size, proof) == Some(root)
}

/// The root that `proof`, from the leaf upwards, leads to; nothing if it is too long or too short for its place.
fn climb(leaf: Leaf, index: u64, size: u64, proof: &[Root]) -> Option<Root> {
    if size == 1 {
        return proof.is_empty().then_some(Root(leaf.0));
    }
    let (top, below) = proof.split_last()?;
    let middle = split(size);
    if index < middle {
        Some(parent(&climb(leaf, index, middle, below)?, top))
    } else {
        Some(parent(top, &climb(leaf, index - middle, size - middle, below)?))
    }
}

/// Whether `proof` shows that the tree of `old` leaves with root `old_root` is the beginning of the tree of `new` leaves
/// with root `new_root`.
#[must_use]
pub fn verify_consistency(old: u64, old_root: Root, new: u64, new_root: Root, proof: &[Root]) -> bool {
    (1..=new).contains(&old) && rebuild(old, new, Some(old_root), proof) == Some((old_root, new_root))
}

/// The roots of the old and of the new tree that `proof` leads to. `known` is the old root as long as the old tree still is
/// the whole left edge, where the proof does not repeat it.
fn rebuild(old: u64, new: u64, known: Option<Root>, proof: &[Root]) -> Option<(Root, Root)> {
    if old == new {
        return match (known, proof) {
            (Some(root), []) => Some((root, root)),
            (None, [root]) => Some((*root, *root)),
            (Some(_), [_, ..]) | (None, [] | [_, _, ..]) => None,
        };
    }
    let (top, below) = proof.split_last()?;
    let middle = split(new);
    if old <= middle {
        let (old_root, left) = rebuild(old, middle, known, below)?;
        Some((old_root, parent(&left, top)))
    } else {
        let (old_right, new_right) = rebuild(old - middle, new - middle, None, below)?;
        Some((parent(top, &old_right), parent(top, &new_right)))
    }
}

/// The greatest power of two below `size`, which must be at least 2. It halves the tree, so every recursion here ends after
/// at most 64 steps.
fn split(size: u64) -> u64 {
    1 << (size - 1).ilog2()
}

fn parent(left: &Root, right: &Root) -> Root {
    Root(Sha256::new().chain_update([1]).chain_update(left.0).chain_update(right.0).finalize().into())
}

fn empty() -> Root {
    Root(Sha256::digest([]).into())
}

//! A card that behaves and holds anything: five bytes of flow and manner, then its files. So the insides of certificates,
//! attributes and faces are reached, which a script of answers rarely does.
#![no_main]

use fuzz::{
    cards::{Honest, Manner},
    judge::{Flow, Outcome, play},
    sections,
};
use libfuzzer_sys::fuzz_target;

/// The only certificate that the authority signed.
const HOLDER: &[u8] = include_bytes!("../cards/holder.der");

fuzz_target!(|data: &[u8]| {
    let Some((&[flow, tries, verify, piece, quirks], files)) = data.split_first_chunk() else { return };
    let flow = Flow::ALL[usize::from(flow) % Flow::ALL.len()];
    let manner = Manner { tries, verify, piece, quirks };
    match play(flow, &mut Honest::new(manner, sections(files))) {
        Outcome::Claim(claim) => {
            assert_eq!(claim.holder, genuine(), "a certificate that the authority did not sign");
            assert!(flow != Flow::Authenticate || (tries & 15 >= 2 && verify == 0));
        }
        Outcome::Done => {
            assert!(matches!(flow, Flow::Identify | Flow::Tries) || (tries & 15 >= 2 && verify == 0))
        }
        Outcome::Refused(_) => {}
    }
});

/// Whose certificate that is.
fn genuine() -> card::CertificateHandle {
    let manner = Manner { tries: 3, verify: 0, piece: 0, quirks: 0 };
    match play(Flow::Tap, &mut Honest::new(manner, [&[][..], HOLDER].into_iter())) {
        Outcome::Claim(claim) => claim.holder,
        Outcome::Done | Outcome::Refused(_) => panic!("the certificate of the corpus no longer counts"),
    }
}

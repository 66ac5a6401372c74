//! What anybody may hold before the camera: a text, read as a code and as a voucher. Nobody can make one that counts.
#![no_main]

use credentials::{OldDenylist, Refusal, UsedCodes, Voucher, base45, explain, verify};
use fuzz::codes::{World, moment, place};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    assert_eq!(base45::decode(&base45::encode(data)).as_deref(), Some(data));
    let text = String::from_utf8_lossy(data);
    if let Some(bytes) = base45::decode(&text) {
        assert_eq!(base45::encode(&bytes), text, "two texts for the same bytes");
    }
    if let Ok(voucher) = Voucher::read(&text) {
        assert_eq!(Voucher::read(&voucher.to_text()), Ok(voucher));
    }
    code(&text);
});

fn code(text: &str) {
    let world = World::shared();
    let genuine = world.genuine.iter().any(|it| it == text);
    let place = place(OldDenylist::Open, true);
    let verified = verify(text, &world.trust, &UsedCodes::default(), &place, &moment(true));
    assert_eq!(verified.is_ok(), genuine, "a code counts that nobody issued, or an issued one does not");
    let (parts, refusal) = explain(text, &world.trust);
    assert!(!parts.is_empty() && refusal.is_none() == genuine);
    assert!(text.len() <= credentials::MAX_TEXT || verified == Err(Refusal::TooLong));
}

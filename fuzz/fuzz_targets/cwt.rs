//! Claims behind a good signature: byte 0 says in which form, the rest is the payload. So what an issuer or a telephone
//! may write is read as deep as it goes.
#![no_main]

use credentials::{Kind, OldDenylist, Refusal, Trust, UsedCodes, Verified, explain, verify};
use fuzz::codes::{ISSUER, World, moment, payload, place, text};
use ledger::Value;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Some((&form, inside)) = data.split_first() else { return };
    if inside.len() > 700 {
        return;
    }
    let changed = if form & 8 != 0 { at_an_end(inside) } else { None };
    let inside = changed.as_deref().unwrap_or(inside);
    let world = World::shared();
    let with_proof = form & 1 != 0;
    let cose = if with_proof { world.proof(inside) } else { world.credential(inside) };
    let text = text(with_proof, &cose);
    let (shelter, clock) = (form & 2 != 0, form & 4 == 0);
    let judge = |trust: &Trust, old, uses: &UsedCodes| {
        verify(&text, trust, uses, &place(old, shelter), &moment(clock))
    };
    let _ = explain(&text, &world.trust);
    let Ok(verified) = judge(&world.trust, OldDenylist::Open, &UsedCodes::default()) else { return };
    assert_eq!(
        Value::decode(inside).and_then(|it| it.encode()).as_deref(),
        Ok(inside),
        "another form counts"
    );
    counts(&verified);
    if let Some(code) = verified.code {
        let mut uses = UsedCodes::default();
        uses.insert(code);
        assert_eq!(judge(&world.trust, OldDenylist::Open, &uses), Err(Refusal::Replayed));
    }
    let revoked = judge(&world.revoked, OldDenylist::Open, &UsedCodes::default());
    assert_eq!(revoked, Err(Refusal::KeyRevoked));
    let old = judge(&world.trust, OldDenylist::Closed, &UsedCodes::default());
    assert!(if clock { old.is_ok() } else { old == Err(Refusal::DenylistOld) });
    assert_eq!(payload(&cose), inside);
});

/// The ends of numbers, which single bytes rarely become.
const ENDS: [i64; 4] = [i64::MAX, i64::MIN, 253_402_300_799, 0];

/// The payload with one of its values at an end: the first byte says which value and which end, the rest is the payload.
fn at_an_end(bytes: &[u8]) -> Option<Vec<u8>> {
    let (&which, payload) = bytes.split_first()?;
    let Value::Map(mut entries) = Value::decode(payload).ok()? else { return None };
    let count = entries.len().max(1);
    entries.get_mut(usize::from(which / 4) % count)?.1 = Value::Int(ENDS[usize::from(which % 4)]);
    Value::Map(entries).encode().ok()
}

/// What holds of everything that counts.
fn counts(verified: &Verified) {
    assert_eq!(verified.issuer, ISSUER);
    assert!(verified.zones & 1 == 1, "a zone that it does not open");
    assert!(verified.expires_s.is_some() || verified.kind == Kind::Shelter, "it lives for ever");
    assert!(verified.code.is_some() || verified.kind == Kind::Shelter, "it can be used again");
    assert!(verified.face_required || verified.binding.is_none(), "bound to a face and opens without");
}

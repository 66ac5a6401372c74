//! What a kiosk says to codes: those that count, and each that must not.
#![allow(clippy::unwrap_used)]

mod common;

use common::*;
use credentials::*;
use gate::{Claim, CredentialKind, PersonId, Proof};
use ledger::Value;
use proptest::prelude::*;

fn check(text: &str, refusal: Refusal) {
    assert_eq!(ask(text).err(), Some(refusal));
}

fn issued(claims: &Claims) -> String {
    issue(&ed25519(), claims)
}

/// The COSE bytes of a code as a code again, after `change`.
fn changed(text: &str, change: impl FnOnce(&mut Vec<u8>)) -> String {
    let mut bytes = cose_bytes(text).unwrap();
    change(&mut bytes);
    format!("FG1:{}", base45::encode(&bytes))
}

fn map(entries: Vec<(i64, Value)>) -> Value {
    Value::Map(entries.into_iter().map(|(key, value)| (Value::Int(key), value)).collect())
}

/// A COSE_Sign1 of these raw parts, whose signature nobody made.
fn raw(protected: &[u8], payload: &[u8]) -> String {
    let parts =
        vec![Value::bytes(protected), Value::Map(vec![]), Value::bytes(payload), Value::bytes([0; 64])];
    format!("FG1:{}", base45::encode(&[vec![0xD2], Value::Array(parts).encode().unwrap()].concat()))
}

fn header(algorithm: i64, kid: Kid) -> Vec<u8> {
    map(vec![(1, Value::Int(algorithm)), (4, Value::bytes(kid.0))]).encode().unwrap()
}

#[test]
fn a_fresh_code_by_either_algorithm_speaks_for_its_subject() {
    for key in [ed25519(), p256()] {
        let verified = ask(&issue(&key, &claims())).unwrap();
        assert_eq!(
            (verified.proof, verified.kind, verified.face_required),
            (Proof::Fresh, Kind::Member, false)
        );
        assert_eq!((verified.subject, verified.kid), (claims().subject, key.public().kid()));
    }
}

#[test]
fn the_smallest_and_the_fullest_code_stay_readable_by_a_plain_camera() {
    let full = Claims { not_before_s: Some(NOW), zones: Some(0xFF), binding: Some([6; 32]), ..claims() };
    assert!(issued(&claims()).len() <= 270, "{}", issued(&claims()).len());
    assert!(issued(&full).len() <= 420, "{}", issued(&full).len());
    let held = show(&holder(), &issued(&held()), &showing(Some([4; 16]))).unwrap();
    assert!(held.len() <= 640, "{}", held.len());
}

#[test]
fn steps_are_asked_in_their_order() {
    check(&"FG1:A".repeat(4_000), Refusal::TooLong);
    check(&format!("FG1:{}", "0".repeat(1_021)), Refusal::TooLong);
    check(&format!("FG1:{}", "0".repeat(1_020)), Refusal::NotSign1);
    check("HC1:ABC", Refusal::NotOurs);
    check("", Refusal::NotOurs);
    check("FG1:", Refusal::NotSign1);
    check("FG1:abc", Refusal::NotBase45);
    check(&changed(&issued(&claims()), |bytes| bytes[0] = 0xD1), Refusal::NotSign1);
    check(&changed(&issued(&claims()), |bytes| bytes.truncate(bytes.len() - 1)), Refusal::NotDeterministic);
    check(&changed(&issued(&claims()), |bytes| bytes.push(0)), Refusal::NotDeterministic);
    let stranger = SecretKey::from_bytes(Algorithm::EdDsa, &[44; 32]).unwrap();
    check(&issue(&stranger, &claims()), Refusal::KeyUnknown);
    check(&raw(&header(-8, stranger.public().kid()), &[0xA0]), Refusal::KeyUnknown);
    check(&raw(&header(-8, ed25519().public().kid()), &[0xA0]), Refusal::BadSignature);
}

#[test]
fn only_two_algorithms_and_each_with_its_own_key() {
    let kid = ed25519().public().kid();
    check(&raw(&header(-257, kid), &[0xA0]), Refusal::AlgorithmNotAllowed);
    check(&raw(&header(5, kid), &[0xA0]), Refusal::AlgorithmNotAllowed);
    check(&raw(&header(-7, kid), &[0xA0]), Refusal::AlgorithmNotOfKey);
    check(&raw(&header(-8, p256().public().kid()), &[0xA0]), Refusal::AlgorithmNotOfKey);
}

#[test]
fn deep_indefinite_unsorted_and_double_cbor_is_refused_before_any_key_is_asked() {
    let header = header(-8, ed25519().public().kid());
    let nested = |depth: usize| [vec![0x81; depth - 1], vec![0x80]].concat();
    check(&raw(&header, &nested(6)), Refusal::BadSignature);
    check(&raw(&header, &nested(7)), Refusal::TooDeep);
    check(&raw(&header, &nested(300)), Refusal::NotDeterministic);
    for payload in [
        &[0xBF, 0xFF][..],                                       // indefinite map
        &[0x9F, 0xFF],                                           // indefinite array
        &[0xA2, 1, 0, 1, 0],                                     // the same key twice
        &[0xA2, 4, 0, 1, 0],                                     // keys out of order
        &[0x18, 1],                                              // a number in a longer form
        &[0xC1, 0],                                              // a tag
        &[0xFB, 0, 0, 0, 0, 0, 0, 0, 0],                         // a float
        &[0x9B, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF], // a length nobody has
    ] {
        check(&raw(&header, payload), Refusal::NotDeterministic);
    }
    check(&raw(&[0xA2, 1, 0x27, 1, 0x27], &[0xA0]), Refusal::NotDeterministic);
    let crit = map(vec![(1, Value::Int(-8)), (2, Value::Array(vec![Value::Int(99)]))]).encode().unwrap();
    check(&raw(&crit, &[0xA0]), Refusal::NotSign1);
}

#[test]
fn a_revoked_key_signs_no_longer_whenever_it_did() {
    let kid = ed25519().public().kid();
    let statements = [
        Statement::IssuerRevoked { version: 1, kid },
        added(9, &ed25519(), ISSUER),
        denylist(10, NOW, vec![]),
    ];
    let trust = control(&statements).trust().clone();
    let asked = verify(&issued(&claims()), &trust, &UsedCodes::default(), &PLACE, &moment(NOW));
    assert_eq!(asked, Err(Refusal::KeyRevoked));
}

#[test]
fn an_issuer_says_its_own_name_and_the_site_is_this_one() {
    check(&issued(&Claims { issuer: "隣の市".to_owned(), ..claims() }), Refusal::IssuerNotOfKey);
    check(&issued(&Claims { site: Some("隣の体育館".to_owned()), ..claims() }), Refusal::OtherSite);
    assert!(ask(&issued(&Claims { site: None, ..claims() })).is_ok());
}

#[test]
fn a_code_counts_in_its_time_and_not_a_second_longer() {
    let text = issued(&claims());
    let at = |now: i64| ask_at(&text, &PLACE, &moment(now)).err();
    // The clock is good to a second, and its milliseconds are cut: the worst case counts.
    assert_eq!(at(NOW + 63), None);
    assert_eq!(at(NOW + 64), Some(Refusal::Expired));
    assert_eq!(at(NOW - 29), None);
    assert_eq!(at(NOW - 30), Some(Refusal::FromTheFuture));
    check(&issued(&Claims { not_before_s: Some(NOW + 40), ..claims() }), Refusal::FromTheFuture);
}

#[test]
fn a_code_that_lives_long_is_refused() {
    check(&issued(&Claims { expires_s: Some(NOW + 301), ..claims() }), Refusal::LivesTooLong);
    check(&issued(&Claims { expires_s: None, ..claims() }), Refusal::LivesTooLong);
    check(&issued(&Claims { expires_s: Some(NOW - 1), ..claims() }), Refusal::LivesTooLong);
    assert!(ask(&issued(&Claims { expires_s: Some(NOW + 300), ..claims() })).is_ok());
}

#[test]
fn a_code_is_used_once() {
    let text = issued(&claims());
    let mut used = UsedCodes::default();
    let code = verify(&text, &trust(), &used, &PLACE, &moment(NOW)).unwrap().code.unwrap();
    used.insert(code);
    assert_eq!(verify(&text, &trust(), &used, &PLACE, &moment(NOW)), Err(Refusal::Replayed));
    let another = issued(&Claims { cti: Cti::new(&[10; 12]).unwrap(), ..claims() });
    assert!(verify(&another, &trust(), &used, &PLACE, &moment(NOW)).is_ok());
    // As long as it counts by any clock, it is remembered.
    used.forget(clock_at(NOW + 64));
    assert_eq!(verify(&text, &trust(), &used, &PLACE, &moment(NOW + 60)), Err(Refusal::Replayed));
    used.forget(clock_at(NOW + 120));
    assert!(used.is_empty());
}

fn clock_at(unix_s: i64) -> Time {
    judge(moment(unix_s).now, None)
}

#[test]
fn whoever_is_denied_is_denied_whole_and_a_lost_card_alone() {
    let text = issued(&claims());
    for denial in
        [Denial::of_subject(ISSUER, &claims().subject), Denial::of_credential(ISSUER, &claims().cti)]
    {
        let statements =
            [added(1, &ed25519(), ISSUER), denylist(2, NOW, vec![denial]), denylist(3, NOW, vec![])];
        let trust = control(&statements).trust().clone();
        let asked = verify(&text, &trust, &UsedCodes::default(), &PLACE, &moment(NOW));
        assert_eq!(asked, Err(Refusal::Denied));
    }
    assert_ne!(Denial::of_subject("ab", &claims().subject), Denial::of_subject("a", &claims().subject));
}

#[test]
fn an_old_or_missing_denylist_closes_the_zones_that_say_so() {
    let trust = |statements: &[Statement]| control(statements).trust().clone();
    let old = trust(&[added(1, &ed25519(), ISSUER), denylist(2, NOW - DENYLIST_AGE_S - 1, vec![])]);
    let none = trust(&[added(1, &ed25519(), ISSUER)]);
    for trust in [old, none] {
        let asked = |place: &Place<'_>| {
            verify(&issued(&claims()), &trust, &UsedCodes::default(), place, &moment(NOW)).err()
        };
        assert_eq!(asked(&PLACE), Some(Refusal::DenylistOld));
        assert_eq!(asked(&Place { old_denylist: OldDenylist::Open, ..PLACE }), None);
    }
}

#[test]
fn a_code_opens_its_zones_and_without_any_only_zone_0() {
    let at = |zones: Option<u64>, zone: u8| {
        ask_at(&issued(&Claims { zones, ..claims() }), &Place { zone, ..PLACE }, &moment(NOW)).err()
    };
    assert_eq!((at(None, 0), at(None, 1)), (None, Some(Refusal::ZoneNotGranted)));
    assert_eq!((at(Some(0b110), 2), at(Some(0b110), 0)), (None, Some(Refusal::ZoneNotGranted)));
    assert_eq!((at(Some(1 << 62), 62), at(Some(u64::MAX), 63)), (None, Some(Refusal::ZoneNotGranted)));
    assert_eq!(at(Some(u64::MAX), 64), Some(Refusal::ZoneNotGranted));
}

#[test]
fn claims_have_one_form() {
    let sign = |entries: Vec<(i64, Value)>| {
        // What an issuer with the right key may get wrong.
        let good = Claims { ..claims() };
        let mut all = vec![
            (1, Value::text(&good.issuer)),
            (4, Value::Int(NOW + 60)),
            (6, Value::Int(NOW)),
            (7, Value::bytes([9; 12])),
            (-70001, Value::bytes([5; 10])),
            (-70003, Value::Int(1)),
        ];
        for (key, value) in entries {
            all.retain(|entry| entry.0 != key);
            if value != Value::Null {
                all.push((key, value));
            }
        }
        signed_by_hand(&map(all))
    };
    assert_eq!(ask(&sign(vec![])).err(), None);
    for entry in [
        (1, Value::Null),
        (1, Value::text("")),
        (6, Value::Null),
        (6, Value::Int(-1)),
        (4, Value::Int(i64::MAX)),
        (7, Value::bytes([9; 7])),
        (7, Value::bytes([9; 17])),
        (-70001, Value::bytes([5; 11])),
        (-70003, Value::Int(5)),
        (-70002, Value::Int(-1)),
        (-70004, Value::bytes([1; 31])),
        (8, Value::Int(1)),
    ] {
        assert_eq!(ask(&sign(vec![entry.clone()])).err(), Some(Refusal::ClaimsMalformed), "{}", entry.0);
    }
    assert_eq!(ask(&sign(vec![(65535, Value::Int(1))])).err(), Some(Refusal::ClaimUnknown));
    assert_eq!(ask(&sign(vec![(10, Value::bytes([1; 16]))])).err(), Some(Refusal::ClaimUnknown));
}

/// An EdDSA signature over any payload, made with the library itself and none of our code.
fn signed_by_hand(payload: &Value) -> String {
    use ed25519_dalek::Signer as _;
    let (protected, payload) = (header(-8, ed25519().public().kid()), payload.encode().unwrap());
    let parts = [
        Value::text("Signature1"),
        Value::bytes(&protected[..]),
        Value::bytes([]),
        Value::bytes(&payload[..]),
    ];
    let signed = Value::Array(parts.to_vec()).encode().unwrap();
    let signature = ed25519_dalek::SigningKey::from_bytes(&[1; 32]).sign(&signed).to_bytes();
    let parts =
        vec![Value::Bytes(protected), Value::Map(vec![]), Value::Bytes(payload), Value::bytes(signature)];
    format!("FG1:{}", base45::encode(&[vec![0xD2], Value::Array(parts).encode().unwrap()].concat()))
}

#[test]
fn a_telephone_proves_its_credential_and_a_copy_of_it_is_nothing() {
    for (key, secret) in [(Algorithm::Es256, [3; 32]), (Algorithm::EdDsa, [33; 32])] {
        let phone = SecretKey::from_bytes(key, &secret).unwrap();
        let credential = issued(&Claims { holder: Some(phone.public()), ..held() });
        assert_eq!(ask(&show(&phone, &credential, &showing(None)).unwrap()).unwrap().proof, Proof::Fresh);
        check(&credential, Refusal::ProofMissing);
        let thief = SecretKey::from_bytes(key, &[99; 32]).unwrap();
        check(&show(&thief, &credential, &showing(None)).unwrap(), Refusal::ProofBad);
    }
    check(&show(&holder(), &issued(&claims()), &showing(None)).unwrap(), Refusal::ProofUnexpected);
    let long = issued(&Claims { expires_s: Some(NOW + MAX_HELD_LIFE_S), ..held() });
    check(&show(&holder(), &long, &showing(None)).unwrap(), Refusal::LivesTooLong);
}

#[test]
fn a_proof_is_short_and_used_once() {
    let credential = issued(&held());
    let shown = |showing: &Showing| show(&holder(), &credential, showing).unwrap();
    check(&shown(&Showing { expires_s: NOW + 61, ..showing(None) }), Refusal::LivesTooLong);
    let text = shown(&showing(None));
    assert_eq!(ask_at(&text, &PLACE, &moment(NOW + 34)).err(), Some(Refusal::Expired));
    assert_eq!(ask_at(&text, &PLACE, &moment(NOW - 31)).err(), Some(Refusal::FromTheFuture));
    let mut used = UsedCodes::default();
    used.insert(ask(&text).unwrap().code.unwrap());
    assert_eq!(verify(&text, &trust(), &used, &PLACE, &moment(NOW)), Err(Refusal::Replayed));
    let next = shown(&Showing { cti: Cti::new(&[7; 12]).unwrap(), ..showing(None) });
    assert!(verify(&next, &trust(), &used, &PLACE, &moment(NOW)).is_ok());
}

#[test]
fn our_nonce_needs_no_clock_and_another_one_is_nothing() {
    let nonce = Some(Nonce { bytes: [4; 16], drawn: seconds(3_950) });
    let open = Place { old_denylist: OldDenylist::Open, ..PLACE };
    let shown = |answer: [u8; 16]| {
        // The telephone's clock is wrong by a year.
        let showing = Showing { issued_s: NOW + 31_536_000, expires_s: 0, ..showing(Some(answer)) };
        show(&holder(), &issued(&held()), &showing).unwrap()
    };
    for moment in [moment(NOW), in_doubt()] {
        let asked = |text: &str, nonce: Option<Nonce>| ask_at(text, &open, &Moment { nonce, ..moment });
        assert_eq!(asked(&shown([4; 16]), nonce).unwrap().proof, Proof::Fresh);
        assert_eq!(asked(&shown([5; 16]), nonce), Err(Refusal::NonceNotOurs));
        assert_eq!(asked(&shown([4; 16]), None), Err(Refusal::NonceNotOurs));
        let late = Some(Nonce { bytes: [4; 16], drawn: seconds(3_939) });
        assert_eq!(asked(&shown([4; 16]), late), Err(Refusal::NonceNotOurs));
    }
}

#[test]
fn with_the_clock_in_doubt_a_code_needs_our_nonce_or_a_face() {
    let open = Place { old_denylist: OldDenylist::Open, ..PLACE };
    let person = PersonId([3; 16]);
    let bound = Claims { binding: Some(binding_of(person)), ..claims() };
    assert_eq!(ask_at(&issued(&claims()), &open, &in_doubt()), Err(Refusal::ClockInDoubt));
    let proof = show(&holder(), &issued(&held()), &showing(None)).unwrap();
    assert_eq!(ask_at(&proof, &open, &in_doubt()), Err(Refusal::ClockInDoubt));
    let verified = ask_at(&issued(&bound), &open, &in_doubt()).unwrap();
    assert_eq!((verified.proof, verified.face_required), (Proof::Shown, true));
    // Nobody knows how old the denylist is.
    assert_eq!(ask_at(&issued(&bound), &PLACE, &in_doubt()), Err(Refusal::DenylistOld));
    // What the registry signed later than its end makes even that one over.
    let signed = SignedTime { unix_s: NOW + 100, uncertainty_s: 0, heard: seconds(0), asked: None };
    let later = Moment { signed: Some(signed), ..in_doubt() };
    assert_eq!(ask_at(&issued(&bound), &open, &later), Err(Refusal::Expired));
}

#[test]
fn after_a_start_only_what_was_issued_since_counts() {
    let text = issued(&claims());
    let started = |ago: u64| Moment { started: seconds(4_000 - ago), ..moment(NOW + 20) };
    assert_eq!(ask_at(&text, &PLACE, &started(10)), Err(Refusal::IssuedBeforeStart));
    assert!(ask_at(&text, &PLACE, &started(30)).is_ok());
    let proof = show(&holder(), &issued(&held()), &showing(None)).unwrap();
    assert_eq!(ask_at(&proof, &PLACE, &started(10)), Err(Refusal::IssuedBeforeStart));
    assert!(ask_at(&issued(&shelter_card()), &PLACE, &started(10)).is_ok());
}

#[test]
fn a_shelter_card_counts_in_a_shelter_and_elsewhere_only_with_a_face() {
    let text = issued(&shelter_card());
    let shelter = Place { shelter: true, ..PLACE };
    let at = |place: &Place<'_>| ask_at(&text, place, &moment(NOW)).unwrap();
    assert_eq!((at(&shelter).face_required, at(&PLACE).face_required), (false, true));
    assert_eq!((at(&shelter).proof, at(&shelter).code), (Proof::Shown, None));
    let over = issued(&Claims { expires_s: Some(NOW - 86_400), ..shelter_card() });
    check(&over, Refusal::Expired);
}

#[test]
fn a_bound_code_is_a_claim_of_that_enrolment_and_of_no_other() {
    let (bound, other) = (PersonId([3; 16]), PersonId([4; 16]));
    let verified = ask(&issued(&Claims { binding: Some(binding_of(bound)), ..claims() })).unwrap();
    assert!(verified.face_required);
    let claim =
        Claim::Of { person: bound, kind: CredentialKind::Qr, proof: Proof::Fresh, face_required: true };
    assert_eq!(verified.claim(Some(bound)), Ok(claim));
    assert_eq!(verified.claim(Some(other)), Err(Refusal::BoundToAnother));
    assert_eq!(verified.claim(None), Ok(Claim::Unknown(CredentialKind::Qr)));
}

#[test]
fn no_debug_shows_whom_a_code_is_about() {
    let claims = Claims { subject: Subject::new(b"SUBJECT-01").unwrap(), ..claims() };
    let verified = ask(&issued(&claims)).unwrap();
    for text in [format!("{claims:?}"), format!("{verified:?}")] {
        assert!(!text.contains("83, 85, 66") && !text.contains("SUBJECT"), "{text}");
        assert!(!text.contains("[9, 9"), "{text}");
    }
}

#[test]
fn explaining_shows_every_part_and_names_the_step_that_refuses() {
    let (parts, refused) = explain(&issue(&ed25519(), &claims()), &Trust::default());
    assert_eq!(refused, Some(Refusal::KeyUnknown));
    assert!(parts.iter().any(|part| part.name == "subject" && part.value == "05050505050505050505"));
    let (parts, refused) = explain(&show(&holder(), &issued(&held()), &showing(None)).unwrap(), &trust());
    assert!(refused.is_none() && parts.iter().any(|part| part.name == "proof nonce"));
    assert_eq!(explain("FG1:x", &trust()).1, Some(Refusal::NotBase45));
}

#[test]
fn every_single_bit_matters() {
    for text in [
        issued(&claims()),
        issue(&p256(), &claims()),
        show(&holder(), &issued(&held()), &showing(None)).unwrap(),
    ] {
        let (prefix, bytes) = (&text[..4], cose_bytes(&text).unwrap());
        for bit in 0..bytes.len() * 8 {
            let mut bytes = bytes.clone();
            bytes[bit / 8] ^= 1 << (bit % 8);
            let flipped = format!("{prefix}{}", base45::encode(&bytes));
            assert!(ask(&flipped).is_err(), "{prefix} bit {bit}");
        }
    }
}

proptest! {
    #[test]
    fn whatever_is_shown_gets_an_answer(text in "(FG[12]:)?[0-9A-Z $%*+./:-]{0,300}") {
        prop_assert!(ask(&text).is_err());
        let _ = explain(&text, &trust());
    }

    #[test]
    fn whatever_bytes_are_shown_get_an_answer(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let text = format!("FG2:{}", base45::encode(&[&[0xD2, 0x84][..], &bytes].concat()));
        prop_assert!(ask(&text).is_err());
    }
}

//! A registry and an issuer whose keys the fuzzer has: so it writes signed codes with whatever inside.

use std::sync::OnceLock;

use credentials::{
    Algorithm, Claims, Cti, FEED, KINDS, Kind, Moment, Nonce, OldDenylist, Place, PublicKey, SecretKey,
    Showing, Subject, Trust, base45, issue, show,
};
use ed25519_dalek::{Signer as _, SigningKey};
use gate::{Monotonic, Now, Wall};
use ledger::{
    AuthorKey, Body, Clock, KeyId, Open, Record, RunId, RunWriter, Seal, SignedRecord, Value, Why, paginate,
};

/// The time at which everything happens, in seconds since 1970.
pub const NOW_S: i64 = 1_790_000_000;
/// The issuer of all codes.
pub const ISSUER: &str = "fuzz";
/// The site.
pub const SITE: &str = "site";
/// What the kiosk shows.
pub const NONCE: [u8; 16] = [3; 16];

const CLOCK: Clock = Clock { boot: [0; 16], uptime_ms: 0, wall_ms: None, uncertainty_s: 0 };

/// Keys, and what a kiosk knows of them.
pub struct World {
    /// Signs credentials.
    pub issuer: SigningKey,
    /// Signs proofs.
    pub holder: SigningKey,
    /// With the issuer's key and a fresh denylist.
    pub trust: Trust,
    /// The same after the issuer's key was revoked.
    pub revoked: Trust,
    /// Good codes: by itself, for ever, with a holder's proof by the clock and by the nonce.
    pub genuine: Vec<String>,
}

impl World {
    /// The one world.
    pub fn shared() -> &'static Self {
        static WORLD: OnceLock<World> = OnceLock::new();
        WORLD.get_or_init(Self::new)
    }

    fn new() -> Self {
        let (issuer, holder) = (SigningKey::from_bytes(&[7; 32]), SigningKey::from_bytes(&[8; 32]));
        let key = secret(&issuer).public();
        let (mut writer, _) = feed();
        let mut trust = Trust::default();
        let mut state = |trust: &mut Trust, kind: &str, fields: Vec<(&str, Value)>| {
            let record = append(&mut writer, kind, named(fields)).expect("a small record is written");
            let record = Record::parse(&record.bytes).expect("what was written reads");
            trust.apply(&record).expect("what was stated applies");
        };
        let version = |number| ("version", Value::Int(number));
        let added = vec![version(1), ("key", Value::bytes(key.to_bytes())), ("issuer", Value::text(ISSUER))];
        state(&mut trust, "IssuerAdded", added);
        let denied = Value::Array(vec![Value::bytes([1; 16])]);
        state(
            &mut trust,
            "Denylist",
            vec![version(2), ("stated_s", Value::Int(NOW_S - 60)), ("denied", denied)],
        );
        let mut revoked = trust.clone();
        state(&mut revoked, "IssuerRevoked", vec![version(3), ("kid", Value::bytes(key.kid().0))]);
        let genuine = genuine(&issuer, &holder);
        Self { issuer, holder, trust, revoked, genuine }
    }

    /// A code of the issuer around these bytes, which need not be CBOR.
    #[must_use]
    pub fn credential(&self, payload: &[u8]) -> Vec<u8> {
        sign1(&self.issuer, true, payload)
    }

    /// A holder's proof around these bytes.
    #[must_use]
    pub fn proof(&self, payload: &[u8]) -> Vec<u8> {
        sign1(&self.holder, false, payload)
    }

    /// The key of the holder, as a claim has it.
    #[must_use]
    pub fn holder_key(&self) -> PublicKey {
        secret(&self.holder).public()
    }
}

fn secret(key: &SigningKey) -> SecretKey {
    SecretKey::from_bytes(Algorithm::EdDsa, &key.to_bytes()).expect("every 32 bytes are a key")
}

/// COSE_Sign1, written here a second time, so that its payload may be anything.
fn sign1(key: &SigningKey, with_kid: bool, payload: &[u8]) -> Vec<u8> {
    const SMALL: &str = "an input is below the limits";
    let mut header = vec![(Value::Int(1), Value::Int(-8))];
    if with_kid {
        header.push((Value::Int(4), Value::bytes(secret(key).public().kid().0)));
    }
    let protected = Value::Map(header).encode().expect(SMALL);
    let signed = vec![
        Value::text("Signature1"),
        Value::bytes(&protected[..]),
        Value::bytes([]),
        Value::bytes(payload),
    ];
    let signature = key.sign(&Value::Array(signed).encode().expect(SMALL)).to_bytes();
    let parts =
        vec![Value::Bytes(protected), Value::Map(vec![]), Value::bytes(payload), Value::bytes(signature)];
    [&[0xD2][..], &Value::Array(parts).encode().expect(SMALL)].concat()
}

/// The text around COSE bytes.
#[must_use]
pub fn text(with_proof: bool, cose: &[u8]) -> String {
    format!("{}{}", if with_proof { "FG2:" } else { "FG1:" }, base45::encode(cose))
}

/// The payload of a message that is well formed.
#[must_use]
pub fn payload(cose: &[u8]) -> Vec<u8> {
    let outer = Value::decode(&cose[1..]).expect("a genuine code reads");
    outer.as_array().and_then(|parts| parts[2].as_bytes()).expect("a genuine code has a payload").to_vec()
}

/// Where codes are shown.
#[must_use]
pub fn place(old_denylist: OldDenylist, shelter: bool) -> Place<'static> {
    Place { site: SITE, zone: 0, old_denylist, shelter }
}

/// When: with a clock or without one, an hour after the start.
#[must_use]
pub fn moment(clock: bool) -> Moment {
    let mono = Monotonic::from_micros(3_600_000_000);
    let wall = clock.then_some(Wall { unix_ms: NOW_S * 1_000, uncertainty_s: 1 });
    let nonce = Some(Nonce { bytes: NONCE, drawn: mono });
    Moment { now: Now { mono, wall }, started: Monotonic::from_micros(0), signed: None, nonce }
}

fn genuine(issuer: &SigningKey, holder: &SigningKey) -> Vec<String> {
    let name = |byte| Cti::new(&[byte; 8]).expect("8 bytes are a name");
    let alone = Claims {
        issuer: ISSUER.to_owned(),
        site: Some(SITE.to_owned()),
        expires_s: Some(NOW_S + 60),
        not_before_s: Some(NOW_S - 5),
        issued_s: NOW_S - 10,
        cti: name(1),
        holder: None,
        subject: Subject::new(&[9; 8]).expect("8 bytes are a subject"),
        zones: Some(3),
        kind: Kind::Member,
        binding: Some([5; 32]),
    };
    let shelter =
        Claims { expires_s: None, not_before_s: None, kind: Kind::Shelter, site: None, ..alone.clone() };
    let held = Claims { holder: Some(secret(holder).public()), binding: None, ..alone.clone() };
    let (issuer, holder) = (secret(issuer), secret(holder));
    let credential = issue(&issuer, &held);
    let showing = |nonce| Showing { issued_s: NOW_S - 2, expires_s: NOW_S + 28, cti: name(2), nonce };
    let shown =
        |nonce| show(&holder, &credential, &showing(nonce)).expect("an issued credential can be shown");
    vec![issue(&issuer, &alone), issue(&issuer, &shelter), shown(None), shown(Some(NONCE))]
}

/// The registry's key.
#[must_use]
pub fn registry() -> AuthorKey {
    AuthorKey::from_bytes([6; 32])
}

/// A control feed with nothing but its beginning.
#[must_use]
pub fn feed() -> (RunWriter, SignedRecord) {
    static FEED_BEGUN: OnceLock<(RunWriter, SignedRecord)> = OnceLock::new();
    FEED_BEGUN.get_or_init(begun).clone()
}

fn begun() -> (RunWriter, SignedRecord) {
    let author = registry().id();
    let open = Open {
        author,
        key: KeyId([1; 16]),
        feed: FEED.to_owned(),
        why: Why::Start,
        priors: vec![],
        version: KINDS,
    };
    RunWriter::open(&registry(), RunId([2; 16]), &open, CLOCK, Seal::Plain).expect("a run opens")
}

/// The next record of a feed; none if these fields are no record.
pub fn append(feed: &mut RunWriter, kind: &str, fields: Vec<(String, Value)>) -> Option<SignedRecord> {
    let body = Body { kind: kind.to_owned(), clock: CLOCK, fields, personal: None };
    feed.append(&registry(), &body, &[], Seal::Plain).ok()
}

/// The fields of a denylist.
#[must_use]
pub fn denylist() -> Vec<(String, Value)> {
    let denied = Value::Array(vec![Value::bytes([1; 16])]);
    named(vec![("version", Value::Int(1)), ("stated_s", Value::Int(5)), ("denied", denied)])
}

/// The only page in the corpus that the registry signed: a beginning and a denylist.
#[must_use]
pub fn genuine_page() -> Vec<u8> {
    let (mut writer, open) = feed();
    let record = append(&mut writer, "Denylist", denylist()).expect("a small record is written");
    paginate(&[open, record])[0].encode().expect("a small page is written")
}

fn named(fields: Vec<(&str, Value)>) -> Vec<(String, Value)> {
    fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

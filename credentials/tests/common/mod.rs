//! A registry and a kiosk that the tests talk about.
#![allow(dead_code, clippy::unwrap_used, missing_docs, unreachable_pub)]

use credentials::*;
use gate::{Monotonic, Now, Wall};
use ledger::{AuthorKey, Body, Clock, KeyId, Open, RunId, RunWriter, Seal, SignedRecord, Why, paginate};

pub const NOW: i64 = 1_800_000_000;
pub const ISSUER: &str = "見本市";
pub const SITE: &str = "見本体育館";

pub fn author() -> AuthorKey {
    AuthorKey::from_bytes([7; 32])
}

pub fn ed25519() -> SecretKey {
    SecretKey::from_bytes(Algorithm::EdDsa, &[1; 32]).unwrap()
}

pub fn p256() -> SecretKey {
    SecretKey::from_bytes(Algorithm::Es256, &[2; 32]).unwrap()
}

pub fn holder() -> SecretKey {
    SecretKey::from_bytes(Algorithm::Es256, &[3; 32]).unwrap()
}

pub fn added(version: u64, key: &SecretKey, issuer: &str) -> Statement {
    Statement::IssuerAdded { version, key: key.public(), issuer: issuer.to_owned() }
}

pub fn denylist(version: u64, stated_s: i64, denied: Vec<Denial>) -> Statement {
    Statement::Denylist { version, stated_s, denied }
}

pub fn body(kind: &str, fields: Vec<(String, ledger::Value)>) -> Body {
    let clock = Clock { boot: [0; 16], uptime_ms: 1, wall_ms: None, uncertainty_s: 0 };
    Body { kind: kind.to_owned(), clock, fields, personal: None }
}

/// One run of a feed: its Open and these bodies.
pub fn run(author: &AuthorKey, name: u8, feed: &str, bodies: &[Body]) -> Vec<SignedRecord> {
    let open = Open {
        author: author.id(),
        key: KeyId([0; 16]),
        feed: feed.to_owned(),
        why: Why::Start,
        priors: vec![],
        version: KINDS,
    };
    let clock = Clock { boot: [0; 16], uptime_ms: 1, wall_ms: None, uncertainty_s: 0 };
    let (mut writer, first) = RunWriter::open(author, RunId([name; 16]), &open, clock, Seal::Plain).unwrap();
    let mut records = vec![first];
    records.extend(bodies.iter().map(|body| writer.append(author, body, &[], Seal::Plain).unwrap()));
    records
}

pub fn pages(name: u8, statements: &[Statement]) -> Vec<Vec<u8>> {
    let bodies: Vec<Body> = statements
        .iter()
        .map(|one| {
            let (kind, fields) = one.to_fields();
            body(kind, fields)
        })
        .collect();
    paginate(&run(&author(), name, FEED, &bodies)).iter().map(|page| page.encode().unwrap()).collect()
}

pub fn control(statements: &[Statement]) -> Control {
    let mut control = Control::new(author().id());
    for page in pages(1, statements) {
        control.push(&page).unwrap();
    }
    control
}

/// Both keys, and an empty denylist of a minute ago.
pub fn trust() -> Trust {
    let statements = [added(1, &ed25519(), ISSUER), added(2, &p256(), ISSUER), denylist(3, NOW - 60, vec![])];
    control(&statements).trust().clone()
}

pub fn claims() -> Claims {
    Claims {
        issuer: ISSUER.to_owned(),
        site: Some(SITE.to_owned()),
        expires_s: Some(NOW + 60),
        not_before_s: None,
        issued_s: NOW,
        cti: Cti::new(&[9; 12]).unwrap(),
        holder: None,
        subject: Subject::new(&[5; 10]).unwrap(),
        zones: None,
        kind: Kind::Member,
        binding: None,
    }
}

pub fn shelter_card() -> Claims {
    Claims { kind: Kind::Shelter, expires_s: None, issued_s: NOW - 90 * 86_400, ..claims() }
}

/// For a telephone that proves it.
pub fn held() -> Claims {
    Claims {
        holder: Some(holder().public()),
        expires_s: Some(NOW + 30 * 86_400),
        issued_s: NOW - 86_400,
        ..claims()
    }
}

pub fn showing(nonce: Option<[u8; 16]>) -> Showing {
    Showing { issued_s: NOW, expires_s: NOW + 30, cti: Cti::new(&[8; 12]).unwrap(), nonce }
}

pub const PLACE: Place<'_> = Place { site: SITE, zone: 0, old_denylist: OldDenylist::Closed, shelter: false };

pub fn seconds(seconds: u64) -> Monotonic {
    Monotonic::from_micros(seconds * 1_000_000)
}

/// An hour after the start, by a good clock.
pub fn moment(unix_s: i64) -> Moment {
    let wall = Some(Wall { unix_ms: unix_s * 1000, uncertainty_s: 1 });
    let now = Now { mono: seconds(4_000), wall };
    Moment { now, started: seconds(400), signed: None, nonce: None }
}

pub fn in_doubt() -> Moment {
    let Moment { now, .. } = moment(NOW);
    Moment { now: Now { wall: None, ..now }, ..moment(NOW) }
}

pub fn ask_at(text: &str, place: &Place<'_>, moment: &Moment) -> Result<Verified, Refusal> {
    verify(text, &trust(), &UsedCodes::default(), place, moment)
}

pub fn ask(text: &str) -> Result<Verified, Refusal> {
    ask_at(text, &PLACE, &moment(NOW))
}

//! Claims: what a credential says (a CWT, RFC 8392), and what a holder's proof says. Each has one closed form: a claim that
//! is not known here is refused, because it might take something back.
//!
//! | key | claim | form |
//! |---|---|---|
//! | 1 | iss | text: who issued it; must own the key |
//! | 3 | aud | text: the site; absent: every site |
//! | 4 | exp | seconds since 1970; only kind 4 may have none |
//! | 5 | nbf | seconds since 1970, optional |
//! | 6 | iat | seconds since 1970 |
//! | 7 | cti | 8 to 16 random bytes: names this credential |
//! | 8 | cnf | `{1: COSE_Key}` of the holder (RFC 8747); then only a holder's proof shows it |
//! | -70001 | subject | 8 to 10 bytes, random for each site: a handle, never a name or number |
//! | -70002 | zones | bits: zone n is bit n, 0 to 62; absent: zone 0 alone |
//! | -70003 | kind | 1 member, 2 visitor, 3 staff, 4 shelter |
//! | -70004 | binding | SHA-256 of the enrolment: then that face is required, 1:1 |
//!
//! A holder's proof has `4: exp`, `6: iat`, `7: cti`, `-70010: the credential` and, two-way, `10: the kiosk's nonce`.

use std::fmt;

use gate::PersonId;
use ledger::Value;
use sha2::{Digest, Sha256};

use crate::{PublicKey, Refusal};

const ISS: i64 = 1;
const AUD: i64 = 3;
const EXP: i64 = 4;
const NBF: i64 = 5;
const IAT: i64 = 6;
const CTI: i64 = 7;
const CNF: i64 = 8;
const NONCE: i64 = 10;
const SUBJECT: i64 = -70001;
const ZONES: i64 = -70002;
const KIND: i64 = -70003;
const BINDING: i64 = -70004;
const CREDENTIAL: i64 = -70010;

/// Characters (UTF-8 bytes) of an issuer's or a site's name.
pub const MAX_NAME: usize = 64;

/// Whom a credential is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// Somebody who is registered.
    Member,
    /// Somebody who comes for a day.
    Visitor,
    /// Somebody who works here.
    Staff,
    /// A printed card or wristband for evacuees: it stays valid, so whoever photographs it can show it too.
    Shelter,
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Member, Self::Visitor, Self::Staff, Self::Shelter];

    /// Its number in the claim.
    #[must_use]
    pub fn number(self) -> i64 {
        match self {
            Self::Member => 1,
            Self::Visitor => 2,
            Self::Staff => 3,
            Self::Shelter => 4,
        }
    }

    /// Its name in records and commands.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Member => "member",
            Self::Visitor => "visitor",
            Self::Staff => "staff",
            Self::Shelter => "shelter",
        }
    }
}

/// An opaque, pairwise name of a subject: 8 to 10 bytes. `Debug` hides it.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Subject(Vec<u8>);

impl Subject {
    /// Takes 8 to 10 bytes; none for another length.
    #[must_use]
    pub fn new(bytes: &[u8]) -> Option<Self> {
        (8..=10).contains(&bytes.len()).then(|| Self(bytes.to_vec()))
    }

    /// The bytes: what a store looks its owner up by.
    #[must_use]
    pub fn expose(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for Subject {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Subject(hidden)")
    }
}

/// What a credential says. `Debug` hides whom it is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claims {
    /// Who issued it.
    pub issuer: String,
    /// The site that it is for; none: every site of the issuer.
    pub site: Option<String>,
    /// Seconds since 1970 after which it is over.
    pub expires_s: Option<i64>,
    /// Seconds since 1970 before which it does not count.
    pub not_before_s: Option<i64>,
    /// Seconds since 1970 when it was issued.
    pub issued_s: i64,
    /// The name of this credential.
    pub cti: Cti,
    /// The key of the holder, whose proof is required then.
    pub holder: Option<PublicKey>,
    /// Whom it is about.
    pub subject: Subject,
    /// The zones that it opens, as bits; none: zone 0.
    pub zones: Option<u64>,
    /// Whom it is for.
    pub kind: Kind,
    /// The enrolment whose face is required, see [`binding_of`].
    pub binding: Option<[u8; 32]>,
}

/// The name of one credential or proof: 8 to 16 random bytes. `Debug` hides it, because it links visits.
#[derive(Clone, PartialEq, Eq)]
pub struct Cti(Vec<u8>);

impl Cti {
    /// Takes 8 to 16 bytes; none for another length.
    #[must_use]
    pub fn new(bytes: &[u8]) -> Option<Self> {
        (8..=16).contains(&bytes.len()).then(|| Self(bytes.to_vec()))
    }

    /// The bytes.
    #[must_use]
    pub fn expose(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for Cti {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Cti(hidden)")
    }
}

/// What a holder's proof says.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct HolderProof {
    pub(crate) expires_s: i64,
    pub(crate) issued_s: i64,
    pub(crate) cti: Cti,
    pub(crate) nonce: Option<Vec<u8>>,
    pub(crate) credential: Vec<u8>,
}

/// What the claim `binding` holds for an enrolment: SHA-256 over `"genkan enrolment 1\0"` and the enrolee's 16 bytes.
#[must_use]
pub fn binding_of(person: PersonId) -> [u8; 32] {
    Sha256::new().chain_update(b"genkan enrolment 1\0").chain_update(person.0).finalize().into()
}

impl Claims {
    pub(crate) fn to_value(&self) -> Value {
        let optional = [
            (AUD, self.site.as_ref().map(Value::text)),
            (EXP, self.expires_s.map(Value::Int)),
            (NBF, self.not_before_s.map(Value::Int)),
            (CNF, self.holder.as_ref().map(|key| Value::Map(vec![(Value::Int(1), cose_key(key))]))),
            (ZONES, self.zones.map(|zones| Value::Int((zones & i64::MAX as u64) as i64))),
            (BINDING, self.binding.map(Value::bytes)),
        ];
        let mut entries = vec![
            (ISS, Value::text(&self.issuer)),
            (IAT, Value::Int(self.issued_s)),
            (CTI, Value::bytes(self.cti.expose())),
            (SUBJECT, Value::bytes(self.subject.expose())),
            (KIND, Value::Int(self.kind.number())),
        ];
        entries.extend(optional.into_iter().filter_map(|(key, value)| Some((key, value?))));
        map(entries)
    }

    pub(crate) fn read(value: &Value) -> Result<Self, Refusal> {
        let mut claims = Entries::of(value)?;
        let read = Self {
            issuer: claims.needed(ISS, name)?,
            site: claims.optional(AUD, name)?,
            expires_s: claims.optional(EXP, time)?,
            not_before_s: claims.optional(NBF, time)?,
            issued_s: claims.needed(IAT, time)?,
            cti: claims.needed(CTI, |value| Cti::new(value.as_bytes()?))?,
            holder: claims.optional(CNF, read_cnf)?,
            subject: claims.needed(SUBJECT, |value| Subject::new(value.as_bytes()?))?,
            zones: claims.optional(ZONES, |value| value.as_int()?.try_into().ok())?,
            kind: claims.needed(KIND, |value| {
                Kind::ALL.into_iter().find(|kind| value.as_int() == Some(kind.number()))
            })?,
            binding: claims.optional(BINDING, Value::as_array_of)?,
        };
        claims.end()?;
        Ok(read)
    }
}

impl HolderProof {
    pub(crate) fn to_value(&self) -> Value {
        let mut entries = vec![
            (EXP, Value::Int(self.expires_s)),
            (IAT, Value::Int(self.issued_s)),
            (CTI, Value::bytes(self.cti.expose())),
            (CREDENTIAL, Value::bytes(&self.credential[..])),
        ];
        entries.extend(self.nonce.as_ref().map(|nonce| (NONCE, Value::bytes(&nonce[..]))));
        map(entries)
    }

    pub(crate) fn read(value: &Value) -> Result<Self, Refusal> {
        let mut claims = Entries::of(value)?;
        let bytes = |value: &Value| value.as_bytes().map(<[u8]>::to_vec);
        let read = Self {
            expires_s: claims.needed(EXP, time)?,
            issued_s: claims.needed(IAT, time)?,
            cti: claims.needed(CTI, |value| Cti::new(value.as_bytes()?))?,
            nonce: claims.optional(NONCE, bytes)?,
            credential: claims.needed(CREDENTIAL, bytes)?,
        };
        claims.end()?;
        Ok(read)
    }
}

fn map(entries: Vec<(i64, Value)>) -> Value {
    Value::Map(entries.into_iter().map(|(key, value)| (Value::Int(key), value)).collect())
}

/// The entries of a map that have not been read yet.
struct Entries<'a>(Vec<(i64, &'a Value)>);

impl<'a> Entries<'a> {
    fn of(value: &'a Value) -> Result<Self, Refusal> {
        let Value::Map(entries) = value else { return Err(Refusal::ClaimsMalformed) };
        let entries = entries.iter().map(|(key, value)| Some((key.as_int()?, value)));
        entries.collect::<Option<_>>().map(Self).ok_or(Refusal::ClaimUnknown)
    }

    fn optional<T>(
        &mut self,
        key: i64,
        read: impl FnOnce(&Value) -> Option<T>,
    ) -> Result<Option<T>, Refusal> {
        let Some(place) = self.0.iter().position(|entry| entry.0 == key) else { return Ok(None) };
        let (_, value) = self.0.swap_remove(place);
        read(value).map(Some).ok_or(Refusal::ClaimsMalformed)
    }

    fn needed<T>(&mut self, key: i64, read: impl FnOnce(&Value) -> Option<T>) -> Result<T, Refusal> {
        self.optional(key, read)?.ok_or(Refusal::ClaimsMalformed)
    }

    fn end(self) -> Result<(), Refusal> {
        if self.0.is_empty() { Ok(()) } else { Err(Refusal::ClaimUnknown) }
    }
}

fn name(value: &Value) -> Option<String> {
    value.as_text().filter(|text| (1..=MAX_NAME).contains(&text.len())).map(str::to_owned)
}

/// Seconds from 1970 to the year 9999: sums with them cannot overflow.
fn time(value: &Value) -> Option<i64> {
    value.as_int().filter(|seconds| (0..=253_402_300_799).contains(seconds))
}

/// `{1: kty, -1: crv, -2: x[, -3: y]}`: OKP with Ed25519, or EC2 with P-256.
fn cose_key(key: &PublicKey) -> Value {
    match key {
        PublicKey::EdDsa(key) => {
            map(vec![(1, Value::Int(1)), (-1, Value::Int(6)), (-2, Value::bytes(*key.as_bytes()))])
        }
        PublicKey::Es256(key) => {
            let point = key.to_sec1_point(false);
            let (x, y) = point.as_bytes()[1..].split_at(32);
            map(vec![(1, Value::Int(2)), (-1, Value::Int(1)), (-2, Value::bytes(x)), (-3, Value::bytes(y))])
        }
    }
}

fn read_cnf(value: &Value) -> Option<PublicKey> {
    let mut cnf = Entries::of(value).ok()?;
    let key = cnf.needed(1, read_cose_key).ok()?;
    cnf.end().ok()?;
    Some(key)
}

fn read_cose_key(value: &Value) -> Option<PublicKey> {
    let mut parts = Entries::of(value).ok()?;
    let kind = (parts.needed(1, Value::as_int).ok()?, parts.needed(-1, Value::as_int).ok()?);
    let x = parts.needed(-2, Value::as_array_of::<32>).ok()?;
    let y = parts.optional(-3, Value::as_array_of::<32>).ok()?;
    parts.end().ok()?;
    match (kind, y) {
        ((1, 6), None) => PublicKey::ed25519(&x),
        ((2, 1), Some(y)) => PublicKey::p256(&[&[4][..], &x, &y].concat()),
        _ => None,
    }
}

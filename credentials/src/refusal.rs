//! Why a code was refused: a closed list. The record has the constant [`Refusal::name`]; the person who showed the code
//! hears one sentence for all of them, so that nobody learns by trying.

use thiserror::Error;

/// What whoever showed the code is told, whatever the reason: Japanese, easy Japanese, English.
pub const VISITOR_TEXT: [&str; 3] = [
    "このコードでは受付できません。係員にお声がけください。",
    "この コードは つかえません。かかりの ひとに きいて ください。",
    "This code cannot be used here. Please ask the staff.",
];

macro_rules! refusals {
    ($($(#[doc = $doc:literal])+ $variant:ident = $name:literal, $message:literal;)+) => {
        /// Why a code was refused, in the order in which it is asked.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Error)]
        pub enum Refusal {
            $($(#[doc = $doc])+ #[error($message)] $variant,)+
        }

        impl Refusal {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$variant),+];

            /// Its constant name, for records.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)+
                }
            }
        }
    };
}

refusals! {
    /// More characters than any of ours has.
    TooLong = "too-long", "the code has more than 1,024 characters; it is none of ours";
    /// It begins with neither `FG1:` nor `FG2:`.
    NotOurs = "not-ours", "the code begins with neither FG1: nor FG2:; it was made for something else";
    /// What follows the prefix is not Base45.
    NotBase45 = "not-base45", "what follows the prefix is not Base45; the code was read or copied wrongly";
    /// Not CBOR, or not in its deterministic form.
    NotDeterministic = "not-deterministic", "the code holds no deterministic CBOR (cut, indefinite, unsorted or a key twice); its issuer must write RFC 8949 4.2.1";
    /// Nested deeper than allowed.
    TooDeep = "too-deep", "the code nests deeper than 6 levels; it is none of ours";
    /// Not the one form of COSE_Sign1 that is read.
    NotSign1 = "not-sign1", "the code is no COSE_Sign1 with tag 18, alg and kid protected and nothing unprotected";
    /// No such key.
    KeyUnknown = "key-unknown", "no issuer's key has this name here; import a newer control file, or the code is by a stranger";
    /// The issuer's key was revoked.
    KeyRevoked = "key-revoked", "the issuer's key was revoked; the code must be issued anew";
    /// Neither EdDSA nor ES256.
    AlgorithmNotAllowed = "algorithm-not-allowed", "the code names another algorithm than EdDSA and ES256";
    /// Not the algorithm of this key.
    AlgorithmNotOfKey = "algorithm-not-of-key", "the code names an algorithm that its key is not for";
    /// The issuer did not sign this.
    BadSignature = "bad-signature", "the issuer did not sign this; the code was changed or made up";
    /// A claim is missing or of the wrong form.
    ClaimsMalformed = "claims-malformed", "a claim is missing or not of its form; the issuer must correct it";
    /// A claim that is not known here: it might take something back.
    ClaimUnknown = "claim-unknown", "the code has a claim that this version does not know; install a newer program, or issue without it";
    /// Signed by somebody else than it says.
    IssuerNotOfKey = "issuer-not-of-key", "the code says another issuer than the owner of its key";
    /// For another site.
    OtherSite = "other-site", "the code is for another site";
    /// A credential with a holder's key, shown without the holder's proof.
    ProofMissing = "proof-missing", "the code belongs to a telephone whose proof is missing; it is a copy";
    /// A holder's proof around a credential that has no holder's key.
    ProofUnexpected = "proof-unexpected", "the code carries a proof, and its credential names no holder's key";
    /// The proof is not by the holder's key.
    ProofBad = "proof-bad", "the proof is not by the holder's key";
    /// The proof answers another nonce than ours, or ours too late.
    NonceNotOurs = "nonce-not-ours", "the proof answers a nonce that is not shown here (any more); scan the new one";
    /// No end, or later than allowed after its beginning.
    LivesTooLong = "lives-too-long", "the code has no end, or one that is too far from its beginning; the issuer must shorten it";
    /// Over.
    Expired = "expired", "the code is over; make a new one";
    /// Issued later than now, or not to be used yet.
    FromTheFuture = "from-the-future", "the code is not valid yet; check this device's clock and the issuer's";
    /// Issued before this program started, so it may have been used before.
    IssuedBeforeStart = "issued-before-start", "the code was issued before the kiosk started; make a new one";
    /// Nobody can tell whether it still counts.
    ClockInDoubt = "clock-in-doubt", "the clock is in doubt, and the code has neither our nonce nor a face; set the clock, or use another way";
    /// Named by the denylist.
    Denied = "denied", "the denylist names this code or whom it is about";
    /// Shown before.
    Replayed = "replayed", "the code was used before; make a new one";
    /// So many codes are remembered that no more can be.
    MemoryFull = "memory-full", "as many used codes are remembered as may be; wait until some are over";
    /// Not for this door.
    ZoneNotGranted = "zone-not-granted", "the code does not open this zone";
    /// The denylist is old, and this zone is closed then.
    DenylistOld = "denylist-old", "the denylist is missing or older than allowed, and this zone is closed then; import a newer control file";
    /// Bound to another face than its owner's here.
    BoundToAnother = "bound-to-another", "the code is bound to another enrolment than its owner's here; issue it anew";
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn each_refusal_has_a_name_of_its_own() {
        let names: BTreeSet<_> = Refusal::ALL.iter().map(|one| one.name()).collect();
        assert_eq!(names.len(), Refusal::ALL.len());
    }
}

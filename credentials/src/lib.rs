//! Signed credentials in QR codes: issued, read, verified. Values and functions, no I/O: time, keys, what was used before
//! and random bytes come as arguments, nothing is logged, and no `Debug` shows whom a code is about.
//!
//! | module | what it holds |
//! |---|---|
//! | [`verify()`] | the verifier, in its fixed order |
//! | `refusal` | the closed list of refusals |
//! | `base45`, `cose`, `claims`, `key` | the forms, from the outside in |
//! | `clock` | what is known of the time, and when it is in doubt |
//! | `used` | codes that were used |
//! | `trust`, `control` | issuers' keys and denylist, from the registry's control feed |
//! | `files` | control file and voucher |
//! | `issue`, `explain` | making codes; telling why one does not work |

mod claims;
mod clock;
mod control;
mod cose;
mod explain;
mod files;
mod issue;
mod key;
mod refusal;
mod trust;
mod used;
mod verify;

pub use claims::{Claims, Cti, Kind, MAX_NAME, Subject, binding_of};
pub use clock::{MAX_UNCERTAINTY_S, SignedTime, Time, judge};
pub use control::{Control, FEED, KINDS, MAX_RECORDS, PageRefused, Taken};
pub use cose::MAX_DEPTH;
pub use explain::{Part, cose_bytes, explain};
pub use files::{FileRefused, MAX_CONTROL_FILE, Voucher, read_control, write_control};
pub use issue::{Showing, issue, show};
pub use key::{Algorithm, Kid, PublicKey, SecretKey};
pub use ledger::base45;
pub use refusal::{Refusal, VISITOR_TEXT};
pub use trust::{
    Denial, Issuer, MAX_DENIED, MAX_DENIED_IN_RECORD, MAX_ISSUERS, Statement, Trust, Unappliable,
};
pub use used::{CodeUse, MAX_USED, UsedCodes, Uses};
pub use verify::{
    DENYLIST_AGE_S, EXPIRY_SKEW_S, ISSUED_SKEW_S, MAX_HELD_LIFE_S, MAX_LIFE_S, MAX_PROOF_LIFE_S, MAX_TEXT,
    Moment, NONCE_LIFE_S, Nonce, OldDenylist, Place, Verified, verify,
};

//! The ledger: what replicas exchange, and what must hold before anything in it is believed.
//!
//! Authors write records into runs; a run is a hash chain and a Merkle tree at once; records travel in pages. This crate is
//! the pure part: it reads no file, no clock and no random numbers. Nonces, names of runs and keys come as arguments, and
//! what it returns is for others to store (`store`) and to carry (`sync-agent`, `registry`).
//!
//! | module | what it holds |
//! |---|---|
//! | `id` | names of runs, keys, groups, authors; leaves and roots |
//! | `value` | the one encoding: strict deterministic CBOR |
//! | `body`, `open` | what a record says; what the first record of a run says |
//! | `seal` | group keys, person keys, and what they close |
//! | `record` | `[header, body]` and its leaf |
//! | `sign` | the author's key and signature |
//! | `run` | [`RunWriter`], [`RunVerifier`] |
//! | `page` | how records travel |
//! | `tree` | RFC 6962 root, inclusion and consistency |
//! | `feed`, `kind` | feeds, and the authority table: which kind may stand where |
//! | `members`, `state` | who belongs; what all records say together |
//! | `keyring`, `wrap` | the keys of an epoch, and how a holder forgets |
//! | [`epochs`] | the registry's rules about them |
//! | `freshness`, `receipt` | how old what a kiosk knows may be; what the registry holds durably |
//! | `message`, `sync`, `line` | what replicas say to each other, what they do about it, and a run as it is held |
//! | `frames` | messages on a stream of bytes |
//! | `join`, [`base45`] | how a device comes to belong: voucher, request, answer |
//! | `suite` | the primitives with public keys as a port, for the simulator |
//! | `head`, `checkpoint` | what an author says outside of its runs about how far they go |
//!
//! The bytes are frozen by the vectors in `ledger/vectors`.
//!
//! A writer and a reader that trusts nobody between them:
//!
//! ```
//! use ledger::*;
//!
//! # fn main() -> Result<(), Error> {
//! let author = AuthorKey::from_bytes([7; 32]);
//! let clock = Clock { boot: [1; 16], uptime_ms: 5_000, wall_ms: None, uncertainty_s: 0 };
//! let open = Open {
//!     author: author.id(),
//!     key: KeyId([2; 16]),
//!     feed: "device/bulk".into(),
//!     why: Why::Start,
//!     priors: vec![],
//!     version: 1,
//! };
//! let (mut writer, first) = RunWriter::open(&author, RunId([3; 16]), &open, clock, Seal::Plain)?;
//! let decision = Body { kind: "Decision".into(), clock, fields: vec![("door".into(), Value::Int(1))], personal: None };
//! let second = writer.append(&author, &decision, &[], Seal::Plain)?;
//!
//! let mut verifier = RunVerifier::new(Some(author.id()));
//! for page in paginate(&[first, second]) {
//!     let page = Page::decode(&page.encode()?)?;
//!     verifier.push(&page)?;
//! }
//! assert_eq!(verifier.prior(), Some(writer.prior()));
//! # Ok(())
//! # }
//! ```

pub mod base45;
mod base64;
mod body;
mod checkpoint;
pub mod epochs;
mod error;
mod feed;
mod frames;
mod freshness;
mod head;
mod id;
mod join;
mod keyring;
mod kind;
mod line;
mod members;
mod message;
mod open;
mod page;
mod receipt;
mod record;
mod replica;
mod run;
mod seal;
mod sign;
mod state;
mod suite;
mod sync;
mod tree;
mod value;
mod wrap;

pub use body::{Body, Clock};
pub use checkpoint::{Checkpoint, MAX_NOTE};
pub use error::{Error, Place};
pub use feed::{Class, Feed};
pub use frames::{Frames, frame};
pub use freshness::{DRAW_EVERY_MS, FRESH_MS, Freshness, Grade, MAX_NONCES, STALE_MS};
pub use head::{Cursor, Head, SignedHead};
pub use id::{AuthorId, GroupId, KeyId, Leaf, Root, RunId};
pub use join::{JoinAnswer, JoinRequest, MAX_ANSWER, MAX_REQUEST, VOUCHER, Voucher};
pub use keyring::{Chain, KeyringError, MAX_WRAP_KEYS, Scope};
pub use kind::{KINDS, Kind};
pub use line::Line;
pub use members::{Members, Source, Standing};
pub use message::{Have, MAX_HAVE, MAX_MESSAGE, MAX_WANT, Message};
pub use open::{Open, Prior, Why};
pub use page::{MAX_PAGE, MAX_PAGE_RECORDS, Page, paginate};
pub use receipt::{Receipt, SignedReceipt};
pub use record::{Header, Record, RecordId, leaf_of};
pub use replica::{Command, Event, Fork, Peer, Role};
pub use run::{RunVerifier, RunWriter, SignedRecord};
pub use seal::{GroupKey, PersonKey, Personal, Seal};
pub use sign::{AuthorKey, verify_record_sig};
pub use state::{Known, Name, Quarantine, State, Version};
pub use suite::{Real, Signer, Suite};
pub use sync::{ASK_AGAIN_MS, MAX_AFTER_EXPULSION, MAX_FORKS, MAX_RUNS_PER_AUTHOR, Sync};
pub use tree::{
    CompactRange, consistency_proof, inclusion_proof, root_of, verify_consistency, verify_inclusion,
};
pub use value::{MAX_DEPTH, Value};
pub use wrap::{WrapPublic, WrapSecret};

/// The greatest size of a record in bytes.
pub const MAX_RECORD: usize = 64 * 1024;

//! The network road between an agent and a registry: sealed pages over MQTT 5 and mutual TLS. Agent and registry share
//! this crate, so both ends of the road say and check the same.
//!
//! What is a lie on this road costs nothing but a question asked again: the ledger's signatures decide what is true, a
//! certificate only names a pipe. So nothing here remembers anything over a disconnect, and an acknowledgement of the
//! broker means nothing.
//!
//! | module | what it holds |
//! |---|---|
//! | `topics` | the only place that knows how topics are spelt |
//! | `pad` | a message as a payload of one of a few sizes |
//! | `authority` | the registry's certificate authority: who may be on the road |
//! | `identity` | a key for TLS and its request for a certificate |
//! | `clock` | what time it is for a certificate, on a computer whose clock may be wrong |
//! | `tls` | both ends of TLS |
//! | `mqtt` | [`Road`]: a connection that comes back by itself |
//! | `broker` | the broker's configuration: who may say and hear what |
//! | `testing` | a real broker for tests (feature `testing`) |

pub mod authority;
pub mod broker;
pub mod clock;
pub mod identity;
pub mod mqtt;
pub mod pad;
#[cfg(feature = "testing")]
pub mod testing;
pub mod tls;
pub mod topics;

pub use authority::{Authority, Issued};
pub use clock::Clock;
pub use identity::Identity;
pub use mqtt::{Down, Road, RoadError, RoadEvent, Settings};
pub use topics::{Tenant, Topic};

//! A city on one machine, of real processes on loopback: a broker, a registry, kiosks with their agents, and roads between
//! them that can be cut.
//!
//! Everything is private to one [`City`]: free ports, a folder of its own, processes that end with it. Nothing here panics:
//! whatever does not come true is a [`Trouble`] that says what was awaited and how everybody was doing, for a test to fail
//! with and for the demonstration to end with.

mod broker;
mod chance;
mod postgres;
mod process;
mod road;
mod timeline;
mod trouble;

pub use broker::Broker;
pub use chance::Chance;
pub use postgres::Postgres;
pub use process::{Process, finished, free_port, json_lines};
pub use road::{Road, Traffic};
pub use timeline::{Happened, Timeline};
pub use trouble::{At, Trouble};

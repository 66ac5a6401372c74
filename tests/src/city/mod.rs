//! A city on one machine, of real processes on loopback: a broker, a registry, kiosks with their agents, and roads between
//! them that can be cut.
//!
//! Everything is private to one [`City`]: free ports, a folder of its own, processes that end with it. Nothing here panics:
//! whatever does not come true is a [`Trouble`] that says what was awaited and how everybody was doing, for a test to fail
//! with and for the demonstration to end with.

mod broker;
mod camera;
mod chance;
mod door;
pub mod judge;
mod mischief;
mod postgres;
mod process;
mod programs;
mod registry;
mod road;
pub mod rows;
pub mod search;
pub mod story;
pub mod thief;
mod timeline;
mod trouble;
pub mod vault;
mod whole;

pub use broker::Broker;
pub use camera::View;
pub use chance::Chance;
pub use door::{Decided, Door};
pub use mischief::Mischief;
pub use postgres::Postgres;
pub use process::{Process, finished, free_port, json_lines};
pub use programs::Programs;
pub use registry::{Identity, Registry};
pub use road::{Road, Traffic};
pub use timeline::{Happened, Shown, Timeline};
pub use trouble::{At, Trouble};
pub use whole::{City, FACILITY, Plan, TENANT, text_at};

use std::time::{Duration, Instant};

/// How long anything may take on a slow and busy machine before a city gives up.
pub const PATIENCE: Duration = Duration::from_secs(120);
/// How often somebody who waits looks again.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// Waits until something holds, at most [`PATIENCE`]; returns how long it took.
///
/// # Errors
/// [`Trouble::Waited`] with everybody's last word; whatever `holds` meets.
pub fn until(
    what: &str,
    everybody: impl Fn() -> String,
    mut holds: impl FnMut() -> Result<bool, Trouble>,
) -> Result<Duration, Trouble> {
    let started = Instant::now();
    while !holds()? {
        if started.elapsed() > PATIENCE {
            let (what, seconds) = (what.to_owned(), PATIENCE.as_secs());
            return Err(Trouble::Waited { what, seconds, everybody: everybody() });
        }
        std::thread::sleep(LOOK_EVERY);
    }
    Ok(started.elapsed())
}

//! Cards in software, for tests: command table, states and tries of the cards that people show.
//!
//! A [`Plan`] says what a card is and what goes wrong with it; an [`Emulator`] is that card. It is reached in the same
//! program through [`InProcess`], or through the real pcscd with [`vpcd`]. Everything on a card is made up: its authorities
//! are `O=JPKI-SELFMADE`, and where a real card has the individual number there is one that is not valid; the card counts
//! who touches it ([`Emulator::forbidden_reads`]).
//!
//! What no public source tells is a guess: the answers of a card without PINs and of phones. No real card was asked.

pub mod certificates;
mod emulator;
mod files;
mod in_process;
pub mod keys;
mod others;
mod plan;
mod tries;
pub mod vpcd;

pub use emulator::{Emulator, Reply};
pub use files::{Application, SHA256_INFO};
pub use in_process::InProcess;
pub use plan::{
    Damage, FORBIDDEN_NUMBER, HUGE_PHOTO, Kind, Mishap, OTHER_PHOTO, Plan, SAMPLE_PHOTO, SCENARIOS,
};

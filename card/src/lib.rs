//! The MyNumber card and the other cards that people show: commands, files, signatures.
//!
//! A card is reached through a [`Transport`]; nothing here opens a reader, reads a clock or draws a random number.

mod transport;

pub use transport::{Transport, TransportError};

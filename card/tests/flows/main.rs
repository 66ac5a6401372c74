//! The flows against a card in memory: what is said to it byte by byte, what each kind of card leads to, what hostile answers do.
#![allow(clippy::unwrap_used, clippy::wildcard_enum_match_arm)]

mod face;
mod forbidden;
mod hostile;
mod identify;
mod jpki;
mod mini;

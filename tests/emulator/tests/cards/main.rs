//! A hundred cards of all kinds, and each accident at each command: every flow ends with a name and within its bound, the last
//! try of a secret stays its holder's, and what is the individual number's is left alone.
//!
//! `GENKAN_SEED` draws other cards.

#![allow(clippy::unwrap_used)]

mod accidents;
mod flows;
mod hand;
mod hundred;

/// What the cards are drawn from.
fn seed() -> u64 {
    std::env::var("GENKAN_SEED").map_or(1, |it| it.parse().expect("GENKAN_SEED is a number"))
}

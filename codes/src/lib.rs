//! Finds QR codes in a camera's pictures.
//!
//! What decides whether a code is read is blur, then too little contrast, then too few pixels for a module; turning and
//! perspective hardly matter. So a picture is looked at in up to three ways, the cheapest first ([`Pass`]): as it is;
//! with the blur taken back; the same at twice the size. The codes themselves are found and read by zxing-cpp. Which way
//! is taken when is a rule about time alone ([`Budget`]): most pictures of a door show no code, and a slow board has
//! networks to run.
//!
//! ```text
//! picture -> Luma -> Finder::find -> texts, at most MOST_TEXTS
//! ```
//!
//! A text may open a door: [`Text`] is wiped when it is dropped and shows only its length to a log. What a text means,
//! and whether it is valid, is not asked here.

mod budget;
mod finder;
mod sharpen;
mod text;
mod view;

pub use budget::{Budget, Outcome, Pass};
pub use finder::{Finder, MOST_TEXTS};
pub use text::{LONGEST_TEXT, Text};
pub use view::{LONGEST_SIDE, Luma};

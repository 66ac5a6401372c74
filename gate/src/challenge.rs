//! The head-turn challenge (being built).
pub mod relief;

pub use relief::{Baseline, FacePoints, Relief};

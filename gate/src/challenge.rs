//! STUB, replaced by the judge.
use crate::Monotonic;
/// x
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct FacePoints {
    /// x
    pub right_eye: [f32; 2],
    /// x
    pub left_eye: [f32; 2],
    /// x
    pub nose: [f32; 2],
    /// x
    pub right_mouth: [f32; 2],
    /// x
    pub left_mouth: [f32; 2],
}
/// x
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Side {
    /// x
    Left,
    /// x
    Right,
}
/// x
#[derive(Debug, Clone, Copy)]
pub struct ChallengeDemand {
    /// x
    pub time_limit: std::time::Duration,
}
impl Default for ChallengeDemand {
    fn default() -> Self {
        Self { time_limit: std::time::Duration::from_secs(8) }
    }
}
/// x
#[derive(Debug)]
pub struct Challenge;
/// x
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum ChallengeFailure {
    /// x
    TimeOut,
}
/// x
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Progress {
    /// x
    Wait,
    /// x
    Prompt(Side),
    /// x
    Back,
    /// x
    TooFar,
    /// x
    Passed,
    /// x
    Failed(ChallengeFailure),
}
impl Challenge {
    /// x
    pub fn begin(_: u64, _: Monotonic, _: ChallengeDemand) -> Self {
        Self
    }
    /// x
    pub fn see(&mut self, _: Monotonic, _: &FacePoints, _: bool) -> Progress {
        Progress::Wait
    }
}

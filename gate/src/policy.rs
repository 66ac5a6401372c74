//! What a facility asks of a visit. Every number carries its unit; the shipped values are those of [`Policy::default`].

use std::time::Duration;

use crate::{
    ChallengeDemand, ClaimRule, CodePlace, Direction, DoorId, DoorTimes, FaceRules, Facility, FactorRules,
    SensorTier,
};

/// Normal days and disasters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Mode {
    /// Admit, deny, tell the staff.
    #[default]
    Normal,
    /// An evacuation shelter: everybody is received; the kiosk registers and counts.
    Shelter,
}

/// What must hold for a grant, and how a visit runs in time.
#[derive(Debug, Clone, PartialEq)]
pub struct Policy {
    /// Normal or shelter. The spine decides the same in both; reception in a shelter builds on this.
    pub mode: Mode,
    /// The door that a grant releases; none at a counter, where a grant is a welcome and a record.
    pub door: Option<DoorId>,
    /// Mean bona fide score that the frames of an attempt must reach, 0 to 1.
    pub pad_floor: f32,
    /// False alarms per visit of an unknown person that the facility accepts (FPIR), for instance 0.01.
    pub target_fpir: f64,
    /// How far the best person must be ahead of the second best, in score.
    pub margin: f32,
    /// Good frames that make one attempt; all must agree.
    pub frames: u8,
    /// Attempts per visit before it ends as unknown. The threshold pays for each of them.
    pub attempts: u8,
    /// How long somebody may stand there without one usable attempt before the other ways in are offered.
    pub patience: Duration,
    /// How long no face must be seen before a person counts as gone. Longer than a slow processor needs for two frames.
    pub absence: Duration,
    /// How old a frame may be when it is judged.
    pub freshness: Duration,
    /// How long a grant may wait for the strike.
    pub grant_life: Duration,
    /// How long an outcome stays on the screen; a refused person who stays is looked at again after it.
    pub outcome_shown: Duration,
    /// Refusals in a row after which the kiosk pauses.
    pub refusals_before_pause: u8,
    /// The first pause; each further refusal doubles it.
    pub pause: Duration,
    /// No pause is longer.
    pub longest_pause: Duration,
    /// What the board says of its camera.
    pub sensor: SensorTier,
    /// Which way the board says people pass here.
    pub direction: Direction,
    /// What a face alone is good for.
    pub face_alone: FaceRules,
    /// What a turn of the head must show.
    pub turn: ChallengeDemand,
    /// Which factors together open.
    pub factors: FactorRules,
    /// How cards and codes are judged.
    pub claim: ClaimRule,
    /// Where signed codes are shown.
    pub codes: CodePlace,
    /// How long things may take at the door.
    pub door_times: DoorTimes,
    /// Who may come in, and what they pay.
    pub facility: Facility,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            mode: Mode::Normal,
            door: Some(DoorId(0)),
            pad_floor: 0.5,
            target_fpir: 0.01,
            margin: 0.08,
            frames: 3,
            attempts: 3,
            patience: Duration::from_secs(8),
            absence: Duration::from_millis(1_500),
            freshness: Duration::from_secs(2),
            grant_life: Duration::from_secs(2),
            outcome_shown: Duration::from_secs(4),
            refusals_before_pause: 3,
            pause: Duration::from_secs(5),
            longest_pause: Duration::from_secs(30),
            sensor: SensorTier::default(),
            direction: Direction::default(),
            face_alone: FaceRules::default(),
            turn: ChallengeDemand::default(),
            factors: FactorRules::default(),
            claim: ClaimRule::default(),
            codes: CodePlace::default(),
            door_times: DoorTimes::default(),
            facility: Facility::default(),
        }
    }
}

impl Policy {
    /// How long to pause after `refusals` refusals in a row.
    #[must_use]
    pub fn pause_after(&self, refusals: u32) -> Option<Duration> {
        let beyond = refusals.checked_sub(u32::from(self.refusals_before_pause.max(1)))?;
        let factor = 1u32.checked_shl(beyond).unwrap_or(u32::MAX);
        Some(self.pause.saturating_mul(factor).min(self.longest_pause))
    }
}

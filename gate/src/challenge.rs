//! The head-turn challenge: whoever stands there is asked to turn the head to a side that nobody could know before, and
//! the way in which the nose moves says whether there is a head.
//!
//! A moved photograph is a plane, and a plane has no [`Relief`]: whatever is done to it, its nose stays where the eyes and
//! the corners of the mouth say. A head's nose leaves that place, towards the side to which the head turns.
//!
//! ```text
//!              frontal views, then a          the face turns to that side,         the face is
//!              waiting time nobody knows      slowly enough to be followed         frontal again
//! Wait ──────────────────────────────► Prompt ─────────────────────────────► Back ─────────────► Passed, or the next turn
//!  ▲                                     │ turned before the prompt, or jumped: again, a few times
//!  └─────────────────────────────────────┘
//! ```
//!
//! Two kinds of points go in. Those of the *detector* say how large the face is and whether it looks into the camera. They
//! cannot measure relief: the detector puts the nose where the nose of a turned face would be, also on a photograph that
//! is turned or bent. Those that were *followed* by their texture, from one frontal frame on, can: of a photograph they
//! are true to a hundredth of an eye distance. Without followed points nothing passes.
//!
//! What this stops: a still picture, on paper or on a screen, moved in any way, and one that is bent as paper in a hand
//! is. What it does not: a film of the person (it guesses the side with one chance in two for each turn), a mask, and a
//! picture that is folded or bent sharply along the nose. All frames must come from one unbroken track of one face:
//! begin another challenge when the track changes.

use std::time::Duration;

use crate::Monotonic;

pub mod plane;
pub mod relief;
#[cfg(test)]
mod tests;

pub use plane::Plane;
pub use relief::{Baseline, FacePoints, Relief};

/// A side of the subject's own body: in a picture that is not mirrored, the left is on the right.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Side {
    /// The subject's left.
    Left,
    /// The subject's right.
    Right,
}

/// Points that were followed by their texture from one frontal frame on, the anchor.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Followed {
    /// Which anchor. Points of different anchors cannot be compared with each other.
    pub anchor: u64,
    /// Where they are in this frame.
    pub points: FacePoints,
}

/// What one frame says about a face, turned or not.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sight {
    /// Where the detector sees the five points.
    pub seen: FacePoints,
    /// Where they went, if they could be followed.
    pub followed: Option<Followed>,
    /// Whether the face is good enough to be compared: it looks into the camera, is large, lit and sharp enough.
    pub frontal: bool,
}

/// What a challenge asks for.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ChallengeDemand {
    /// How many turns, each to a side of its own. A film of the person passes with one chance in two to the power of it.
    pub turns: u8,
    /// How long all of it may take.
    pub time_limit: Duration,
    /// How far apart the eyes must be in every frame that counts (or would be, if the face were not turned), in pixels.
    pub min_eye_distance_px: f32,
    /// How far the nose must leave its place towards the side asked for, in eye distances.
    pub least_relief: f32,
    /// How far the nose must stand out, in eye distances: relief over the sine of the turn.
    pub least_depth: f32,
    /// How far the nose of the frontal views may be from the middle of the face, in eye distances.
    pub most_lean: f32,
    /// In how many frames each of these must hold.
    pub frames: u8,
    /// How many frontal views are gathered before a prompt, at least.
    pub frontal_views: u8,
    /// The shortest and the longest time between the last of these and the prompt.
    pub waiting: (Duration, Duration),
    /// A movement sooner than this after the prompt was begun without it.
    pub reaction: Duration,
    /// The shortest time in which a head gets from frontal to turned. One picture put in the place of another takes none.
    pub least_sweep: Duration,
    /// The longest time without a frame in which the face is seen.
    pub longest_gap: Duration,
    /// How often somebody who turns too early or too fast may start again.
    pub restarts: u8,
}

impl Default for ChallengeDemand {
    /// Measured by `models/tests/challenge.rs` with the real detector, and played with living people by
    /// `gate/tests/challenge.rs`; `models/CHALLENGE.md` has the figures.
    fn default() -> Self {
        Self {
            turns: 1,
            // The slowest of those that are played (two seconds, after half a second) needs 8, and one try more.
            time_limit: Duration::from_secs(15),
            // With eyes 33 pixels apart relief errs as little as with 68; nothing smaller was measured.
            min_eye_distance_px: 32.0,
            // Ten times the error of the relief of a photograph (0.0056). A head has it after 12 to 18 degrees.
            least_relief: 0.06,
            // A print with a radius of 100 mm and eyes 63 mm apart has 0.07, and in no frame of 150 sequences showed more than
            // 0.153; photographs over the shape of a head show 0.2 to 0.3.
            least_depth: 0.16,
            // A face turned by some 14 degrees. It keeps a print from being turned to the other side first.
            most_lean: 0.1,
            // One frame can be wrong by anything; three in one turn were not in any sequence.
            frames: 3,
            // The error of a mean of five is less than half of that of a frame.
            frontal_views: 5,
            // As long as nobody minds, and never twice the same.
            waiting: (Duration::from_millis(300), Duration::from_millis(1_200)),
            // People choose between two answers in 250 ms or more.
            reaction: Duration::from_millis(150),
            // A quick turn to 35 degrees takes half a second, and 100 ms of it from the first sign to this relief.
            least_sweep: Duration::from_millis(80),
            // Five frames at ten a second: a detector that blinks. Less than it takes to change two prints unseen.
            longest_gap: Duration::from_millis(500),
            // Who turns too quickly is asked again; a film gets no more than this either.
            restarts: 3,
        }
    }
}

/// What to tell the person, or how it ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub enum Progress {
    /// Look into the camera.
    Wait,
    /// Turn the head slowly to this side, and hold it there.
    Prompt(Side),
    /// Turn back to the camera.
    Back,
    /// Come nearer.
    TooFar,
    /// A head turned as it was asked to. Stays.
    Passed,
    /// It did not. Stays.
    Failed(ChallengeFailure),
}

/// Why a challenge was not passed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ChallengeFailure {
    /// Something flat, or nearly so, was turned: a picture.
    Flat,
    /// The head was turned to the other side.
    WrongWay,
    /// The head moved before it was asked to, again and again.
    TooEarly,
    /// The face changed from one frame to the next or was away in between, again and again: as when one picture is put in
    /// the place of another.
    Jumped,
    /// Not within the time.
    TimeOut,
}

/// One challenge to one face.
#[derive(Debug, Clone)]
pub struct Challenge {
    demand: ChallengeDemand,
    dice: Dice,
    began: Monotonic,
    newest: Option<Monotonic>,
    restarts: u8,
    turns_left: u8,
    baseline: Baseline,
    lean: f32,
    anchor: Option<u64>,
    phase: Phase,
}

#[derive(Debug, Clone, Copy)]
enum Phase {
    /// Frontal views are gathered; `prompt_at` is known once they are enough.
    Waiting { prompt_at: Option<Monotonic> },
    /// The side was said.
    Turning(Turning),
    /// It was turned to; in so many frames it was frontal again.
    Returning { frontal: u8 },
    /// Over.
    Ended(Progress),
}

/// A turn under way.
#[derive(Debug, Clone, Copy)]
struct Turning {
    side: Side,
    prompted: Monotonic,
    /// The last frame that was still frontal.
    still: Monotonic,
    /// Frames on the way since then.
    between: u8,
    turned: u8,
    wrong: u8,
    flat: u8,
}

impl Turning {
    fn to(side: Side, now: Monotonic) -> Self {
        Self { side, prompted: now, still: now, between: 0, turned: 0, wrong: 0, flat: 0 }
    }
}

/// What one frame shows of a turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    Still,
    Between,
    Turned(Side),
    Flat,
    /// A nod, a grimace, a bent picture: nothing that counts.
    Other,
}

/// Below this part of the relief that is asked for, a face counts as not turned: three times what still faces show.
const STILL: f32 = 0.35;

/// Up to this part of it a face counts as frontal: heads are never quite still, and nod a little.
const FRONTAL: f32 = 0.75;

/// The detector's eyes are at least this part of their true distance apart in a frontal face: its points jump.
const NARROWEST: f32 = 0.8;

/// A face turned by more than this sine (44 degrees) shows too little of itself: its points are not to be relied on.
const FARTHEST_SINE: f32 = 0.7;

/// Something turned by more than this sine (33 degrees) whose nose stands out by less than half of what is asked for is
/// called flat. A smile alone looks like a turn of 24 degrees, without relief.
const FLAT_SINE: f32 = 0.55;

impl Challenge {
    /// A challenge that has seen nothing yet. `dice` must come from the system's source of randomness: it decides sides
    /// and waiting times.
    #[must_use]
    pub fn begin(dice: u64, now: Monotonic, demand: ChallengeDemand) -> Self {
        Self {
            demand,
            dice: Dice(dice),
            began: now,
            newest: None,
            restarts: 0,
            turns_left: demand.turns.max(1),
            baseline: Baseline::default(),
            lean: 0.0,
            anchor: None,
            phase: Phase::Waiting { prompt_at: None },
        }
    }

    /// Takes what a frame captured at `now` shows of the face, and says what to tell the person. To be called for every
    /// frame of the track in order; a frame that is not newer than the last counts for nothing.
    pub fn see(&mut self, now: Monotonic, sight: &Sight) -> Progress {
        if self.newest.is_some_and(|newest| now <= newest) {
            return self.progress();
        }
        let gap = self.newest.replace(now).is_some_and(|newest| now.since(newest) > self.demand.longest_gap);
        self.expire(now);
        if gap {
            self.restart(ChallengeFailure::Jumped);
        }
        match self.phase {
            Phase::Ended(_) => {}
            Phase::Waiting { prompt_at } => return self.wait(now, sight, prompt_at),
            Phase::Turning(turning) => return self.turn(now, sight, turning),
            Phase::Returning { frontal } => self.come_back(sight, frontal),
        }
        self.progress()
    }

    /// Time passed without a frame of the face.
    pub fn tick(&mut self, now: Monotonic) -> Progress {
        self.expire(now);
        self.progress()
    }

    /// What to tell the person now.
    pub fn progress(&self) -> Progress {
        match self.phase {
            Phase::Waiting { .. } => Progress::Wait,
            Phase::Turning(turning) => Progress::Prompt(turning.side),
            Phase::Returning { .. } => Progress::Back,
            Phase::Ended(progress) => progress,
        }
    }

    /// What a frame shows against the frontal views, if its points were followed from the same anchor.
    #[must_use]
    pub fn relief(&self, sight: &Sight) -> Option<Relief> {
        let followed = sight.followed.filter(|followed| Some(followed.anchor) == self.anchor)?;
        self.baseline.relief(&followed.points)
    }

    fn expire(&mut self, now: Monotonic) {
        let ended = matches!(self.phase, Phase::Ended(_));
        if !ended && now.since(self.began) > self.demand.time_limit {
            self.fail(ChallengeFailure::TimeOut);
        }
    }

    /// Gathers frontal views, and prompts when there are enough and the waiting time is over.
    fn wait(&mut self, now: Monotonic, sight: &Sight, prompt_at: Option<Monotonic>) -> Progress {
        let near = sight.seen.eye_distance() >= self.demand.min_eye_distance_px * NARROWEST;
        if !near {
            self.forget_views();
            return Progress::TooFar;
        }
        // A blink hides what is followed. Such a frame says nothing, and no prompt comes with it.
        let (Some(followed), Some(lean)) = (sight.followed, sight.seen.lean()) else {
            return self.progress();
        };
        if self.anchor != Some(followed.anchor) {
            self.forget_views();
            self.anchor = Some(followed.anchor);
        }
        let relief = self.baseline.relief(&followed.points);
        let calm = relief.is_none_or(|relief| self.near_frontal(&relief));
        if !(calm && sight.frontal) {
            match prompt_at {
                Some(_) => self.restart(ChallengeFailure::TooEarly),
                None => self.forget_views(),
            }
            return self.progress();
        }
        if !self.baseline.add(&followed.points) {
            return self.progress();
        }
        self.lean += lean;
        if !self.baseline.relief(&followed.points).is_some_and(|relief| self.large_enough(&relief)) {
            self.forget_views();
            return Progress::TooFar;
        }
        let views = self.baseline.frames();
        let level = (self.lean / views as f32).abs() <= self.demand.most_lean;
        match prompt_at {
            None if views >= u32::from(self.demand.frontal_views.max(1)) && level => {
                let wait = self.dice.between(self.demand.waiting);
                self.phase = Phase::Waiting { prompt_at: Some(now.plus(wait)) };
            }
            Some(at) if now >= at && level => self.phase = Phase::Turning(Turning::to(self.dice.side(), now)),
            None | Some(_) => {}
        }
        self.progress()
    }

    fn turn(&mut self, now: Monotonic, sight: &Sight, mut turning: Turning) -> Progress {
        if sight.followed.is_some_and(|followed| Some(followed.anchor) != self.anchor) {
            self.forget_views();
        }
        let Some(relief) = self.relief(sight) else {
            return self.progress();
        };
        if !self.large_enough(&relief) {
            return Progress::TooFar;
        }
        match self.step(&relief) {
            Step::Still => turning = Turning { prompted: turning.prompted, ..Turning::to(turning.side, now) },
            Step::Between => turning.between = turning.between.saturating_add(1),
            Step::Turned(side) if side != turning.side => turning.wrong = turning.wrong.saturating_add(1),
            Step::Turned(_) => turning.turned = turning.turned.saturating_add(1),
            Step::Flat => turning.flat = turning.flat.saturating_add(1),
            Step::Other => {}
        }
        self.phase = Phase::Turning(turning);
        let enough = self.demand.frames.max(1);
        let slow = turning.between > 0 && now.since(turning.still) >= self.demand.least_sweep;
        if !self.near_frontal(&relief) && now.since(turning.prompted) < self.demand.reaction {
            self.restart(ChallengeFailure::TooEarly);
        } else if turning.wrong >= enough {
            self.fail(ChallengeFailure::WrongWay);
        } else if turning.flat >= enough {
            self.fail(ChallengeFailure::Flat);
        } else if turning.turned == 1 && !slow {
            self.restart(ChallengeFailure::Jumped);
        } else if turning.turned >= enough {
            self.phase = Phase::Returning { frontal: 0 };
        }
        self.progress()
    }

    /// What a frame shows. Each case is stated by what it requires, so that what is not a number is none of them.
    fn step(&self, relief: &Relief) -> Step {
        let ChallengeDemand { least_relief, least_depth, .. } = self.demand;
        let (amount, side) =
            if relief.across >= 0.0 { (relief.across, Side::Left) } else { (-relief.across, Side::Right) };
        let sideways = relief.down.abs() <= amount;
        let deep = amount >= least_depth * relief.sine();
        let whole = relief.sine() <= FARTHEST_SINE;
        if amount >= least_relief && sideways && deep && whole {
            Step::Turned(side)
        } else if relief.sine() >= FLAT_SINE && relief.length() <= least_depth / 2.0 * relief.sine() {
            Step::Flat
        } else if relief.length() < least_relief * STILL {
            Step::Still
        } else if amount < least_relief && sideways {
            Step::Between
        } else {
            Step::Other
        }
    }

    fn come_back(&mut self, sight: &Sight, frontal: u8) {
        let returned = sight.frontal
            && match self.relief(sight) {
                Some(relief) => self.near_frontal(&relief),
                None => sight.seen.lean().is_some_and(|lean| lean.abs() <= self.demand.most_lean),
            };
        let frontal = if returned { frontal.saturating_add(1) } else { 0 };
        self.phase = Phase::Returning { frontal };
        if frontal < 2 {
            return;
        }
        self.turns_left -= 1;
        match self.turns_left {
            0 => self.phase = Phase::Ended(Progress::Passed),
            _ => self.forget_views(),
        }
    }

    fn large_enough(&self, relief: &Relief) -> bool {
        relief.eyes_px >= self.demand.min_eye_distance_px
    }

    fn near_frontal(&self, relief: &Relief) -> bool {
        relief.length() <= self.demand.least_relief * FRONTAL
    }

    fn forget_views(&mut self) {
        (self.baseline, self.lean, self.anchor) = (Baseline::default(), 0.0, None);
        self.phase = Phase::Waiting { prompt_at: None };
    }

    /// From the frontal views again, with another waiting time and perhaps another side; or the end.
    fn restart(&mut self, cause: ChallengeFailure) {
        match self.phase {
            Phase::Ended(_) => {}
            Phase::Waiting { prompt_at: None } => self.forget_views(),
            Phase::Waiting { .. } | Phase::Turning(_) | Phase::Returning { .. } => {
                if self.restarts >= self.demand.restarts {
                    self.fail(cause);
                } else {
                    self.restarts += 1;
                    self.forget_views();
                }
            }
        }
    }

    fn fail(&mut self, cause: ChallengeFailure) {
        self.phase = Phase::Ended(Progress::Failed(cause));
    }
}

/// A stream of numbers from one that nobody knows (splitmix64; Steele, Lea and Flood 2014).
#[derive(Clone)]
struct Dice(u64);

/// Who sees the dice knows the next side.
impl std::fmt::Debug for Dice {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Dice(..)")
    }
}

impl Dice {
    fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn side(&mut self) -> Side {
        if self.roll() >> 63 == 0 { Side::Left } else { Side::Right }
    }

    fn between(&mut self, (shortest, longest): (Duration, Duration)) -> Duration {
        let span = u64::try_from(longest.saturating_sub(shortest).as_micros()).unwrap_or(u64::MAX);
        shortest + Duration::from_micros(self.roll() % span.saturating_add(1).max(1))
    }
}

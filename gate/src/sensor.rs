//! What a board says that the rules go by: how well its camera tells a head from a picture of one, and which way people
//! pass; and what a face alone may therefore open, also while it is long since anything was heard of the registry.

use crate::Mode;

/// What the board says of its camera.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SensorTier {
    /// Pictures from a folder, which stand for living people: there is nobody to attack.
    Simulated,
    /// Colour only: a photograph looks like a face.
    #[default]
    Rgb,
    /// Near infrared: prints and screens look unlike a face.
    Nir,
    /// Depth: whatever is flat is seen to be.
    Depth,
}

/// Which way people pass here.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Direction {
    /// In.
    #[default]
    In,
    /// Out.
    Out,
    /// Both: whoever is inside goes out.
    Both,
}

/// What a face alone is good for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FaceAlone {
    /// It is enough.
    Opens,
    /// It is enough once the head was turned as asked.
    OpensAfterTurn,
    /// It never is: a claim is needed first.
    NeedsClaim,
}

/// How old what this kiosk knows of the registry may be, by its own running time and the registry's signature. A kiosk that
/// joined no registry has no such age.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RegistryAge {
    /// At most a day.
    Fresh,
    /// At most thirty days: staff are told.
    Stale,
    /// Older, or nothing was heard yet: somebody may have been withdrawn and nobody here knows.
    Old,
}

impl RegistryAge {
    /// Its word in records.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Fresh => "fresh",
            Self::Stale => "stale",
            Self::Old => "old",
        }
    }
}

/// What a face alone is good for at each tier where a door opens, and at a counter, where nothing does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FaceRules {
    /// Simulated camera, with a door.
    pub simulated: FaceAlone,
    /// Colour camera, with a door.
    pub rgb: FaceAlone,
    /// Near infrared camera, with a door.
    pub nir: FaceAlone,
    /// Depth camera, with a door.
    pub depth: FaceAlone,
    /// Any camera, without a door: staff stand beside it.
    pub counter: FaceAlone,
    /// At any of them while what is known of the registry is old, where this is the stricter one. For places where money is
    /// paid or not everybody may go.
    pub registry_old: FaceAlone,
}

impl Default for FaceRules {
    /// Where only a colour camera stands between a photograph and an open door, the head is turned.
    fn default() -> Self {
        Self {
            simulated: FaceAlone::Opens,
            rgb: FaceAlone::OpensAfterTurn,
            nir: FaceAlone::Opens,
            depth: FaceAlone::Opens,
            counter: FaceAlone::Opens,
            registry_old: FaceAlone::Opens,
        }
    }
}

impl FaceRules {
    /// The rule for a camera, and whether a door opens.
    #[must_use]
    pub fn at(&self, tier: SensorTier, door: bool) -> FaceAlone {
        match (door, tier) {
            (false, _) => self.counter,
            (true, SensorTier::Simulated) => self.simulated,
            (true, SensorTier::Rgb) => self.rgb,
            (true, SensorTier::Nir) => self.nir,
            (true, SensorTier::Depth) => self.depth,
        }
    }
    /// As [`FaceRules::at`], narrowed while what is known of the registry is old. In a shelter everybody is received, so
    /// nothing narrows there.
    #[must_use]
    pub fn knowing(&self, tier: SensorTier, door: bool, mode: Mode, age: Option<RegistryAge>) -> FaceAlone {
        let usual = self.at(tier, door);
        match (mode, age) {
            (Mode::Normal, Some(RegistryAge::Old)) => usual.max(self.registry_old),
            (Mode::Shelter, Some(RegistryAge::Old))
            | (Mode::Normal | Mode::Shelter, Some(RegistryAge::Fresh | RegistryAge::Stale) | None) => usual,
        }
    }
}

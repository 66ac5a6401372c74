//! What is shown now: the gate's screen, with what the gate does not know.

use std::fmt;

use gate::Screen;

/// A screen with the words that only the vault knows, or a hint that no network gives yet.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Moment {
    /// What it means.
    pub(super) meaning: Meaning,
    /// The names that may be shown on it: of the person who is greeted, or of the household at a shelter's reception.
    pub(super) names: Vec<String>,
}

/// What a screen means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Meaning {
    /// The gate says so.
    Gate(Screen),
    /// A hint: this covers the face. Ready for a quality network that sees it.
    Covered(Cover),
}

/// What covers a face and can be moved for a moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Cover {
    /// A mask.
    Mask,
    /// A cap whose peak shades the face.
    Cap,
}

impl Moment {
    /// The same with names that policy and the household allow to be shown here. Only a welcome and a household show them.
    #[must_use]
    pub(crate) fn naming(self, names: Vec<String>) -> Self {
        Moment { names, ..self }
    }

    /// The gate's screen, if it is one.
    pub(crate) fn screen(&self) -> Option<&Screen> {
        match &self.meaning {
            Meaning::Gate(screen) => Some(screen),
            Meaning::Covered(_) => None,
        }
    }
}

impl From<Screen> for Moment {
    fn from(screen: Screen) -> Self {
        Moment { meaning: Meaning::Gate(screen), names: Vec::new() }
    }
}

impl From<Cover> for Moment {
    fn from(cover: Cover) -> Self {
        Moment { meaning: Meaning::Covered(cover), names: Vec::new() }
    }
}

/// Names never reach a log: only how many there are.
impl fmt::Debug for Moment {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Moment({:?}, {} names)", self.meaning, self.names.len())
    }
}

//! What the door's contacts tell that staff should hear of at once.

/// Something at the door that is for the staff.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Alert {
    /// Opened without leave.
    Forced,
    /// Open for half of the time allowed.
    OpenLong,
    /// Open longer than allowed.
    HeldOpen,
    /// The fire contact.
    Fire,
    /// The housing was opened.
    Tamper,
    /// The facility's rules have something that staff should look at.
    Rules,
    /// Nothing was heard of the registry for more than a day.
    RegistryStale,
    /// Nothing was heard of the registry for more than thirty days, or never.
    RegistryOld,
}

impl Alert {
    /// Its name in logs and for the facility's program.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Forced => "forced",
            Self::OpenLong => "open-long",
            Self::HeldOpen => "held-open",
            Self::Fire => "fire",
            Self::Tamper => "tamper",
            Self::Rules => "rules",
            Self::RegistryStale => "registry-stale",
            Self::RegistryOld => "registry-old",
        }
    }
}

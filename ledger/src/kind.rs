//! The authority table: every kind of record and the feeds it may stand in, so who may say it. One place, no exceptions.
//!
//! A feed of the registry takes the registry's signature and nobody else's, a feed of a device its own; so the column of
//! feeds *is* the authority. Anyone may close (`Withdrawn`, `Suspend`), few may open, only the registry may destroy: the
//! keys in the header of a device's record hide, see [`crate::State`].
//!
//! A kind from a newer version is kept and forwarded and not applied ([`crate::Quarantine::UnknownKind`]). The fields of the
//! kinds of the door are in `store`; those which the ledger itself reads are in [`crate::State`], [`crate::Members`] and
//! [`crate::Keyring`].

use crate::Class;

macro_rules! kinds {
    ($($name:ident, $since:literal, [$($class:ident),+], $does:literal;)+) => {
        /// What sort of statement a record is.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Kind {
            $(#[doc = $does] $name,)+
        }

        impl Kind {
            /// All of them.
            pub const ALL: &[Kind] = &[$(Kind::$name),+];

            /// Its name in a body.
            pub fn name(self) -> &'static str {
                match self { $(Kind::$name => stringify!($name),)+ }
            }

            /// The first version of the kinds that has it.
            pub fn since(self) -> u32 {
                match self { $(Kind::$name => $since,)+ }
            }

            /// The feeds it may stand in.
            pub fn feeds(self) -> &'static [Class] {
                match self { $(Kind::$name => &[$(Class::$class),+],)+ }
            }

            /// The kind of this name, if this version has it.
            pub fn from_name(name: &str) -> Option<Kind> {
                match name { $(stringify!($name) => Some(Kind::$name),)+ _ => None }
            }
        }
    };
}

/// The newest version of the kinds in this table.
pub const KINDS: u32 = 1;

kinds! {
    // Who belongs: the registry, for all to read.
    RegistryKey, 1, [Control], "A registry's signing key, under the tenant's root key.";
    Admitted, 1, [Control], "A device belongs: `device`, `group`, `wrap` and `wrap_key`.";
    Expelled, 1, [Control], "A device no longer belongs: `device`, `runs` as far as they count.";
    Certificate, 1, [Control], "The next certificate of a device's agent.";
    IssuerKey, 1, [Control], "A key that signs QR credentials; the body is of `credentials`.";
    Denylist, 1, [Control], "QR credentials that no longer count; the body is of `credentials`.";
    OldestVersion, 1, [Control], "The oldest version of the kinds that may still write.";
    // What cannot wait, from the registry.
    Withdrawn, 1, [FacilityUrgent, DeviceUrgent], "`person` is gone; the header's keys with it.";
    Revoked, 1, [FacilityUrgent, DeviceBulk, DeviceUrgent], "`person` may not enter any more.";
    Confirmed, 1, [FacilityUrgent], "The registry confirms a device's withdrawal: keys are destroyed.";
    Mode, 1, [FacilityUrgent], "Everyday, reception only, shelter: `version`, `mode`.";
    Policy, 1, [FacilityUrgent, DeviceBulk], "What the facility asks for: `version`, `digest`.";
    KeyringEpoch, 1, [FacilityUrgent], "A keyring is complete: `group`, `epoch`, `run`, `length`, `root`.";
    // People, from the registry.
    Person, 1, [FacilityBulk], "All that is said of one person: `person`, `version`; personal.";
    Reference, 1, [FacilityBulk], "References of one person for one model: `person`, `version`; personal.";
    Household, 1, [FacilityBulk, DeviceBulk], "People registered together.";
    Entitlement, 1, [FacilityBulk], "What a person may use, and how often: `entitlement`, `version`.";
    Adopted, 1, [FacilityBulk], "A device's enrolment is the registry's now: `person`.";
    Declined, 1, [FacilityBulk], "A device's enrolment is not taken over: `person`.";
    Duplicate, 1, [FacilityBulk], "Two enrolees may be one person: `person`, `other`.";
    Same, 1, [FacilityBulk], "A human says that two enrolees are one person: `person`, `other`.";
    Tombstones, 1, [FacilityBulk], "Keys that a snapshot says are destroyed: those in the header.";
    SnapshotEnd, 1, [FacilityBulk], "The snapshot is complete: `count`, `digest`.";
    // Keys, thrown away whole.
    Wrap, 1, [Keyring], "The keys of the epoch for one member: `device`, `wrap`, `sealed`.";
    Key, 1, [Keyring, DeviceKeyring], "The key of one person under the key of the epoch: `key`, `sealed`.";
    // What cannot wait, from a device.
    Alert, 1, [DeviceUrgent], "Tamper, forced door, held door.";
    Suspend, 1, [DeviceUrgent], "`person` is not let in until the registry has looked at it.";
    WrapKey, 1, [DeviceUrgent], "The device's next key to wrap to: `wrap`, `wrap_key`, `generation`.";
    Erased, 1, [DeviceUrgent, DeviceBulk], "The device has destroyed keys: `keys`.";
    Csr, 1, [DeviceUrgent], "The agent asks for its next certificate, endorsed by the kiosk.";
    Finding, 1, [DeviceUrgent], "A fork, a clone, something withheld: `what` and the proof.";
    // What happened at the door.
    Decision, 1, [DeviceBulk], "Granted or denied, and why.";
    Released, 1, [DeviceBulk], "What became of a grant.";
    Door, 1, [DeviceBulk], "What the door's contacts said.";
    Left, 1, [DeviceBulk], "A person went out.";
    StaffCalled, 1, [DeviceBulk], "Somebody asked for staff.";
    Failed, 1, [DeviceBulk], "A part of the gate stopped working.";
    Restored, 1, [DeviceBulk], "A part of the gate works again.";
    Corrected, 1, [DeviceBulk], "Staff corrected a visit.";
    EntitlementUsed, 1, [DeviceBulk], "One use: `entitlement`, `use` (16 bytes, drawn for this use).";
    // Shelter reception.
    ShelterOpened, 1, [FacilityUrgent, DeviceUrgent], "A shelter takes people in: `shelter`.";
    ShelterClosed, 1, [FacilityUrgent, DeviceUrgent], "A shelter no longer takes people in: `shelter`.";
    CheckIn, 1, [DeviceBulk], "`person` or `household` is in a shelter; personal.";
    CheckOut, 1, [DeviceBulk], "`person` left a shelter.";
    Needs, 1, [DeviceBulk], "What a person or household needs; personal.";
    CheckInCorrected, 1, [DeviceBulk], "Staff corrected a check-in: `record`.";
    // People and staff at the device.
    Enrolled, 1, [DeviceBulk], "A device's own enrolment: `person`; personal.";
    Registered, 1, [DeviceBulk], "What a device's staff registered of a person.";
    EntitlementGiven, 1, [DeviceBulk], "A pass or coupons, given at the device.";
    EntitlementWithdrawn, 1, [DeviceBulk], "A pass or coupons, taken back at the device.";
    ConsentText, 1, [DeviceBulk, FacilityBulk], "A version of the text that people agree to.";
    Consented, 1, [DeviceBulk, FacilityBulk], "A person agreed.";
    Accessed, 1, [DeviceBulk, FacilityBulk], "Somebody looked at personal data.";
    Retained, 1, [DeviceBulk], "What the retention took away.";
    StaffAdded, 1, [DeviceBulk, FacilityBulk], "A member of the staff.";
    StaffPinSet, 1, [DeviceBulk], "A new PIN.";
    StaffRemoved, 1, [DeviceBulk, FacilityBulk], "No longer of the staff.";
    StaffSignedIn, 1, [DeviceBulk], "Staff at the desk.";
    StaffRefused, 1, [DeviceBulk], "Somebody who is not.";
    CredentialBound, 1, [DeviceBulk, FacilityBulk], "A card or code belongs to somebody.";
    CredentialUnbound, 1, [DeviceBulk, FacilityBulk], "A card or code belongs to nobody any more.";
    CredentialRefused, 1, [DeviceBulk], "A card or code of two.";
    // What staff let the device believe.
    RegistryPinned, 1, [DeviceBulk], "Whose control feed the device believes from now on: `tenant`, `registry`.";
    ControlImported, 1, [DeviceBulk], "Control records came by a stick: how many, and how far they go.";
}

impl Kind {
    /// Whether a record of this kind may stand in a feed of this class.
    pub fn stands_in(self, class: Class) -> bool {
        self.feeds().contains(&class)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn only_the_registry_says_who_belongs_and_what_is_destroyed() {
        for kind in [Kind::Admitted, Kind::Expelled, Kind::Confirmed, Kind::Person, Kind::Adopted, Kind::Wrap]
        {
            assert!(kind.feeds().iter().all(|class| class.is_registrys()), "{kind:?}");
        }
    }

    #[test]
    fn every_name_reads_back_and_no_kind_is_of_a_later_version() {
        for &kind in Kind::ALL {
            assert_eq!(Kind::from_name(kind.name()), Some(kind));
            assert!(kind.since() <= KINDS && !kind.feeds().is_empty());
        }
        assert_eq!(Kind::from_name("Open"), None, "an Open is read by the run");
    }
}

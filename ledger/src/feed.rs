//! Feeds: what one author says in one scope and lane. The Open of a run names its feed, as text; this is what the text means.
//!
//! ```text
//! control    facility/urgent    facility/bulk    device/urgent    device/bulk    keyring/GROUP/EPOCH    device/keyring/GROUP/EPOCH
//! ```
//! A facility or device feed may end in `/GROUP` where a tenant has more than one group; GROUP is hexadecimal.
//!
//! The order of [`Class`] is the order in which replicas ask for runs: who belongs comes before what they say, and what is
//! urgent never waits behind what is much.

use crate::{Error, GroupId, Place};
use std::{fmt, str::FromStr};

/// What sort of feed it is: this decides who may write in it, see [`crate::Kind::stands_in`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Class {
    /// The registry, readable by all: who belongs to the tenant.
    Control,
    /// The registry, short and urgent: withdrawals above all.
    FacilityUrgent,
    /// A kiosk, short and urgent.
    DeviceUrgent,
    /// The registry: the keys of one epoch, thrown away whole.
    Keyring,
    /// A kiosk: keys of people whom the registry has not taken over yet.
    DeviceKeyring,
    /// The registry: people and what they may do.
    FacilityBulk,
    /// A kiosk: what happened at the door.
    DeviceBulk,
}

impl Class {
    /// Whether the registry writes it; a kiosk otherwise.
    pub fn is_registrys(self) -> bool {
        match self {
            Class::Control | Class::FacilityUrgent | Class::Keyring | Class::FacilityBulk => true,
            Class::DeviceUrgent | Class::DeviceKeyring | Class::DeviceBulk => false,
        }
    }

    /// Whether it is thrown away when a newer epoch is complete.
    pub fn is_keyring(self) -> bool {
        matches!(self, Class::Keyring | Class::DeviceKeyring)
    }

    fn name(self) -> &'static str {
        match self {
            Class::Control => "control",
            Class::FacilityUrgent => "facility/urgent",
            Class::DeviceUrgent => "device/urgent",
            Class::Keyring => "keyring",
            Class::DeviceKeyring => "device/keyring",
            Class::FacilityBulk => "facility/bulk",
            Class::DeviceBulk => "device/bulk",
        }
    }

    const ALL: [Class; 7] = [
        Class::Control,
        Class::FacilityUrgent,
        Class::DeviceUrgent,
        Class::DeviceKeyring,
        Class::Keyring,
        Class::FacilityBulk,
        Class::DeviceBulk,
    ];
}

/// A feed by its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Feed {
    /// What sort of feed.
    pub class: Class,
    /// The group it belongs to, where it is named.
    pub group: Option<GroupId>,
    /// The epoch of a keyring; 0 for every other feed.
    pub epoch: u32,
}

impl Feed {
    /// A feed of the tenant or of its only group.
    pub const fn of(class: Class) -> Feed {
        Feed { class, group: None, epoch: 0 }
    }

    /// The keyring of one epoch of a group.
    pub const fn keyring(class: Class, group: GroupId, epoch: u32) -> Feed {
        Feed { class, group: Some(group), epoch }
    }
}

impl fmt::Display for Feed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.class.name())?;
        self.group.map_or(Ok(()), |group| write!(f, "/{group}"))?;
        if self.class.is_keyring() { write!(f, "/{}", self.epoch) } else { Ok(()) }
    }
}

impl FromStr for Feed {
    type Err = Error;

    /// Errors: [`Error::Malformed`] for a name that no feed of this version has.
    fn from_str(text: &str) -> Result<Feed, Error> {
        let found = Class::ALL.into_iter().find_map(|class| read(class, text.strip_prefix(class.name())?));
        let wrong = Error::Malformed { place: Place::Body, why: "no feed of this version has that name" };
        found.filter(|feed| feed.to_string() == text).ok_or(wrong)
    }
}

fn read(class: Class, rest: &str) -> Option<Feed> {
    let parts: Vec<&str> = rest.split('/').collect();
    match (class.is_keyring(), &parts[..]) {
        (false, [""]) => Some(Feed::of(class)),
        (false, ["", group]) => Some(Feed { class, group: Some(group.parse().ok()?), epoch: 0 }),
        (true, ["", group, epoch]) => Some(Feed::keyring(class, group.parse().ok()?, epoch.parse().ok()?)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_feed_reads_back_its_name_and_nothing_else() {
        let group = GroupId([0xab; 16]);
        let mut all: Vec<Feed> =
            Class::ALL.into_iter().filter(|class| !class.is_keyring()).map(Feed::of).collect();
        all.extend(all.clone().into_iter().map(|feed| Feed { group: Some(group), ..feed }));
        all.push(Feed::keyring(Class::Keyring, group, 7));
        all.push(Feed::keyring(Class::DeviceKeyring, group, 0));
        for feed in all {
            assert_eq!(feed.to_string().parse::<Feed>().unwrap(), feed);
        }
        for wrong in ["", "controls", "facility", "keyring", "keyring/7", "device/bulk/", "device/bulk/xy"] {
            assert!(wrong.parse::<Feed>().is_err(), "{wrong}");
        }
    }
}

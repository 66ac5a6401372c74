//! Who is who in the simulator, and the number by which others know them.

use ledger::{AuthorId, Peer};

use super::{kiosk::Kiosk, world::REGISTRY};

/// Who.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Address {
    /// A kiosk.
    Kiosk(usize),
    /// Its agent.
    Agent(usize),
    /// Any process of the registry.
    Registry,
}

impl Address {
    /// The number by which others know it.
    pub fn peer(self) -> Peer {
        Peer(match self {
            Address::Kiosk(number) => number as u32,
            Address::Agent(number) => 100 + number as u32,
            Address::Registry => 200,
        })
    }

    /// Whose replica it is.
    pub fn whose(self) -> AuthorId {
        match self {
            Address::Kiosk(number) | Address::Agent(number) => Kiosk::name(number).0,
            Address::Registry => REGISTRY.0,
        }
    }

    /// Whose number it is.
    pub fn of(peer: Peer) -> Address {
        match peer.0 {
            number @ 0..100 => Address::Kiosk(number as usize),
            number @ 100..200 => Address::Agent(number as usize - 100),
            _ => Address::Registry,
        }
    }
}

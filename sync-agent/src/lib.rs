//! The sync agent: the only program on the device that opens a network socket. A courier of sealed pages between the kiosk and
//! the registry, without a key that opens any of them; whatever it did with them, kiosk and registry verify again.
//!
//! | module | what it holds |
//! |---|---|
//! | `home`, `settings` | the agent's directory and what there is to choose |
//! | `join` | how the device comes to belong to a registry |
//! | `store` | the replica on disk |
//! | `courier` | `ledger::Sync` with that store: events in, parcels out |
//! | `telling` | what a peer was told, so that the network does not carry the same each second |
//! | `kiosk_road` | the Unix socket to the kiosk; the other road is `wire::Road` |
//! | `run` | the driver around all of it |
//! | `status` | how things are, for people and programs |

pub mod courier;
pub mod home;
pub mod join;
pub mod kiosk_road;
mod pinned;
pub mod run;
pub mod settings;
pub mod status;
pub mod store;
pub mod telling;

//! Hardware ports and boards; the simulator is one.
//!
//! A port is a small blocking trait: [`Camera`] gives frames, [`Strike`] takes grants, [`Inputs`] says what the door does,
//! [`Reader`] what people show, [`Panel`] takes a picture, [`Clock`] tells the time; a [`PcscReader`] gives the way to a
//! chip card. A [`Board`] is a TOML file of facts that says which driver stands behind each port; `boards/sim.toml` is a
//! board like any other. Code is needed only for a new mechanism.
//!
//! What is not here: rules (`gate`), networks (`models`), records (`store`). Nothing here logs; every act answers with
//! its error, and each error names the device and what to do.

pub mod advice;
pub mod board;
pub mod camera;
pub mod clock;
#[doc(hidden)]
pub mod contract;
pub mod frame;
pub mod guard;
pub mod inputs;
pub mod lines;
pub mod modbus;
pub mod panel;
pub mod reader;
pub mod selftest;
pub mod strike;
mod tail;

pub use board::{Board, BoardError, force_idle};
pub use camera::{Camera, CameraError, SimCamera, SimScript};
pub use clock::{BootClock, Clock};
pub use frame::{Frame, Pixels};
pub use gate::SensorTier;
pub use guard::GuardCommand;
pub use inputs::{Input, InputChange, Inputs, InputsError, SimContacts, SimInputs};
pub use panel::{Panel, PanelError, PanelPicture, Symbol};
pub use reader::{
    CredentialKind, Identifier, PcscCard, PcscReader, Presented, Reader, ReaderError, SimCards, SimReader,
    trusted_authorities,
};
pub use selftest::{DeviceCheck, DeviceName, Problem, Verdict};
pub use strike::{SimPulse, SimPulses, Strike, StrikeError};

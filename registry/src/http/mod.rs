//! The registry's HTTP interface.

pub(crate) mod listener;
pub(crate) mod problem;
pub(crate) mod rate;

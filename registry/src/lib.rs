//! The registry: the central end of the wire. Its story is in `registry/README.md`.

pub mod config;
pub mod db;
pub mod failure;
pub mod keys;
pub mod office;

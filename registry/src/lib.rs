//! The registry: the central end of the wire. Its story is in `registry/README.md`.

mod bytes;
pub mod config;
pub mod db;
pub mod failure;
mod http;
pub mod keys;
pub mod office;
mod operators;
mod people;
mod say;

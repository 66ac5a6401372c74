//! The registry: the central end of the wire. Its story is in `registry/README.md`.

mod bytes;
pub mod db;
mod http;
mod operators;
mod people;
mod say;

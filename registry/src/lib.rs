//! The registry: the central end of the wire. Its story is in `registry/README.md`.

pub mod db;

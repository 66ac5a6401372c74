//! The fetched networks and photographs, for tests that use the real ones.
#![allow(clippy::unwrap_used, dead_code, unreachable_pub)]

use std::path::{Path, PathBuf};

use models::Image;

/// The photographs of `cards/photographs.toml`.
pub const PHOTOGRAPHS: [&str; 6] = [
    "person-a-1.jpg",
    "person-a-2.jpg",
    "person-b-1.jpg",
    "person-b-2.jpg",
    "stranger-1.jpg",
    "stranger-2.png",
];

/// A path below the folder of fetched things. There is no way around a missing one: a test that skips itself proves
/// nothing.
pub fn fetched(name: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../assets/fetched").join(name);
    assert!(
        path.exists(),
        "{} is missing: run the tests with `cargo xtask test`, which fetches it",
        path.display()
    );
    path
}

/// One of the photographs.
pub fn photograph(name: &str) -> Image {
    Image::open(&fetched("photos").join(name)).unwrap()
}

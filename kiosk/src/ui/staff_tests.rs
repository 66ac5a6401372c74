//! What staff can rely on at the screen, checked on drawn pixels and on what is touched.
#![allow(clippy::unwrap_used)]

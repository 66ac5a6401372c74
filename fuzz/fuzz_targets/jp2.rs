//! A photograph from a card that anybody may have made. The decoder is not ours; a panic in it is contained there, so here
//! only a panic of ours counts, and memory, and time.
#![no_main]

use std::process::abort;

use card::{MAX_PHOTO_SIDE, fuzzing::photograph};
use libfuzzer_sys::fuzz_target;

fuzz_target!(
    init: contained(),
    |data: &[u8]| {
        let Ok(picture) = photograph(data) else { return };
        assert!((1..=MAX_PHOTO_SIDE).contains(&picture.width) && (1..=MAX_PHOTO_SIDE).contains(&picture.height));
        assert_eq!(picture.pixels.len(), picture.width as usize * picture.height as usize);
    }
);

/// The engine ends the process at every panic; a panic of the decoder may unwind, as it does at a door.
fn contained() {
    std::panic::set_hook(Box::new(|panic| {
        if !panic.location().is_some_and(|place| place.file().contains("hayro")) {
            eprintln!("{panic}");
            abort();
        }
    }));
}

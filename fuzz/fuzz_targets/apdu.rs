//! A card that answers anything: byte 0 is the flow, the sections after it are the answers, status words included.
#![no_main]

use fuzz::{
    cards::Scripted,
    judge::{Flow, play},
    sections,
};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Some((&first, answers)) = data.split_first() else { return };
    let flow = Flow::ALL[usize::from(first & 0x7F) % Flow::ALL.len()];
    play(flow, &mut Scripted::new(sections(answers), first & 0x80 != 0));
});

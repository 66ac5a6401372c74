#![allow(clippy::unwrap_used)]
//! Facts about frames.

use proptest::prelude::*;

use super::*;

const ON: Request = Request::Write { coil: 0, driven: true };

/// A body with its check sum.
fn framed(body: &[u8]) -> Vec<u8> {
    [body, &crc(body).to_le_bytes()].concat()
}

#[test]
fn requests_are_those_of_the_maker_s_table() {
    let frame = |request: Request| request.encode(1);
    assert_eq!(frame(ON), [0x01, 0x05, 0x00, 0x00, 0xFF, 0x00, 0x8C, 0x3A]);
    assert_eq!(
        frame(Request::Write { coil: 0, driven: false }),
        [0x01, 0x05, 0x00, 0x00, 0x00, 0x00, 0xCD, 0xCA]
    );
    assert_eq!(
        frame(Request::Write { coil: 1, driven: true }),
        [0x01, 0x05, 0x00, 0x01, 0xFF, 0x00, 0xDD, 0xFA]
    );
    assert_eq!(
        frame(Request::Flash { coil: 0, tenths: 7 }),
        [0x01, 0x05, 0x02, 0x00, 0x00, 0x07, 0x8D, 0xB0]
    );
    assert_eq!(
        frame(Request::Flash { coil: 0, tenths: 10 }),
        [0x01, 0x05, 0x02, 0x00, 0x00, 0x0A, 0x4C, 0x75]
    );
    assert_eq!(crc(&[0x01, 0x01, 0x00, 0x00, 0x00, 0x08]).to_le_bytes(), [0x3D, 0xCC]);
}

#[test]
fn a_reply_is_read_with_its_meaning() {
    let echo = decode(&ON.encode(17)).unwrap();
    assert_eq!((echo.address, echo.length), (17, 8));
    assert!(ON.is_answered_by(echo.answer));
    let coils = decode(&framed(&[1, 1, 1, 0b101])).unwrap();
    assert_eq!(coils.answer, Answer::Coils { bytes: 1, first: 0b101 });
    let refused = decode(&framed(&[1, 0x85, 2])).unwrap();
    assert_eq!(refused.answer, Answer::Exception { function: 5, code: 2 });
    assert_eq!(refused.length, 5);
}

#[test]
fn an_answer_to_another_question_is_none() {
    let off = Request::Write { coil: 0, driven: false };
    let other = Request::Write { coil: 1, driven: true };
    let flash = Request::Flash { coil: 0, tenths: 7 };
    let read = Request::Read { coil: 0 };
    for (asked, told) in [(ON, off), (ON, other), (off, ON), (flash, ON), (ON, flash), (read, ON)] {
        assert!(!asked.is_answered_by(decode(&told.encode(1)).unwrap().answer), "{asked:?} by {told:?}");
    }
    assert!(!ON.is_answered_by(Answer::Exception { function: 1, code: 2 }));
    assert!(!ON.is_answered_by(Answer::Coils { bytes: 1, first: 1 }));
}

#[test]
fn an_adaptor_that_echoes_a_question_about_a_coil_has_not_answered_it() {
    let read = Request::Read { coil: 0 };
    let echoed = decode(&read.encode(1));
    assert!(!echoed.is_ok_and(|reply| read.is_answered_by(reply.answer)));
}

#[test]
fn the_silence_is_three_and_a_half_characters_and_never_under_one_and_three_quarter_milliseconds() {
    assert_eq!(silence(9_600), Duration::from_micros(4_010));
    assert_eq!(silence(19_200), Duration::from_micros(2_005));
    assert_eq!(silence(115_200), Duration::from_micros(1_750));
}

#[test]
fn a_flash_is_never_shorter_than_the_pulse() {
    for (pulse, wanted) in [(200, 2), (201, 3), (999, 10), (1_000, 10), (5_000, 50)] {
        assert_eq!(tenths(Duration::from_millis(pulse)), wanted);
    }
}

proptest! {
    #[test]
    fn any_bytes_whatever_are_a_reply_or_an_error(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        if let Ok(reply) = decode(&bytes) {
            prop_assert!((SHORTEST..=LONGEST + 4).contains(&reply.length) && reply.length <= bytes.len());
        }
    }

    #[test]
    fn one_flipped_bit_is_never_the_same_reply(coil in 0_u16..512, driven in any::<bool>(), bit in 0_usize..64) {
        let request = Request::Write { coil, driven };
        let mut frame = request.encode(1);
        frame[bit / 8] ^= 1 << (bit % 8);
        let taken = decode(&frame).is_ok_and(|reply| reply.address == 1 && request.is_answered_by(reply.answer));
        prop_assert!(!taken);
    }

    #[test]
    fn a_reply_that_breaks_off_asks_for_more(cut in 0_usize..8) {
        let frame = ON.encode(1);
        prop_assert_eq!(decode(&frame[..cut]), Err(FrameError::Short(cut)));
    }
}

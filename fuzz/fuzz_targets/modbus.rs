//! What comes over the wires of a relay: any bytes, the same with a check sum that is right, and answers to our requests.
#![no_main]

use libfuzzer_sys::fuzz_target;
use modbus::{Answer, FrameError, LONGEST, Request, SHORTEST, crc, decode, exception, silence, tenths};

// The file alone: the rest of `boards` needs the libraries of cameras and readers.
#[rustfmt::skip]
#[allow(unreachable_pub, reason = "public in its own crate")]
#[path = "../../boards/src/modbus.rs"]
mod modbus;

fuzz_target!(|data: &[u8]| {
    judge(data);
    judge(&[data, &crc(data).to_le_bytes()].concat());
    if let Some((&[kind, address, high, low, a, b], rest)) = data.split_first_chunk() {
        let request = request(kind, u16::from_be_bytes([high, low]), u16::from_be_bytes([a, b]));
        answered(request, address, rest);
    }
});

/// A reply is whole, sound, and the same however many bytes follow; of a part of it more is asked for.
fn judge(bytes: &[u8]) {
    let reply = match decode(bytes) {
        Ok(reply) => reply,
        Err(FrameError::Short(length)) => {
            return assert!(length == bytes.len() && length < LONGEST + SHORTEST);
        }
        Err(FrameError::Function(function)) => return assert!(![1, 5, 0x81, 0x85].contains(&function)),
        Err(FrameError::Crc) => return,
    };
    assert!((SHORTEST..=255 + SHORTEST).contains(&reply.length));
    let frame = &bytes[..reply.length];
    assert_eq!(crc(frame), 0, "the check sum over a frame and its check sum is nothing");
    assert_eq!(decode(frame), Ok(reply));
    for cut in 0..frame.len() {
        assert_eq!(decode(&frame[..cut]), Err(FrameError::Short(cut)));
    }
    if let Answer::Exception { code, .. } = reply.answer {
        assert!(!exception(code).is_empty());
    }
}

fn request(kind: u8, coil: u16, value: u16) -> Request {
    match kind % 4 {
        0 => Request::Write { coil, driven: true },
        1 => Request::Write { coil, driven: false },
        2 => Request::Flash { coil: coil as u8, tenths: value },
        _ => Request::Read { coil },
    }
}

/// The echo of a write answers it, and no other write.
fn answered(request: Request, address: u8, rest: &[u8]) {
    let frame = request.encode(address);
    assert_eq!(crc(&frame), 0);
    if let (Request::Write { .. } | Request::Flash { .. }, Ok(echo)) = (request, decode(&frame)) {
        assert!(echo.address == address && request.is_answered_by(echo.answer));
        if let Ok(other) = decode(rest)
            && matches!(other.answer, Answer::Written { .. })
        {
            assert_eq!(request.is_answered_by(other.answer), other.answer == echo.answer);
        }
    }
    let baud_rate = u32::from(u16::from_be_bytes([frame[2], frame[3]]));
    assert!(silence(baud_rate).as_micros() >= 1_750);
    let _ = tenths(silence(baud_rate));
}

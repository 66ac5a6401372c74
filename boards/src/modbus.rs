//! Modbus RTU, as far as a relay needs it: bytes to meaning and back, nothing that waits.
//!
//! One frame is `address, function, data, CRC low, CRC high`. The CRC is that of Modbus: polynomial A001 (reflected), begun
//! with FFFF. Frames are set apart by a silence of 3.5 characters ([`silence`]). Used here:
//!
//! | request | bytes before the CRC | reply before the CRC |
//! |---|---|---|
//! | write one coil | `aa 05 cc cc vv vv` | the same bytes |
//! | read coils | `aa 01 cc cc nn nn` | `aa 01 count`, then bits, lowest coil in the lowest bit |
//! | anything refused | | `aa 80+function code` |
//!
//! A coil is driven by the value FF00 and rests with 0000. Relay boards of Waveshare with firmware from V2 on have one thing
//! more: a write to coil 0200 + n with a number of tenths of a second drives relay n for that long and ends it in hardware
//! ("flash-on"). That is theirs and in no standard.
//!
//! [`decode`] takes any bytes whatever and never panics.

use std::time::Duration;

use thiserror::Error;

/// The shortest reply, and the length of an exception.
pub const SHORTEST: usize = 5;

/// The longest frame that the protocol allows.
pub const LONGEST: usize = 256;

/// Where the coils begin whose writing is a flash.
const FLASH: u16 = 0x0200;

/// One unit of a flash.
const TENTH: Duration = Duration::from_millis(100);

/// Bits of a character on the line: start, eight of data, parity or a second stop bit, stop.
const BITS_PER_CHARACTER: u64 = 11;

/// What a relay is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Request {
    /// Drive a coil, or let it rest.
    Write {
        /// The coil, counted from 0.
        coil: u16,
        /// Whether it is to be driven.
        driven: bool,
    },
    /// Drive a coil for so many tenths of a second.
    Flash {
        /// The coil, counted from 0; boards with a flash have few.
        coil: u8,
        /// Tenths of a second.
        tenths: u16,
    },
    /// How one coil stands.
    Read {
        /// The coil, counted from 0.
        coil: u16,
    },
}

/// What a frame from a relay says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reply {
    /// Whose it is.
    pub address: u8,
    /// What it says.
    pub answer: Answer,
    /// Bytes that it took.
    pub length: usize,
}

/// The content of a reply.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// The echo of a write: coil and value.
    Written {
        /// The coil, as on the line.
        coil: u16,
        /// The value, as on the line.
        value: u16,
    },
    /// The first eight of the coils that were read, and how many bytes of them came.
    Coils {
        /// Bytes of coils.
        bytes: u8,
        /// The first eight, the first of them lowest.
        first: u8,
    },
    /// The request was refused.
    Exception {
        /// The function that was asked for.
        function: u8,
        /// Why.
        code: u8,
    },
}

/// Bytes are no reply.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum FrameError {
    /// More bytes are needed.
    #[error("a reply broke off after {0} bytes: check the wires A and B, and other devices on them")]
    Short(usize),
    /// The check sum is another.
    #[error(
        "a reply was garbled (its CRC is wrong): check `baud_rate`, the wires A and B, and their termination"
    )]
    Crc,
    /// A function that was never asked for.
    #[error("a reply of function {0:02X}, which was not asked for: is this the relay's port?")]
    Function(u8),
}

impl Request {
    /// The frame for the device of this address.
    #[must_use]
    pub fn encode(self, address: u8) -> [u8; 8] {
        let (function, coil, value) = match self {
            Self::Write { .. } | Self::Flash { .. } => {
                let (coil, value) = self.written();
                (5, coil, value)
            }
            Self::Read { coil } => (1, coil, 1),
        };
        let [coil_high, coil_low] = coil.to_be_bytes();
        let [value_high, value_low] = value.to_be_bytes();
        let body = [address, function, coil_high, coil_low, value_high, value_low];
        let [low, high] = crc(&body).to_le_bytes();
        [address, function, coil_high, coil_low, value_high, value_low, low, high]
    }

    /// Coil and value on the line.
    fn written(self) -> (u16, u16) {
        match self {
            Self::Write { coil, driven: true } => (coil, 0xFF00),
            Self::Write { coil, driven: false } => (coil, 0x0000),
            Self::Flash { coil, tenths } => (FLASH + u16::from(coil), tenths),
            Self::Read { coil } => (coil, 1),
        }
    }

    /// Whether this is an answer to the request. What answers another request came late, or is another device's.
    #[must_use]
    pub fn is_answered_by(self, answer: Answer) -> bool {
        match (self, answer) {
            (Self::Write { .. } | Self::Flash { .. }, Answer::Written { coil, value }) => {
                (coil, value) == self.written()
            }
            (Self::Write { .. } | Self::Flash { .. }, Answer::Exception { function, .. }) => function == 5,
            (Self::Read { .. }, Answer::Coils { bytes, .. }) => bytes == 1,
            (Self::Read { .. }, Answer::Exception { function, .. }) => function == 1,
            (Self::Write { .. } | Self::Flash { .. }, Answer::Coils { .. })
            | (Self::Read { .. }, Answer::Written { .. }) => false,
        }
    }
}

/// The reply at the beginning of these bytes; what follows it is not looked at.
///
/// # Errors
/// [`FrameError`]; `Short` means that more bytes may make one.
pub fn decode(bytes: &[u8]) -> Result<Reply, FrameError> {
    let short = FrameError::Short(bytes.len());
    let &[address, function, third, ..] = bytes else {
        return Err(short);
    };
    let length = match function {
        1 => usize::from(third) + SHORTEST,
        5 => 8,
        0x81 | 0x85 => SHORTEST,
        other => return Err(FrameError::Function(other)),
    };
    let frame = bytes.get(..length).ok_or(short)?;
    let Some((body, &[low, high])) = frame.split_last_chunk() else {
        return Err(short);
    };
    if crc(body) != u16::from_le_bytes([low, high]) {
        return Err(FrameError::Crc);
    }
    let answer = match *body {
        [_, 5, coil_high, coil_low, value_high, value_low] => Answer::Written {
            coil: u16::from_be_bytes([coil_high, coil_low]),
            value: u16::from_be_bytes([value_high, value_low]),
        },
        [_, 1, bytes, first, ..] => Answer::Coils { bytes, first },
        [_, 1, bytes] => Answer::Coils { bytes, first: 0 },
        [_, function, code] => Answer::Exception { function: function & 0x7F, code },
        [..] => return Err(FrameError::Function(function)),
    };
    Ok(Reply { address, answer, length })
}

/// The check sum of Modbus over these bytes; its low byte goes first.
#[must_use]
pub fn crc(bytes: &[u8]) -> u16 {
    bytes.iter().fold(0xFFFF, |crc, &byte| {
        (0..8).fold(crc ^ u16::from(byte), |crc, _| if crc & 1 == 1 { (crc >> 1) ^ 0xA001 } else { crc >> 1 })
    })
}

/// The silence between frames: 3.5 characters, and 1.75 ms at the least, which the standard asks for above 19200 baud.
#[must_use]
pub fn silence(baud_rate: u32) -> Duration {
    let micros = 7 * BITS_PER_CHARACTER * 1_000_000 / (2 * u64::from(baud_rate.max(1)));
    Duration::from_micros(micros.max(1_750))
}

/// Tenths of a second that last for at least as long as this.
#[must_use]
pub fn tenths(pulse: Duration) -> u16 {
    u16::try_from(pulse.as_millis().div_ceil(TENTH.as_millis())).unwrap_or(u16::MAX)
}

/// What an exception's code says.
#[must_use]
pub fn exception(code: u8) -> &'static str {
    match code {
        1 => "it does not know this function",
        2 => "it has no such coil",
        3 => "it does not take this value",
        4 => "it failed",
        6 => "it is busy",
        _ => "for a reason of its own",
    }
}

#[cfg(test)]
mod tests;

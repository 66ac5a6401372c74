//! One question to a relay on the line and its answer, within a bound; for the driver, and for its guard.
//!
//! The line has two wires for both ways, so nothing is asked while bytes still arrive. A reply counts if it has its check
//! sum, the relay's address, and the question's own content. Everything else is passed over until the time is out: noise
//! that an adaptor adds as it turns round, another device's reply, a reply to the question before that came too late.

use std::{
    os::fd::AsFd,
    thread,
    time::{Duration, Instant},
};

use rustix::io::Errno;
use thiserror::Error;

use crate::{
    modbus::{Answer, FrameError, LONGEST, Request, decode, exception, silence},
    strike::port::{WRITE_WITHIN, write_until},
};

/// How long a reply may take. Boards answer within some 20 ms; at 1200 baud question and answer alone last for 150 ms.
pub(crate) const ANSWER_WITHIN: Duration = Duration::from_millis(500);

/// How long the line may go on talking before it is asked all the same.
const QUIET_WITHIN: Duration = Duration::from_millis(200);

/// How often an empty line is looked at.
const LOOK_AGAIN: Duration = Duration::from_millis(1);

/// A line and the relay's place on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// Speed of the line.
    pub baud_rate: u32,
    /// The device on the line, 1 to 247.
    pub address: u8,
    /// Its coil, counted from 0.
    pub coil: u8,
}

/// Why a question has no good answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub(crate) enum Fault {
    /// The port does not work.
    #[error("{0}")]
    Port(Errno),
    /// The port takes no bytes.
    #[error("the port takes no bytes")]
    Full,
    /// Not one byte.
    #[error("no answer")]
    Silent,
    /// Bytes, but no frame.
    #[error("{0}")]
    Frame(#[from] FrameError),
    /// A frame of somebody else.
    #[error(
        "the device of address {0} answered in its place: check `address`, and that no two devices share one"
    )]
    OtherDevice(u8),
    /// A frame that answers something else.
    #[error("it answered another question than was asked: check for another master on the line")]
    OtherAnswer,
    /// An exception.
    #[error("{}", exception(*.0))]
    Refused(u8),
}

/// Asks and waits for the answer: at most [`QUIET_WITHIN`], [`WRITE_WITHIN`] and [`ANSWER_WITHIN`] together.
pub(crate) fn ask(port: impl AsFd, place: Place, request: Request) -> Result<Answer, Fault> {
    settle(&port, silence(place.baud_rate))?;
    write_until(&port, &request.encode(place.address), Instant::now() + WRITE_WITHIN).map_err(|error| {
        match error {
            Errno::AGAIN => Fault::Full,
            error => Fault::Port(error),
        }
    })?;
    let until = Instant::now() + ANSWER_WITHIN;
    let mut heard = Vec::with_capacity(LONGEST);
    loop {
        let more = read(&port, &mut heard)?;
        if let Some(answer) = answer_in(&heard, place.address, request) {
            return match answer {
                Answer::Exception { code, .. } => Err(Fault::Refused(code)),
                Answer::Written { .. } | Answer::Coils { .. } => Ok(answer),
            };
        }
        if Instant::now() >= until || heard.len() >= LONGEST {
            return Err(fault_of(&heard, place.address));
        }
        if !more {
            thread::sleep(LOOK_AGAIN);
        }
    }
}

/// Waits until nothing arrives for the silence between frames, and forgets what did.
fn settle(port: impl AsFd, silence: Duration) -> Result<(), Fault> {
    let until = Instant::now() + QUIET_WITHIN;
    let mut late = Vec::new();
    loop {
        while read(&port, &mut late)? && Instant::now() < until {
            late.clear();
        }
        thread::sleep(silence);
        if !read(&port, &mut late)? || Instant::now() >= until {
            return Ok(());
        }
    }
}

/// Whether anything was there.
fn read(port: impl AsFd, heard: &mut Vec<u8>) -> Result<bool, Fault> {
    let mut bytes = [0; LONGEST];
    match rustix::io::read(port, &mut bytes) {
        Ok(count) => {
            heard.extend_from_slice(&bytes[..count]);
            Ok(count > 0)
        }
        Err(Errno::AGAIN | Errno::INTR) => Ok(false),
        Err(error) => Err(Fault::Port(error)),
    }
}

/// The answer, wherever it begins.
fn answer_in(heard: &[u8], address: u8, request: Request) -> Option<Answer> {
    (0..heard.len())
        .filter_map(|start| decode(&heard[start..]).ok())
        .find(|reply| reply.address == address && request.is_answered_by(reply.answer))
        .map(|reply| reply.answer)
}

/// What to say of bytes that held no answer.
fn fault_of(heard: &[u8], address: u8) -> Fault {
    if heard.is_empty() {
        return Fault::Silent;
    }
    let whole = (0..heard.len()).find_map(|start| decode(&heard[start..]).ok());
    match (whole, decode(heard)) {
        (Some(reply), _) if reply.address == address => Fault::OtherAnswer,
        (Some(reply), _) => Fault::OtherDevice(reply.address),
        (None, Err(error)) => Fault::Frame(error),
        (None, Ok(_)) => Fault::OtherAnswer,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const READ: Request = Request::Read { coil: 0 };
    const ON: Request = Request::Write { coil: 0, driven: true };

    #[test]
    fn an_answer_is_found_behind_noise_and_late_replies_and_none_is_made_of_another_s() {
        let late = Request::Write { coil: 0, driven: false }.encode(1);
        let heard = [&[0x00, 0xFF][..], &late, &ON.encode(2), &ON.encode(1)].concat();
        assert!(answer_in(&heard, 1, ON).is_some());
        assert_eq!(answer_in(&heard[..heard.len() - 1], 1, ON), None);
        assert_eq!(answer_in(&late, 1, ON), None);
        assert_eq!(answer_in(&ON.encode(2), 1, ON), None);
        assert_eq!(answer_in(&READ.encode(1), 1, READ), None, "an echo is no answer");
    }

    #[test]
    fn what_is_wrong_with_a_reply_is_told_apart() {
        let mut garbled = ON.encode(1);
        garbled[6] ^= 1;
        let cases: [(&[u8], Fault); 5] = [
            (&[], Fault::Silent),
            (&garbled, Fault::Frame(FrameError::Crc)),
            (&ON.encode(1)[..6], Fault::Frame(FrameError::Short(6))),
            (&ON.encode(9), Fault::OtherDevice(9)),
            (&ON.encode(1), Fault::OtherAnswer),
        ];
        for (heard, wanted) in cases {
            assert_eq!(fault_of(heard, 1), wanted, "{heard:02X?}");
        }
    }
}

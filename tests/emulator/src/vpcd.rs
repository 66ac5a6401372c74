//! The emulated card at a virtual reader of the real pcscd: a client of vsmartcard's driver `vpcd`.
//!
//! Every message, both ways, is its length in two bytes, high byte first, and that many bytes. One byte from the driver is
//! a control: 0 power off, 1 power on, 2 reset, 4 the answer to reset is asked for; only 4 is answered. Anything longer is
//! a command APDU, answered with the response APDU. A closed connection is a card that was taken away.
//!
//! The driver writes length and bytes apart and without `TCP_NODELAY`: unless each part is acknowledged at once, its second
//! write waits for the kernel's delayed acknowledgement, some 40 ms. So `TCP_QUICKACK` is set again after every receive,
//! because the kernel forgets it.

use std::{
    io::{self, Read, Write},
    net::{Shutdown, SocketAddr, TcpStream},
    sync::{Arc, Mutex, PoisonError},
    thread,
    time::{Duration, Instant},
};

use crate::{Emulator, Reply};

/// How long to look for a reader.
const CONNECT_WITHIN: Duration = Duration::from_secs(5);

/// How long the reader may be silent: pcscd asks for the answer to reset every 0.4 s.
const SILENCE: Duration = Duration::from_secs(20);

/// How long another card takes to be laid where the first was.
const SWAP: Duration = Duration::from_millis(1_500);

/// How a card session at the reader ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// The card was taken away, by its plan.
    Removed,
    /// By its plan, another card is to lie there.
    Replaced,
    /// The reader closed the connection.
    ReaderGone,
}

/// A card that lies on a virtual reader.
pub struct AtReader {
    stream: TcpStream,
    quick: bool,
}

impl AtReader {
    /// Lays a card on the reader at this address; waits a while for the driver.
    ///
    /// # Errors
    /// If nobody listens there.
    pub fn lay(reader: SocketAddr) -> io::Result<Self> {
        let until = Instant::now() + CONNECT_WITHIN;
        let stream = loop {
            match TcpStream::connect_timeout(&reader, CONNECT_WITHIN) {
                Ok(stream) => break stream,
                Err(error) if Instant::now() >= until => return Err(error),
                Err(_) => thread::sleep(Duration::from_millis(50)),
            }
        };
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(SILENCE))?;
        Ok(Self { stream, quick: true })
    }

    /// Without acknowledging at once, to measure what that is worth.
    #[must_use]
    pub fn delayed(mut self) -> Self {
        self.quick = false;
        self
    }

    /// A second handle; shutting it down takes the card away.
    ///
    /// # Errors
    /// The system's.
    pub fn handle(&self) -> io::Result<TcpStream> {
        self.stream.try_clone()
    }

    /// Answers the reader until the card or the reader is gone.
    ///
    /// # Errors
    /// The connection's, but for its end.
    pub fn serve(mut self, card: &Mutex<Emulator>) -> io::Result<Ended> {
        let ended = self.answers(card);
        // Other handles would keep the card there.
        let _ = self.stream.shutdown(Shutdown::Both);
        card.lock().unwrap_or_else(PoisonError::into_inner).reset();
        match ended {
            Err(error) if is_end(&error) => Ok(Ended::ReaderGone),
            other => other,
        }
    }

    fn answers(&mut self, card: &Mutex<Emulator>) -> io::Result<Ended> {
        loop {
            let message = self.receive()?;
            let mut card = card.lock().unwrap_or_else(PoisonError::into_inner);
            let reply = match message.as_slice() {
                [0..=2] => {
                    card.reset();
                    continue;
                }
                [4] => Reply::Answer(card.answer_to_reset().to_vec(), Duration::ZERO),
                command => card.respond(command),
            };
            drop(card);
            match reply {
                Reply::Answer(bytes, after) => {
                    thread::sleep(after);
                    self.send(&bytes)?;
                }
                Reply::Removed => return Ok(Ended::Removed),
                Reply::Replaced => return Ok(Ended::Replaced),
            }
        }
    }

    fn receive(&mut self) -> io::Result<Vec<u8>> {
        let mut length = [0; 2];
        self.fill(&mut length)?;
        let mut message = vec![0; usize::from(u16::from_be_bytes(length))];
        self.fill(&mut message)?;
        Ok(message)
    }

    fn fill(&mut self, mut part: &mut [u8]) -> io::Result<()> {
        while !part.is_empty() {
            let read = self.stream.read(part)?;
            if self.quick {
                rustix::net::sockopt::set_tcp_quickack(&self.stream, true)?;
            }
            if read == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            part = &mut part[read..];
        }
        Ok(())
    }

    fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        let length = u16::try_from(bytes.len()).map_err(|_| io::ErrorKind::InvalidData)?;
        self.stream.write_all(&[&length.to_be_bytes(), bytes].concat())
    }
}

/// Lays a card on the reader and serves it; if its plan says so, another card of the next seed after it.
///
/// # Errors
/// The connection's.
pub fn run(reader: SocketAddr, card: &Arc<Mutex<Emulator>>) -> io::Result<Ended> {
    let ended = AtReader::lay(reader)?.serve(card)?;
    if ended != Ended::Replaced {
        return Ok(ended);
    }
    thread::sleep(SWAP);
    let plan = {
        let card = card.lock().unwrap_or_else(PoisonError::into_inner);
        crate::Plan { seed: card.plan().seed + 1, mishap: crate::Mishap::None, ..card.plan().clone() }
    };
    AtReader::lay(reader)?.serve(&Mutex::new(Emulator::new(plan)))
}

fn is_end(error: &io::Error) -> bool {
    use io::ErrorKind::{BrokenPipe, ConnectionReset, UnexpectedEof};
    [BrokenPipe, ConnectionReset, UnexpectedEof].contains(&error.kind())
}

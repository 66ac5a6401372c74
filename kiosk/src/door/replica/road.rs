//! The socket that the agent comes to: `<data>/agent.sock`, mode 0660, frames of [`ledger::Frames`] both ways.
//!
//! The agent is a stranger: another user's program, which may have been taken over. So nothing here waits for it longer than
//! its caller allows, nothing grows with what it sends or does not read, and whoever talks nonsense, half sentences, nothing
//! at all, or never listens, is left and may come back after a while. One agent is heard at a time; another one that comes
//! waits in the listener's queue until the first is gone.

use std::{
    fs,
    io::{self, Read as _, Write as _},
    os::{
        fd::AsFd as _,
        unix::{
            fs::PermissionsExt as _,
            net::{UnixListener, UnixStream},
        },
    },
    path::{Path, PathBuf},
    thread,
    time::Duration,
};

use gate::Monotonic;
use ledger::{Frames, MAX_MESSAGE, MAX_WANT, Message, frame};
use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    io::Errno,
};

/// The socket's name in the data directory.
pub(super) const NAME: &str = "agent.sock";
/// The owner and the group: the agent's user is a member of it.
const MODE: u32 = 0o660;
/// Protects memory: bytes of one reading. More stay in the system's queue, and the agent waits.
const READING: usize = 64 << 10;
/// Protects memory: what waits to be read by the agent. What does not fit is not said; the agent asks again.
const WAITING: usize = MAX_WANT * MAX_MESSAGE;
/// Protects the processor: messages that are listened to in a second. The busiest honest agent brings a page in each; more
/// wait in the system's queue.
const MESSAGES_A_SECOND: u32 = 256;
/// An agent says each second what it has. One that said nothing whole for so long is not there any more.
const SILENCE: Duration = Duration::from_secs(15);
/// An agent that takes nothing of what is said to it for so long does not listen.
const DEAFNESS: Duration = Duration::from_secs(10);
/// An honest agent verifies what it brings; so many pages that do not verify come from another kind.
const REFUSALS: u32 = 16;
/// How long nobody is let in after an agent was sent away.
const PAUSE: Duration = Duration::from_secs(5);

/// What the agent did.
#[derive(Debug)]
pub(super) enum Heard {
    /// One came.
    Connected,
    /// It said something.
    Said(Box<Message>),
    /// It is gone, or was sent away.
    Gone,
}

/// Why an agent is heard no longer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Parting {
    /// It closed the socket, or the socket failed.
    Closed,
    /// It speaks something else.
    Nonsense,
    /// It brought pages that do not verify.
    Forgeries,
    /// It said nothing whole.
    Silent,
    /// It does not read.
    Deaf,
}

/// The socket, and the agent if one is there.
pub(super) struct Road {
    path: PathBuf,
    listener: UnixListener,
    agent: Option<Agent>,
    /// Until then nobody is let in.
    closed_until: Monotonic,
    reading: Box<[u8]>,
}

struct Agent {
    stream: UnixStream,
    frames: Frames,
    out: Vec<u8>,
    /// How much of `out` the agent has.
    taken: usize,
    /// When it last said something whole.
    heard: Monotonic,
    /// When it last took something, or had nothing to take.
    listened: Monotonic,
    refusals: u32,
    allowance: u32,
    allowed_at: Monotonic,
}

impl Road {
    /// Opens the socket in a data directory that this process alone holds, so one that is there belongs to a dead kiosk.
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        match fs::remove_file(path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            Ok(()) | Err(_) => {}
        }
        let listener = UnixListener::bind(path)?;
        fs::set_permissions(path, fs::Permissions::from_mode(MODE))?;
        listener.set_nonblocking(true)?;
        Ok(Self {
            path: path.to_owned(),
            listener,
            agent: None,
            closed_until: Monotonic::default(),
            reading: vec![0; READING].into_boxed_slice(),
        })
    }

    /// Whether an agent is there.
    pub(super) fn is_connected(&self) -> bool {
        self.agent.is_some()
    }

    /// Whether something more can be said without going beyond what may wait.
    pub(super) fn has_room(&self) -> bool {
        self.agent.as_ref().is_some_and(|agent| agent.waiting() + MAX_MESSAGE + 4 <= WAITING)
    }

    /// Says something, or not: a message that does not fit is asked for again.
    pub(super) fn say(&mut self, message: &Message) {
        let room = self.has_room();
        let Some(agent) = self.agent.as_mut().filter(|_| room) else { return };
        match frame(message) {
            Ok(bytes) => agent.out.extend_from_slice(&bytes),
            Err(error) => tracing::warn!(%error, "replica: a message cannot be said"),
        }
    }

    /// The agent brought something that does not verify.
    pub(super) fn blame(&mut self, now: Monotonic) -> Option<Heard> {
        let agent = self.agent.as_mut()?;
        agent.refusals += 1;
        let too_many = agent.refusals > REFUSALS;
        too_many.then(|| self.part(now, Parting::Forgeries))
    }

    /// Waits until something happens, at most so long, and says what it was.
    pub(super) fn turn(&mut self, now: Monotonic, wait: Duration) -> Vec<Heard> {
        let mut heard = self.wait(now, wait);
        if let Some(agent) = &mut self.agent {
            match agent.turn(now, &mut self.reading) {
                Ok(said) => heard.extend(said.into_iter().map(|message| Heard::Said(Box::new(message)))),
                Err(parting) => heard.push(self.part(now, parting)),
            }
        }
        heard
    }

    fn wait(&mut self, now: Monotonic, wait: Duration) -> Vec<Heard> {
        let Some(agent) = &mut self.agent else {
            if now < self.closed_until {
                thread::sleep(wait);
                return Vec::new();
            }
            let ready = await_one(PollFd::new(&self.listener, PollFlags::IN), wait);
            return if ready { self.let_in(now).into_iter().collect() } else { Vec::new() };
        };
        agent.allow(now);
        let mut interest = PollFlags::empty();
        interest.set(PollFlags::IN, agent.allowance > 0);
        interest.set(PollFlags::OUT, agent.waiting() > 0);
        match interest.is_empty() {
            // Without interest only a hang-up is told, at once and again and again.
            true => thread::sleep(wait),
            false => _ = await_one(PollFd::from_borrowed_fd(agent.stream.as_fd(), interest), wait),
        }
        Vec::new()
    }

    fn let_in(&mut self, now: Monotonic) -> Option<Heard> {
        let (stream, _) = self.listener.accept().ok()?;
        stream.set_nonblocking(true).ok()?;
        tracing::info!("agent connected");
        self.agent = Some(Agent {
            stream,
            frames: Frames::default(),
            out: Vec::new(),
            taken: 0,
            heard: now,
            listened: now,
            refusals: 0,
            allowance: MESSAGES_A_SECOND,
            allowed_at: now,
        });
        Some(Heard::Connected)
    }

    fn part(&mut self, now: Monotonic, why: Parting) -> Heard {
        self.agent = None;
        match why {
            Parting::Closed => tracing::info!("agent gone"),
            Parting::Nonsense | Parting::Forgeries | Parting::Silent | Parting::Deaf => {
                self.closed_until = now.plus(PAUSE);
                tracing::warn!(?why, "agent sent away");
            }
        }
        Heard::Gone
    }
}

impl Drop for Road {
    fn drop(&mut self) {
        _ = fs::remove_file(&self.path);
    }
}

impl Agent {
    fn waiting(&self) -> usize {
        self.out.len() - self.taken
    }

    fn allow(&mut self, now: Monotonic) {
        if now.since(self.allowed_at) >= Duration::from_secs(1) {
            (self.allowance, self.allowed_at) = (MESSAGES_A_SECOND, now);
        }
    }

    /// Writes what can be written, and takes what came as far as it is allowed.
    fn turn(&mut self, now: Monotonic, reading: &mut [u8]) -> Result<Vec<Message>, Parting> {
        self.write(now)?;
        let mut said = self.take()?;
        if said.is_empty() && self.allowance > 0 && self.read(reading)? {
            said = self.take()?;
        }
        // Whoever may not speak now is not blamed for its silence.
        if !said.is_empty() || self.allowance == 0 {
            self.heard = now;
        }
        if now.since(self.heard) >= SILENCE {
            return Err(Parting::Silent);
        }
        Ok(said)
    }

    fn write(&mut self, now: Monotonic) -> Result<(), Parting> {
        while self.waiting() > 0 {
            match self.stream.write(&self.out[self.taken..]) {
                Ok(0) => return Err(Parting::Closed),
                Ok(count) => (self.taken, self.listened) = (self.taken + count, now),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => return Err(Parting::Closed),
            }
        }
        self.out.drain(..self.taken);
        self.taken = 0;
        if self.out.is_empty() {
            self.listened = now;
        }
        if now.since(self.listened) >= DEAFNESS { Err(Parting::Deaf) } else { Ok(()) }
    }

    fn take(&mut self) -> Result<Vec<Message>, Parting> {
        let mut said = Vec::new();
        while self.allowance > 0 {
            match self.frames.next() {
                Ok(Some(message)) => said.push(message),
                Ok(None) => break,
                Err(_) => return Err(Parting::Nonsense),
            }
            self.allowance -= 1;
        }
        Ok(said)
    }

    /// One reading; whether anything came. Nothing is read while whole messages wait, so no more than one waits in part.
    fn read(&mut self, reading: &mut [u8]) -> Result<bool, Parting> {
        match self.stream.read(reading) {
            Ok(0) => Err(Parting::Closed),
            Ok(count) => {
                self.frames.push(&reading[..count]);
                Ok(true)
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(false),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => Ok(false),
            Err(_) => Err(Parting::Closed),
        }
    }
}

/// Whether this became ready in the time given. A wait that a signal ends is a short wait.
fn await_one(one: PollFd<'_>, wait: Duration) -> bool {
    let wait = Timespec::try_from(wait).expect("a wait is far shorter than the age of the world");
    let mut all = [one];
    match poll(&mut all, Some(&wait)) {
        Ok(ready) => ready > 0,
        Err(Errno::INTR) => false,
        Err(_) => false,
    }
}

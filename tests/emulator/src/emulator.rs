//! The card itself: states and the command table.

use std::{io, path::PathBuf, time::Duration};

use crate::{
    files::{Application, File, Files},
    keys::{drawn, sign},
    others,
    plan::{Kind, Mishap, Plan},
    tries::Tries,
};

/// What a command leads to.
#[derive(Clone, PartialEq, Eq)]
pub enum Reply {
    /// An answer, status word included, after this long.
    Answer(Vec<u8>, Duration),
    /// The card is no longer there.
    Removed,
    /// The card is no longer there, and another one lies in its place.
    Replaced,
}

/// A status word.
pub(crate) type Status = u16;

pub(crate) const DONE: Status = 0x9000;
pub(crate) const BLOCKED: Status = 0x6984;
pub(crate) const WRONG_LENGTH: Status = 0x6700;
pub(crate) const NO_CHANNEL: Status = 0x6881;
pub(crate) const WRONG_FILE: Status = 0x6981;
pub(crate) const NOT_PRESENTED: Status = 0x6982;
pub(crate) const NO_FILE_SELECTED: Status = 0x6986;
pub(crate) const NOT_FOUND: Status = 0x6A82;
pub(crate) const WRONG_PARAMETERS: Status = 0x6A86;
pub(crate) const NO_REFERENCE: Status = 0x6A88;
pub(crate) const OUTSIDE: Status = 0x6B00;
pub(crate) const NO_INSTRUCTION: Status = 0x6D00;
pub(crate) const NO_CLASS: Status = 0x6E00;
pub(crate) const UNKNOWN: Status = 0x6F00;
/// With the tries in its last four bits.
pub(crate) const TRIES: Status = 0x63C0;

pub(crate) type Outcome = Result<Vec<u8>, Status>;

/// Longest secret that VERIFY compares.
const LONGEST_SECRET: usize = 16;

/// Longest input of a signature: 256 bytes less the padding's 11.
const LONGEST_SIGNED: usize = 245;

/// A command APDU, taken apart.
pub(crate) struct Command<'a> {
    pub(crate) class: u8,
    pub(crate) instruction: u8,
    pub(crate) p1: u8,
    pub(crate) p2: u8,
    pub(crate) data: &'a [u8],
    /// Wanted length, up to 65,536.
    pub(crate) expected: Option<usize>,
}

/// A card in software.
pub struct Emulator {
    plan: Plan,
    files: Files,
    tries: Tries,
    application: Option<Application>,
    file: Option<u16>,
    presented: Vec<u16>,
    reads: u32,
    forbidden_reads: u32,
    secrets: u32,
    last_tries: u32,
    challenges: u32,
    sessions: u32,
    mishap: Mishap,
    gone: bool,
}

impl Emulator {
    /// A card whose tries end with it.
    #[must_use]
    pub fn new(plan: Plan) -> Self {
        Self::with(plan, Tries::in_memory())
    }

    /// A card whose tries are kept in a file.
    ///
    /// # Errors
    /// If there is something else in the file, or it cannot be read.
    pub fn with_tries(plan: Plan, file: PathBuf) -> io::Result<Self> {
        Ok(Self::with(plan, Tries::kept(file)?))
    }

    fn with(plan: Plan, tries: Tries) -> Self {
        Self {
            files: Files::of(&plan),
            tries,
            application: None,
            file: None,
            presented: Vec::new(),
            reads: 0,
            forbidden_reads: 0,
            secrets: 0,
            last_tries: 0,
            challenges: 0,
            sessions: 0,
            mishap: plan.mishap,
            gone: false,
            plan,
        }
    }

    /// The answer to reset.
    #[must_use]
    pub fn answer_to_reset(&self) -> &[u8] {
        &self.plan.answer_to_reset
    }

    /// What it was made from.
    #[must_use]
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// How often somebody selected or read the individual number's files, or presented a number as 照合番号A. A gate has zero.
    #[must_use]
    pub fn forbidden_reads(&self) -> u32 {
        self.forbidden_reads
    }

    /// How often somebody presented a secret, right or wrong.
    #[must_use]
    pub fn secrets(&self) -> u32 {
        self.secrets
    }

    /// How often somebody presented a secret that had one try left. A gate has zero: that try is the holder's.
    #[must_use]
    pub fn last_tries(&self) -> u32 {
        self.last_tries
    }

    /// Power on, power off, reset, or a field that was lost: all states but the tries are as at the beginning.
    pub fn reset(&mut self) {
        (self.application, self.file) = (None, None);
        self.presented.clear();
        self.sessions += 1;
    }

    /// The card is taken away and, if it comes back, has no states.
    pub fn take_away(&mut self) {
        self.reset();
        self.gone = true;
    }

    /// The card lies there again, the accident of its plan behind it.
    pub fn lay_down(&mut self) {
        self.gone = false;
    }

    /// Answers a command APDU.
    pub fn respond(&mut self, command: &[u8]) -> Reply {
        if self.gone {
            return Reply::Removed;
        }
        let Some(command) = Command::parse(command) else {
            return Reply::Answer(WRONG_LENGTH.to_be_bytes().to_vec(), Duration::ZERO);
        };
        let reading = command.class & 0xF0 == 0 && command.instruction == 0xB0;
        self.reads += u32::from(reading);
        match self.mishap {
            Mishap::RemovedAtRead(at) if reading && self.reads >= at => {
                self.mishap = Mishap::None;
                self.take_away();
                return Reply::Removed;
            }
            Mishap::UnknownErrorOnce if reading => {
                self.mishap = Mishap::None;
                return Reply::Answer(UNKNOWN.to_be_bytes().to_vec(), Duration::ZERO);
            }
            Mishap::ReplacedAfterVerify if !self.presented.is_empty() => {
                self.mishap = Mishap::None;
                self.take_away();
                return Reply::Replaced;
            }
            Mishap::None
            | Mishap::RemovedAtRead(_)
            | Mishap::SlowRead(_)
            | Mishap::UnknownErrorOnce
            | Mishap::ReplacedAfterVerify => {}
        }
        let mut wait = Duration::ZERO;
        if let Mishap::SlowRead(long) = self.mishap
            && reading
        {
            self.mishap = Mishap::None;
            wait = long;
        }
        let (mut bytes, status) = match self.outcome(&command) {
            Ok(bytes) => (bytes, DONE),
            Err(status) => (Vec::new(), status),
        };
        bytes.extend(status.to_be_bytes());
        Reply::Answer(bytes, wait)
    }

    fn outcome(&mut self, command: &Command) -> Outcome {
        if (command.class, command.instruction) == (0xFF, 0xCA) {
            return others::identifier(&self.plan, self.sessions, command);
        }
        if self.plan.kind != Kind::MyNumber {
            return others::outcome(&self.plan, &mut self.file, command);
        }
        match command.class {
            0x00 | 0x80 => {}
            class if class & 3 != 0 && class < 0xF0 => return Err(NO_CHANNEL),
            _ => return Err(NO_CLASS),
        }
        match (command.class, command.instruction) {
            (0x00, 0xA4) => self.select(command),
            (0x00, 0xB0) => self.read(command),
            (0x00, 0x20) => self.verify(command),
            (0x00, 0x84) => self.challenge(command),
            (0x00, 0xCA) => Err(NO_REFERENCE),
            (0x80, 0x2A) => self.sign(command),
            _ => Err(NO_INSTRUCTION),
        }
    }

    fn select(&mut self, command: &Command) -> Outcome {
        match (command.p1, command.p2) {
            (0x04, 0x00 | 0x0C) => {
                let found = Application::ALL.into_iter().find(|app| app.identifier() == command.data);
                self.application = Some(found.ok_or(NOT_FOUND)?);
                self.file = None;
                self.presented.clear();
                Ok(Vec::new())
            }
            (0x02, 0x0C) => {
                let &[high, low] = command.data else { return Err(WRONG_LENGTH) };
                self.make_current(u16::from_be_bytes([high, low]))?;
                Ok(Vec::new())
            }
            (0x00, 0x00 | 0x0C) if !command.data.is_empty() => Err(NOT_FOUND),
            _ => Err(WRONG_PARAMETERS),
        }
    }

    fn make_current(&mut self, id: u16) -> Result<(), Status> {
        let application = self.application.ok_or(NOT_FOUND)?;
        let file = self.files.get(application, id).ok_or(NOT_FOUND)?;
        if matches!(file, File::Data { forbidden: true, .. }) {
            self.forbidden_reads += 1;
        }
        self.file = Some(id);
        Ok(())
    }

    /// The file that P2 names, or else the current one.
    fn named(&mut self, p2: u8) -> Result<(Application, u16), Status> {
        if p2 & 0x1F != 0 {
            self.make_current(u16::from(p2 & 0x1F))?;
        }
        match (self.application, self.file) {
            (Some(application), Some(file)) => Ok((application, file)),
            (None, _) | (_, None) => Err(NO_FILE_SELECTED),
        }
    }

    fn read(&mut self, command: &Command) -> Outcome {
        let (by_name, offset) = if command.p1 & 0x80 != 0 {
            (command.p1 & 0x1F, usize::from(command.p2))
        } else {
            (0, usize::from(u16::from_be_bytes([command.p1, command.p2])))
        };
        let (application, id) = self.named(by_name)?;
        let (bytes, keys, forbidden) = match self.files.get(application, id) {
            Some(File::Data { bytes, keys, forbidden }) => (bytes, *keys, *forbidden),
            Some(File::Secret { .. } | File::Key { .. }) | None => return Err(WRONG_FILE),
        };
        self.forbidden_reads += u32::from(forbidden);
        if !keys.is_empty() && !keys.iter().any(|key| self.presented.contains(key)) {
            return Err(NOT_PRESENTED);
        }
        let expected = command.expected.ok_or(WRONG_LENGTH)?;
        let rest = bytes.get(offset..).filter(|rest| !rest.is_empty()).ok_or(OUTSIDE)?;
        Ok(rest[..expected.min(rest.len())].to_vec())
    }

    fn verify(&mut self, command: &Command) -> Outcome {
        if command.p1 != 0 || command.p2 & 0x80 == 0 {
            return Err(WRONG_PARAMETERS);
        }
        let (application, id) = self.named(command.p2)?;
        let (value, most) = match self.files.get(application, id) {
            Some(File::Secret { value, tries }) => (value, *tries),
            Some(File::Data { .. } | File::Key { .. }) | None => return Err(WRONG_FILE),
        };
        // A reference that was never set is as one that is blocked.
        let left = if value.is_some() { self.tries.left(application, id, most) } else { 0 };
        if command.data.is_empty() {
            return Err(TRIES | Status::from(left));
        }
        self.secrets += 1;
        self.last_tries += u32::from(left == 1);
        if command.data.len() > LONGEST_SECRET {
            return Err(WRONG_LENGTH);
        }
        let a_number =
            matches!((application, id), (Application::Text, 0x0014) | (Application::Surface, 0x0013));
        self.forbidden_reads += u32::from(a_number);
        if left == 0 {
            return Err(BLOCKED);
        }
        let right = value.as_deref() == Some(command.data);
        let left = if right { most } else { left - 1 };
        self.tries.set(application, id, left);
        self.presented.retain(|&known| known != id);
        if !right {
            return Err(TRIES | Status::from(left));
        }
        self.presented.push(id);
        Ok(Vec::new())
    }

    fn sign(&mut self, command: &Command) -> Outcome {
        if command.p1 != 0 {
            return Err(WRONG_PARAMETERS);
        }
        let (application, id) = self.named(command.p2)?;
        let (key, secret) = match self.files.get(application, id) {
            Some(File::Key { key, secret }) => (key, *secret),
            Some(File::Data { .. } | File::Secret { .. }) | None => return Err(WRONG_FILE),
        };
        if secret.is_some_and(|secret| !self.presented.contains(&secret)) {
            return Err(NOT_PRESENTED);
        }
        if command.data.is_empty() || command.data.len() > LONGEST_SIGNED {
            return Err(WRONG_LENGTH);
        }
        sign(key, command.data).ok_or(UNKNOWN)
    }

    fn challenge(&mut self, command: &Command) -> Outcome {
        self.challenges += 1;
        let bytes: [u8; 256] = drawn(self.plan.seed, "challenge", self.challenges);
        Ok(bytes[..command.expected.ok_or(WRONG_LENGTH)?.min(bytes.len())].to_vec())
    }
}

impl<'a> Command<'a> {
    /// Short and extended forms of ISO 7816-4; none if the lengths do not fit.
    fn parse(bytes: &'a [u8]) -> Option<Self> {
        let (&[class, instruction, p1, p2], body) = bytes.split_first_chunk::<4>()?;
        let wanted = |bytes: &[u8], all: usize| match bytes {
            [] => Some(None),
            &[le] => Some(Some(if le == 0 { all } else { usize::from(le) })),
            &[high, low] => match u16::from_be_bytes([high, low]) {
                0 => Some(Some(65_536)),
                le => Some(Some(usize::from(le))),
            },
            _ => None,
        };
        let (data, expected): (&[u8], _) = match body {
            [] => (&[], None),
            [_] => (&[], wanted(body, 256)?),
            [0, le @ ..] if le.len() == 2 => (&[], wanted(le, 256)?),
            [0, high, low, rest @ ..] => {
                let length = usize::from(u16::from_be_bytes([*high, *low]));
                let (data, le) = rest.split_at_checked(length)?;
                (data, wanted(le, 256)?)
            }
            [length, rest @ ..] => {
                let (data, le) = rest.split_at_checked(usize::from(*length))?;
                (data, if le.len() > 1 { return None } else { wanted(le, 256)? })
            }
        };
        Some(Self { class, instruction, p1, p2, data, expected })
    }
}

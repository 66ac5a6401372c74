//! The thread that calls PC/SC. It does one thing at a time and tells each result once; it ends when nobody asks any more,
//! and then lets its card go.

use std::{
    ffi::CString,
    sync::mpsc::{Receiver, SyncSender},
    thread,
    time::{Duration, Instant},
};

use card::TransportError;
use pcsc::{Card, Context, Disposition, Error, Protocols, ReaderState, Scope, ShareMode, State};
use zeroize::Zeroizing;

use super::ReaderError;

/// What the thread is to do.
pub(super) enum Ask {
    /// Wait for a card and take it.
    Wait(Duration),
    /// Send a command to the card.
    Transmit(Zeroizing<Vec<u8>>),
    /// Take the card's power.
    LetGo,
}

/// What became of it.
pub(super) enum Told {
    /// The reader is there; its whole name.
    Opened(String),
    /// The answer to reset of the card that was taken.
    Waited(Option<Vec<u8>>),
    /// The card's answer.
    Answered(Result<Zeroizing<Vec<u8>>, TransportError>),
    /// There is no card in use.
    LetGo,
    /// An error of the reader.
    Failed(ReaderError),
}

/// Longest answer: 64 kB and a status word.
const LONGEST_ANSWER: usize = 65_538;

/// PC/SC is asked again at least this often, so that a service that died is noticed.
const ROUND: Duration = Duration::from_secs(1);

/// How long to wait before a card that another program uses is asked for again.
const TAKEN_PAUSE: Duration = Duration::from_millis(100);

/// The card is not there any more, or not as it was.
const GONE: [Error; 4] = [Error::RemovedCard, Error::ResetCard, Error::NoSmartcard, Error::UnpoweredCard];

/// The exchange broke off.
const CUT_OFF: [Error; 2] = [Error::NotTransacted, Error::CommError];

/// The card keeps silent.
const NO_ANSWER: [Error; 2] = [Error::Timeout, Error::UnresponsiveCard];

/// The answer, or the command, is none.
const NONSENSE: [Error; 4] =
    [Error::InsufficientBuffer, Error::InvalidParameter, Error::InvalidValue, Error::ProtoMismatch];

struct Worker {
    context: Context,
    name: CString,
    card: Option<Card>,
    seen: Seen,
    answer: Zeroizing<Vec<u8>>,
}

/// What the thread knows of the reader.
#[derive(Clone, Copy, PartialEq)]
enum Seen {
    /// Nothing lies there, or nothing is known.
    Nothing,
    /// A card that was given already. PC/SC counts cards that come and go.
    Given(u32),
}

pub(super) fn run(wanted: &str, asked: &Receiver<Ask>, tell: &SyncSender<Told>) {
    let mut worker = match open(wanted) {
        Ok(worker) => worker,
        Err(error) => {
            let _ = tell.send(Told::Failed(error));
            return;
        }
    };
    if tell.send(Told::Opened(worker.name())).is_err() {
        return;
    }
    while let Ok(ask) = asked.recv() {
        let told = match ask {
            Ask::Wait(patience) => worker.wait(patience).map_or_else(Told::Failed, Told::Waited),
            Ask::Transmit(command) => Told::Answered(worker.transmit(&command)),
            Ask::LetGo => {
                worker.let_go();
                Told::LetGo
            }
        };
        if tell.send(told).is_err() {
            break;
        }
    }
    worker.let_go();
}

fn open(wanted: &str) -> Result<Worker, ReaderError> {
    let context = Context::establish(Scope::System).map_err(service)?;
    let found = match context.list_readers_owned() {
        Ok(found) => found,
        Err(Error::NoReadersAvailable) => Vec::new(),
        Err(error) => return Err(service(error)),
    };
    let name = chosen(wanted, &found)?;
    let answer = Zeroizing::new(vec![0; LONGEST_ANSWER]);
    Ok(Worker { context, name, card: None, seen: Seen::Nothing, answer })
}

/// The reader of exactly this name, or the only one whose name has it as a part.
fn chosen(wanted: &str, found: &[CString]) -> Result<CString, ReaderError> {
    let text = |name: &CString| name.to_string_lossy().into_owned();
    if let Some(exact) = found.iter().find(|name| name.as_bytes() == wanted.as_bytes()) {
        return Ok(exact.clone());
    }
    let fitting: Vec<&CString> = found.iter().filter(|name| text(name).contains(wanted)).collect();
    let listed = |names: &mut dyn Iterator<Item = &CString>| {
        names.map(|name| format!("\"{}\"", text(name))).collect::<Vec<_>>().join(", ")
    };
    match fitting.as_slice() {
        [only] => Ok((*only).clone()),
        [] if found.is_empty() => {
            Err(ReaderError::NotThere { name: wanted.into(), found: "no reader".into() })
        }
        [] => Err(ReaderError::NotThere { name: wanted.into(), found: listed(&mut found.iter()) }),
        [..] => Err(ReaderError::Several { name: wanted.into(), found: listed(&mut fitting.into_iter()) }),
    }
}

impl Worker {
    fn name(&self) -> String {
        self.name.to_string_lossy().into_owned()
    }

    fn wait(&mut self, patience: Duration) -> Result<Option<Vec<u8>>, ReaderError> {
        self.let_go();
        let until = Instant::now() + patience;
        let mut known = State::UNAWARE;
        loop {
            let left = until.saturating_duration_since(Instant::now());
            let mut states = [ReaderState::new(self.name.clone(), known)];
            match self.context.get_status_change(left.min(ROUND), &mut states) {
                Ok(()) | Err(Error::Timeout) => {}
                Err(error) => return Err(self.lost(error)),
            }
            known = states[0].event_state();
            if known.intersects(State::UNKNOWN | State::UNAVAILABLE) {
                return Err(self.lost(Error::ReaderUnavailable));
            }
            let count = states[0].event_count();
            if !known.contains(State::PRESENT) {
                self.seen = Seen::Nothing;
            } else if self.seen != Seen::Given(count) {
                self.seen = Seen::Given(count);
                match self.take(known) {
                    Ok(Some(answer_to_reset)) => return Ok(Some(answer_to_reset)),
                    Ok(None) => {}
                    // The other program may be through in time.
                    Err(ReaderError::Taken { .. }) if !left.is_zero() => {
                        thread::sleep(left.min(TAKEN_PAUSE));
                        known = State::UNAWARE;
                    }
                    Err(error) => return Err(error),
                }
            }
            if left.is_zero() {
                return Ok(None);
            }
        }
    }

    /// Takes the card that lies there; none if it was gone again.
    fn take(&mut self, known: State) -> Result<Option<Vec<u8>>, ReaderError> {
        if known.contains(State::MUTE) {
            return Err(ReaderError::Mute { name: self.name() });
        }
        match self.context.connect(&self.name, ShareMode::Exclusive, Protocols::ANY) {
            Ok(card) => {
                let status = card.status2_owned().map(|status| status.atr().to_vec());
                self.card = Some(card);
                match status {
                    Ok(answer_to_reset) => Ok(Some(answer_to_reset)),
                    Err(Error::RemovedCard | Error::ResetCard) => {
                        self.let_go();
                        Ok(None)
                    }
                    Err(error) => Err(self.lost(error)),
                }
            }
            Err(Error::NoSmartcard | Error::RemovedCard | Error::ResetCard) => Ok(None),
            Err(Error::SharingViolation) => {
                self.seen = Seen::Nothing;
                Err(ReaderError::Taken { name: self.name() })
            }
            Err(
                Error::UnresponsiveCard
                | Error::UnpoweredCard
                | Error::ProtoMismatch
                | Error::UnsupportedCard,
            ) => Err(ReaderError::Mute { name: self.name() }),
            Err(error) => Err(self.lost(error)),
        }
    }

    fn transmit(&mut self, command: &[u8]) -> Result<Zeroizing<Vec<u8>>, TransportError> {
        let Some(card) = &self.card else {
            return Err(TransportError::Removed);
        };
        let outcome = card.transmit(command, &mut self.answer).map(|answer| Zeroizing::new(answer.to_vec()));
        self.answer.fill(0);
        match outcome {
            Ok(answer) if answer.len() >= 2 => Ok(answer),
            // Some drivers answer nothing at all when the card is pulled out in the middle of an exchange.
            Ok(_) => Err(if self.emptied()? { TransportError::Removed } else { TransportError::Garbled }),
            Err(error) => Err(self.why(error)),
        }
    }

    /// Whether PC/SC notices, within a moment, that no card lies there.
    fn emptied(&self) -> Result<bool, TransportError> {
        let until = Instant::now() + ROUND;
        let mut known = State::UNAWARE;
        loop {
            let left = until.saturating_duration_since(Instant::now());
            let mut states = [ReaderState::new(self.name.clone(), known)];
            match self.context.get_status_change(left, &mut states) {
                Ok(()) | Err(Error::Timeout) => known = states[0].event_state(),
                Err(_) => return Err(TransportError::ReaderGone),
            }
            if !known.contains(State::PRESENT) || left.is_zero() {
                return Ok(!known.contains(State::PRESENT));
            }
        }
    }

    /// A driver says only that the exchange failed when a card is pulled out in its middle; PC/SC notices the removal a
    /// moment later.
    fn why(&self, error: Error) -> TransportError {
        if GONE.contains(&error) {
            TransportError::Removed
        } else if CUT_OFF.contains(&error) {
            self.emptied().map_or_else(|gone| gone, |_| TransportError::Removed)
        } else if NO_ANSWER.contains(&error) {
            TransportError::TimedOut
        } else if NONSENSE.contains(&error) {
            TransportError::Garbled
        } else {
            TransportError::ReaderGone
        }
    }

    fn let_go(&mut self) {
        if let Some(card) = self.card.take()
            && let Err((card, _)) = card.disconnect(Disposition::UnpowerCard)
        {
            // Gone already, with its power; dropping it frees what PC/SC keeps.
            drop(card);
        }
    }

    fn lost(&self, error: Error) -> ReaderError {
        if [Error::UnknownReader, Error::ReaderUnavailable].contains(&error) {
            return ReaderError::NotThere { name: self.name(), found: "it no more".into() };
        }
        service(error)
    }
}

fn service(error: Error) -> ReaderError {
    ReaderError::Service { reason: error.to_string() }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn check(wanted: &str, found: &[&str]) -> Result<String, String> {
        let found: Vec<CString> = found.iter().map(|name| CString::new(*name).unwrap()).collect();
        let name = chosen(wanted, &found).map_err(|error| error.to_string())?;
        Ok(name.into_string().unwrap())
    }

    #[test]
    fn a_part_of_a_name_finds_the_only_reader_that_has_it() {
        let two = ["ACS ACR1252 PICC 00 00", "Sony RC-S300/P 01 00"];
        assert_eq!(check("RC-S300", &two).unwrap(), two[1]);
        assert_eq!(check("A", &["A", "AB"]).unwrap(), "A", "the whole name wins");
    }

    #[test]
    fn no_reader_is_chosen_by_chance() {
        let two = ["ACS ACR1252 PICC 00 00", "ACS ACR1252 SAM 00 01"];
        let said = check("ACR1252", &two).unwrap_err();
        assert!(said.contains(two[0]) && said.contains(two[1]) && said.contains("`name`"), "{said}");
        let said = check("RC-S300", &two).unwrap_err();
        assert!(said.contains("RC-S300") && said.contains(two[0]), "{said}");
        assert!(check("RC-S300", &[]).unwrap_err().contains("no reader"));
    }
}

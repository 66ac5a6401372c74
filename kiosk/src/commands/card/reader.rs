//! One card on one reader, for one conversation that has an end.

use std::time::{Duration, Instant};

use boards::PcscReader;
use card::{Transport, TransportError};
use zeroize::Zeroizing;

use super::refused::Refused;
use crate::arguments::card::Reader;

/// Longest conversation with one card. The face of a card takes a contactless reader about four seconds; a card that answers
/// each of 200 commands just in time would take ten minutes.
const CONVERSATION_WITHIN: Duration = Duration::from_secs(60);

/// Waits for a card, talks with it, and takes its power away.
pub(super) fn with_card<T>(
    asked: &Reader,
    talk: impl FnOnce(&mut dyn Transport) -> Result<T, Refused>,
) -> Result<T, Refused> {
    let mut reader = PcscReader::open(&asked.reader)?;
    let card = reader.card(Duration::from_secs(asked.wait_s))?.ok_or(Refused::NoCard(asked.wait_s))?;
    talk(&mut Within { card, until: Instant::now() + CONVERSATION_WITHIN })
}

/// A card that is asked nothing any more after its time.
struct Within<T> {
    card: T,
    until: Instant,
}

impl<T: Transport> Transport for Within<T> {
    fn answer_to_reset(&self) -> &[u8] {
        self.card.answer_to_reset()
    }

    fn transmit(&mut self, command: &[u8]) -> Result<Zeroizing<Vec<u8>>, TransportError> {
        if Instant::now() >= self.until {
            return Err(TransportError::TimedOut);
        }
        self.card.transmit(command)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Patient;

    impl Transport for Patient {
        fn answer_to_reset(&self) -> &[u8] {
            &[]
        }

        fn transmit(&mut self, _: &[u8]) -> Result<Zeroizing<Vec<u8>>, TransportError> {
            Ok(Zeroizing::new(vec![0x90, 0x00]))
        }
    }

    #[test]
    fn after_its_time_a_card_is_asked_nothing() {
        let mut card = Within { card: Patient, until: Instant::now() };
        assert_eq!(card.transmit(&[0]).map(|_| ()), Err(TransportError::TimedOut));
        card.until += Duration::from_secs(3_600);
        assert_eq!(card.transmit(&[0]).map(|_| ()), Ok(()));
    }
}

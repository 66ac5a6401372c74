//! Messages on a stream of bytes (the socket between kiosk and agent): the length of the message in four bytes, big-endian, then
//! the message. Claimed lengths are not believed: memory grows with the bytes that came, and a length that no message has ends
//! the stream before its content is waited for.

use crate::{Error, MAX_MESSAGE, Message, Place};

const LENGTH: usize = 4;

/// The frame of a message.
///
/// Errors: those of [`Message::encode`].
pub fn frame(message: &Message) -> Result<Vec<u8>, Error> {
    let content = message.encode()?;
    let length = u32::try_from(content.len()).expect("a message is far shorter than 4 GiB");
    Ok([&length.to_be_bytes()[..], &content].concat())
}

/// What came of a stream and was not taken yet. The driver pushes what it read and takes messages until there is none; so no
/// more than one frame and one reading wait here.
#[derive(Debug, Default)]
pub struct Frames {
    waiting: Vec<u8>,
    taken: usize,
}

impl Frames {
    /// Adds bytes that were read.
    pub fn push(&mut self, bytes: &[u8]) {
        self.waiting.drain(..self.taken);
        self.taken = 0;
        self.waiting.extend_from_slice(bytes);
    }

    /// The next message; nothing if it is not whole yet.
    ///
    /// Errors: [`Error::TooLarge`] for a length beyond [`MAX_MESSAGE`], and those of [`Message::decode`]. Whoever sent this
    /// speaks something else: close the stream.
    #[allow(
        clippy::should_implement_trait,
        reason = "an iterator that fails would hide that the stream is over then"
    )]
    pub fn next(&mut self) -> Result<Option<Message>, Error> {
        let waiting = &self.waiting[self.taken..];
        let Some((length, content)) = waiting.split_first_chunk::<LENGTH>() else { return Ok(None) };
        let size = u32::from_be_bytes(*length) as usize;
        if size > MAX_MESSAGE {
            return Err(Error::TooLarge { place: Place::Message, size, limit: MAX_MESSAGE, unit: "bytes" });
        }
        let Some(content) = content.get(..size) else { return Ok(None) };
        let message = Message::decode(content)?;
        self.taken += LENGTH + size;
        Ok(Some(message))
    }

    /// How many bytes wait for the rest of their message.
    pub fn waiting(&self) -> usize {
        self.waiting.len() - self.taken
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::{Leaf, Page, RunId};

    fn messages() -> Vec<Message> {
        let page = |size| Page {
            run: RunId([1; 16]),
            first: 0,
            prev: Leaf::NONE,
            records: vec![vec![7; size]],
            sig: [2; 64],
        };
        vec![
            Message::Want(vec![(RunId([3; 16]), 5)]),
            Message::Page(page(60_000)),
            Message::Have(vec![]),
            Message::Page(page(1)),
        ]
    }

    fn all(frames: &mut Frames) -> Vec<Message> {
        std::iter::from_fn(|| frames.next().unwrap()).collect()
    }

    #[test]
    fn messages_arrive_whole_and_in_order_however_the_stream_is_cut() {
        let stream: Vec<u8> = messages().iter().flat_map(|message| frame(message).unwrap()).collect();
        for size in [1, 3, 4, 5, 1_000, 59_999, stream.len()] {
            let mut frames = Frames::default();
            let mut came = Vec::new();
            for bytes in stream.chunks(size) {
                frames.push(bytes);
                came.extend(all(&mut frames));
            }
            assert_eq!(came, messages(), "cut every {size} bytes");
            assert_eq!(frames.waiting(), 0);
        }
    }

    #[test]
    fn a_claimed_length_is_refused_at_once_if_no_message_has_it_and_takes_no_memory_if_one_has() {
        let limit = u32::try_from(MAX_MESSAGE).unwrap();
        let claim = |length: u32| {
            let mut frames = Frames::default();
            frames.push(&length.to_be_bytes());
            (frames.next(), frames.waiting.capacity())
        };
        assert!(matches!(claim(limit + 1).0, Err(Error::TooLarge { place: Place::Message, .. })));
        assert!(matches!(claim(u32::MAX).0, Err(Error::TooLarge { .. })));
        let (next, capacity) = claim(limit);
        assert_eq!(next, Ok(None), "it may still come");
        assert!(capacity < 100, "{capacity} bytes for four");
    }

    #[test]
    fn what_is_no_message_ends_the_stream() {
        let mut frames = Frames::default();
        frames.push(&[0, 0, 0, 2, 0xff, 0xff]);
        assert!(frames.next().is_err());
        let mut frames = Frames::default();
        frames.push(&[0; 4]);
        assert!(frames.next().is_err(), "nothing is no message");
    }

    #[test]
    fn the_greatest_page_fits_in_a_message() {
        let record = vec![0; crate::MAX_RECORD];
        let rest = vec![0; crate::MAX_PAGE - crate::MAX_RECORD - 150];
        let page = Page {
            run: RunId([1; 16]),
            first: 0,
            prev: Leaf::NONE,
            records: vec![record, rest],
            sig: [2; 64],
        };
        let mut frames = Frames::default();
        frames.push(&frame(&Message::Page(page.clone())).unwrap());
        assert_eq!(frames.next(), Ok(Some(Message::Page(page))));
    }
}

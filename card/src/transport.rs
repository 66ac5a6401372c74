//! The way to a card that lies on a reader: bytes there, bytes back.

use thiserror::Error;

/// One card, from the moment it was laid on until it is taken away. What travels may be personal: no implementation logs it.
pub trait Transport {
    /// The answer to reset. It names no kind of card reliably: cards are told apart by their applications.
    fn answer_to_reset(&self) -> &[u8];

    /// Sends a command APDU and returns the response APDU, status word included: at least two bytes, at most 65,538.
    ///
    /// # Errors
    /// [`TransportError`]. After any of them this card is finished with: nothing more is sent to it.
    fn transmit(&mut self, command: &[u8]) -> Result<zeroize::Zeroizing<Vec<u8>>, TransportError>;
}

/// Why a card does not answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum TransportError {
    /// The card was taken away, or another one lies there now.
    #[error("the card was taken away; lay it on the reader again and leave it there")]
    Removed,
    /// The card or the reader took longer than is allowed.
    #[error("the card does not answer; take it away and lay it on the reader again")]
    TimedOut,
    /// The reader vanished, or its service stopped.
    #[error("the card reader is gone; check its cable and that pcscd runs")]
    ReaderGone,
    /// What came back is no response.
    #[error("the card reader sent something that is no answer; take the card away and try again")]
    Garbled,
}

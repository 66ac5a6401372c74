//! Chip cards at the door: what the card's thread is told.

/// What the thread that holds a chip card is told. It waits for these only while a card lies there.
pub(crate) enum CardOrder {
    /// The PIN that the card's owner typed.
    Pin(card::Pin),
    /// Read the face of the card, for the desk.
    Front(card::FrontCode),
    /// Nobody waits any more: forget the card.
    Forget,
}

/// Protects memory: one is carried out at a time, and one more may wait.
pub(crate) const WAITING_ORDERS: usize = 2;

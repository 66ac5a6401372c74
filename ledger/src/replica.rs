//! The words between a replica and its driver: who is there, what happened, what is to be done.
//! What they mean together is [`crate::Sync`]'s story.

use crate::{
    AuthorId, Error, Feed, GroupId, Leaf, Line, Message, Page, Record, RunId, SignedHead, SignedReceipt,
    SignedRecord, Source,
};

/// A neighbour, by the number that the driver gave it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Peer(pub u32);

/// What the replica is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// A kiosk: it can read.
    Kiosk,
    /// Its agent: it carries what it cannot read.
    Agent,
    /// A registry process.
    Registry,
}

/// What happened.
#[derive(Debug)]
pub enum Event {
    /// A peer can be reached, and whose replica it is, if that is known: it is offered only what that device carries (the
    /// registry's name: everything).
    Connected(Peer, Option<AuthorId>),
    /// It no longer can.
    Gone(Peer),
    /// Time has passed; once a second or so.
    Tick,
    /// A peer said something.
    Heard(Peer, Box<Message>),
    /// This process wrote these records of one run, and they are durable.
    Wrote(Feed, AuthorId, Vec<SignedRecord>),
    /// This kiosk signed a new head.
    Signed(Box<SignedHead>),
    /// Keyrings of this group below this epoch are of no use any more.
    Opened(GroupId, u32),
}

/// What the driver is to do, in order.
#[derive(Debug)]
pub enum Command {
    /// Store these verified records, and the line as it stands after them.
    Keep(Box<Line>, Page),
    /// Delete a keyring that is superseded, with everything in it.
    Drop(RunId),
    /// Make all before durable before doing anything after.
    Commit,
    /// Fold these records into the state.
    Fold(Source, Vec<Record>),
    /// Fold again from nothing: somebody was expelled, or belongs now.
    Refold,
    /// Send.
    Send(Peer, Box<Message>),
    /// Read a page of this run from the store, beginning here, and send it.
    Serve(Peer, RunId, u64),
    /// A member's head, verified: keep its epoch. Answer it with a receipt once what it rests on is committed.
    Answer(Peer, Box<SignedHead>),
    /// A receipt for this kiosk, verified: join it, after comparing the roots with its own records.
    Receipted(Box<SignedReceipt>),
    /// Proof that an author signed two stories.
    Forked(Fork),
    /// Refused, with the road to blame. Nothing is stored.
    Refused(Peer, Error),
    /// Refused: whose run it is has no place here.
    Stranger(Peer, RunId),
}

/// Two leaves that one author signed for one place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Fork {
    /// The run.
    pub run: RunId,
    /// The place: at it or before it the stories part.
    pub seq: u64,
    /// The two leaves, in order.
    pub leaves: [Leaf; 2],
}

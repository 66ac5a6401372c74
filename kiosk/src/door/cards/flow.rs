//! One showing of one card: what it is, whose it is, and while it lies there its PIN or the face on it.
//!
//! A card that stays on the reader is one showing: it is asked whose it is once, and again only after a wrong PIN. It is
//! talked with for [`HELD`] at most; then it lies there as nobody's until it is taken away.

use std::{
    sync::{
        atomic::{AtomicBool, Ordering},
        mpsc::{Receiver, RecvTimeoutError, SyncSender},
    },
    time::Duration,
};

use boards::{Clock, Identifier, Presented};
use card::{
    Authorities, CardError, Challenge, FrontCode, Issuers, Kind, Pin, Transport, authenticate, identify,
    read_face, tap, tries,
};
use gate::{CredentialKind, CredentialRefusal, Monotonic};
use store::{Entropy, EntropyError};

use super::{
    CardOrder, Chip, Orders, free, put_aside,
    refusal::{declined, pin_usable, refusal},
    tell_desk,
};
use crate::{clock::now, desk::DeskEvent, door::Inbox};

/// Longest time in which anything is done with a card that lies there. Staff at the desk type a front code in it; at the door
/// the session's own `claim.reader_patience` is shorter.
const HELD: Duration = Duration::from_secs(300);

/// How often a card that lies there is asked whether it still does.
const STILL_THERE: Duration = Duration::from_millis(500);

/// After a wrong PIN the card that stays is asked again: the screen has said by then how many tries are left.
const AGAIN_AFTER: Duration = Duration::from_secs(6);

/// What a card is talked with by.
pub(super) struct Flow<'a> {
    pub(super) authorities: &'a Authorities,
    pub(super) orders: &'a Orders,
    pub(super) clock: &'a dyn Clock,
    pub(super) inbox: &'a SyncSender<Inbox>,
    pub(super) desk: &'a SyncSender<DeskEvent>,
    pub(super) stopping: &'a AtomicBool,
    pub(super) entropy: &'a mut dyn Entropy,
}

/// How it goes on with a card that lies there.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Next {
    /// Whatever is ordered.
    Orders,
    /// It is asked whose it is at this time.
    AskAt(Monotonic),
    /// Nothing more.
    Over,
}

impl Flow<'_> {
    /// Talks with a card until it is taken away, or nothing more is to be done with it.
    pub(super) fn showing(&mut self, card: &mut dyn Transport) {
        let kind = match identify(card) {
            Ok(kind) => kind,
            Err(error) => return self.refuse(error),
        };
        tracing::info!(kind = kind.name(), "card");
        match &kind {
            Kind::Facility(number) => self.facility_card(number.bytes()),
            Kind::MyNumber | Kind::Telephone => self.my_number_card(card),
            Kind::OldResident | Kind::DriversLicence | Kind::Residence | Kind::Unknown => {
                let why = declined(&kind).expect("each of these is declined");
                self.say(Chip::Refused(why));
            }
        }
    }

    fn facility_card(&self, number: &[u8]) {
        let identifier = Identifier::new(number.to_vec());
        let kind = CredentialKind::FacilityCard;
        _ = self.inbox.send(Inbox::Presented(Presented { at: self.clock.now(), kind, identifier }));
    }

    fn my_number_card(&mut self, card: &mut dyn Transport) {
        let until = self.clock.now().plus(HELD);
        let orders = self.orders;
        let Some(orders) = free(orders) else {
            tracing::warn!("another reader's card is in use");
            return;
        };
        put_aside(&orders, self.inbox, self.desk);
        let mut next = self.ask_whose(card);
        while next != Next::Over && self.clock.now() < until && !self.stopping.load(Ordering::Relaxed) {
            next = self.step(card, &orders, next);
        }
    }

    /// One order, or one look whether the card still lies there.
    fn step(&mut self, card: &mut dyn Transport, orders: &Receiver<CardOrder>, next: Next) -> Next {
        match (orders.recv_timeout(STILL_THERE), next) {
            (Ok(CardOrder::Pin(pin)), _) => self.pin(card, &pin),
            (Ok(CardOrder::Front(code)), _) => {
                tell_desk(self.desk, self.front(card, &code));
                next
            }
            (Ok(CardOrder::Forget) | Err(RecvTimeoutError::Disconnected), _) => Next::Over,
            (Err(RecvTimeoutError::Timeout), _) if !lies_there(card) => {
                self.say(Chip::Gone);
                Next::Over
            }
            (Err(RecvTimeoutError::Timeout), Next::AskAt(at)) if self.clock.now() >= at => {
                self.ask_whose(card)
            }
            (Err(RecvTimeoutError::Timeout), _) => next,
        }
    }

    /// Without a trusted authority the certificate says nothing, and a front code may still be read at the desk.
    fn ask_whose(&self, card: &mut dyn Transport) -> Next {
        if self.authorities.count() == 0 {
            self.say(Chip::Refused(CredentialRefusal::OtherCard));
            return Next::Orders;
        }
        self.say(Chip::Reading);
        match tap(card, self.authorities, now(self.clock).wall) {
            Ok(claim) => {
                // A card that does not tell its tries is asked by the PIN's own flow.
                let pin = tries(card).map_or(Ok(()), |tries| pin_usable(&tries));
                self.say(Chip::Tapped(claim.holder, pin));
            }
            Err(CardError::CertificateLocked) => self.say(Chip::PinFirst),
            Err(error) => self.refuse(error),
        }
        Next::Orders
    }

    /// The PIN goes to the card that said whose it is, and to no other: the way to it ends when it is taken away.
    fn pin(&mut self, card: &mut dyn Transport, pin: &Pin) -> Next {
        self.say(Chip::Reading);
        let Ok(challenge) = self.challenge() else {
            self.say(Chip::Refused(CredentialRefusal::TimedOut));
            return Next::Over;
        };
        match authenticate(card, pin, challenge, self.authorities, now(self.clock).wall) {
            Ok(verified) => {
                self.say(Chip::Proven(verified.claim().holder.clone()));
                Next::Over
            }
            Err(error @ CardError::Wrong { .. }) => {
                self.refuse(error);
                Next::AskAt(self.clock.now().plus(AGAIN_AFTER))
            }
            Err(error) => {
                self.refuse(error);
                Next::Over
            }
        }
    }

    /// Who issues the keys of the surface application is published nowhere: each issuer is unknown.
    fn front(&mut self, card: &mut dyn Transport, code: &FrontCode) -> Result<card::Face, CardError> {
        let challenge = self.challenge().map_err(|_| CardError::WrongSignature)?;
        read_face(card, code, challenge, &Issuers::default(), now(self.clock).wall)
    }

    fn challenge(&mut self) -> Result<Challenge, EntropyError> {
        let mut random = [0; 32];
        let drawn = self.entropy.fill(&mut random);
        drawn.inspect_err(|error| tracing::error!(%error, "no random numbers"))?;
        Ok(Challenge::new(random))
    }

    fn refuse(&self, error: CardError) {
        tracing::info!(end = error.name(), "card");
        self.say(Chip::Refused(refusal(error)));
    }

    fn say(&self, chip: Chip) {
        _ = self.inbox.send(Inbox::Chip(chip));
    }
}

/// Any card answers this, whatever it answers; a way that broke does not.
fn lies_there(card: &mut dyn Transport) -> bool {
    !matches!(identify(card), Err(CardError::Transport(_)))
}

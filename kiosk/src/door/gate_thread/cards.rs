//! What cards and codes bring to the gate thread: whose they are, the vault says. What they hold goes no further than this,
//! and at an open staff area to the desk, where staff sign in with theirs and nobody comes in.

use boards::Presented;
use gate::{
    Claim, CredentialKind, CredentialRefusal, Event, Factor, FactorSet, PersonId, Proof, ReaderScreen, Screen,
};
use store::Owner;
use zeroize::Zeroizing;

use super::GateThread;
use crate::{
    clock,
    desk::{CardNumber, DeskEvent, Lens},
    door::cards::Chip,
};

/// What a card or a plain code claims.
pub(super) fn claim_of(
    kind: CredentialKind,
    proof: Proof,
) -> impl FnOnce(PersonId) -> Result<Claim, CredentialRefusal> {
    move |person| Ok(Claim::Of { person, kind, proof, face_required: false })
}

const CHIP: CredentialKind = CredentialKind::MyNumberCard;

impl GateThread {
    /// A number or a text that was shown.
    pub(super) fn presented(&mut self, Presented { kind, identifier, .. }: &Presented) {
        match kind {
            CredentialKind::Qr => self.code(identifier.bytes()),
            CredentialKind::FacilityCard | CredentialKind::MyNumberCard => {
                self.shown(*kind, identifier.bytes(), claim_of(*kind, Proof::Shown));
            }
        }
    }

    /// What a chip card turned out to be. While the staff area is open, only whose it is matters.
    pub(super) fn chip(&mut self, chip: Chip) {
        let at_door = self.lens.lens() == Lens::Door;
        match chip {
            Chip::Tapped(holder, pin) => {
                self.shown(CHIP, holder.bytes(), claim_of(CHIP, Proof::Shown));
                if at_door {
                    self.ask_pin(pin);
                }
            }
            Chip::Proven(holder) => self.shown(CHIP, holder.bytes(), claim_of(CHIP, Proof::Pin)),
            Chip::Reading if at_door => self.step(Event::Reader(ReaderScreen::Reading)),
            Chip::PinFirst if at_door => self.pin_first(),
            Chip::Refused(why) if at_door => self.step(Event::CredentialRefused(CHIP, why)),
            Chip::Gone if at_door => self.gone(),
            Chip::Reading | Chip::PinFirst | Chip::Refused(_) | Chip::Gone => {}
        }
    }

    /// Whose it is, says the vault; what it proves of them, `claim`.
    pub(super) fn shown(
        &mut self,
        kind: CredentialKind,
        identifier: &[u8],
        claim: impl FnOnce(PersonId) -> Result<Claim, CredentialRefusal>,
    ) {
        if self.lens.lens() != Lens::Door {
            let bytes = Zeroizing::new(identifier.to_vec());
            return self.tell_desk(DeskEvent::Card(CardNumber(kind, bytes)));
        }
        match self.store.lookup(kind, identifier) {
            Ok(Some(Owner::Person(person))) => self.step(match claim(person) {
                Ok(claim) => Event::Presented(claim),
                Err(refusal) => Event::CredentialRefused(kind, refusal),
            }),
            // A card of the staff opens no door by itself: it signs in at the staff area.
            Ok(Some(Owner::Staff(staff))) => {
                tracing::info!(?staff, "staff card");
                self.read_for_nobody(kind);
            }
            Ok(None) => self.step(Event::Presented(Claim::Unknown(kind))),
            Err(error) => {
                tracing::error!(error = crate::output::explain(&error), "credential not looked up");
                self.read_for_nobody(kind);
            }
        }
    }

    /// The screen that says that a chip card is read does not stay.
    fn read_for_nobody(&mut self, kind: CredentialKind) {
        if kind == CHIP {
            self.step(Event::Cancelled);
        }
    }

    /// After a tap: where the PIN alone leads on, it is asked for, or it is said why this card's is not. Where the face would do
    /// as well, the screen offers both.
    fn ask_pin(&mut self, usable: Result<(), CredentialRefusal>) {
        if self.session.screen() == Screen::NextFactor(FactorSet::of(&[Factor::CardPin])) {
            match usable {
                Ok(()) => self.step(Event::Reader(ReaderScreen::Pin)),
                Err(why) => self.step(Event::CredentialRefused(CHIP, why)),
            }
        }
    }

    /// A telephone: only where a PIN can lead anywhere is it asked for.
    fn pin_first(&mut self) {
        let wall = clock::now(self.clock.as_ref()).wall;
        let rules = &self.policy.factors.any_of;
        let wanted = |rule: &&gate::FactorRule| rule.needs.contains(Factor::CardPin);
        if rules.iter().filter(wanted).any(|rule| rule.counts(&self.policy, wall)) {
            self.step(Event::Reader(ReaderScreen::Pin));
        } else {
            self.step(Event::CredentialRefused(CHIP, CredentialRefusal::OtherCard));
        }
    }

    /// Whoever takes the card away at the pad is not waited for. Where the face is next, the card is not needed any more.
    fn gone(&mut self) {
        if self.session.screen() == Screen::Reader(ReaderScreen::Pin) {
            self.step(Event::CredentialRefused(CHIP, CredentialRefusal::Removed));
        }
    }
}

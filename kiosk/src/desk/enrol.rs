//! An enrolment: the text that is agreed to, a form and a face for each person, and everybody before it is saved.
//!
//! ```text
//! Kind ─► Consent ─► Form ◄─► Typing, Digits
//!                     │  ▲
//!                     ▼  │ retake, next member        (Form ◄─► Card: the photograph on a MyNumber card)
//!                   Capture ─► Captured ─► Review ─► (saved) ─► Alike
//! ```
//!
//! Nobody's face is looked at before the text was read to its end and agreed to.

use gate::{Date, Monotonic};
use zeroize::Zeroizing;

use super::{
    Agreed, Alike, Ask, Consent, ConsentLanguage, EnrolTouch, Enrolled, Field, Flaw, FormView, Household,
    Member, MemberLine, Next, Note, PadTouch, PageView, PassKind, PhotoNumber, Sighting, SignedIn, TextTouch,
    capture::Collector,
    card_check::{CardCheck, Checked, Rules},
    form::Draft,
    typing::{self, Typed},
};

/// The most people of one household; protects the vault's transaction.
const MOST_MEMBERS: usize = 20;

/// An enrolment under way.
pub(super) struct Enrolling {
    household: bool,
    consent: Option<Consent>,
    language: ConsentLanguage,
    /// Languages in which the end of the text was on the screen.
    read: Vec<ConsentLanguage>,
    guardian: bool,
    agreed: Option<Agreed>,
    members: Vec<Member>,
    representative: usize,
    names_agreed: bool,
    draft: Draft,
    step: Step,
}

enum Step {
    Kind,
    Consent,
    Form,
    Typing,
    Digits(Field),
    Card(Box<CardCheck>),
    Capture(Collector),
    Captured(Vec<gate::Template>),
    Review,
    /// Stop? The step to which "no" leads back is the review or the form.
    Discard {
        from_review: bool,
    },
    Alike(Vec<Alike>),
}

impl Enrolling {
    pub(super) fn new() -> Self {
        Self {
            household: false,
            consent: None,
            language: ConsentLanguage::default(),
            read: Vec::new(),
            guardian: false,
            agreed: None,
            members: Vec::new(),
            representative: 0,
            names_agreed: false,
            draft: Draft::default(),
            step: Step::Kind,
        }
    }

    /// Whether the camera is looked at.
    pub(super) fn captures(&self) -> bool {
        match &self.step {
            Step::Capture(_) => true,
            Step::Card(check) => check.captures(),
            Step::Kind
            | Step::Consent
            | Step::Form
            | Step::Typing
            | Step::Digits(_)
            | Step::Captured(_)
            | Step::Review
            | Step::Discard { .. }
            | Step::Alike(_) => false,
        }
    }

    /// When the camera was first looked at for this face.
    pub(super) fn capturing_since(&self) -> Option<Monotonic> {
        match &self.step {
            Step::Capture(collector) => Some(collector.since()),
            Step::Card(check) => check.capturing_since(),
            Step::Kind
            | Step::Consent
            | Step::Form
            | Step::Typing
            | Step::Digits(_)
            | Step::Captured(_)
            | Step::Review
            | Step::Discard { .. }
            | Step::Alike(_) => None,
        }
    }

    /// A touch of this page.
    pub(super) fn touch(&mut self, now: Monotonic, who: &SignedIn, touch: EnrolTouch) -> Next {
        match (&mut self.step, touch) {
            (Step::Kind, EnrolTouch::One) => return self.begin(false),
            (Step::Kind, EnrolTouch::Household) => return self.begin(true),
            (Step::Consent, EnrolTouch::Language(language)) => self.language = language,
            (Step::Consent, EnrolTouch::ReachedEnd) => self.read.push(self.language),
            (Step::Consent, EnrolTouch::Guardian) => self.guardian = !self.guardian,
            (Step::Consent, EnrolTouch::Agree) => self.agree(),
            (Step::Form, EnrolTouch::Edit(Field::Name)) => self.step = Step::Typing,
            (Step::Form, EnrolTouch::Edit(field)) => self.step = Step::Digits(field),
            (Step::Form, EnrolTouch::LivesHere(answer)) => self.draft.lives_here = answer,
            (Step::Form, EnrolTouch::Assurance(assurance)) => self.draft.assure(assurance),
            (Step::Form, EnrolTouch::CheckCard) => self.check_card(),
            (Step::Card(check), EnrolTouch::CardKeep) => {
                if let Some(checked) = check.checked() {
                    self.draft.keep(checked);
                    self.step = Step::Form;
                }
            }
            (Step::Card(check), touch) => return check.touch(now, touch),
            (Step::Form, EnrolTouch::Pass(kind)) => self.choose_pass(kind),
            (Step::Form, EnrolTouch::Protected) => self.draft.protected = !self.draft.protected,
            (Step::Form, EnrolTouch::ToCamera) => return self.look_at_the_camera(now),
            (Step::Form | Step::Capture(_), EnrolTouch::WithoutFace) => return self.add(Vec::new()),
            (Step::Captured(_), EnrolTouch::Retake) => {
                self.step = Step::Capture(Collector::new(now, self.pad_floor()));
            }
            (Step::Captured(templates), EnrolTouch::Keep) => {
                let templates = std::mem::take(templates);
                return self.add(templates);
            }
            (Step::Review, EnrolTouch::AddMember) if self.household && self.members.len() < MOST_MEMBERS => {
                self.draft = Draft::default();
                self.step = Step::Form;
            }
            (Step::Review, EnrolTouch::Remove(place)) => self.remove(place),
            (Step::Review, EnrolTouch::Representative(place)) if place < self.members.len() => {
                self.representative = place;
            }
            (Step::Review, EnrolTouch::NamesAgreed) => self.names_agreed = !self.names_agreed,
            (Step::Review, EnrolTouch::Save) => return self.save(who),
            (Step::Discard { .. }, EnrolTouch::Stop) => return Next::Menu,
            (Step::Discard { from_review }, EnrolTouch::GoOn) => {
                let from_review = *from_review;
                self.go_on(from_review);
            }
            // What was touched is not on this page any more: a second tap that came late.
            _ => {}
        }
        Next::Stay
    }

    fn begin(&mut self, household: bool) -> Next {
        self.household = household;
        Next::Ask(Ask::Consent)
    }

    /// The text that is agreed to from now on; whoever agreed to another one reads again.
    pub(super) fn consent(&mut self, consent: Consent) {
        (self.consent, self.agreed, self.step) = (Some(consent), None, Step::Consent);
        self.read.clear();
    }

    fn is_read(&self) -> bool {
        self.read.contains(&self.language)
    }

    fn agree(&mut self) {
        if !self.is_read() {
            return;
        }
        let (language, guardian) = (self.language, self.guardian);
        let version = self.consent.as_ref().map(|it| it.version.clone());
        self.agreed = version.map(|version| Agreed { version, language, guardian });
        self.step = if self.members.is_empty() { Step::Form } else { Step::Review };
    }

    /// A pass has a last day and a book has coupons: that is typed next.
    fn choose_pass(&mut self, kind: PassKind) {
        self.draft.pass = kind;
        self.step = match kind {
            PassKind::Without => Step::Form,
            PassKind::Pass => Step::Digits(Field::PassUntil),
            PassKind::Coupons => Step::Digits(Field::Coupons),
        };
    }

    /// Without a text nobody comes to the camera.
    fn pad_floor(&self) -> f32 {
        self.consent.as_ref().map_or(f32::INFINITY, |consent| consent.pad_floor)
    }

    fn today(&self) -> Option<Date> {
        self.consent.as_ref()?.today
    }

    /// A form with a mistake in it is told so before anybody stands before the camera.
    fn look_at_the_camera(&mut self, now: Monotonic) -> Next {
        match self.draft.member(self.today(), Vec::new()) {
            Ok(_) => {
                // Whoever was compared with a card has stood before the camera already, and it is that face that counts.
                self.step = match &self.draft.checked {
                    Some(checked) => Step::Captured(checked.face.clone()),
                    None => Step::Capture(Collector::new(now, self.pad_floor())),
                };
                Next::Stay
            }
            Err(flaw) => Next::Say(Note::Flaw(flaw)),
        }
    }

    fn add(&mut self, templates: Vec<gate::Template>) -> Next {
        // What a card said of one face is not said of another.
        let other = |checked: &Checked| !templates.is_empty() && !checked.is_of(&templates);
        if self.draft.checked.as_ref().is_some_and(other) {
            self.draft.assure(gate::Assurance::SelfDeclared);
            self.step = Step::Form;
            return Next::Say(Note::OtherFace);
        }
        match self.draft.member(self.today(), templates) {
            Ok(member) => {
                self.members.push(member);
                self.draft = Draft::default();
                self.step = Step::Review;
                Next::Stay
            }
            Err(flaw) => {
                self.step = Step::Form;
                Next::Say(Note::Flaw(flaw))
            }
        }
    }

    /// Nothing is compared before a text was agreed to.
    fn check_card(&mut self) {
        if let (Some(consent), Some(agreed)) = (&self.consent, &self.agreed) {
            let rules = Rules {
                threshold: consent.card_photo,
                attempts: consent.card_attempts,
                pad_floor: consent.pad_floor,
            };
            self.step = Step::Card(Box::new(CardCheck::new(rules, agreed.language)));
        }
    }

    /// Whether the card on the reader is awaited.
    pub(super) fn reads_card(&self) -> bool {
        if let Step::Card(check) = &self.step { check.reads() } else { false }
    }

    /// The card's answer.
    pub(super) fn card_face(
        &mut self,
        now: Monotonic,
        number: PhotoNumber,
        answer: Result<card::Face, card::CardError>,
    ) -> Next {
        if let Step::Card(check) = &mut self.step { check.answer(now, number, answer) } else { Next::Stay }
    }

    /// What the photograph of the card gave.
    pub(super) fn reference(&mut self, number: PhotoNumber, reference: Option<gate::Template>) {
        if let Step::Card(check) = &mut self.step {
            check.reference(number, reference);
        }
    }

    /// Time passes while a card is read.
    pub(super) fn tick(&mut self, now: Monotonic) {
        if let Step::Card(check) = &mut self.step {
            check.tick(now);
        }
    }

    /// The next language of a page that the public reads; false where staff read it.
    pub(super) fn next_language(&mut self) -> bool {
        if self.view().spoken().is_none() {
            return false;
        }
        if let Step::Card(check) = &mut self.step {
            check.next_language();
        }
        true
    }

    fn remove(&mut self, place: usize) {
        if place >= self.members.len() {
            return;
        }
        self.members.remove(place);
        if self.representative > place || self.representative == self.members.len() {
            self.representative = self.representative.saturating_sub(1);
        }
        if self.members.is_empty() {
            self.step = Step::Form;
        }
    }

    fn save(&self, who: &SignedIn) -> Next {
        let Some(agreed) = self.agreed.clone() else { return Next::Stay };
        let household = Household {
            agreed,
            names_agreed: self.names_agreed,
            members: self.members.clone(),
            representative: self.household.then_some(self.representative),
        };
        Next::Ask(Ask::Enrol(who.clone(), household))
    }

    /// Saved: everything that was typed is forgotten.
    pub(super) fn enrolled(&mut self, enrolled: Enrolled) -> Next {
        let note = if enrolled.passes_missing { Note::PassMissing } else { Note::Enrolled(enrolled.people) };
        *self = Self::new();
        if enrolled.alike.is_empty() {
            return Next::Done(note);
        }
        self.step = Step::Alike(enrolled.alike);
        Next::Say(note)
    }

    /// A frame for the face that is taken.
    pub(super) fn seen(&mut self, sighting: Sighting) {
        if let Step::Card(check) = &mut self.step {
            check.seen(sighting);
        } else if let Step::Capture(collector) = &mut self.step
            && let Some(templates) = collector.take(sighting)
        {
            self.step = Step::Captured(templates);
        }
    }

    /// A key of the keyboard.
    pub(super) fn text(&mut self, touch: TextTouch) -> Next {
        if let Step::Typing = self.step {
            match typing::touch(&mut self.draft.name, &mut self.draft.layout, touch) {
                Typed::More => {}
                Typed::Done => self.step = Step::Form,
                Typed::IndividualNumber => return Next::Say(Note::Flaw(Flaw::IndividualNumber)),
            }
        }
        Next::Stay
    }

    /// A key of the pad.
    pub(super) fn pad(&mut self, touch: PadTouch) -> Next {
        if let Step::Card(check) = &mut self.step {
            check.pad(touch);
        } else if let Step::Digits(field) = self.step {
            match touch {
                PadTouch::Digit(digit) => self.draft.push(field, digit),
                PadTouch::Delete => self.draft.pop(field),
                PadTouch::Enter => self.step = Step::Form,
            }
        }
        Next::Stay
    }

    /// One page back; what was typed about people is given up only after a question.
    pub(super) fn back(&mut self) -> Next {
        self.step = match &mut self.step {
            Step::Card(check) => {
                if !check.back() {
                    return Next::Stay;
                }
                Step::Form
            }
            Step::Kind | Step::Consent if self.members.is_empty() => return Next::Menu,
            Step::Alike(_) => return Next::Menu,
            Step::Discard { from_review } => {
                let from_review = *from_review;
                self.go_on(from_review);
                return Next::Stay;
            }
            Step::Typing | Step::Digits(_) | Step::Capture(_) | Step::Captured(_) => Step::Form,
            Step::Form if !self.members.is_empty() => Step::Review,
            Step::Kind | Step::Consent | Step::Review => Step::Discard { from_review: true },
            Step::Form => Step::Discard { from_review: false },
        };
        Next::Stay
    }

    fn go_on(&mut self, from_review: bool) {
        self.step = match (from_review, &self.agreed) {
            (_, None) => Step::Consent,
            (true, Some(_)) => Step::Review,
            (false, Some(_)) => Step::Form,
        };
    }

    pub(super) fn view(&self) -> PageView {
        match &self.step {
            Step::Kind => PageView::Kind,
            Step::Consent => self.consent_view(),
            Step::Form => PageView::Form(self.form_view()),
            Step::Typing => {
                PageView::Typing { text: self.draft.name.clone(), layout: self.draft.layout, for_form: true }
            }
            Step::Digits(field) => PageView::Digits {
                field: *field,
                digits: Zeroizing::new(self.draft.digits(*field).to_owned()),
            },
            Step::Card(check) => check.view(),
            Step::Capture(collector) => {
                PageView::Capture { frames: collector.progress(), hint: collector.hint() }
            }
            Step::Captured(_) => PageView::Captured,
            Step::Review => PageView::Review {
                household: self.household,
                members: self.members.iter().map(line).collect(),
                representative: self.representative,
                names_agreed: self.names_agreed,
            },
            Step::Discard { .. } => PageView::Discard,
            Step::Alike(alike) => PageView::Alike(alike.clone()),
        }
    }

    fn consent_view(&self) -> PageView {
        self.consent.as_ref().map_or(PageView::Kind, |consent| PageView::Consent {
            words: consent.words.clone(),
            version: consent.version.clone(),
            language: self.language,
            read: self.is_read(),
            guardian: self.guardian,
        })
    }

    fn form_view(&self) -> FormView {
        let Draft {
            name,
            born,
            lives_here,
            assurance,
            pass,
            pass_until,
            coupons,
            protected,
            layout: _,
            checked,
        } = self.draft.clone();
        let number = if self.household { self.members.len() + 1 } else { 0 };
        let card = checked.is_some();
        FormView { number, name, born, lives_here, assurance, card, pass, pass_until, coupons, protected }
    }
}

fn line(member: &Member) -> MemberLine {
    MemberLine { name: member.name.clone(), face: !member.templates.is_empty(), protected: member.protected }
}

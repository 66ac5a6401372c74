//! The desk: what staff do at the kiosk's own screen. They sign in, enrol people from the live camera, enter visitors by
//! hand, look at today's counts and refusals, see who is inside, revoke, erase, and open the door.
//!
//! [`Desk::step`] is the rule: an event and a moment go in, commands come out; no clock, no files, no threads. [`driver`]
//! steps it on a thread of its own, [`serve`] answers its questions on the thread that owns the vault, `ui` draws its
//! [`View`].
//!
//! While the staff area is open the kiosk admits nobody: the camera looks at whoever staff enrol, and somebody who stands
//! behind them must not open the door. Every page says so in one line. An area that nobody touches closes by itself,
//! and everything that was typed is forgotten.

mod ask;
mod capture;
#[cfg(test)]
mod door_tests;
mod driver;
mod enrol;
mod event;
mod form;
mod keyboard;
mod manual;
mod people;
mod pin;
mod serve;
mod sign_in;
#[cfg(test)]
mod tests;
mod typing;
mod view;

use std::{sync::Arc, time::Duration};

use gate::Monotonic;

pub(crate) use self::{
    ask::{
        Agreed, Alike, Ask, AskNumber, CardNumber, Consent, ConsentLanguage, Counts, Enrolled, Failure, Fee,
        Fees, Found, Household, InsideNow, LetIn, Member, Pass, Refused, Reply, Role, SignedIn, Why,
    },
    capture::{CaptureSlot, Face, Hint, Lens, Sample, Sighting},
    driver::{DeskThread, WAITING},
    event::{
        DeskCommand, DeskEvent, Destination, EnrolTouch, ManualTouch, Note, PadTouch, PeopleTouch, TextTouch,
        Touch,
    },
    form::{Field, Flaw, PassKind, date},
    keyboard::{Extra, Layout, letters},
    pin::Pin,
    serve::{Answered, serve_desk},
    view::{FormView, MemberLine, PageView, View},
};
use self::{enrol::Enrolling, manual::Manual, people::People, sign_in::SignIn};

/// Without a touch for this long, whoever is signed in is signed out. A face that is being taken counts as a touch.
pub(crate) const IDLE: Duration = Duration::from_secs(90);
/// The page on which nobody has signed in yet closes sooner: a child may have opened it, and the door waits.
pub(crate) const SIGN_IN_IDLE: Duration = Duration::from_secs(20);
/// No face is looked at for longer, however much somebody stands before the camera.
pub(crate) const LONGEST_CAPTURE: Duration = Duration::from_secs(300);
/// How long an answer may take. Longer than any write; after it staff are told that none came.
pub(crate) const PATIENCE: Duration = Duration::from_secs(10);

/// The rules of the desk, stepped by its thread.
pub(crate) struct Desk {
    state: State,
    /// The last sign of somebody at the desk.
    touched: Monotonic,
    asked: u64,
    waiting: Option<Waiting>,
    note: Option<Note>,
    english: bool,
    shown: View,
    lens: Lens,
}

enum State {
    Closed,
    SigningIn(SignIn),
    Open(SignedIn, Page),
}

/// What somebody who signed in looks at.
enum Page {
    Menu,
    Enrol(Box<Enrolling>),
    Manual(Manual),
    Counts(Counts),
    Refusals(Vec<Refused>),
    Inside(InsideNow),
    People(People),
    Door,
}

/// What a page wants after a touch.
enum Next {
    Stay,
    Menu,
    Say(Note),
    /// To the menu, and say so.
    Done(Note),
    Ask(Ask),
    /// Say so, and ask for what is needed to go on.
    SayAndAsk(Note, Ask),
    LetIn(LetIn),
}

/// An answer that is awaited.
struct Waiting {
    number: AskNumber,
    since: Monotonic,
}

impl Desk {
    /// A desk that nobody is at.
    pub(crate) fn new() -> Self {
        Self {
            state: State::Closed,
            touched: Monotonic::default(),
            asked: 0,
            waiting: None,
            note: None,
            english: false,
            shown: View::default(),
            lens: Lens::Door,
        }
    }

    /// Takes one event and says what to do.
    pub(crate) fn step(&mut self, now: Monotonic, event: DeskEvent) -> Vec<DeskCommand> {
        let mut commands = Vec::new();
        match event {
            DeskEvent::Touch(touch) => self.touch(now, touch, &mut commands),
            DeskEvent::Card(card) => self.card(now, card, &mut commands),
            DeskEvent::Front(_) => {}
            DeskEvent::Seen(sighting) => self.seen(now, sighting),
            DeskEvent::Reply(number, reply) => self.reply(now, number, reply, &mut commands),
            DeskEvent::Evacuate => self.close(),
            DeskEvent::Tick => self.tick(now, &mut commands),
        }
        self.tell_changes(&mut commands);
        commands
    }

    fn touch(&mut self, now: Monotonic, touch: Touch, commands: &mut Vec<DeskCommand>) {
        let busy = self.waiting.is_some();
        if matches!((&self.state, &touch), (State::Closed, Touch::Open)) {
            self.state = State::SigningIn(SignIn::default());
            self.touched = now;
            return self.ask(now, Ask::Staff, commands);
        }
        self.touched = now;
        let leaves =
            matches!((&self.state, &touch), (_, Touch::SignOut) | (State::SigningIn(_), Touch::Back));
        if leaves {
            return self.close();
        }
        if matches!(touch, Touch::Tongue) {
            self.english = !self.english;
        }
        // One act at a time: a second tap on "let in" is not a second party.
        if busy {
            return;
        }
        self.note = None;
        let next = match (&mut self.state, touch) {
            (State::Closed, _) => Next::Stay,
            (State::SigningIn(page), touch) => page.touch(touch),
            (State::Open(_, Page::Menu), Touch::Menu(destination)) => self.go(destination),
            (State::Open(who, page), touch) => page.touch(now, who, touch),
        };
        self.next(now, next, commands);
    }

    fn go(&mut self, destination: Destination) -> Next {
        let State::Open(who, page) = &mut self.state else { return Next::Stay };
        match destination {
            Destination::Enrol => *page = Page::Enrol(Box::new(Enrolling::new())),
            Destination::People => *page = Page::People(People::new()),
            Destination::Door => *page = Page::Door,
            Destination::Manual => return Next::Ask(Ask::Fees),
            Destination::Counts => return Next::Ask(Ask::Counts(who.clone())),
            Destination::Refusals => return Next::Ask(Ask::Refusals(who.clone())),
            Destination::Inside => return Next::Ask(Ask::Inside(who.clone())),
        }
        Next::Stay
    }

    fn next(&mut self, now: Monotonic, next: Next, commands: &mut Vec<DeskCommand>) {
        match next {
            Next::Stay => {}
            Next::Menu => self.show_menu(),
            Next::Say(note) => self.note = Some(note),
            Next::Done(note) => {
                self.show_menu();
                self.note = Some(note);
            }
            Next::Ask(ask) => self.ask(now, ask, commands),
            Next::SayAndAsk(note, ask) => {
                self.note = Some(note);
                self.ask(now, ask, commands);
            }
            Next::LetIn(let_in) => {
                let number = self.await_answer(now);
                commands.push(DeskCommand::LetIn(number, let_in));
            }
        }
    }

    fn ask(&mut self, now: Monotonic, ask: Ask, commands: &mut Vec<DeskCommand>) {
        let number = self.await_answer(now);
        commands.push(DeskCommand::Ask(number, ask));
    }

    fn await_answer(&mut self, now: Monotonic) -> AskNumber {
        self.asked += 1;
        let number = AskNumber(self.asked);
        self.waiting = Some(Waiting { number, since: now });
        number
    }

    fn show_menu(&mut self) {
        if let State::Open(_, page) = &mut self.state {
            *page = Page::Menu;
        }
    }

    /// Everything that was typed goes with the state.
    fn close(&mut self) {
        (self.state, self.waiting, self.note, self.english) = (State::Closed, None, None, false);
    }

    /// A card signs in where somebody is asked to; anywhere else it is not looked at.
    fn card(&mut self, now: Monotonic, card: CardNumber, commands: &mut Vec<DeskCommand>) {
        if matches!(self.state, State::SigningIn(_)) && self.waiting.is_none() {
            (self.touched, self.note) = (now, None);
            self.ask(now, Ask::SignInByCard(card), commands);
        }
    }

    fn seen(&mut self, now: Monotonic, sighting: Sighting) {
        if let State::Open(_, Page::Enrol(page)) = &mut self.state {
            if sighting.face.is_some() && page.captures() {
                self.touched = now;
            }
            page.seen(sighting);
        }
    }

    fn reply(&mut self, now: Monotonic, number: AskNumber, reply: Reply, commands: &mut Vec<DeskCommand>) {
        // Whoever asked may have signed out, and somebody else sits here now.
        if self.waiting.take_if(|waiting| waiting.number == number).is_none() {
            return;
        }
        let next = match (&mut self.state, reply) {
            (State::SigningIn(page), Reply::Staff(staff)) => page.staff(staff),
            (State::SigningIn(_), Reply::SignedIn(who)) => {
                self.state = State::Open(who, Page::Menu);
                Next::Stay
            }
            (State::SigningIn(page), Reply::Failed(failure)) => page.failed(failure),
            (State::Open(_, page), reply) => page.reply(reply),
            (State::Closed | State::SigningIn(_), _) => Next::Stay,
        };
        self.next(now, next, commands);
    }

    fn tick(&mut self, now: Monotonic, commands: &mut Vec<DeskCommand>) {
        if self.waiting.take_if(|waiting| now.since(waiting.since) >= PATIENCE).is_some() {
            self.note = Some(Note::Failed(Failure::NoAnswer));
        }
        let idle = now.since(self.touched);
        let next = match &mut self.state {
            State::Closed => Next::Stay,
            State::SigningIn(_) if idle >= SIGN_IN_IDLE => return self.close(),
            State::Open(..) if idle >= IDLE => return self.close(),
            State::Open(_, Page::Enrol(page))
                if page.capturing_since().is_some_and(|since| now.since(since) >= LONGEST_CAPTURE) =>
            {
                page.back()
            }
            State::Open(who, Page::People(page)) if self.waiting.is_none() => page.tick(now, who),
            State::SigningIn(_) | State::Open(..) => Next::Stay,
        };
        self.next(now, next, commands);
    }

    fn tell_changes(&mut self, commands: &mut Vec<DeskCommand>) {
        let lens = match &self.state {
            State::Closed => Lens::Door,
            State::Open(_, Page::Enrol(page)) if page.captures() => Lens::Capturing,
            State::SigningIn(_) | State::Open(..) => Lens::Held,
        };
        if std::mem::replace(&mut self.lens, lens) != lens {
            commands.push(DeskCommand::Lens(lens));
        }
        let view = self.view();
        if view != self.shown {
            self.shown = view.clone();
            commands.push(DeskCommand::Show(view));
        }
    }

    fn view(&self) -> View {
        let (page, who) = match &self.state {
            State::Closed => (PageView::Closed, None),
            State::SigningIn(page) => (page.view(), None),
            State::Open(who, page) => (page.view(who), Some(Arc::clone(who.name()))),
        };
        View { page, english: self.english, who, busy: self.waiting.is_some(), note: self.note }
    }
}

impl Page {
    fn touch(&mut self, now: Monotonic, who: &SignedIn, touch: Touch) -> Next {
        match (self, touch) {
            (Self::Enrol(page), Touch::Back) => page.back(),
            (Self::Enrol(page), Touch::Enrol(touch)) => page.touch(now, who, touch),
            (Self::Enrol(page), Touch::Text(touch)) => page.text(touch),
            (Self::Enrol(page), Touch::Pad(touch)) => page.pad(touch),
            (Self::People(page), Touch::Back) => page.back(),
            (Self::People(page), Touch::People(touch)) => page.touch(now, who, touch),
            (Self::People(page), Touch::Text(touch)) => page.text(who, touch),
            (Self::Manual(page), Touch::Manual(touch)) => page.touch(who, touch),
            (Self::Door, Touch::OpenDoor) => {
                Next::LetIn(LetIn { by: who.clone(), visitors: Vec::new(), release: true })
            }
            (_, Touch::Back) => Next::Menu,
            // What was touched is not on this page any more: a second tap that came late.
            (_, _) => Next::Stay,
        }
    }

    fn reply(&mut self, reply: Reply) -> Next {
        match (self, reply) {
            (Self::Enrol(page), Reply::Consent(consent)) => page.consent(consent),
            (Self::Enrol(page), Reply::Enrolled(enrolled)) => return page.enrolled(enrolled),
            (Self::Enrol(_), Reply::Failed(failure @ Failure::ConsentChanged)) => {
                return Next::SayAndAsk(Note::Failed(failure), Ask::Consent);
            }
            (Self::People(page), Reply::Found(found)) => page.found(found),
            (Self::People(page), Reply::Revoked) => {
                page.changed();
                return Next::Say(Note::Revoked);
            }
            (Self::People(page), Reply::Erased) => {
                page.changed();
                return Next::Say(Note::Erased);
            }
            (Self::Manual(page), Reply::LetIn) => return Next::Say(Note::Entered(page.entered())),
            (Self::Door, Reply::LetIn) => return Next::Done(Note::DoorTold),
            (page @ Self::Menu, reply) => return page.reply_to_menu(reply),
            (_, Reply::Failed(failure)) => return Next::Say(Note::Failed(failure)),
            (_, _) => {}
        }
        Next::Stay
    }

    fn reply_to_menu(&mut self, reply: Reply) -> Next {
        *self = match reply {
            Reply::Fees(fees) => Self::Manual(Manual::new(fees)),
            Reply::Counts(counts) => Self::Counts(counts),
            Reply::Refusals(refusals) => Self::Refusals(refusals),
            Reply::Inside(inside) => Self::Inside(inside),
            Reply::Failed(failure) => return Next::Say(Note::Failed(failure)),
            Reply::Staff(_)
            | Reply::SignedIn(_)
            | Reply::Consent(_)
            | Reply::Enrolled(_)
            | Reply::Found(_)
            | Reply::Revoked
            | Reply::Erased
            | Reply::LetIn => Self::Menu,
        };
        Next::Stay
    }

    fn view(&self, who: &SignedIn) -> PageView {
        match self {
            Self::Menu => PageView::Menu { role: who.role() },
            Self::Enrol(page) => page.view(),
            Self::Manual(page) => page.view(),
            Self::Counts(counts) => PageView::Counts(counts.clone()),
            Self::Refusals(refusals) => PageView::Refusals(refusals.clone()),
            Self::Inside(inside) => PageView::Inside(inside.clone()),
            Self::People(page) => page.view(who),
            Self::Door => PageView::Door,
        }
    }
}

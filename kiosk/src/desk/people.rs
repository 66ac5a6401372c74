//! People who are enrolled: found by name, revoked, erased.
//!
//! Erasing cannot be undone, so it takes a supervisor and a finger that stays on the button for [`HOLD`].

use std::time::Duration;

use gate::Monotonic;
use zeroize::Zeroizing;

use super::{
    Ask, Flaw, Found, Layout, Next, Note, PageView, PeopleTouch, Role, SignedIn, TextTouch,
    typing::{self, Typed},
};

/// How long the button that erases is held: longer than any touch by mistake.
pub(crate) const HOLD: Duration = Duration::from_secs(3);

/// The pages.
pub(super) struct People {
    text: Zeroizing<String>,
    layout: Layout,
    found: Vec<Found>,
    step: Step,
}

enum Step {
    Typing,
    List,
    Person(Found),
    Revoke(Found),
    Erase(Found, Option<Monotonic>),
}

impl People {
    pub(super) fn new() -> Self {
        Self { text: Zeroizing::default(), layout: Layout::default(), found: Vec::new(), step: Step::Typing }
    }

    pub(super) fn text(&mut self, who: &SignedIn, touch: TextTouch) -> Next {
        let Step::Typing = self.step else { return Next::Stay };
        let done = match typing::touch(&mut self.text, &mut self.layout, touch) {
            Typed::Done => true,
            Typed::More => false,
            Typed::IndividualNumber => return Next::Say(Note::Flaw(Flaw::IndividualNumber)),
        };
        let name = Zeroizing::new(self.text.trim().to_owned());
        if done && !name.is_empty() { Next::Ask(Ask::Find(who.clone(), name)) } else { Next::Stay }
    }

    /// Who has this name.
    pub(super) fn found(&mut self, found: Vec<Found>) {
        (self.found, self.step) = (found, Step::List);
    }

    pub(super) fn touch(&mut self, now: Monotonic, who: &SignedIn, touch: PeopleTouch) -> Next {
        self.step = match (std::mem::replace(&mut self.step, Step::List), touch) {
            (Step::List, PeopleTouch::Choose(place)) => {
                self.found.get(place).map_or(Step::List, |found| Step::Person(found.clone()))
            }
            (Step::Person(found), PeopleTouch::Revoke) if found.active() => Step::Revoke(found),
            (Step::Person(found), PeopleTouch::Erase) if may_erase(who) => Step::Erase(found, None),
            (Step::Revoke(found), PeopleTouch::ConfirmRevoke) => {
                let person = found.person;
                self.step = Step::Revoke(found);
                return Next::Ask(Ask::Revoke(who.clone(), person));
            }
            (Step::Erase(found, _), PeopleTouch::HoldBegins) => Step::Erase(found, Some(now)),
            (Step::Erase(found, _), PeopleTouch::HoldEnds) => Step::Erase(found, None),
            (step, _) => step,
        };
        Next::Stay
    }

    /// Time passes while the finger is on the button.
    pub(super) fn tick(&mut self, now: Monotonic, who: &SignedIn) -> Next {
        if let Step::Erase(found, since @ Some(_)) = &mut self.step
            && since.is_some_and(|since| now.since(since) >= HOLD)
            && may_erase(who)
        {
            *since = None;
            return Next::Ask(Ask::Erase(who.clone(), found.person));
        }
        Next::Stay
    }

    /// The person is revoked or gone: what was found is old.
    pub(super) fn changed(&mut self) {
        *self = Self { text: std::mem::take(&mut self.text), layout: self.layout, ..Self::new() };
    }

    pub(super) fn back(&mut self) -> Next {
        self.step = match std::mem::replace(&mut self.step, Step::List) {
            Step::Typing => return Next::Menu,
            Step::List => Step::Typing,
            Step::Person(_) => Step::List,
            Step::Revoke(found) | Step::Erase(found, _) => Step::Person(found),
        };
        Next::Stay
    }

    pub(super) fn view(&self, who: &SignedIn) -> PageView {
        match &self.step {
            Step::Typing => {
                PageView::Typing { text: self.text.clone(), layout: self.layout, for_form: false }
            }
            Step::List => PageView::People(self.found.clone()),
            Step::Person(found) => PageView::Person { found: found.clone(), may_erase: may_erase(who) },
            Step::Revoke(found) => PageView::Revoke { name: found.name.clone() },
            Step::Erase(found, since) => PageView::Erase { name: found.name.clone(), held: since.is_some() },
        }
    }
}

fn may_erase(who: &SignedIn) -> bool {
    who.role() >= Role::Supervisor
}

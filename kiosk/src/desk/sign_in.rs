//! Signing in: a name from the list, then the PIN. The vault checks it and counts wrong ones; nothing here knows a PIN.

use std::sync::Arc;

use gate::StaffId;

use super::{Ask, Failure, Next, Note, PadTouch, PageView, Pin, Touch};

/// The page.
#[derive(Default)]
pub(super) struct SignIn {
    staff: Vec<(StaffId, Arc<str>)>,
    chosen: Option<usize>,
    pin: Pin,
}

impl SignIn {
    /// Who may sign in.
    pub(super) fn staff(&mut self, staff: Vec<(StaffId, Arc<str>)>) -> Next {
        // Where there is one name there is nothing to choose.
        self.chosen = (staff.len() == 1).then_some(0);
        self.staff = staff;
        Next::Stay
    }

    pub(super) fn touch(&mut self, touch: Touch) -> Next {
        match touch {
            Touch::Name(place) if place < self.staff.len() => {
                self.chosen = Some(place);
                self.pin.clear();
            }
            Touch::Pad(PadTouch::Digit(digit)) if self.chosen.is_some() => self.pin.push(digit),
            Touch::Pad(PadTouch::Delete) => self.pin.pop(),
            Touch::Pad(PadTouch::Enter) => return self.enter(),
            Touch::Name(_)
            | Touch::Pad(PadTouch::Digit(_))
            | Touch::Open
            | Touch::SignOut
            | Touch::Tongue
            | Touch::Back
            | Touch::Text(_)
            | Touch::Menu(_)
            | Touch::Enrol(_)
            | Touch::Manual(_)
            | Touch::People(_)
            | Touch::OpenDoor => {}
        }
        Next::Stay
    }

    fn enter(&mut self) -> Next {
        match self.chosen.and_then(|place| self.staff.get(place)) {
            Some((staff, _)) if self.pin.is_complete() => {
                let pin = std::mem::take(&mut self.pin);
                Next::Ask(Ask::SignIn(*staff, pin))
            }
            Some(_) | None => Next::Stay,
        }
    }

    /// The PIN was asked about and is gone from here already.
    pub(super) fn failed(&mut self, failure: Failure) -> Next {
        self.pin.clear();
        Next::Say(Note::Failed(failure))
    }

    pub(super) fn view(&self) -> PageView {
        PageView::SignIn {
            staff: self.staff.iter().map(|(_, name)| Arc::clone(name)).collect(),
            chosen: self.chosen,
            digits: self.pin.len(),
        }
    }
}

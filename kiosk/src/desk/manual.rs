//! Entry by hand: visitors without a face or a card, by fee class. They land in the same counts as everybody else.

use super::{Fees, LetIn, ManualTouch, Next, PageView, SignedIn};

/// The most visitors that one entry lets in: a bus of children.
const MOST_VISITORS: u32 = 99;

/// The page.
pub(super) struct Manual {
    fees: Fees,
    counts: Vec<u32>,
    open_door: bool,
}

impl Manual {
    pub(super) fn new(fees: Fees) -> Self {
        let counts = vec![0; fees.classes.len()];
        Self { open_door: fees.door, fees, counts }
    }

    fn total(&self) -> u32 {
        self.counts.iter().sum()
    }

    pub(super) fn touch(&mut self, who: &SignedIn, touch: ManualTouch) -> Next {
        let full = self.total() >= MOST_VISITORS;
        match touch {
            ManualTouch::More(place) => {
                if let Some(count) = self.counts.get_mut(place).filter(|_| !full) {
                    *count += 1;
                }
            }
            ManualTouch::Less(place) => {
                if let Some(count) = self.counts.get_mut(place) {
                    *count = count.saturating_sub(1);
                }
            }
            ManualTouch::Door => self.open_door = self.fees.door && !self.open_door,
            ManualTouch::Enter if self.total() > 0 => return Next::LetIn(self.let_in(who)),
            ManualTouch::Enter => {}
        }
        Next::Stay
    }

    fn let_in(&self, who: &SignedIn) -> LetIn {
        let classes = self.fees.classes.iter().zip(&self.counts);
        let visitors = classes.flat_map(|(fee, count)| (0..*count).map(|_| fee.id.clone())).collect();
        LetIn { by: who.clone(), visitors, release: self.open_door }
    }

    /// They are in: the next ones begin at nought.
    pub(super) fn entered(&mut self) -> usize {
        let entered = self.total();
        self.counts.fill(0);
        entered as usize
    }

    pub(super) fn view(&self) -> PageView {
        PageView::Manual { fees: self.fees.clone(), counts: self.counts.clone(), open_door: self.open_door }
    }
}

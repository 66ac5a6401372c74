//! The PIN pad of the public screen: its keys lie anew each time, so that neither a glance nor the marks of fingers tell what
//! was typed. Slint knows which digit stands on which key and how many were typed, never which.

use std::{cell::RefCell, fmt, rc::Rc};

use slint::ComponentHandle as _;
use store::{Entropy, SystemEntropy};
use zeroize::Zeroizing;

use super::generated::{Kiosk, PinKeys, Scene, Showing, Step};
use super::models;
use super::words::Touch;

/// A MyNumber card's PIN has four digits.
const DIGITS: usize = 4;

/// What was typed. Nothing prints it.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct PinTyped(Zeroizing<String>);

impl PinTyped {
    /// The PIN, for the card's thread.
    pub(crate) fn pin(&self) -> Option<card::Pin> {
        card::Pin::parse(&self.0).ok()
    }
}

impl fmt::Debug for PinTyped {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("PinTyped(..)")
    }
}

/// Where the digits lie, and those typed so far.
struct PinPad {
    /// The digit on each key; none while no pad is shown.
    layout: Option<[u8; 10]>,
    typed: Zeroizing<[u8; DIGITS]>,
    length: usize,
}

impl PinPad {
    fn new() -> Self {
        Self { layout: None, typed: Zeroizing::default(), length: 0 }
    }

    /// Lays the digits anew, if chance can be had: else they stay in their order, which hides less and keeps nobody out.
    fn begin(&mut self, entropy: &mut dyn Entropy) -> [u8; 10] {
        self.forget();
        let layout = scrambled(entropy).unwrap_or(IN_ORDER);
        self.layout = Some(layout);
        layout
    }

    fn forget(&mut self) {
        self.layout = None;
        self.clear();
    }

    fn clear(&mut self) {
        self.typed.fill(0);
        self.length = 0;
    }

    fn press(&mut self, key: i32) {
        let digit = self.layout.and_then(|layout| layout.get(usize::try_from(key).ok()?).copied());
        if let Some(digit) = digit.filter(|_| self.length < DIGITS) {
            self.typed[self.length] = b'0' + digit;
            self.length += 1;
        }
    }

    fn delete(&mut self) {
        if let Some(length) = self.length.checked_sub(1) {
            self.typed[length] = 0;
            self.length = length;
        }
    }

    /// The PIN, once, if all its digits are there.
    fn done(&mut self) -> Option<PinTyped> {
        let whole = self.length == DIGITS;
        let typed =
            whole.then(|| PinTyped(Zeroizing::new(self.typed.iter().map(|it| char::from(*it)).collect())));
        self.clear();
        typed
    }

    fn dots(&self) -> i32 {
        i32::try_from(self.length).unwrap_or(0)
    }
}

const IN_ORDER: [u8; 10] = [1, 2, 3, 4, 5, 6, 7, 8, 9, 0];

/// Every order alike (Fisher-Yates): for each place a byte below the largest multiple of what is left, so that none is likelier.
fn scrambled(entropy: &mut dyn Entropy) -> Option<[u8; 10]> {
    let mut digits = IN_ORDER;
    for place in (1..digits.len()).rev() {
        digits.swap(place, below(place + 1, entropy)?);
    }
    Some(digits)
}

/// A number below `limit` (at most 10), each as likely as any other.
fn below(limit: usize, entropy: &mut dyn Entropy) -> Option<usize> {
    /// A byte is refused one time in 25 at most: so many in a row happen to nobody.
    const MOST_DRAWS: usize = 64;
    let even = 256 - 256 % limit;
    for _ in 0..MOST_DRAWS {
        let mut byte = [0; 1];
        entropy.fill(&mut byte).ok()?;
        if usize::from(byte[0]) < even {
            return Some(usize::from(byte[0]) % limit);
        }
    }
    None
}

/// Gives the pad to a window, and the PIN to `on_touch`.
pub(super) fn wire(ui: &Kiosk, on_touch: impl Fn(Touch) + Clone + 'static) {
    let pad = Rc::new(RefCell::new(PinPad::new()));
    let keys = ui.global::<PinKeys>();
    let (weak, held) = (ui.as_weak(), Rc::clone(&pad));
    keys.on_begin(move || {
        let layout = held.borrow_mut().begin(&mut SystemEntropy);
        if let Some(ui) = weak.upgrade() {
            let keys = ui.global::<PinKeys>();
            keys.set_labels(models::of(layout.map(|digit| digit.to_string().into())));
            keys.set_typed(0);
        }
    });
    let changed = on_change(ui, &pad);
    keys.on_forget(move || changed(&PinPad::forget));
    let changed = on_change(ui, &pad);
    keys.on_key(move |key| changed(&|pad| pad.press(key)));
    let changed = on_change(ui, &pad);
    keys.on_delete(move || changed(&PinPad::delete));
    let (changed, told) = (on_change(ui, &pad), on_touch.clone());
    keys.on_done(move || {
        let typed = pad.borrow_mut().done();
        changed(&|_| ());
        if let Some(typed) = typed {
            told(Touch::Pin(typed));
        }
    });
    let told = on_touch.clone();
    keys.on_cancel(move || told(Touch::CancelCard));
    keys.on_wanted(move || on_touch(Touch::PinWanted));
}

/// Changes the pad and shows how many digits are typed.
fn on_change(ui: &Kiosk, pad: &Rc<RefCell<PinPad>>) -> impl Fn(&dyn Fn(&mut PinPad)) + 'static {
    let (weak, pad) = (ui.as_weak(), Rc::clone(pad));
    move |change| {
        change(&mut pad.borrow_mut());
        if let Some(ui) = weak.upgrade() {
            ui.global::<PinKeys>().set_typed(pad.borrow().dots());
        }
    }
}

/// Called before each new screen: a pad that appears is laid anew, and one that goes forgets what was typed.
pub(super) fn follow(ui: &Kiosk, next: &Showing) {
    let is_pad = |showing: &Showing| showing.scene == Scene::Reader && showing.step == Step::Pin;
    match (is_pad(&ui.get_showing()), is_pad(next)) {
        (false, true) => ui.global::<PinKeys>().invoke_begin(),
        (true, false) => ui.global::<PinKeys>().invoke_forget(),
        (true, true) | (false, false) => {}
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::collections::BTreeSet;

    use super::*;

    fn laid() -> PinPad {
        let mut pad = PinPad::new();
        pad.begin(&mut SystemEntropy);
        pad
    }

    #[test]
    fn the_digits_lie_anew_each_time_and_each_is_there_once() {
        let mut seen = BTreeSet::new();
        for _ in 0..50 {
            let layout = PinPad::new().begin(&mut SystemEntropy);
            assert_eq!(layout.iter().collect::<BTreeSet<_>>().len(), 10);
            seen.insert(layout);
        }
        assert!(seen.len() > 45, "{} orders in 50", seen.len());
    }

    #[test]
    fn four_digits_are_a_pin_once_and_nothing_of_them_stays() {
        let mut pad = laid();
        for _ in 0..6 {
            pad.press(3);
        }
        assert_eq!(pad.dots(), 4);
        pad.delete();
        assert_eq!((pad.done(), pad.dots()), (None, 0), "three are no PIN, and are forgotten");
        (0..4).for_each(|key| pad.press(key));
        let typed = pad.done().unwrap();
        let digits: Vec<u8> = pad.layout.unwrap()[..4].iter().map(|digit| b'0' + digit).collect();
        assert_eq!(typed.0.as_bytes(), digits);
        assert!(typed.pin().is_some());
        assert_eq!((*pad.typed, pad.done()), ([0; 4], None));
        assert_eq!(format!("{typed:?}"), "PinTyped(..)");
    }

    #[test]
    fn a_key_without_a_pad_or_outside_it_types_nothing() {
        let mut pad = PinPad::new();
        pad.press(0);
        assert_eq!(pad.dots(), 0);
        let mut pad = laid();
        pad.press(10);
        pad.press(-1);
        assert_eq!(pad.dots(), 0);
    }
}

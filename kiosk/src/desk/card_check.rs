//! 「カードで確認」: whether the person who is being enrolled is the one on the photograph in the chip of a MyNumber card.
//!
//! ```text
//! Code ──enter──► Lay ──read──► Reading ──face──► Look ──alike──► Matched ─► the form
//!   ▲              ▲               │                │
//!   └─ wrong code ─┴── not read ───┴─► Ended ◄──────┘ not alike: once more, or staff look
//! ```
//!
//! The code is composed of what stands on the front, so that whoever has the card can type it; it opens the photograph, date
//! of birth and expiry to us. A wrong code costs one of the card's tries and is never sent twice by itself; the card's thread
//! sends nothing at the last one. The photograph goes to the vision thread as soon as it is there and comes back as a
//! template; neither is kept beyond this page, nor are sex and the pictures of name and address, which are not read at all.
//! What stays, if staff take it over, is the date of birth and how it was checked.
//!
//! The comparison's threshold was measured on photographs of faces, not on photographs on cards, which are small, grey and
//! up to ten years old: people will be refused more often than the model's card says. Staff then compare by eye.

mod code;

use std::time::Duration;

use card::{CardError, Face, Issuer, Secret, TransportError, TypedError};
use gate::{Date, Monotonic, Template, Threshold};
use zeroize::Zeroizing;

use self::code::Digits;
pub(crate) use self::code::{DIGITS as CODE_DIGITS, Part};
use super::{
    ConsentLanguage, EnrolTouch, Next, PadTouch, PageView, PhotoNumber, Sighting, capture::Collector,
};

/// How long a card may take. About 4 s for its largest file, some for a slow reader; shorter than the desk's own patience.
pub(crate) const READ_PATIENCE: Duration = Duration::from_secs(30);

/// What the comparison goes by.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rules {
    pub(super) threshold: Threshold,
    pub(super) attempts: u8,
    pub(super) pad_floor: f32,
}

/// A check under way.
pub(super) struct CardCheck {
    rules: Rules,
    language: ConsentLanguage,
    digits: Digits,
    /// Faces that were not alike so far.
    failed: u8,
    stage: Stage,
}

enum Stage {
    Code(Option<CodeNews>),
    Lay(Option<CardNews>),
    Reading(Monotonic),
    Look(Box<Look>),
    Matched(Checked),
    /// Not alike, and once more is allowed.
    NotAlike(Read, Template),
    Ended(CardNews),
}

/// What a card said that may stay.
#[derive(Debug, Clone, Copy)]
struct Read {
    born: Option<Date>,
    issuer: Issuer,
}

/// A face is taken while the photograph becomes a template.
struct Look {
    read: Read,
    photograph: PhotoNumber,
    reference: Option<Template>,
    collector: Collector,
    live: Option<Vec<Template>>,
}

/// A check that ended well.
#[derive(Clone)]
pub(super) struct Checked {
    pub(super) born: Option<Date>,
    pub(super) issuer: Issuer,
    /// The face that is the one on the photograph.
    pub(super) face: Vec<Template>,
    threshold: Threshold,
}

impl Checked {
    /// Whether this face may stand for whoever was compared with the card: it is that face, or as like it as that had to be.
    pub(super) fn is_of(&self, face: &[Template]) -> bool {
        all_alike(&self.face, face, self.threshold)
    }
}

/// Why the code is typed again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum CodeNews {
    /// It cannot be a front code; nothing was sent.
    Typed(TypedError),
    /// The card refused it; so many tries are left, if the card told.
    Wrong(Option<u8>),
}

/// What came of a card: a closed list, each with its words and the next way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum CardNews {
    /// It was not there, or was taken away.
    Removed,
    /// It did not answer as it should: lay it down again.
    NotRead,
    /// There is no reader, or it does not work.
    NoReader,
    /// It is another card.
    OtherCard,
    /// One try is left: nothing was sent.
    LastTry,
    /// No try is left.
    Blocked,
    /// Its time is over.
    Expired,
    /// Whether its time is over the clock does not tell.
    Clock,
    /// It has no photograph: those of infants have none.
    NoPhoto,
    /// The photograph cannot be compared.
    PhotoNotUsable,
    /// The record or the chip is not as it was issued.
    NotGenuine,
    /// The face is not like the photograph.
    NotAlike,
}

impl CardCheck {
    pub(super) fn new(rules: Rules, language: ConsentLanguage) -> Self {
        Self { rules, language, digits: Digits::default(), failed: 0, stage: Stage::Code(None) }
    }

    /// Whether the camera is looked at.
    pub(super) fn captures(&self) -> bool {
        self.capturing_since().is_some()
    }

    /// When the camera was first looked at.
    pub(super) fn capturing_since(&self) -> Option<Monotonic> {
        if let Stage::Look(look) = &self.stage { Some(look.collector.since()) } else { None }
    }

    /// Whether the card's answer is awaited.
    pub(super) fn reads(&self) -> bool {
        matches!(self.stage, Stage::Reading(_))
    }

    /// The pages are read by the public in the language in which they agreed, and the next of the three at a touch.
    pub(super) fn next_language(&mut self) {
        self.language = match self.language {
            ConsentLanguage::Japanese => ConsentLanguage::Easy,
            ConsentLanguage::Easy => ConsentLanguage::English,
            ConsentLanguage::English => ConsentLanguage::Japanese,
        };
    }

    /// A key of the pad.
    pub(super) fn pad(&mut self, touch: PadTouch) {
        let Stage::Code(news) = &mut self.stage else { return };
        *news = None;
        match touch {
            PadTouch::Digit(digit) => *news = self.digits.push(digit).err().map(CodeNews::Typed),
            PadTouch::Delete => self.digits.pop(),
            PadTouch::Enter => {
                self.stage = match self.digits.code() {
                    Ok(_) => Stage::Lay(None),
                    Err(error) => Stage::Code(Some(CodeNews::Typed(error))),
                };
            }
        }
    }

    /// A touch of these pages that does not leave them.
    pub(super) fn touch(&mut self, now: Monotonic, touch: EnrolTouch) -> Next {
        match (&self.stage, touch) {
            (Stage::Lay(_), EnrolTouch::ReadCard) => return self.read(now),
            (Stage::NotAlike(read, reference), EnrolTouch::CardAgain) => {
                let (read, reference) = (*read, reference.clone());
                // The number of no photograph: this one is a template already.
                self.look(now, read, PhotoNumber(0), Some(reference));
            }
            _ => {}
        }
        Next::Stay
    }

    /// What was checked, once staff take it over.
    pub(super) fn checked(&self) -> Option<Checked> {
        if let Stage::Matched(checked) = &self.stage { Some(checked.clone()) } else { None }
    }

    fn read(&mut self, now: Monotonic) -> Next {
        match self.digits.code() {
            Ok(code) => {
                self.stage = Stage::Reading(now);
                Next::ReadCard(code)
            }
            Err(error) => {
                self.stage = Stage::Code(Some(CodeNews::Typed(error)));
                Next::Stay
            }
        }
    }

    /// The card's answer. One that comes after the page went on, or of another card than this code's, is for nobody.
    pub(super) fn answer(
        &mut self,
        now: Monotonic,
        number: PhotoNumber,
        answer: Result<Face, CardError>,
    ) -> Next {
        if !self.reads() {
            return Next::Stay;
        }
        match answer {
            Ok(face) if !self.digits.fits(face.birth.date(), face.expiry) => Next::Stay,
            Ok(face) => {
                self.digits = Digits::default();
                let read = Read { born: face.birth.date(), issuer: face.issuer };
                self.look(now, read, number, None);
                Next::Photograph(number, face.photo)
            }
            Err(error) => {
                self.failed_to_read(error);
                Next::Stay
            }
        }
    }

    fn failed_to_read(&mut self, error: CardError) {
        self.stage = match ending(error) {
            // The next one would be the last, and that one is not sent.
            Ending::Code(Some(0 | 1)) => self.end(CardNews::LastTry),
            Ending::Code(tries_left) => {
                self.digits = Digits::default();
                Stage::Code(Some(CodeNews::Wrong(tries_left)))
            }
            Ending::Lay(news) => Stage::Lay(Some(news)),
            Ending::End(news) => self.end(news),
        };
    }

    fn end(&mut self, news: CardNews) -> Stage {
        self.digits = Digits::default();
        Stage::Ended(news)
    }

    fn look(&mut self, now: Monotonic, read: Read, photograph: PhotoNumber, reference: Option<Template>) {
        let collector = Collector::new(now, self.rules.pad_floor);
        self.stage = Stage::Look(Box::new(Look { read, photograph, reference, collector, live: None }));
    }

    /// What the photograph gave.
    pub(super) fn reference(&mut self, number: PhotoNumber, reference: Option<Template>) {
        let Stage::Look(look) = &mut self.stage else { return };
        if look.photograph != number {
            return;
        }
        match reference {
            Some(reference) => {
                look.reference = Some(reference);
                self.compare();
            }
            None => self.stage = self.end(CardNews::PhotoNotUsable),
        }
    }

    /// A frame for the face that is taken.
    pub(super) fn seen(&mut self, sighting: Sighting) {
        let Stage::Look(look) = &mut self.stage else { return };
        if look.live.is_none() {
            look.live = look.collector.take(sighting);
            self.compare();
        }
    }

    /// Compares once both are there.
    fn compare(&mut self) {
        let Stage::Look(look) = &mut self.stage else { return };
        let (Some(reference), Some(live)) = (&look.reference, &look.live) else { return };
        let Read { born, issuer } = look.read;
        let threshold = self.rules.threshold;
        if all_alike(std::slice::from_ref(reference), live, threshold) {
            self.stage = Stage::Matched(Checked { born, issuer, face: live.clone(), threshold });
            return;
        }
        self.failed += 1;
        self.stage = if self.failed < self.rules.attempts {
            Stage::NotAlike(look.read, reference.clone())
        } else {
            Stage::Ended(CardNews::NotAlike)
        };
    }

    /// A card that does not answer is given up.
    pub(super) fn tick(&mut self, now: Monotonic) {
        if let Stage::Reading(since) = &self.stage
            && now.since(*since) >= READ_PATIENCE
        {
            self.stage = Stage::Lay(Some(CardNews::NotRead));
        }
    }

    /// One page back; whether it leads to the form.
    pub(super) fn back(&mut self) -> bool {
        self.stage = match &self.stage {
            Stage::Reading(_) => Stage::Lay(None),
            Stage::Lay(_) => Stage::Code(None),
            Stage::Code(_) | Stage::Look(_) | Stage::Matched(_) | Stage::NotAlike(..) | Stage::Ended(_) => {
                return true;
            }
        };
        false
    }

    pub(super) fn view(&self) -> PageView {
        let language = self.language;
        match &self.stage {
            Stage::Code(news) => PageView::CardCode {
                language,
                part: self.digits.part(),
                digits: Zeroizing::new(self.digits.text().to_owned()),
                news: *news,
            },
            Stage::Lay(news) => PageView::CardLay { language, reading: false, news: *news },
            Stage::Reading(_) => PageView::CardLay { language, reading: true, news: None },
            Stage::Look(look) => PageView::CardLook {
                language,
                frames: if look.live.is_some() { super::capture::FRAMES } else { look.collector.progress() },
                hint: look.collector.hint(),
            },
            Stage::Matched(checked) => PageView::CardMatched { born: checked.born, issuer: checked.issuer },
            Stage::NotAlike(..) => PageView::CardEnded { language, news: CardNews::NotAlike, again: true },
            Stage::Ended(news) => PageView::CardEnded { language, news: *news, again: false },
        }
    }
}

/// Every one of the faces reaches the threshold with every one of the others; where nothing was measured, none does.
fn all_alike(these: &[Template], others: &[Template], threshold: Threshold) -> bool {
    let Threshold::Alone(least) = threshold else { return false };
    let alike = |one: &Template, other: &Template| one.compare(other).is_ok_and(|score| score >= least);
    !these.is_empty()
        && !others.is_empty()
        && these.iter().all(|one| others.iter().all(|other| alike(one, other)))
}

/// Where an error of the card leads.
enum Ending {
    /// Back to the code, with so many tries left.
    Code(Option<u8>),
    /// Back to the reader.
    Lay(CardNews),
    /// To another way.
    End(CardNews),
}

fn ending(error: CardError) -> Ending {
    match error {
        CardError::Wrong { secret: Secret::FrontCode | Secret::AttributesFrontCode, tries_left } => {
            Ending::Code(tries_left)
        }
        CardError::Transport(TransportError::Removed) => Ending::Lay(CardNews::Removed),
        CardError::Transport(TransportError::TimedOut | TransportError::Garbled)
        | CardError::CardChanged
        | CardError::Unexpected(_)
        | CardError::TooManyCommands => Ending::Lay(CardNews::NotRead),
        CardError::NotMyNumberCard => Ending::Lay(CardNews::OtherCard),
        CardError::Transport(TransportError::ReaderGone) => Ending::End(CardNews::NoReader),
        CardError::LastTry(_) => Ending::End(CardNews::LastTry),
        CardError::Blocked(_) | CardError::NoPin => Ending::End(CardNews::Blocked),
        CardError::CardExpired | CardError::CertificateExpired => Ending::End(CardNews::Expired),
        CardError::ClockUnknown | CardError::NotYetValid => Ending::End(CardNews::Clock),
        CardError::NoPhoto => Ending::End(CardNews::NoPhoto),
        CardError::PhotoTooLarge | CardError::BrokenPhoto => Ending::End(CardNews::PhotoNotUsable),
        CardError::Wrong { .. }
        | CardError::NoCertificate
        | CardError::CertificateLocked
        | CardError::BrokenCertificate
        | CardError::ForeignAuthority
        | CardError::WrongSignature
        | CardError::BrokenRecord
        | CardError::FaceAltered
        | CardError::ChipCopied
        | CardError::AttributesAltered => Ending::End(CardNews::NotGenuine),
    }
}

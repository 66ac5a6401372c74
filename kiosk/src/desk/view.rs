//! What the staff screen shows, as meaning; its words and places are in `ui`. Names are in it: nothing prints them.

use std::{fmt, sync::Arc};

use card::Issuer;
use gate::{Assurance, Date, Standing, Words};
use zeroize::Zeroizing;

use super::{
    Alike, CardNews, CodeNews, ConsentLanguage, Counts, Fees, Field, Found, Hint, InsideNow, Layout, Note,
    Part, PassKind, Refused, Role,
};

/// The staff screen.
#[derive(Clone, Default, PartialEq, Eq)]
pub(crate) struct View {
    /// The page.
    pub(crate) page: PageView,
    /// In English; else in Japanese.
    pub(crate) english: bool,
    /// Who is signed in.
    pub(crate) who: Option<Arc<str>>,
    /// An answer is awaited: touches wait.
    pub(crate) busy: bool,
    /// What came of the last act.
    pub(crate) note: Option<Note>,
}

/// A page.
#[derive(Clone, Default, PartialEq, Eq)]
pub(crate) enum PageView {
    /// No staff page: the public screen.
    #[default]
    Closed,
    /// Who are you, and your PIN.
    SignIn {
        /// The names.
        staff: Vec<Arc<str>>,
        /// The one that was touched.
        chosen: Option<usize>,
        /// Digits typed: their number, nothing else.
        digits: usize,
    },
    /// What to do.
    Menu {
        /// What the person may do.
        role: Role,
    },
    /// One person or a household?
    Kind,
    /// The text that is agreed to.
    Consent {
        /// The text.
        words: Words,
        /// Its version.
        version: Arc<str>,
        /// The language in which it is read.
        language: ConsentLanguage,
        /// It was on the screen to its end in this language.
        read: bool,
        /// A parent or guardian agrees.
        guardian: bool,
    },
    /// One person's form.
    Form(FormView),
    /// A text is typed.
    Typing {
        /// The text so far.
        text: Zeroizing<String>,
        /// Which letters.
        layout: Layout,
        /// A name for the form; else a name to look for.
        for_form: bool,
    },
    /// Digits are typed.
    Digits {
        /// For which field.
        field: Field,
        /// The digits so far.
        digits: Zeroizing<String>,
    },
    /// The front code of a card is typed, by staff or by whoever has the card.
    CardCode {
        /// The language of the page.
        language: ConsentLanguage,
        /// Which part comes next.
        part: Part,
        /// The digits so far.
        digits: Zeroizing<String>,
        /// Why it is typed again.
        news: Option<CodeNews>,
    },
    /// The card is laid on the reader.
    CardLay {
        /// The language of the page.
        language: ConsentLanguage,
        /// It is being read.
        reading: bool,
        /// Why it was not read.
        news: Option<CardNews>,
    },
    /// A face is taken, to be compared with the photograph on the card.
    CardLook {
        /// The language of the page.
        language: ConsentLanguage,
        /// Good frames so far.
        frames: usize,
        /// What the person is told.
        hint: Hint,
    },
    /// Face and photograph are alike: for staff to take over.
    CardMatched {
        /// The date of birth on the card; none if the card tells no day.
        born: Option<Date>,
        /// How far the card's maker was traced.
        issuer: Issuer,
    },
    /// It ended in another way.
    CardEnded {
        /// The language of the page.
        language: ConsentLanguage,
        /// How.
        news: CardNews,
        /// The face may be compared once more.
        again: bool,
    },
    /// A face is taken.
    Capture {
        /// Good frames so far.
        frames: usize,
        /// What the person is told.
        hint: Hint,
    },
    /// The face was taken: keep it?
    Captured,
    /// Everybody, before saving.
    Review {
        /// More than one can be added.
        household: bool,
        /// Who.
        members: Vec<MemberLine>,
        /// Who speaks for all.
        representative: usize,
        /// Names may be shown.
        names_agreed: bool,
    },
    /// Stop this enrolment? What was typed is lost.
    Discard,
    /// Saved; these look alike.
    Alike(Vec<Alike>),
    /// Entry by hand.
    Manual {
        /// The classes, and whether there is a door.
        fees: Fees,
        /// How many of each class.
        counts: Vec<u32>,
        /// Whether the door is opened as well.
        open_door: bool,
    },
    /// Today's counts.
    Counts(Counts),
    /// The last refusals.
    Refusals(Vec<Refused>),
    /// Who is inside.
    Inside(InsideNow),
    /// Who was found.
    People(Vec<Found>),
    /// One person.
    Person {
        /// Who.
        found: Found,
        /// May erase.
        may_erase: bool,
    },
    /// Revoke?
    Revoke {
        /// Whose enrolment.
        name: Arc<str>,
    },
    /// Erase?
    Erase {
        /// Whose data.
        name: Arc<str>,
        /// The finger is on the button.
        held: bool,
    },
    /// Open the door now?
    Door,
}

/// One person's form.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct FormView {
    /// The how many-th member, from 1; 0 for a person alone.
    pub(crate) number: usize,
    /// The name.
    pub(crate) name: Zeroizing<String>,
    /// Date of birth, as typed.
    pub(crate) born: Zeroizing<String>,
    /// Lives in the city.
    pub(crate) lives_here: Option<bool>,
    /// How surely it is known who it is.
    pub(crate) assurance: Assurance,
    /// The face was compared with the photograph on a card.
    pub(crate) card: bool,
    /// A pass or coupons.
    pub(crate) pass: PassKind,
    /// The last day of the pass, as typed.
    pub(crate) pass_until: String,
    /// How many coupons, as typed.
    pub(crate) coupons: String,
    /// Under protection.
    pub(crate) protected: bool,
}

/// One member, before saving.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct MemberLine {
    /// The name.
    pub(crate) name: Zeroizing<String>,
    /// Whether there is a face.
    pub(crate) face: bool,
    /// Under protection.
    pub(crate) protected: bool,
}

impl PageView {
    /// The language of a page that the public reads; none where staff do.
    pub(crate) fn spoken(&self) -> Option<ConsentLanguage> {
        match self {
            Self::CardCode { language, .. }
            | Self::CardLay { language, .. }
            | Self::CardLook { language, .. }
            | Self::CardEnded { language, .. } => Some(*language),
            Self::Closed
            | Self::SignIn { .. }
            | Self::Menu { .. }
            | Self::Kind
            | Self::Consent { .. }
            | Self::Form(_)
            | Self::Typing { .. }
            | Self::Digits { .. }
            | Self::CardMatched { .. }
            | Self::Capture { .. }
            | Self::Captured
            | Self::Review { .. }
            | Self::Discard
            | Self::Alike(_)
            | Self::Manual { .. }
            | Self::Counts(_)
            | Self::Refusals(_)
            | Self::Inside(_)
            | Self::People(_)
            | Self::Person { .. }
            | Self::Revoke { .. }
            | Self::Erase { .. }
            | Self::Door => None,
        }
    }

    /// The page's name in tests and pictures.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Closed => "closed",
            Self::SignIn { .. } => "sign-in",
            Self::Menu { .. } => "menu",
            Self::Kind => "kind",
            Self::Consent { .. } => "consent",
            Self::Form(_) => "form",
            Self::Typing { .. } => "typing",
            Self::Digits { .. } => "digits",
            Self::CardCode { .. } => "card-code",
            Self::CardLay { .. } => "card-lay",
            Self::CardLook { .. } => "card-look",
            Self::CardMatched { .. } => "card-matched",
            Self::CardEnded { .. } => "card-ended",
            Self::Capture { .. } => "capture",
            Self::Captured => "captured",
            Self::Review { .. } => "review",
            Self::Discard => "discard",
            Self::Alike(_) => "alike",
            Self::Manual { .. } => "manual",
            Self::Counts(_) => "counts",
            Self::Refusals(_) => "refusals",
            Self::Inside(_) => "inside",
            Self::People(_) => "people",
            Self::Person { .. } => "person",
            Self::Revoke { .. } => "revoke",
            Self::Erase { .. } => "erase",
            Self::Door => "door",
        }
    }
}

impl Found {
    /// Whether there is anything left to revoke.
    pub(crate) fn active(&self) -> bool {
        self.standing == Standing::Active
    }
}

impl fmt::Debug for View {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "View({}, {:?}, busy: {})", self.page.name(), self.note, self.busy)
    }
}

impl fmt::Debug for PageView {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.name())
    }
}

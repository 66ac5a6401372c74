//! What the desk asks of the thread that owns the vault, and what it hears back.
//!
//! Names, PINs, card numbers and templates are in these values: none of them has a derived `Debug`.

use std::{fmt, sync::Arc, time::Duration};

use gate::{
    Assurance, CredentialKind, Date, FeeClassId, PersonId, Residency, StaffId, Standing, Template, Threshold,
    Way, Words,
};
use zeroize::Zeroizing;

use super::Pin;

/// Which question an answer belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct AskNumber(pub(crate) u64);

/// What a member of the staff may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Role {
    /// Enrols, enters visitors, opens the door, revokes.
    Reception,
    /// Erases as well, and sees people under protection.
    Supervisor,
}

/// Somebody who signed in. Only the vault's answer makes one, and every act names one.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct SignedIn {
    staff: StaffId,
    name: Arc<str>,
    role: Role,
}

impl SignedIn {
    pub(super) fn new(staff: StaffId, name: Arc<str>, role: Role) -> Self {
        Self { staff, name, role }
    }

    /// Who answers for the act.
    pub(crate) fn staff(&self) -> StaffId {
        self.staff
    }

    /// The name, as the others of the staff know it.
    pub(crate) fn name(&self) -> &Arc<str> {
        &self.name
    }

    /// What they may do.
    pub(crate) fn role(&self) -> Role {
        self.role
    }
}

/// The number on a card, as the credential port read it.
pub(crate) struct CardNumber(pub(crate) CredentialKind, pub(crate) Zeroizing<Vec<u8>>);

/// A question.
pub(crate) enum Ask {
    /// Who may sign in?
    Staff,
    /// Does this PIN belong to this member of the staff?
    SignIn(StaffId, Pin),
    /// Does this card belong to a member of the staff?
    SignInByCard(CardNumber),
    /// Which text is agreed to today?
    Consent,
    /// Enrol these people.
    Enrol(SignedIn, Household),
    /// What do visitors pay here, and is there a door?
    Fees,
    /// Today's counts.
    Counts(SignedIn),
    /// The last refusals.
    Refusals(SignedIn),
    /// Who is inside.
    Inside(SignedIn),
    /// Who has this in the name?
    Find(SignedIn, Zeroizing<String>),
    /// Revoke an enrolment.
    Revoke(SignedIn, PersonId),
    /// Erase what is held about a person.
    Erase(SignedIn, PersonId),
}

/// Staff let somebody in: a decision of the session, recorded before any door is released.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct LetIn {
    /// Who answers for it.
    pub(crate) by: SignedIn,
    /// The fee class of each visitor; nobody where only the door is opened.
    pub(crate) visitors: Vec<FeeClassId>,
    /// Whether the door is released.
    pub(crate) release: bool,
}

/// An answer.
pub(crate) enum Reply {
    /// To [`Ask::Staff`], in the order of their names.
    Staff(Vec<(StaffId, Arc<str>)>),
    /// To [`Ask::SignIn`] and [`Ask::SignInByCard`].
    SignedIn(SignedIn),
    /// To [`Ask::Consent`].
    Consent(Consent),
    /// To [`Ask::Enrol`].
    Enrolled(Enrolled),
    /// To [`Ask::Fees`].
    Fees(Fees),
    /// To [`Ask::Counts`].
    Counts(Counts),
    /// To [`Ask::Refusals`], the last first.
    Refusals(Vec<Refused>),
    /// To [`Ask::Inside`].
    Inside(InsideNow),
    /// To [`Ask::Find`].
    Found(Vec<Found>),
    /// To [`Ask::Revoke`].
    Revoked,
    /// To [`Ask::Erase`].
    Erased,
    /// To a [`LetIn`]: it is on record, and the door was told if that was asked for.
    LetIn,
    /// To anything.
    Failed(Failure),
}

/// Why something was not done. Each is told to staff with what to do next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Failure {
    /// The PIN is another one.
    WrongPin,
    /// Too many wrong PINs: nobody signs in under this name for so long.
    LockedOut(Duration),
    /// The card belongs to nobody of the staff.
    UnknownCard,
    /// Not with this role.
    NotAllowed,
    /// There is no text to agree to: `kiosk consent add`.
    NoConsentText,
    /// The text was changed since it was read.
    ConsentChanged,
    /// A face matches a revoked enrolment: for the supervisor.
    MatchesRevoked,
    /// The enrolment was revoked before.
    RevokedBefore,
    /// The person is not there any more.
    NotThere,
    /// The vault took nothing.
    NotStored,
    /// No answer came; what was asked may have been done.
    NoAnswer,
}

/// The languages in which a consent text is kept.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub(crate) enum ConsentLanguage {
    /// 日本語.
    #[default]
    Japanese,
    /// やさしい日本語.
    Easy,
    /// English.
    English,
}

/// The text that is agreed to.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Consent {
    /// Its name in the records, for instance `2026-04`.
    pub(crate) version: Arc<str>,
    /// The text.
    pub(crate) words: Words,
    /// Today, by the facility's clock; none where the clock does not tell.
    pub(crate) today: Option<Date>,
    /// Bona fide score that a frame must reach, by the rules of now.
    pub(crate) pad_floor: f32,
    /// From which score on a living face is that of the photograph on a card.
    pub(crate) card_photo: Threshold,
    /// How often a face may be compared with one such photograph.
    pub(crate) card_attempts: u8,
}

/// What somebody agreed to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Agreed {
    /// The version.
    pub(crate) version: Arc<str>,
    /// The language in which it was read to the end.
    pub(crate) language: ConsentLanguage,
    /// A parent or guardian who is not one of them agreed; else the person, or the representative for the household.
    pub(crate) guardian: bool,
}

/// People to enrol together.
pub(crate) struct Household {
    /// What they agreed to.
    pub(crate) agreed: Agreed,
    /// Whether their names may be shown.
    pub(crate) names_agreed: bool,
    /// They.
    pub(crate) members: Vec<Member>,
    /// Who of them speaks for all; none for a person alone.
    pub(crate) representative: Option<usize>,
}

/// One of them.
#[derive(Clone)]
pub(crate) struct Member {
    /// The name.
    pub(crate) name: Zeroizing<String>,
    /// Date of birth.
    pub(crate) born: Option<Date>,
    /// Whether the person lives in the city.
    pub(crate) residency: Option<Residency>,
    /// How surely it is known who it is.
    pub(crate) assurance: Assurance,
    /// A pass or coupons.
    pub(crate) pass: Option<Pass>,
    /// Under protection.
    pub(crate) protected: bool,
    /// The face was compared with the photograph on a MyNumber card, whose maker was traced so far.
    pub(crate) card: Option<card::Issuer>,
    /// The face; nothing for somebody who enrols without one.
    pub(crate) templates: Vec<Template>,
}

/// What a person may use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Pass {
    /// Up to this day, as often as they like.
    Until(Date),
    /// So many times.
    Coupons(u32),
}

/// Who was enrolled.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Enrolled {
    /// How many people.
    pub(crate) people: usize,
    /// Other enrolments that look alike, for staff to look at.
    pub(crate) alike: Vec<Alike>,
    /// A pass or coupons could not be stored: to be given later.
    pub(crate) passes_missing: bool,
}

/// Two people whom the door may take for each other.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Alike {
    /// Who was enrolled now.
    pub(crate) new: Arc<str>,
    /// Who was there before; nothing for somebody under protection.
    pub(crate) other: Option<Arc<str>>,
}

/// What visitors pay.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Fees {
    /// The classes, in the facility's order.
    pub(crate) classes: Vec<Fee>,
    /// Whether this kiosk has a door to release.
    pub(crate) door: bool,
}

/// One class.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Fee {
    /// Its name in the records.
    pub(crate) id: FeeClassId,
    /// What is read.
    pub(crate) words: Words,
    /// What is to pay, in yen.
    pub(crate) yen: u32,
}

/// Today's visitors.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    /// By way of entry.
    pub(crate) by_way: Vec<(Way, u32)>,
    /// By fee class; the last one, without words, are those in no class.
    pub(crate) by_fee: Vec<(Option<Words>, u32)>,
    /// How many in all.
    pub(crate) total: u32,
}

/// A refusal.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Refused {
    /// Hour and minute, if the clock told.
    pub(crate) at: Option<(u8, u8)>,
    /// Why.
    pub(crate) why: Why,
    /// Who, if somebody was recognised and is not under protection.
    pub(crate) name: Option<Arc<str>>,
}

/// Why somebody was refused, as staff are told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Why {
    /// Nobody like this is enrolled.
    NotRecognised,
    /// Two people alike, or another proof is needed.
    AnotherProof,
    /// The enrolment was revoked.
    Revoked,
    /// Not a living face, or the head was not turned.
    NotLiving,
    /// No clear picture.
    NoClearPicture,
    /// Left before anything was decided.
    Left,
    /// A part failed.
    Interrupted,
    /// A card or code of somebody else, of nobody here, or one that was refused.
    Card,
    /// Recognised, and not let in by the facility's rules today.
    NotToday,
}

impl Why {
    /// The staff's word for a reason of the records.
    pub(crate) fn of(reason: &str) -> Self {
        match reason {
            "no-match" => Self::NotRecognised,
            "ambiguous" | "second-factor-required" | "factor-missing" => Self::AnotherProof,
            "revoked" => Self::Revoked,
            "presentation-attack" | "not-turned" => Self::NotLiving,
            "low-quality" => Self::NoClearPicture,
            "abandoned" => Self::Left,
            "interrupted" => Self::Interrupted,
            "claim-not-confirmed" | "unknown-credential" | "credential-refused" => Self::Card,
            _ => Self::NotToday,
        }
    }
}

/// Who is inside, as far as this kiosk saw.
#[derive(Clone, Default, PartialEq, Eq)]
pub(crate) struct InsideNow {
    /// Everybody's name; a person under protection has none.
    pub(crate) people: Vec<Option<Arc<str>>>,
    /// Visitors without a name, entered by hand today. Nobody sees them leave, so this is the most there can be.
    pub(crate) by_hand: u32,
}

/// Somebody who was found by name.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Found {
    /// The enrolee id.
    pub(crate) person: PersonId,
    /// The name.
    pub(crate) name: Arc<str>,
    /// Date of birth, to tell two of one name apart.
    pub(crate) born: Option<Date>,
    /// Whether the enrolment counts.
    pub(crate) standing: Standing,
    /// Whether there is a face.
    pub(crate) face: bool,
    /// Under protection; only supervisors are told of these people at all.
    pub(crate) protected: bool,
    /// The attributes were not confirmed for a long time.
    pub(crate) stale: bool,
}

/// Prints which variant it is and nothing of what it holds.
macro_rules! say_only_the_kind {
    ($kind:ident) => {
        impl fmt::Debug for $kind {
            fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.write_str(concat!(stringify!($kind), "(..)"))
            }
        }
    };
}

say_only_the_kind!(SignedIn);
say_only_the_kind!(CardNumber);
say_only_the_kind!(Ask);
say_only_the_kind!(LetIn);
say_only_the_kind!(Reply);
say_only_the_kind!(Member);
say_only_the_kind!(Household);
say_only_the_kind!(Refused);
say_only_the_kind!(InsideNow);
say_only_the_kind!(Found);
say_only_the_kind!(Enrolled);

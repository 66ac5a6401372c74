//! What happens at the desk, and what should be done about it.

use gate::{Assurance, Template};
use zeroize::Zeroizing;

use super::{
    Ask, AskNumber, CardNumber, ConsentLanguage, Failure, Field, Flaw, Layout, Lens, LetIn, PassKind,
    PhotoNumber, Reply, Sighting, View, keyboard::Extra,
};

/// What happened.
#[derive(Debug)]
pub(crate) enum DeskEvent {
    /// Somebody touched the screen.
    Touch(Touch),
    /// A card was read while the staff area is open.
    Card(CardNumber),
    /// The face of the card that lies on the reader, or why there is none.
    Front(Box<Result<card::Face, card::CardError>>),
    /// What a photograph from a card gave.
    Reference(PhotoNumber, Option<Template>),
    /// A frame was looked at while a face is taken.
    Seen(Sighting),
    /// An answer.
    Reply(AskNumber, Reply),
    /// The door is free and everybody leaves: nothing may cover that screen.
    Evacuate,
    /// Time passed; at least four a second.
    Tick,
}

/// What should be done, in this order.
#[derive(Debug)]
pub(crate) enum DeskCommand {
    /// Change the staff screen.
    Show(View),
    /// Ask the thread that owns the vault.
    Ask(AskNumber, Ask),
    /// Let somebody in.
    LetIn(AskNumber, LetIn),
    /// Have the card on the reader read with this code, once.
    ReadCard(card::FrontCode),
    /// Nobody waits for the card any more.
    ForgetCard,
    /// Make a template of this photograph, and forget it.
    Photograph(PhotoNumber, card::GreyPicture),
    /// What the vision thread should do from now on.
    Lens(Lens),
}

/// Something that was touched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Touch {
    /// The way to the staff area, on the public screen.
    Open,
    /// Sign out.
    SignOut,
    /// The other language of the staff screens.
    Tongue,
    /// One page back.
    Back,
    /// A name on the sign-in page.
    Name(usize),
    /// A key of a pad of digits.
    Pad(PadTouch),
    /// A key of the keyboard.
    Text(TextTouch),
    /// A page of the menu.
    Menu(Destination),
    /// Enrolment.
    Enrol(EnrolTouch),
    /// Entry by hand.
    Manual(ManualTouch),
    /// People who were found.
    People(PeopleTouch),
    /// Open the door now.
    OpenDoor,
}

/// A key of a pad.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PadTouch {
    /// 0 to 9.
    Digit(u8),
    /// Takes the last one away.
    Delete,
    /// Done.
    Enter,
}

/// A key of the keyboard.
#[derive(Clone, PartialEq, Eq)]
pub(crate) enum TextTouch {
    /// The letter at this place of the layout.
    Letter(usize),
    /// A key below the letters.
    Extra(Extra),
    /// Other letters.
    Layout(Layout),
    /// The whole text, from a keyboard that is plugged in.
    Typed(Zeroizing<String>),
    /// Done.
    Done,
}

/// A page that the menu leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Destination {
    /// Enrol somebody.
    Enrol,
    /// Enter visitors by hand.
    Manual,
    /// Today's counts.
    Counts,
    /// The last refusals.
    Refusals,
    /// Who is inside.
    Inside,
    /// Look for somebody.
    People,
    /// The door.
    Door,
}

/// A touch during an enrolment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum EnrolTouch {
    /// One person.
    One,
    /// A household.
    Household,
    /// Read the text in this language.
    Language(ConsentLanguage),
    /// The end of the text is on the screen.
    ReachedEnd,
    /// A parent or guardian agrees, or the person does.
    Guardian,
    /// They agree.
    Agree,
    /// Type into this field.
    Edit(Field),
    /// Lives in the city, or elsewhere, or nobody knows.
    LivesHere(Option<bool>),
    /// How surely it is known who it is.
    Assurance(Assurance),
    /// A pass, coupons or nothing.
    Pass(PassKind),
    /// Under protection, or not.
    Protected,
    /// To the camera.
    ToCamera,
    /// Compare with the photograph on a MyNumber card.
    CheckCard,
    /// The card lies there: read it.
    ReadCard,
    /// Once more: type the code, or stand before the camera.
    CardAgain,
    /// Take over what the card said.
    CardKeep,
    /// Without a face: a newborn, somebody who does not want it.
    WithoutFace,
    /// Take the face again.
    Retake,
    /// The face is good.
    Keep,
    /// One more member.
    AddMember,
    /// This one not.
    Remove(usize),
    /// This one speaks for all.
    Representative(usize),
    /// Names may be shown, or not.
    NamesAgreed,
    /// Save.
    Save,
    /// Yes, stop this enrolment.
    Stop,
    /// No, go on with it.
    GoOn,
}

/// A touch on the page of entry by hand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ManualTouch {
    /// One more of this class.
    More(usize),
    /// One less.
    Less(usize),
    /// Open the door as well, or not.
    Door,
    /// Let them in.
    Enter,
}

/// A touch on the pages of people who were found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PeopleTouch {
    /// This one.
    Choose(usize),
    /// To the page that asks whether to revoke.
    Revoke,
    /// Yes, revoke.
    ConfirmRevoke,
    /// To the page that asks whether to erase.
    Erase,
    /// The finger is on the button that erases.
    HoldBegins,
    /// The finger left it.
    HoldEnds,
}

/// What staff are told after an act.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Note {
    /// So many people were enrolled.
    Enrolled(usize),
    /// They were enrolled, and a pass or coupons are still to be given.
    PassMissing,
    /// So many visitors were entered.
    Entered(usize),
    /// The door was told to open.
    DoorTold,
    /// The enrolment was revoked.
    Revoked,
    /// What was held about the person is erased.
    Erased,
    /// The face is not the one that was compared with the card: the assurance was taken back.
    OtherFace,
    /// It was not done.
    Failed(Failure),
    /// Something is wrong with what was typed.
    Flaw(Flaw),
}

impl std::fmt::Debug for TextTouch {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("TextTouch(..)")
    }
}

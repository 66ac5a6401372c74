//! What the operator of a kiosk says about itself, and the languages it is said in.

use serde::Deserialize;

/// A language of the screens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub(crate) enum Language {
    /// 日本語, what every visit begins with.
    #[default]
    Japanese,
    /// やさしい日本語.
    EasyJapanese,
    /// English.
    English,
}

impl Language {
    /// All of them, in the order of the switch.
    pub(crate) const ALL: [Language; 3] = [Language::Japanese, Language::EasyJapanese, Language::English];

    /// The folder of its translation under kiosk/lang, and how files of a tour are named.
    pub(crate) fn code(self) -> &'static str {
        match self {
            Language::Japanese => "ja",
            Language::EasyJapanese => "ja-easy",
            Language::English => "en",
        }
    }
}

/// Words of the operator in both languages, and in easy Japanese where the operator wrote them.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Bilingual {
    /// 日本語.
    pub(crate) japanese: String,
    /// やさしい日本語, with readings in 《》 after kanji; without it the Japanese words are shown.
    #[serde(default)]
    pub(crate) easy: Option<String>,
    /// English.
    pub(crate) english: String,
}

impl Bilingual {
    /// The words in `language`.
    pub(crate) fn in_language(&self, language: Language) -> &str {
        match language {
            Language::Japanese => &self.japanese,
            Language::EasyJapanese => self.easy.as_ref().unwrap_or(&self.japanese),
            Language::English => &self.english,
        }
    }
}

/// The notice on the idle screen: that faces are recognised here is said by the screen itself; who does it, what for
/// and whom to ask is said by the operator. Room on the smallest panel (1024 by 600): 16 full-width characters or 32
/// Latin ones each, twice that for the purpose.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Notice {
    /// Who runs the kiosk; also stands at the top of every screen.
    pub(crate) operator: Bilingual,
    /// What faces are used for.
    pub(crate) purpose: Bilingual,
    /// Whom to ask.
    pub(crate) contact: Bilingual,
}

impl Notice {
    /// The notice of an imagined facility, for the tour, the demo and tests.
    pub(crate) fn example() -> Self {
        let words = |japanese: &str, easy: &str, english: &str| Bilingual {
            japanese: japanese.into(),
            easy: Some(easy.into()),
            english: english.into(),
        };
        Notice {
            operator: words(
                "みどり市 こども館",
                "みどり市《し》　こどもかん",
                "Midori City Children's House",
            ),
            purpose: words(
                "登録された方の入館の受付",
                "ここに　はいる　人《ひと》の　うけつけ",
                "Checking in people who have registered",
            ),
            contact: words(
                "窓口 または 000-000-0000",
                "まどぐち　か　000-000-0000",
                "Front desk, or 000-000-0000",
            ),
        }
    }
}

/// What the screens need to know about their place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Setup {
    /// The operator's notice.
    pub(crate) notice: Notice,
    /// Whether the board has a QR or card reader: nobody is sent to a reader that is not there.
    pub(crate) readers: bool,
    /// Whether it is a vehicle, where people speak to the driver.
    pub(crate) vehicle: bool,
}

/// Something a person did on the screen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Touch {
    /// Pressed 係員を呼ぶ. At most once in ten seconds.
    CallStaff,
    /// Another language is shown now: chosen by hand, or back to Japanese because nobody is here any more.
    Language(Language),
    /// Pressed 首を動かしにくい方: a way in that needs no turn of the head is wanted.
    CannotTurn,
    /// Held the key in the header for two seconds; the staff area is open now.
    StaffArea,
    /// Said of one of the household on the screen, by place in the list, whether that person is in the shelter.
    Member {
        /// Place in the list of names, from 0.
        place: usize,
        /// What was pressed.
        presence: Presence,
    },
    /// Pressed これで受付する below the household.
    HouseholdDone,
    /// Typed a whole PIN.
    Pin(super::pin::PinTyped),
    /// Wants to type the PIN rather than show the face.
    PinWanted,
    /// Does not go on with the card.
    CancelCard,
    /// Touched something in the staff area.
    Desk(crate::desk::Touch),
}

/// Whether one of a household is in the shelter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Presence {
    /// いる.
    Here,
    /// あとから来る.
    Later,
    /// わからない.
    Unsure,
}

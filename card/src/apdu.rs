//! Commands as values, and what a card's answer means.
//!
//! A command is `CLA INS P1 P2 [Lc data] [Le]`, short form only: the longest here has 89 bytes, and an `Le` of 0 asks for 256.
//! A response is data and two bytes of status. Commands name files and secrets of [`crate::applications`], so nothing else can
//! be said to a card.

use std::fmt;

use zeroize::Zeroizing;

use crate::applications::{Application, File, Key, LICENCE_DATA, Secret};

/// The most bytes that one READ BINARY asks for.
pub(crate) const PIECE: usize = 256;

/// A command to a card. What VERIFY carries is secret: there is no `Debug`.
#[derive(Clone, Copy)]
pub(crate) enum Command<'a> {
    /// `00 A4 04 0C Lc AID`: no answer but the status.
    SelectApplication(Application),
    /// `00 A4 00 00`: the card itself, above its applications.
    SelectMaster,
    /// `00 A4 02 0C 02 2F 01`: the file of a driver's licence that anybody may read. It is selected only to see whether it is there.
    SelectLicenceData,
    /// `00 A4 02 0C 02 id`.
    SelectFile(File),
    /// `00 A4 02 0C 02 id`.
    SelectSecret(Secret),
    /// `00 A4 02 0C 02 id`.
    SelectKey(Key),
    /// `00 B0 oh ol Le`: `length` is 1 to [`PIECE`], `offset` below 32,768.
    Read { offset: u16, length: usize },
    /// `00 20 00 80`: how many tries are left; spends none.
    TriesLeft,
    /// `00 20 00 80 Lc secret`.
    Verify(&'a [u8]),
    /// `80 2A 00 80 Lc input 00`: by the selected key.
    Sign(&'a [u8]),
    /// `80 2A 00 00 Lc input 00`: by the application's own key, which asks for no PIN.
    SignByChip(&'a [u8]),
    /// `FF CA 00 00 00`: the reader says which number the card answered with on the air.
    Number,
    /// `00 C0 00 00 Le`: the rest of an answer.
    GetResponse { length: u8 },
}

impl Command<'_> {
    /// The bytes on the wire.
    pub(crate) fn encode(self) -> Zeroizing<Vec<u8>> {
        let with_data = |header: [u8; 4], data: &[u8], answer: bool| {
            let mut bytes = Zeroizing::new(Vec::with_capacity(6 + data.len()));
            bytes.extend(header);
            bytes.push(u8::try_from(data.len()).expect("no command here carries more than 255 bytes"));
            bytes.extend(data);
            bytes.extend(answer.then_some(0));
            bytes
        };
        let plain = |bytes: &[u8]| Zeroizing::new(bytes.to_vec());
        let select = |id: u16| with_data([0x00, 0xA4, 0x02, 0x0C], &id.to_be_bytes(), false);
        match self {
            Self::SelectApplication(it) => with_data([0x00, 0xA4, 0x04, 0x0C], it.identifier(), false),
            Self::SelectMaster => plain(&[0x00, 0xA4, 0x00, 0x00]),
            Self::SelectLicenceData => select(LICENCE_DATA),
            Self::SelectFile(file) => select(file.identifier()),
            Self::SelectSecret(secret) => select(secret.identifier()),
            Self::SelectKey(key) => select(key.identifier()),
            Self::Read { offset, length } => {
                let [high, low] = offset.to_be_bytes();
                // 256 is written as 0.
                plain(&[0x00, 0xB0, high, low, length.to_be_bytes()[size_of::<usize>() - 1]])
            }
            Self::TriesLeft => plain(&[0x00, 0x20, 0x00, 0x80]),
            Self::Verify(secret) => with_data([0x00, 0x20, 0x00, 0x80], secret, false),
            Self::Sign(input) => with_data([0x80, 0x2A, 0x00, 0x80], input, true),
            Self::SignByChip(input) => with_data([0x80, 0x2A, 0x00, 0x00], input, true),
            Self::Number => plain(&[0xFF, 0xCA, 0x00, 0x00, 0x00]),
            Self::GetResponse { length } => plain(&[0x00, 0xC0, 0x00, 0x00, length]),
        }
    }

    /// Whether an answer is asked for. Only such a command may be sent a second time, with the length that the card names.
    pub(crate) fn asks_for_data(self) -> bool {
        match self {
            Self::Read { .. }
            | Self::Sign(_)
            | Self::SignByChip(_)
            | Self::Number
            | Self::GetResponse { .. } => true,
            Self::SelectApplication(_)
            | Self::SelectMaster
            | Self::SelectLicenceData
            | Self::SelectFile(_)
            | Self::SelectSecret(_)
            | Self::SelectKey(_)
            | Self::TriesLeft
            | Self::Verify(_) => false,
        }
    }
}

/// The two bytes that end a response.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct StatusWord(pub u16);

impl fmt::Display for StatusWord {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{:04X}", self.0)
    }
}

impl fmt::Debug for StatusWord {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, out)
    }
}

/// What a status word says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Meaning {
    /// 9000: done.
    Done,
    /// 61xx: this many more bytes wait; 0 is 256 or more.
    MoreBytes(u8),
    /// 6282: done, and the file ends here.
    EndOfFile,
    /// 6300: wrong, and the card does not say how many tries are left.
    Wrong,
    /// 63Cx: this many tries are left.
    TriesLeft(u8),
    /// 6700: the length.
    WrongLength,
    /// 6881: no such logical channel.
    NoSuchChannel,
    /// 6981: not for this kind of file.
    WrongFileType,
    /// 6982: a secret has to be presented first.
    Locked,
    /// 6983 and 6984: the secret is blocked.
    Blocked,
    /// 6985: not now.
    NotNow,
    /// 6986: no file is selected.
    NoFileSelected,
    /// 6A80: the data.
    BadData,
    /// 6A81: not supported.
    NotSupported,
    /// 6A82: no such file or application.
    NotFound,
    /// 6A83: no such record.
    NoSuchRecord,
    /// 6A86 and 6A88: the parameters, or what they refer to.
    BadParameters,
    /// 6B00: behind the end of the file.
    OutsideFile,
    /// 6Cxx: ask again with this length; 0 is 256.
    AskAgain(u8),
    /// 6D00: no such instruction.
    NoSuchInstruction,
    /// 6E00: no such class.
    NoSuchClass,
    /// 6F00: something else went wrong.
    NoDiagnosis,
    /// None of these.
    Other,
}

/// What the kiosk does about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Advice {
    /// Go on.
    GoOn,
    /// Show how many tries are left, and stop at one.
    ShowTries,
    /// The municipal office helps.
    MunicipalOffice,
    /// It is another kind of card, or holds no such thing.
    AnotherCard,
    /// Start again from the beginning; the card forgot, or was changed.
    StartAgain,
    /// Take it away and lay it on the reader again; if it stays so, staff.
    TryAgain,
}

impl StatusWord {
    /// What it says.
    #[must_use]
    pub fn meaning(self) -> Meaning {
        let [_, low] = self.0.to_be_bytes();
        match self.0 {
            0x9000 => Meaning::Done,
            0x6100..=0x61FF => Meaning::MoreBytes(low),
            0x6282 => Meaning::EndOfFile,
            0x6300 => Meaning::Wrong,
            0x63C0..=0x63CF => Meaning::TriesLeft(low & 0x0F),
            0x6700 => Meaning::WrongLength,
            0x6881 => Meaning::NoSuchChannel,
            0x6981 => Meaning::WrongFileType,
            0x6982 => Meaning::Locked,
            0x6983 | 0x6984 => Meaning::Blocked,
            0x6985 => Meaning::NotNow,
            0x6986 => Meaning::NoFileSelected,
            0x6A80 => Meaning::BadData,
            0x6A81 => Meaning::NotSupported,
            0x6A82 => Meaning::NotFound,
            0x6A83 => Meaning::NoSuchRecord,
            0x6A86 | 0x6A88 => Meaning::BadParameters,
            0x6B00 => Meaning::OutsideFile,
            0x6C00..=0x6CFF => Meaning::AskAgain(low),
            0x6D00 => Meaning::NoSuchInstruction,
            0x6E00 => Meaning::NoSuchClass,
            0x6F00 => Meaning::NoDiagnosis,
            _ => Meaning::Other,
        }
    }
}

impl Meaning {
    /// What the kiosk does about it.
    #[must_use]
    pub fn advice(self) -> Advice {
        match self {
            Self::Done | Self::MoreBytes(_) | Self::EndOfFile | Self::AskAgain(_) => Advice::GoOn,
            Self::TriesLeft(0) | Self::Blocked => Advice::MunicipalOffice,
            Self::TriesLeft(_) | Self::Wrong => Advice::ShowTries,
            Self::NotFound
            | Self::NoSuchRecord
            | Self::NoSuchInstruction
            | Self::NoSuchClass
            | Self::NotSupported => Advice::AnotherCard,
            Self::Locked | Self::NotNow | Self::NoFileSelected => Advice::StartAgain,
            Self::WrongLength
            | Self::NoSuchChannel
            | Self::WrongFileType
            | Self::BadData
            | Self::BadParameters
            | Self::OutsideFile
            | Self::NoDiagnosis
            | Self::Other => Advice::TryAgain,
        }
    }
}

/// What a card answered. The data may be personal: there is no `Debug`.
pub(crate) struct Response {
    pub(crate) data: Zeroizing<Vec<u8>>,
    pub(crate) status: StatusWord,
}

impl Response {
    /// Splits the status off; none if there is no room for one.
    pub(crate) fn parse(mut bytes: Zeroizing<Vec<u8>>) -> Option<Self> {
        let low = bytes.pop()?;
        let high = bytes.pop()?;
        Some(Self { data: bytes, status: StatusWord(u16::from_be_bytes([high, low])) })
    }
}

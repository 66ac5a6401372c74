//! What may be asked of a card, as data: applications, files, secrets, keys. What is not in these tables cannot be selected.
//!
//! Two files of the MyNumber card hold the individual number, as text and as a picture, and two secrets are that number. The
//! law leaves them to the purposes it lists, and a door is none of them: they are not here, and `tests/flows/forbidden.rs` searches
//! the sources and the tables for them. Every identifier of a file stands in this one place.

/// Issue and expiry of a driver's licence, which lie beside its applications.
pub(crate) const LICENCE_DATA: u16 = 0x2F01;

/// An application of a card.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Application {
    /// 公的個人認証: certificates and their keys.
    Jpki,
    /// 券面事項入力補助: the four attributes as text.
    Text,
    /// 券面事項確認: the face of the card.
    Surface,
    /// IC運転免許証, the card of its own: its first directory.
    DriversLicence,
    /// 在留カード: its first directory.
    ResidenceCard,
}

impl Application {
    /// All of them.
    pub const ALL: [Self; 5] =
        [Self::Jpki, Self::Text, Self::Surface, Self::DriversLicence, Self::ResidenceCard];

    /// The name by which it is selected. Always whole: cards answer to no part of it.
    #[must_use]
    pub const fn identifier(self) -> &'static [u8] {
        match self {
            Self::Jpki => &[0xD3, 0x92, 0xF0, 0x00, 0x26, 0x01, 0x00, 0x00, 0x00, 0x01],
            Self::Text => &[0xD3, 0x92, 0x10, 0x00, 0x31, 0x00, 0x01, 0x01, 0x04, 0x08],
            Self::Surface => &[0xD3, 0x92, 0x10, 0x00, 0x31, 0x00, 0x01, 0x01, 0x04, 0x02],
            Self::DriversLicence => &[0xA0, 0, 0, 0x02, 0x31, 0x01, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
            Self::ResidenceCard => &[0xD3, 0x92, 0xF0, 0x00, 0x4F, 0x02, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
        }
    }
}

/// A file that may be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum File {
    /// What kind of token the JPKI application is on: a label.
    TokenInfo,
    /// The certificate for user authentication, DER. It names nobody: its subject is an opaque number.
    AuthenticationCertificate,
    /// Name, address, birth, sex as text. Read after a PIN or the front code.
    Attributes,
    /// Digests of the attributes, signed.
    AttributesIntegrity,
    /// Whose key signed [`File::AttributesIntegrity`].
    TextCertificate,
    /// Birth, sex, photograph, expiry, and pictures of name and address. Read after the front code.
    Face,
    /// Whose key signed [`File::Face`].
    SurfaceCertificate,
}

impl File {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::TokenInfo,
        Self::AuthenticationCertificate,
        Self::Attributes,
        Self::AttributesIntegrity,
        Self::TextCertificate,
        Self::Face,
        Self::SurfaceCertificate,
    ];

    /// The application that holds it.
    #[must_use]
    pub const fn application(self) -> Application {
        match self {
            Self::TokenInfo | Self::AuthenticationCertificate => Application::Jpki,
            Self::Attributes | Self::AttributesIntegrity | Self::TextCertificate => Application::Text,
            Self::Face | Self::SurfaceCertificate => Application::Surface,
        }
    }

    /// The identifier by which it is selected within its application.
    #[must_use]
    pub const fn identifier(self) -> u16 {
        match self {
            Self::TokenInfo => 0x0006,
            Self::AuthenticationCertificate => 0x000A,
            Self::Attributes | Self::Face => 0x0002,
            Self::AttributesIntegrity => 0x0003,
            Self::TextCertificate | Self::SurfaceCertificate => 0x0004,
        }
    }

    /// The tag of the one record in it.
    #[must_use]
    pub const fn tag(self) -> u16 {
        match self {
            Self::TokenInfo => 0,
            Self::AuthenticationCertificate => 0x30,
            Self::Attributes | Self::Face => 0xFF20,
            Self::AttributesIntegrity => 0xFF30,
            Self::TextCertificate | Self::SurfaceCertificate => 0x7F21,
        }
    }

    /// The most bytes that are read of it. A certificate has about 1,000, the attributes about 120, the face up to 20,000; what
    /// lies beyond 32,767 cannot be addressed.
    #[must_use]
    pub const fn cap(self) -> usize {
        match self {
            Self::TokenInfo => 32,
            Self::AuthenticationCertificate => 4_096,
            Self::Attributes => 2_048,
            Self::AttributesIntegrity | Self::TextCertificate | Self::SurfaceCertificate => 1_024,
            Self::Face => 32_767,
        }
    }
}

/// A secret that a card asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Secret {
    /// 利用者証明用暗証番号: four digits, three tries.
    AuthenticationPin,
    /// 署名用パスワード. Only its tries are asked; it is never presented here.
    SignaturePassword,
    /// 券面事項入力補助用暗証番号: four digits, three tries.
    AttributesPin,
    /// The front code (照合番号B) of the text application, ten tries.
    AttributesFrontCode,
    /// The front code (照合番号B) of the surface application, ten tries.
    FrontCode,
}

impl Secret {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::AuthenticationPin,
        Self::SignaturePassword,
        Self::AttributesPin,
        Self::AttributesFrontCode,
        Self::FrontCode,
    ];

    /// The application that asks for it.
    #[must_use]
    pub const fn application(self) -> Application {
        match self {
            Self::AuthenticationPin | Self::SignaturePassword => Application::Jpki,
            Self::AttributesPin | Self::AttributesFrontCode => Application::Text,
            Self::FrontCode => Application::Surface,
        }
    }

    /// The identifier by which it is selected within its application.
    #[must_use]
    pub const fn identifier(self) -> u16 {
        match self {
            Self::AuthenticationPin => 0x0018,
            Self::SignaturePassword => 0x001B,
            Self::AttributesPin => 0x0011,
            Self::AttributesFrontCode => 0x0015,
            Self::FrontCode => 0x0012,
        }
    }

    /// What to call it where people read.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::AuthenticationPin => "PIN for user authentication",
            Self::SignaturePassword => "signature password",
            Self::AttributesPin => "PIN for the attributes",
            Self::AttributesFrontCode | Self::FrontCode => "front code",
        }
    }
}

/// A key that signs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Key {
    /// The key of [`File::AuthenticationCertificate`], after [`Secret::AuthenticationPin`].
    Authentication,
    /// The chip's own key in [`Application::Surface`], which asks for no PIN.
    Chip,
}

impl Key {
    /// The identifier by which it is selected within its application.
    #[must_use]
    pub const fn identifier(self) -> u16 {
        match self {
            Self::Authentication => 0x0017,
            Self::Chip => 0x001A,
        }
    }
}

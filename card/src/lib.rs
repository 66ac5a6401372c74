//! The MyNumber card and the other cards that people show: commands, files, signatures.
//!
//! A card is reached through a [`Transport`]; nothing here opens a reader, reads a clock or draws a random number. First
//! [`identify`] says what lies there. Then there are three ways, each a function with a bound on its commands:
//!
//! - [`tap`]: whose card it is, without a PIN. A claim and no proof; the face decides.
//! - [`authenticate`]: the card signs a fresh challenge after its PIN. A proof, but for revocation, which is not checked.
//! - [`read_face`] and [`read_attributes`]: what is printed, with the code on the front. For a comparison with a live face.
//!
//! The individual number is on such a card as well, and out of reach here: see [`File`].

mod apdu;
mod applications;
mod attributes;
mod certificate;
mod error;
mod face;
#[cfg(fuzzing)]
pub mod fuzzing;
mod identify;
mod individual;
mod jpki;
mod photo;
mod session;
mod signature;
mod tlv;
mod transport;
mod typed;

pub use apdu::{Advice, Meaning, StatusWord};
pub use applications::{Application, File, Key, Secret};
pub use attributes::{ATTRIBUTES_COMMANDS, Attributes, Opening, read_attributes};
pub use certificate::{Authorities, AuthorityError, CertificateHandle, Revocation, TestCards};
pub use error::CardError;
pub use face::{Birth, FACE_COMMANDS, Face, Issuer, Issuers, Sex, read_face};
pub use identify::{FacilityNumber, IDENTIFY_COMMANDS, Kind, Technology, identify};
pub use individual::looks_like_individual_number;
pub use jpki::{
    AUTHENTICATE_COMMANDS, CardClaim, CertificateDigest, JpkiVerified, Seen, TAP_COMMANDS, TRIES_COMMANDS,
    authenticate, look, tap, tries,
};
pub use photo::{GreyPicture, MAX_PHOTO_BYTES, MAX_PHOTO_SIDE, catches_panics};
pub use session::TriesLeft;
pub use signature::{Algorithm, CardKey};
pub use transport::{Transport, TransportError};
pub use typed::{Challenge, FrontCode, Pin, TypedError};

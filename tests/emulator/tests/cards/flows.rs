//! The flows, each with its bound and with what it came to.

use card::{
    ATTRIBUTES_COMMANDS, AUTHENTICATE_COMMANDS, Authorities, CardError, Challenge, FACE_COMMANDS, FrontCode,
    IDENTIFY_COMMANDS, Issuers, Opening, Pin, TAP_COMMANDS, TRIES_COMMANDS, TestCards, Transport,
};
use emulator::{Plan, certificates, keys};
use gate::Wall;

/// The 1st of June 2027, to the minute.
const TODAY: Option<Wall> = Some(Wall { unix_ms: 1_811_808_000_000, uncertainty_s: 60 });

/// What somebody does with a card.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Flow {
    Identify,
    Tries,
    Look,
    Tap,
    Authenticate,
    Face,
    Attributes,
}

impl Flow {
    pub(crate) const ALL: [Self; 7] = [
        Self::Identify,
        Self::Tries,
        Self::Look,
        Self::Tap,
        Self::Authenticate,
        Self::Face,
        Self::Attributes,
    ];

    /// The most commands.
    pub(crate) fn bound(self) -> u32 {
        match self {
            Self::Identify => IDENTIFY_COMMANDS,
            Self::Tries => TRIES_COMMANDS,
            Self::Look | Self::Tap => TAP_COMMANDS,
            Self::Authenticate => AUTHENTICATE_COMMANDS,
            Self::Face => FACE_COMMANDS,
            Self::Attributes => ATTRIBUTES_COMMANDS,
        }
    }
}

/// Somebody who has typed something, before a kiosk that trusts the usual authority.
pub(crate) struct Visitor {
    authorities: Authorities,
    pin: Pin,
    code: FrontCode,
    challenges: u32,
}

impl Visitor {
    pub(crate) fn typing(pin: &str, code: &str) -> Self {
        let authority = certificates::pair(&Plan::default(), "auth").authority.der;
        Self {
            authorities: Authorities::new([&authority[..]], TestCards::Refused).unwrap(),
            pin: Pin::parse(pin).unwrap(),
            code: FrontCode::parse(code).unwrap(),
            challenges: 0,
        }
    }

    pub(crate) fn of(plan: &Plan) -> Self {
        Self::typing(str::from_utf8(&plan.pin).unwrap(), str::from_utf8(&plan.front_code).unwrap())
    }

    /// What came out, as bytes: the same if it is the same.
    pub(crate) fn does(&mut self, flow: Flow, card: &mut dyn Transport) -> Result<Vec<u8>, CardError> {
        self.challenges += 1;
        let challenge = Challenge::new(keys::drawn(9, "challenge", self.challenges));
        let nobody = Issuers::default();
        Ok(match flow {
            Flow::Identify => card::identify(card)?.name().into(),
            Flow::Tries => format!("{:?}", card::tries(card)?).into(),
            Flow::Look => {
                let seen = card::look(card, &self.authorities, TODAY)?;
                [&seen.certificate_sha256.0[..], format!("{:?}", seen.verdict).as_bytes()].concat()
            }
            Flow::Tap => card::tap(card, &self.authorities, TODAY)?.certificate_sha256.0.into(),
            Flow::Authenticate => {
                let proof = card::authenticate(card, &self.pin, challenge, &self.authorities, TODAY)?;
                proof.claim().certificate_sha256.0.into()
            }
            Flow::Face => {
                let face = card::read_face(card, &self.code, challenge, &nobody, TODAY)?;
                [&face.photo.pixels[..], format!("{:?}{:?}", face.birth.date(), face.sex).as_bytes()].concat()
            }
            Flow::Attributes => {
                let text = card::read_attributes(card, Opening::FrontCode(&self.code), &nobody)?;
                let rest = format!("{:?}{:?}", text.birth.date(), text.sex);
                [text.name.as_bytes(), text.address.as_bytes(), rest.as_bytes()].concat()
            }
        })
    }
}

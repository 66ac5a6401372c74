//! The judge between a flow and a card: whatever the card answers, what it is told stays within the rules.

use std::sync::OnceLock;

use card::{
    ATTRIBUTES_COMMANDS, AUTHENTICATE_COMMANDS, Application, Authorities, CardClaim, CardError, Challenge,
    FACE_COMMANDS, File, FrontCode, IDENTIFY_COMMANDS, Issuers, Key, Opening, Pin, Secret, TAP_COMMANDS,
    TRIES_COMMANDS, TestCards, Transport, TransportError, authenticate, identify, read_attributes, read_face,
    tap, tries,
};
use gate::Wall;
use zeroize::Zeroizing;

/// What is typed where a PIN is asked for.
pub const PIN: &str = "1234";
/// What is typed from the front; the year of expiry is that of the card in the corpus.
pub const FRONT_CODE: &str = "02010120351234";
/// The authority that the flows trust, made up.
pub const AUTHORITY: &[u8] = include_bytes!("../cards/authority.der");

/// What is done with a card.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flow {
    /// [`identify`].
    Identify,
    /// [`tap`].
    Tap,
    /// [`authenticate`].
    Authenticate,
    /// [`read_face`].
    Face,
    /// [`read_attributes`] by the PIN.
    AttributesByPin,
    /// [`read_attributes`] by the front code.
    AttributesByCode,
    /// [`tries`].
    Tries,
}

impl Flow {
    /// All of them, in the order of their bytes in an input.
    pub const ALL: [Self; 7] = [
        Self::Identify,
        Self::Tap,
        Self::Authenticate,
        Self::Face,
        Self::AttributesByPin,
        Self::AttributesByCode,
        Self::Tries,
    ];

    fn most_commands(self) -> u32 {
        match self {
            Self::Identify => IDENTIFY_COMMANDS,
            Self::Tap => TAP_COMMANDS,
            Self::Authenticate => AUTHENTICATE_COMMANDS,
            Self::Face => FACE_COMMANDS,
            Self::AttributesByPin | Self::AttributesByCode => ATTRIBUTES_COMMANDS,
            Self::Tries => TRIES_COMMANDS,
        }
    }

    /// What may be sent as a secret, and under which name.
    fn secret(self) -> Option<(Secret, &'static str)> {
        match self {
            Self::Identify | Self::Tap | Self::Tries => None,
            Self::Authenticate => Some((Secret::AuthenticationPin, PIN)),
            Self::Face => Some((Secret::FrontCode, FRONT_CODE)),
            Self::AttributesByPin => Some((Secret::AttributesPin, PIN)),
            Self::AttributesByCode => Some((Secret::AttributesFrontCode, FRONT_CODE)),
        }
    }
}

/// What a flow came to.
pub enum Outcome {
    /// A claim of whose card it is, by [`tap`] or [`authenticate`].
    Claim(CardClaim),
    /// Another good end.
    Done,
    /// A refusal.
    Refused(CardError),
}

/// Plays a flow with a card and judges every command.
///
/// # Panics
/// If a rule is broken: that is the finding.
pub fn play(flow: Flow, card: &mut dyn Transport) -> Outcome {
    let mut judge = Judge {
        flow,
        card,
        sent: 0,
        over: false,
        application: None,
        secret: None,
        armed: false,
        verified: 0,
    };
    let outcome = run(flow, &mut judge);
    if let Outcome::Refused(CardError::LastTry(_) | CardError::NotMyNumberCard | CardError::NoPin) = outcome {
        assert_eq!(judge.verified, 0, "refused for its tries, and yet a secret was sent");
    }
    if let Outcome::Refused(CardError::Wrong { .. }) | Outcome::Claim(_) | Outcome::Done = outcome {
        let one = flow.secret().is_some() as u32;
        assert_eq!(judge.verified, one, "{flow:?} sent a secret {} times", judge.verified);
    }
    outcome
}

fn run(flow: Flow, card: &mut dyn Transport) -> Outcome {
    // 2026-09-21, within the certificates of the corpus.
    let wall = Some(Wall { unix_ms: 1_790_000_000_000, uncertainty_s: 1 });
    static AUTHORITIES: OnceLock<Authorities> = OnceLock::new();
    let authorities = AUTHORITIES.get_or_init(|| {
        Authorities::new([AUTHORITY], TestCards::Refused).expect("the authority of the corpus reads")
    });
    let pin = Pin::parse(PIN).expect("four digits");
    let code = FrontCode::parse(FRONT_CODE).expect("a front code");
    let challenge = Challenge::new([4; 32]);
    let done = |ended: Result<(), CardError>| ended.map_or_else(Outcome::Refused, |()| Outcome::Done);
    let claim = |ended: Result<CardClaim, CardError>| ended.map_or_else(Outcome::Refused, Outcome::Claim);
    match flow {
        Flow::Identify => done(identify(card).map(|_| ())),
        Flow::Tap => claim(tap(card, authorities, wall)),
        Flow::Authenticate => {
            claim(authenticate(card, &pin, challenge, authorities, wall).map(|it| it.claim().clone()))
        }
        Flow::Face => done(read_face(card, &code, challenge, &Issuers::default(), wall).map(|_| ())),
        Flow::AttributesByPin => {
            done(read_attributes(card, Opening::Pin(&pin), &Issuers::default()).map(|_| ()))
        }
        Flow::AttributesByCode => {
            done(read_attributes(card, Opening::FrontCode(&code), &Issuers::default()).map(|_| ()))
        }
        Flow::Tries => done(tries(card).map(|_| ())),
    }
}

struct Judge<'a> {
    flow: Flow,
    card: &'a mut dyn Transport,
    sent: u32,
    /// The transport failed: nothing more may be sent.
    over: bool,
    application: Option<Application>,
    /// The secret that is selected.
    secret: Option<Secret>,
    /// The last answer said that at least two tries are left.
    armed: bool,
    verified: u32,
}

impl Transport for Judge<'_> {
    fn answer_to_reset(&self) -> &[u8] {
        self.card.answer_to_reset()
    }

    fn transmit(&mut self, command: &[u8]) -> Result<Zeroizing<Vec<u8>>, TransportError> {
        assert!(!self.over, "a command after the transport failed");
        self.sent += 1;
        assert!(self.sent <= self.flow.most_commands(), "{:?} sends more than its commands", self.flow);
        let armed = std::mem::take(&mut self.armed);
        self.judge(command, armed);
        let answer = self.card.transmit(command);
        self.over = answer.is_err();
        if let (Ok(answer), [0x00, 0x20, 0x00, 0x80]) = (&answer, command) {
            self.armed = matches!(answer[..], [.., 0x63, status] if (0xC2..=0xCF).contains(&status));
        }
        answer
    }
}

impl Judge<'_> {
    fn judge(&mut self, command: &[u8], armed: bool) {
        match *command {
            [0x00, 0xA4, 0x04, 0x0C, length, ref name @ ..] => {
                assert_eq!(usize::from(length), name.len());
                self.secret = None;
                self.application = Application::ALL.into_iter().find(|it| it.identifier() == name);
                assert!(self.application.is_some(), "an application that is on no list");
            }
            // A driver's licence is told by the file of its master file, which says nothing of anybody.
            [0x00, 0xA4, 0x00, 0x00] => (self.secret, self.application) = (None, None),
            [0x00, 0xA4, 0x02, 0x0C, 0x02, 0x2F, 0x01] if self.application.is_none() => {}
            [0x00, 0xA4, 0x02, 0x0C, 0x02, high, low] => self.select(u16::from_be_bytes([high, low])),
            [0x00, 0xB0, high, _, _] => assert!(high < 0x80, "an offset that names another file"),
            [0x00, 0x20, 0x00, 0x80] => assert!(self.secret.is_some(), "the tries of nothing"),
            [0x00, 0x20, 0x00, 0x80, length, ref digits @ ..] => {
                assert_eq!(usize::from(length), digits.len());
                self.verified += 1;
                assert_eq!(self.verified, 1, "a secret is sent once");
                assert!(armed, "a secret is sent right after two tries or more were told");
                let (secret, typed) = self.flow.secret().expect("this flow sends no secret");
                assert!(
                    self.secret == Some(secret) && digits == typed.as_bytes(),
                    "another secret than was typed"
                );
            }
            [0x80, 0x2A, 0x00, 0x80 | 0x00, length, ref rest @ ..] => {
                assert_eq!(usize::from(length) + 1, rest.len());
                assert_eq!(self.verified, 1, "a signature is asked for after the secret");
            }
            [0xFF, 0xCA, 0x00, 0x00, 0x00] | [0x00, 0xC0, 0x00, 0x00, _] => {}
            _ => panic!("a command that no table has: {command:02X?}"),
        }
    }

    /// A file, secret or key must be on the list of the application that is selected.
    fn select(&mut self, identifier: u16) {
        let application = self.application.expect("an application is selected first");
        self.secret = Secret::ALL
            .into_iter()
            .find(|it| (it.application(), it.identifier()) == (application, identifier));
        let file =
            File::ALL.iter().any(|it| (it.application(), it.identifier()) == (application, identifier));
        let keys = [(Application::Jpki, Key::Authentication), (Application::Surface, Key::Chip)];
        let key = keys.iter().any(|(of, key)| (*of, key.identifier()) == (application, identifier));
        assert!(file || key || self.secret.is_some(), "a file that is on no list");
    }
}

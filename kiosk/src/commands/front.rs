//! `kiosk staff`, `household`, `credential`, `consent` and `visit`: the front desk by command.

mod laid;

use std::{
    error::Error,
    io::Read as _,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::{Outcome, enrol, vault};
use crate::{
    arguments::{
        Common,
        front::{Card, Consent, Credential, Household, Kind, Read, Role, Staff, Visit},
    },
    front::{Ask, Facts, KindText, Member, Pin, RoleText, StaffText, Told},
    output::Format,
    service::{Answer, Request},
};

/// A PIN has at most twelve digits and a line break.
const LONGEST_PIN: u64 = 64;

/// A household's file, as `kiosk household add --example` prints it.
const EXAMPLE: &str = include_str!("../../../assets/households/example.toml");

pub(crate) fn staff(common: &Common, format: Format, command: Staff) -> Outcome {
    let ask = match command {
        Staff::Add { name, role } => {
            let role = match role {
                Role::Reception => RoleText::Reception,
                Role::Supervisor => RoleText::Supervisor,
            };
            Ask::AddStaff { name, role, pin: pin()? }
        }
        Staff::Pin { staff } => Ask::SetPin { staff, pin: pin()? },
        Staff::List => Ask::Staff,
        Staff::Remove { staff } => Ask::RemoveStaff { staff },
    };
    tell(common, format, ask)
}

pub(crate) fn credential(common: &Common, format: Format, command: Credential) -> Outcome {
    let read = |read: &Read| -> Result<(KindText, Vec<u8>), Box<dyn Error>> {
        if let Some(board) = &read.board {
            return laid::laid(board);
        }
        let kind = match read.kind {
            Kind::FacilityCard => KindText::FacilityCard,
            Kind::Qr => KindText::Qr,
        };
        Ok((kind, bytes_of(read.hex.as_deref().unwrap_or_default())?))
    };
    let ask = match command {
        Credential::Bind(Card { person, staff, read: card }) => {
            let (kind, identifier) = read(&card)?;
            Ask::Bind { person, staff, kind, identifier }
        }
        Credential::Inspect(asked) => return super::code::inspect(common, format, &asked),
        Credential::Unbind(card) => {
            let (kind, identifier) = read(&card)?;
            Ask::Unbind { kind, identifier }
        }
    };
    tell(common, format, ask)
}

pub(crate) fn consent(common: &Common, format: Format, command: Consent) -> Outcome {
    let ask = match command {
        Consent::Add { version, ja, easy, en } => Ask::AddConsent {
            version,
            japanese: text_of(&ja)?,
            easy: text_of(&easy)?,
            english: text_of(&en)?,
        },
        Consent::List => Ask::Consents,
    };
    tell(common, format, ask)
}

pub(crate) fn visit(common: &Common, format: Format, command: Visit) -> Outcome {
    let Visit::Enter { fees, staff, release } = command;
    tell(common, format, Ask::Enter { staff, pin: pin()?, fees, release })
}

pub(crate) fn household(common: &Common, format: Format, command: Household) -> Outcome {
    let (file, example) = match command {
        Household::Add { file, example } => (file, example),
        Household::Check => return tell(common, format, Ask::Findings),
        Household::Protect { person, lift } => {
            return tell(common, format, Ask::Protect { person, protected: !lift });
        }
    };
    let Some(file) = file.as_ref().filter(|_| !example) else {
        print!("{EXAMPLE}");
        return Ok(());
    };
    let text = text_of(file)?;
    let told: HouseholdFile = toml::from_str(&text)
        .map_err(|error| format!("{}: {}", file.display(), error.to_string().trim_end()))?;
    let folder = file.parent().unwrap_or_else(|| Path::new(""));
    let mut vision = enrol::vision(common)?;
    let model = vision.embedder_card().model().as_str().to_owned();
    let mut members = Vec::new();
    for member in told.member {
        let mut templates = Vec::new();
        for photo in &member.photos {
            let enrolled = enrol::template(&mut vision, &folder.join(photo))?;
            templates.push(enrolled.template.vector().to_vec());
        }
        members.push(Member {
            name: member.name,
            representative: member.representative,
            protected: member.protected,
            model: model.clone(),
            templates,
            facts: member.registered,
            consent: member.consent,
        });
    }
    tell(common, format, Ask::AddHousehold { names_agreed: told.names_agreed, members })
}

/// The file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct HouseholdFile {
    #[serde(default)]
    names_agreed: bool,
    member: Vec<MemberOfFile>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct MemberOfFile {
    name: String,
    #[serde(default)]
    representative: bool,
    #[serde(default)]
    protected: bool,
    #[serde(default)]
    photos: Vec<PathBuf>,
    consent: Option<String>,
    #[serde(default)]
    registered: Facts,
}

fn tell(common: &Common, format: Format, ask: Ask) -> Outcome {
    let Answer::Front { told } = vault::ask(&common.data, Request::Front { ask })? else {
        return Err("the kiosk answered something else; are command and kiosk of one version?".into());
    };
    match told {
        Told::Staff { staff } => staff.iter().for_each(|member| format.print(member, member_text)),
        told @ (Told::Household { .. }
        | Told::Bound { .. }
        | Told::Unbound { .. }
        | Told::Consents { .. }
        | Told::Findings { .. }
        | Told::Entered { .. }
        | Told::Done { .. }) => format.print(&Said(told), text),
    }
    Ok(())
}

/// An answer without its tag: what it is, the command says.
#[derive(Serialize)]
struct Said(Told);

fn member_text(member: &StaffText) -> String {
    format!("{}  {:?}  {}", member.staff, member.role, member.name)
}

fn text(Said(told): &Said) -> String {
    match told {
        Told::Household { household, people } => format!("household {household}: {}", people.join(" ")),
        Told::Bound { new: true } => "bound".into(),
        Told::Bound { new: false } => "was bound to that very owner already".into(),
        Told::Unbound { had_owner: true } => "taken away".into(),
        Told::Unbound { had_owner: false } => "nobody had it".into(),
        Told::Consents { versions, changed } => {
            let mut text = format!("versions: {}", versions.join(", "));
            for it in changed {
                text.push_str(&format!(
                    "\n{}: the text {} is not the one that was agreed to",
                    it.person, it.version
                ));
            }
            text
        }
        Told::Findings { findings } if findings.is_empty() => "nothing to look at".into(),
        Told::Findings { findings } => findings.join("\n"),
        Told::Entered { visitors } => format!("{visitors} visitor(s) entered"),
        Told::Done { record: Some(record) } => format!("done, record {}:{}", record.run, record.seq),
        Told::Done { record: None } | Told::Staff { .. } => "nothing to change".into(),
    }
}

/// The PIN, from standard input.
fn pin() -> Result<Pin, Box<dyn Error>> {
    let mut text = Zeroizing::new(String::new());
    std::io::stdin().take(LONGEST_PIN).read_to_string(&mut text)?;
    let pin = Pin(text.trim_end_matches(['\r', '\n']).to_owned());
    if pin.0.is_empty() {
        return Err("the PIN is read from standard input, which is empty".into());
    }
    Ok(pin)
}

fn text_of(file: &Path) -> Result<String, Box<dyn Error>> {
    std::fs::read_to_string(file).map_err(|error| format!("cannot read {}: {error}", file.display()).into())
}

fn bytes_of(hex: &str) -> Result<Vec<u8>, Box<dyn Error>> {
    let pair = |pair: &[u8]| u8::from_str_radix(str::from_utf8(pair).ok()?, 16).ok();
    let digits = hex.as_bytes();
    let whole =
        !digits.is_empty() && digits.len().is_multiple_of(2) && digits.iter().all(u8::is_ascii_hexdigit);
    let bytes = whole.then(|| digits.chunks_exact(2).map(pair).collect::<Option<Vec<u8>>>()).flatten();
    // What was typed is card data, so it is not repeated.
    bytes.ok_or_else(|| {
        "--hex wants two hexadecimal digits for each byte, for instance 0102030405060708".into()
    })
}

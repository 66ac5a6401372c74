//! `kiosk gallery`: who is enrolled, and revoking an enrolment.

use super::{Outcome, vault};
use crate::{
    arguments::{self, Common},
    output::Format,
    service::{Answer, Request},
};

pub(crate) fn gallery(common: &Common, format: Format, command: arguments::Gallery) -> Outcome {
    match command {
        arguments::Gallery::List => list(common, format),
        arguments::Gallery::Revoke { person, reason } => revoke(common, format, person, reason),
    }
}

fn list(common: &Common, format: Format) -> Outcome {
    if let Answer::People { people } = vault::ask(&common.data, Request::People)? {
        for person in &people {
            format.print(person, |it| {
                format!("{}  {:<7}  {} reference(s)  {}", it.person, it.standing, it.references, it.name)
            });
        }
        if people.is_empty() && format == Format::Text {
            println!("nobody is enrolled; `kiosk enrol --name NAME --photo FILE` enrols");
        }
    }
    Ok(())
}

fn revoke(common: &Common, format: Format, person: String, reason: String) -> Outcome {
    if let Answer::Revoked { person, record } = vault::ask(&common.data, Request::Revoke { person, reason })?
    {
        #[derive(serde::Serialize)]
        struct Revoked {
            revoked: String,
            record: crate::service::RecordText,
        }
        format.print(&Revoked { revoked: person, record }, |it| {
            format!("revoked {}, record {}:{}", it.revoked, it.record.run, it.record.seq)
        });
    }
    Ok(())
}

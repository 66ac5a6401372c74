//! How a command reaches the vault: by itself, or through the kiosk that holds it.

use std::{error::Error, path::Path};

use gate::{Command, Event, LetIn, Now, Policy, SensorTier, Session};
use store::{FileKey, Init, OpenOptions, Store, StoreError, Words};

use crate::{
    clock, facility_file, office,
    search::SearchSet,
    service::{Answer, Request, serve},
    socket,
};

/// The key file of the data directory.
pub(crate) fn key(data: &Path) -> FileKey {
    FileKey::beside(data)
}

/// Creates a data directory for samples: the demonstration's, or the benchmark's.
pub(crate) fn init_sample(data: &Path) -> Result<(), StoreError> {
    let words = |japanese: &str, english: &str| Words { japanese: japanese.into(), english: english.into() };
    let init = Init {
        facility: "見本施設".into(),
        operator: words("見本市", "Sample City"),
        purpose: words("入館の受付", "Reception of visitors"),
        contact: words("窓口", "Front desk"),
    };
    Store::init(data, &key(data), &init)
}

/// Opens the vault of this data directory.
pub(crate) fn open(data: &Path) -> Result<Store, StoreError> {
    Store::open(data, &key(data), OpenOptions::new(clock::boot_id()))
}

/// Whoever owns the store: this process, or the kiosk that runs.
pub(crate) enum Vault<'a> {
    Own(Box<Store>),
    Kiosk(&'a Path),
}

impl<'a> Vault<'a> {
    /// Opens the vault of this data directory, or finds out that a kiosk has it.
    pub(crate) fn open(data: &'a Path) -> Result<Self, StoreError> {
        match open(data) {
            Ok(store) => Ok(Self::Own(Box::new(store))),
            Err(StoreError::InUse(_)) => Ok(Self::Kiosk(data)),
            Err(error) => Err(error),
        }
    }

    /// Asks what the facility's office asks. It needs no gallery, so none is read.
    pub(crate) fn office(&mut self, ask: office::Ask) -> Result<office::Told, Box<dyn Error>> {
        match self {
            Self::Own(store) => {
                let now = clock::now(clock::system().as_ref());
                let policy = office_policy(store, &ask)?;
                Ok(office::serve(store, &policy, now, ask)?.0)
            }
            Self::Kiosk(data) => {
                let Answer::Office { told } = socket::ask(data, &Request::Office { ask })?? else {
                    return Err(
                        "the kiosk answered something else; are command and kiosk of one version?".into()
                    );
                };
                Ok(told)
            }
        }
    }
}

/// What the office goes by where no door runs. Rules are set and read whatever the vault's are, so that bad ones can be
/// mended, and nobody waits for an erasure because of them; they are judged as if at a door with a colour camera, where they must be strictest.
fn office_policy(store: &Store, ask: &office::Ask) -> Result<Policy, Box<dyn Error>> {
    match ask {
        office::Ask::SetFacility { .. }
        | office::Ask::Facility
        | office::Ask::People
        | office::Ask::Person { .. }
        | office::Ask::Export { .. }
        | office::Ask::Erase { .. }
        | office::Ask::TrustRegistry { .. } => Ok(Policy::default()),
        office::Ask::Standing | office::Ask::Visits { .. } | office::Ask::Retention => of_vault(store),
    }
}

/// Counts visitors whom staff entered by hand where no kiosk runs: the same session makes the same record, and no door is
/// there to be released.
fn count(store: &mut Store, policy: Policy, now: Now, let_in: LetIn) -> Result<(), StoreError> {
    let roster = store.roster()?;
    for command in Session::new(policy, roster).step(now, Event::LetIn(let_in)) {
        if let Command::Commit(decision) = command {
            _ = gate::commit(store, now, decision)?;
        }
    }
    Ok(())
}

/// The facility's rules, for whoever stands at no door.
fn of_vault(store: &Store) -> Result<Policy, Box<dyn Error>> {
    Ok(facility_file::of_vault(store)?.policy_at(None, SensorTier::default()))
}

/// Carries out one request, here or in the running kiosk.
pub(crate) fn ask(data: &Path, request: Request) -> Result<Answer, Box<dyn Error>> {
    match open(data) {
        Ok(mut store) => {
            let policy = of_vault(&store)?;
            let set = SearchSet::load(&mut store, &policy)?;
            let now = clock::now(clock::system().as_ref());
            let served = serve(&mut store, &set, &policy, None, now, request)?;
            if let Some(let_in) = served.let_in {
                count(&mut store, policy, now, let_in)?;
            }
            Ok(served.answer)
        }
        Err(StoreError::InUse(_)) => Ok(socket::ask(data, &request)??),
        Err(error) => Err(error.into()),
    }
}

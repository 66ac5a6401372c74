//! What all requests share: an office, the operators, the networks, and the bounds on what costs much.

use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Instant,
};

use models::Vision;
use tokio::sync::Semaphore;

use super::{problem::Problem, rate::Rate};
use crate::{
    db::{self, Sql},
    failure::{Done, Failure},
    office::{Office, now_ms},
    operators::{OperatorError, PasswordFile, sign_in::SignInError},
    people::{PeopleError, desk, pen::Pen, photographs},
};

/// Passwords that are looked at beside each other: each takes 64 MiB.
const PASSWORDS_AT_ONCE: usize = 2;
/// Requests with photographs beside each other: each holds up to 32 MiB.
pub(super) const LARGE_AT_ONCE: usize = 4;
/// Requests to join: a burst, and then one each two seconds. A facility has a handful of kiosks.
const JOIN_BURST: u32 = 20;
const JOIN_EVERY_MS: u64 = 2_000;
/// Sign-ins, of all names together: what an attacker with many names can cost.
const SIGN_IN_BURST: u32 = 30;
const SIGN_IN_EVERY_MS: u64 = 500;

/// What all requests share.
pub(crate) struct Front {
    office: Mutex<Office>,
    sessions: Mutex<Box<dyn Sql>>,
    pub(super) operators: PasswordFile,
    networks: Mutex<Option<Vision>>,
    models: Option<PathBuf>,
    pub(super) passwords: Semaphore,
    pub(super) large: Arc<Semaphore>,
    joins: Mutex<Rate>,
    sign_ins: Mutex<Rate>,
    began: Instant,
}

impl Front {
    /// Opens an office and a connection for sessions on the registry of a directory.
    pub(crate) fn open(directory: &Path, models: Option<PathBuf>) -> Done<Arc<Self>> {
        let office = Office::open(directory)?;
        let sessions = db::open(&office.config().address(directory))?;
        Ok(Arc::new(Self {
            office: Mutex::new(office),
            sessions: Mutex::new(sessions),
            operators: PasswordFile::of(directory),
            networks: Mutex::new(None),
            models,
            passwords: Semaphore::new(PASSWORDS_AT_ONCE),
            large: Arc::new(Semaphore::new(LARGE_AT_ONCE)),
            joins: Mutex::new(Rate::new(JOIN_BURST, JOIN_EVERY_MS)),
            sign_ins: Mutex::new(Rate::new(SIGN_IN_BURST, SIGN_IN_EVERY_MS)),
            began: Instant::now(),
        }))
    }

    /// Changes something about people.
    pub(super) fn change<T>(
        &self,
        make: impl FnMut(&mut dyn Pen) -> Result<T, PeopleError>,
    ) -> Result<T, Problem> {
        desk::change(&mut lock(&self.office), make).map_err(Problem::from)
    }

    /// Reads something about people.
    pub(super) fn look<T>(
        &self,
        read: impl FnOnce(&mut dyn Pen) -> Result<T, PeopleError>,
    ) -> Result<T, Problem> {
        desk::look(&mut lock(&self.office), read).map_err(Problem::from)
    }

    /// Does something with the office itself.
    pub(super) fn office<T>(&self, act: impl FnOnce(&mut Office) -> Done<T>) -> Result<T, Problem> {
        act(&mut lock(&self.office)).map_err(Problem::from)
    }

    /// Does something with sessions, at a time in milliseconds since 1970.
    pub(super) fn sessions<T>(
        &self,
        act: impl FnOnce(&mut dyn Sql, i64) -> Result<T, SignInError>,
    ) -> Result<T, Problem> {
        let now = now_ms()?;
        Ok(act(&mut **lock(&self.sessions), now)?)
    }

    /// Works with the networks; they are loaded at the first photograph.
    pub(super) fn networks<T>(
        &self,
        work: impl FnOnce(&mut Vision) -> Result<T, PeopleError>,
    ) -> Result<T, Problem> {
        let mut networks = lock(&self.networks);
        let vision = match &mut *networks {
            Some(vision) => vision,
            empty @ None => empty.insert(photographs::load(self.models.as_deref())?),
        };
        Ok(work(vision)?)
    }

    /// Takes leave to join.
    pub(super) fn may_join(&self) -> Result<(), Problem> {
        lock(&self.joins).take(self.uptime_ms()).map_err(Problem::too_often)
    }

    /// Takes leave to try a password.
    pub(super) fn may_sign_in(&self) -> Result<(), Problem> {
        lock(&self.sign_ins).take(self.uptime_ms()).map_err(Problem::too_often)
    }

    fn uptime_ms(&self) -> u64 {
        u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX)
    }
}

/// Runs what blocks (the database, the networks, a password) beside the server's own threads.
pub(super) async fn act<T: Send + 'static>(
    front: &Arc<Front>,
    work: impl FnOnce(&Front) -> Result<T, Problem> + Send + 'static,
) -> Result<T, Problem> {
    let front = Arc::clone(front);
    match tokio::task::spawn_blocking(move || work(&front)).await {
        Ok(done) => done,
        Err(error) => Err(Problem::internal(&error)),
    }
}

/// A worker that panicked left a transaction undone and nothing else.
fn lock<T>(of: &Mutex<T>) -> MutexGuard<'_, T> {
    of.lock().unwrap_or_else(PoisonError::into_inner)
}

impl From<PeopleError> for Problem {
    fn from(error: PeopleError) -> Self {
        match error {
            PeopleError::Unusable(_)
            | PeopleError::NoDay(_)
            | PeopleError::NoDays(_)
            | PeopleError::IndividualNumber
            | PeopleError::Photograph { .. }
            | PeopleError::DifferentPeople { .. } => Self::unusable(error.to_string()),
            PeopleError::Unknown(_) => Self::not_found(error.to_string()),
            PeopleError::NotAllowed => Self::forbidden(),
            PeopleError::NotAllWithdrawable | PeopleError::Conflict(_) => Self::conflict(error.to_string()),
            PeopleError::Office(failure) => failure.into(),
            PeopleError::NoNetworks
            | PeopleError::Networks(_)
            | PeopleError::Damaged(_)
            | PeopleError::Random(_)
            | PeopleError::Sql(_) => Self::internal(&error),
        }
    }
}

impl From<Failure> for Problem {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Asked(why) => Self::conflict(why),
            other => Self::internal(&other),
        }
    }
}

impl From<SignInError> for Problem {
    fn from(error: SignInError) -> Self {
        match error {
            SignInError::File(OperatorError::Password(why)) => Self::unusable(why),
            other => Self::internal(&other),
        }
    }
}

//! How a command reaches the vault: by itself, or through the kiosk that holds it.

use std::{error::Error, path::Path};

use gate::Policy;
use store::{FileKey, OpenOptions, Store, StoreError};

use crate::{
    clock,
    search::SearchSet,
    service::{Answer, Request, serve},
    socket,
};

/// The key file of the data directory.
pub(crate) fn key(data: &Path) -> FileKey {
    FileKey::beside(data)
}

/// Opens the vault of this data directory.
pub(crate) fn open(data: &Path) -> Result<Store, StoreError> {
    Store::open(data, &key(data), OpenOptions::new(clock::boot_id()))
}

/// Carries out one request, here or in the running kiosk.
pub(crate) fn ask(data: &Path, request: Request) -> Result<Answer, Box<dyn Error>> {
    match open(data) {
        Ok(mut store) => {
            let policy = Policy::default();
            let set = SearchSet::load(&mut store, &policy)?;
            Ok(serve(&mut store, &set, &policy, clock::now(clock::system().as_ref()), request)?)
        }
        Err(StoreError::InUse(_)) => Ok(socket::ask(data, &request)??),
        Err(error) => Err(error.into()),
    }
}

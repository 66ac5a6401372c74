//! Stating something about codes in the control feed, and reading what it comes to. The version is counted up in the
//! transaction of the statement.

use credentials::{Control, Statement};
use ledger::{Body, Class, Feed};

use crate::failure::{Done, Failure};
use crate::office::{Office, Tx};

/// The feed, verified from the database.
pub(crate) fn read(office: &mut Office) -> Done<Control> {
    let me = office.me();
    office.look(|tx| fold(tx, me))
}

fn fold(tx: &mut Tx<'_>, me: ledger::AuthorId) -> Done<Control> {
    let mut control = Control::new(me);
    for page in tx.control_pages()? {
        let path = "the control feed in the database".into();
        control.push(&page).map_err(|source| Failure::Page { path, source })?;
    }
    Ok(control)
}

/// States something, durably. `make` is given the version that it has.
pub(crate) fn state(office: &mut Office, make: impl Fn(u64) -> Statement) -> Done<()> {
    let me = office.me();
    office.change(|tx| {
        let version = fold(tx, me)?.trust().version() + 1;
        let (kind, fields) = make(version).to_fields();
        // These kinds are of `credentials`; the ledger keeps and forwards them, and joins nothing by them.
        let body = Body { kind: kind.to_owned(), clock: tx.clock(), fields, personal: None };
        tx.write(Feed::of(Class::Control), &body, &[])
    })
}

//! Stating something in the control feed. A process opens a new run, names what it found as priors, and never takes an old
//! one up: so a directory that was put back to an older state gives no number twice.

use std::time::{SystemTime, UNIX_EPOCH};

use credentials::{Control, FEED, KINDS, Statement};
use ledger::{Body, Clock, KeyId, Open, RunId, RunWriter, Seal, Why, paginate};

use crate::directory::{Directory, Failure, random};

/// The feed, verified from its files.
pub(crate) fn read(directory: &Directory) -> Result<Control, Failure> {
    let mut control = Control::new(directory.author()?.id());
    for (path, page) in directory.pages()? {
        control.push(&page).map_err(|source| Failure::Page { path, source })?;
    }
    Ok(control)
}

/// Seconds since 1970.
pub(crate) fn now_s() -> Result<i64, Failure> {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    let seconds = since.ok().and_then(|since| i64::try_from(since.as_secs()).ok());
    seconds.ok_or(Failure::Asked("the clock stands before 1970; set it"))
}

/// States something, durably. `make` is given the version that it has.
pub(crate) fn state(
    directory: &Directory,
    control: &Control,
    make: impl FnOnce(u64) -> Statement,
) -> Result<(), Failure> {
    let author = directory.author()?;
    let clock = Clock {
        boot: random()?,
        uptime_ms: 0,
        wall_ms: Some(now_s()?.saturating_mul(1000)),
        uncertainty_s: 60,
    };
    let mut key = [0; 16];
    key.copy_from_slice(&author.id().0[..16]);
    let open = Open {
        author: author.id(),
        key: KeyId(key),
        feed: FEED.to_owned(),
        why: Why::Start,
        priors: control.tips(),
        version: KINDS,
    };
    let (mut writer, first) = RunWriter::open(&author, RunId(random()?), &open, clock, Seal::Plain)?;
    let (kind, fields) = make(control.trust().version() + 1).to_fields();
    let body = Body { kind: kind.to_owned(), clock, fields, personal: None };
    let second = writer.append(&author, &body, &[], Seal::Plain)?;
    let pages = directory.pages()?.len();
    for (number, page) in (pages + 1..).zip(paginate(&[first, second])) {
        directory.keep_page(number, &page.encode()?)?;
    }
    Ok(())
}

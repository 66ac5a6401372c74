//! People: who is registered where, with what was released to each facility and nothing more.
//!
//! A person of the tenant has one row with nothing in it but an id. Everything that says something about the person stands
//! in the person's registrations, one for each facility, each under an enrolee id of that facility and sealed under a key of
//! its own: so no two facilities can put together what each was told, and destroying the keys destroys what was known.
//!
//! The story in reading order: [`facts`] (what is told of a person), [`photographs`] (pictures become references),
//! [`household_file`] and [`import`] (files), [`csv`] (their form), [`pen`] (rows, keys and records of one transaction),
//! [`registrations`] (who is known where), [`register`], [`consents`], [`look_up`] (never without leaving a trace),
//! [`withdraw`] (and nothing is left).

pub(crate) mod change;
pub(crate) mod consents;
pub(crate) mod csv;
pub(crate) mod desk;
pub(crate) mod duplicates;
pub(crate) mod error;
pub(crate) mod facts;
pub(crate) mod household_file;
pub(crate) mod import;
pub(crate) mod look_up;
pub(crate) mod pen;
pub(crate) mod photographs;
pub(crate) mod register;
pub(crate) mod registrations;
mod sealed;
pub(crate) mod shown;
#[cfg(test)]
mod tests;
pub(crate) mod withdraw;

pub(crate) use error::PeopleError;
pub(crate) use facts::Facts;

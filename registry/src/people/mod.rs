//! People: who is registered where, with what was released to each facility and nothing more.
//!
//! A person of the tenant has one row with nothing in it but an id. Everything that says something about the person stands
//! in the person's registrations, one for each facility, each under an enrolee id of that facility and sealed under a key of
//! its own: so no two facilities can put together what each was told, and destroying the keys destroys what was known.
//!
//! The story in reading order: [`facts`] (what is told of a person), [`photographs`] (pictures become references),
//! [`household_file`] and [`import`] (files), [`csv`] (their form).

pub(crate) mod csv;
pub(crate) mod error;
pub(crate) mod facts;
pub(crate) mod household_file;
pub(crate) mod import;
pub(crate) mod photographs;

pub(crate) use error::PeopleError;
pub(crate) use facts::Facts;

//! One file a command. Each reads what it needs, does one thing and prints it.

pub(crate) mod audit;
pub(crate) mod bench;
pub(crate) mod card;
pub(crate) mod code;
pub(crate) mod compare;
pub(crate) mod demo;
pub(crate) mod enrol;
pub(crate) mod facility;
pub(crate) mod front;
pub(crate) mod gallery;
pub(crate) mod identify;
pub(crate) mod init;
mod pace;
pub(crate) mod person;
pub(crate) mod report;
pub(crate) mod retention;
pub(crate) mod run;
pub(crate) mod selftest;
pub(crate) mod strike;
pub(crate) mod threshold;
pub(crate) mod tour;
pub(crate) mod vault;

use std::error::Error;

/// How a command ends: done, or with an error whose causes are printed.
pub(crate) type Outcome = Result<(), Box<dyn Error>>;

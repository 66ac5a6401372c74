//! Who works with the registry: operators, what each may do and where, and the proof that it is them.
//!
//! The story in reading order: [`role`] (the one table of roles and what each may), [`operator`] (a name with roles for the
//! tenant or for facilities), [`password`] (what is kept of a password), [`file`] (the file that holds the operators),
//! [`lockout`] (what becomes of whoever guesses), [`session`] (a token instead of the password).
//!
//! A directory service (OpenID Connect) would come in the place of [`file`]: it answers the same two questions, "is this
//! name with this secret an operator" and "what does the operator of this name have", and nothing else here changes.

pub(crate) mod file;
pub(crate) mod lockout;
pub(crate) mod operator;
pub(crate) mod password;
pub(crate) mod role;
pub(crate) mod session;
pub(crate) mod sign_in;

pub(crate) use file::{OperatorError, PasswordFile};
pub(crate) use operator::{Operator, Scope};
pub(crate) use role::{May, Role};

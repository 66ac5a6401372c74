//! The operators of a registry: `operators.toml` in its directory, for its owner alone. Only `registry operator` writes it.
//!
//! ```text
//! [[operator]]
//! name = "yamada"
//! password = "argon2id$65536$2$1$…"
//!
//! [[operator.grant]]
//! role = "reception"
//! facility = "0011…"                  absent: the whole tenant
//! ```

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write as _},
    os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
};

use ledger::GroupId;
use rustix::fs::{FlockOperation, flock};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use thiserror::Error;
use zeroize::Zeroizing;

use super::{
    Operator, Role, Scope,
    operator::is_name,
    password::{Cost, Kept, unusable},
};
use crate::bytes::random;

/// Operators of one registry: bounds the file that is read at each request.
const MAX_OPERATORS: usize = 2_000;

/// Why the operators are not what was asked. Nothing was changed.
#[derive(Debug, Error)]
pub(crate) enum OperatorError {
    #[error("cannot {act} {}: see that it belongs to the registry's user, and that there is space", path.display())]
    Io { act: &'static str, path: PathBuf, source: io::Error },
    #[error("{}: others can read it; `chmod 600` it, and set new passwords", .0.display())]
    Open(PathBuf),
    #[error("{}: {why}; mend it, or put it back from a copy", path.display())]
    Damaged { path: PathBuf, why: String },
    #[error("{0}")]
    Password(&'static str),
    #[error("an operator's name has 1 to 64 letters, digits, . - _ or @, and is not `console`")]
    Name,
    #[error("there is an operator of this name; `registry operator password` sets a new password")]
    Exists,
    #[error("there is no operator of this name; `registry operator list` shows them")]
    Unknown,
    #[error("one registry has at most {MAX_OPERATORS} operators; remove those who left")]
    Full,
    #[error("the system gave no random numbers; try again")]
    Random,
}

/// The file. It is read at each question, so that a removed operator is gone at once.
#[derive(Clone)]
pub(crate) struct PasswordFile {
    path: PathBuf,
}

/// An operator, as the file has it.
struct Entry {
    operator: Operator,
    kept: Kept,
}

impl PasswordFile {
    pub(crate) fn of(directory: &Path) -> Self {
        Self { path: directory.join("operators.toml") }
    }

    /// The operator of this name, if this is the password, with the digest that binds sessions to it. It takes as long for
    /// a name that nobody has.
    pub(crate) fn sign_in(
        &self,
        name: &str,
        password: &str,
    ) -> Result<Option<(Operator, [u8; 32])>, OperatorError> {
        let entry = self.read()?.into_iter().find(|it| it.operator.name == name);
        let kept = entry.as_ref().map_or_else(Kept::nobody, |it| it.kept.clone());
        let fits = kept.fits(password);
        Ok(entry.filter(|_| fits).map(|it| (it.operator, digest(&it.kept))))
    }

    /// The operator of this name as things stand now, with the digest that binds sessions to the password.
    pub(crate) fn find(&self, name: &str) -> Result<Option<(Operator, [u8; 32])>, OperatorError> {
        let entry = self.read()?.into_iter().find(|it| it.operator.name == name);
        Ok(entry.map(|it| (it.operator, digest(&it.kept))))
    }

    pub(crate) fn list(&self) -> Result<Vec<Operator>, OperatorError> {
        Ok(self.read()?.into_iter().map(|it| it.operator).collect())
    }

    pub(crate) fn add(&self, operator: Operator, password: &str) -> Result<(), OperatorError> {
        if !is_name(&operator.name) {
            return Err(OperatorError::Name);
        }
        let kept = keep(password)?;
        self.change(|entries| match entries.iter().any(|it| it.operator.name == operator.name) {
            true => Err(OperatorError::Exists),
            false if entries.len() >= MAX_OPERATORS => Err(OperatorError::Full),
            false => {
                entries.push(Entry { operator, kept });
                Ok(())
            }
        })
    }

    /// Also gives an operator other roles, if some are named. Every session of the operator ends.
    pub(crate) fn set_password(&self, name: &str, password: &str) -> Result<(), OperatorError> {
        let kept = keep(password)?;
        self.change(|entries| {
            let entry = entries.iter_mut().find(|it| it.operator.name == name);
            entry.ok_or(OperatorError::Unknown)?.kept = kept;
            Ok(())
        })
    }

    pub(crate) fn set_grants(&self, name: &str, grants: Vec<(Scope, Role)>) -> Result<(), OperatorError> {
        self.change(|entries| {
            let entry = entries.iter_mut().find(|it| it.operator.name == name);
            entry.ok_or(OperatorError::Unknown)?.operator.grants = grants;
            Ok(())
        })
    }

    pub(crate) fn remove(&self, name: &str) -> Result<(), OperatorError> {
        self.change(|entries| {
            let before = entries.len();
            entries.retain(|it| it.operator.name != name);
            if entries.len() == before { Err(OperatorError::Unknown) } else { Ok(()) }
        })
    }

    fn read(&self) -> Result<Vec<Entry>, OperatorError> {
        let failed = |source| OperatorError::Io { act: "read", path: self.path.clone(), source };
        let mode = match fs::metadata(&self.path) {
            Ok(known) => known.permissions().mode(),
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(vec![]),
            Err(error) => return Err(failed(error)),
        };
        if mode & 0o077 != 0 {
            return Err(OperatorError::Open(self.path.clone()));
        }
        let text = fs::read_to_string(&self.path).map(Zeroizing::new).map_err(failed)?;
        let damaged = |why: String| OperatorError::Damaged { path: self.path.clone(), why };
        // The parser's message would quote the line, which may be a password's.
        let told: FileText = toml::from_str(&text).map_err(|error| damaged(error.message().to_owned()))?;
        let entries = told.operator.into_iter().map(Entry::try_from).collect::<Result<Vec<_>, _>>();
        entries.map_err(|why| damaged(why.to_owned()))
    }

    /// One change at a time, whole or not at all.
    fn change(
        &self,
        change: impl FnOnce(&mut Vec<Entry>) -> Result<(), OperatorError>,
    ) -> Result<(), OperatorError> {
        let failed = |source| OperatorError::Io { act: "write", path: self.path.clone(), source };
        let lock = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .mode(0o600)
            .open(self.path.with_extension("lock"))
            .map_err(failed)?;
        flock(&lock, FlockOperation::LockExclusive).map_err(|error| failed(error.into()))?;
        let mut entries = self.read()?;
        change(&mut entries)?;
        let told = FileText { operator: entries.iter().map(EntryText::from).collect() };
        let text = toml::to_string(&told).expect("names, words and digits make a file");
        let part = self.path.with_extension("part");
        let write = || {
            _ = fs::remove_file(&part);
            let mut file = OpenOptions::new().create_new(true).write(true).mode(0o600).open(&part)?;
            file.write_all(text.as_bytes())?;
            file.sync_all()?;
            fs::rename(&part, &self.path)?;
            File::open(self.path.parent().unwrap_or(Path::new(".")))?.sync_all()
        };
        write().map_err(failed)
    }
}

fn keep(password: &str) -> Result<Kept, OperatorError> {
    if let Some(why) = unusable(password) {
        return Err(OperatorError::Password(why));
    }
    let salt = random().map_err(|_| OperatorError::Random)?;
    Ok(Kept::of(password, salt, Cost::NEW).expect("Argon2 knows this cost"))
}

fn digest(kept: &Kept) -> [u8; 32] {
    Sha256::digest(kept.to_text()).into()
}

#[derive(Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct FileText {
    #[serde(default)]
    operator: Vec<EntryText>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct EntryText {
    name: String,
    password: String,
    #[serde(default)]
    grant: Vec<GrantText>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct GrantText {
    role: Role,
    #[serde(skip_serializing_if = "Option::is_none")]
    facility: Option<String>,
}

impl TryFrom<EntryText> for Entry {
    type Error = &'static str;

    fn try_from(text: EntryText) -> Result<Self, &'static str> {
        let grant = |it: GrantText| match it.facility {
            None => Ok((Scope::Tenant, it.role)),
            Some(facility) => match facility.parse::<GroupId>() {
                Ok(facility) => Ok((Scope::Facility(facility), it.role)),
                Err(_) => Err("a facility has 32 lowercase hexadecimal digits"),
            },
        };
        let grants = text.grant.into_iter().map(grant).collect::<Result<Vec<_>, _>>()?;
        let kept =
            Kept::from_text(&text.password).ok_or("a password is not what `registry operator` writes")?;
        Ok(Self { operator: Operator { name: text.name, grants }, kept })
    }
}

impl From<&Entry> for EntryText {
    fn from(entry: &Entry) -> Self {
        let grant = |(scope, role): &(Scope, Role)| GrantText {
            role: *role,
            facility: match scope {
                Scope::Tenant => None,
                Scope::Facility(facility) => Some(facility.to_string()),
            },
        };
        Self {
            name: entry.operator.name.clone(),
            password: entry.kept.to_text(),
            grant: entry.operator.grants.iter().map(grant).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    const PASSWORD: &str = "見本のながいことば、十五文字以上";

    fn operator(name: &str) -> Operator {
        let grants =
            vec![(Scope::Facility(GroupId([3; 16])), Role::Reception), (Scope::Tenant, Role::Reader)];
        Operator { name: name.into(), grants }
    }

    #[test]
    fn an_operator_signs_in_with_the_password_and_is_read_back_with_all_roles() {
        let folder = tempfile::tempdir().unwrap();
        let file = PasswordFile::of(folder.path());
        file.add(operator("yamada"), PASSWORD).unwrap();
        let (found, binding) = file.sign_in("yamada", PASSWORD).unwrap().unwrap();
        assert_eq!(found, operator("yamada"));
        assert!(file.sign_in("yamada", "見本のながいことば、十五文字以下").unwrap().is_none());
        assert!(file.sign_in("suzuki", PASSWORD).unwrap().is_none());
        file.set_password("yamada", "another sentence, as long").unwrap();
        assert_ne!(file.find("yamada").unwrap().unwrap().1, binding, "sessions of the old password end");
        assert!(file.sign_in("yamada", PASSWORD).unwrap().is_none());
        file.remove("yamada").unwrap();
        assert!(file.find("yamada").unwrap().is_none());
        assert!(matches!(file.remove("yamada"), Err(OperatorError::Unknown)));
    }

    #[test]
    fn nobody_is_added_twice_or_with_a_short_password() {
        let folder = tempfile::tempdir().unwrap();
        let file = PasswordFile::of(folder.path());
        file.add(operator("yamada"), PASSWORD).unwrap();
        assert!(matches!(file.add(operator("yamada"), PASSWORD), Err(OperatorError::Exists)));
        assert!(matches!(file.add(operator("suzuki"), "short"), Err(OperatorError::Password(_))));
        assert!(matches!(file.add(operator("a b"), PASSWORD), Err(OperatorError::Name)));
        assert_eq!(file.list().unwrap().len(), 1);
    }

    #[test]
    fn the_file_is_its_owners_alone_and_one_that_others_read_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let file = PasswordFile::of(folder.path());
        file.add(operator("yamada"), PASSWORD).unwrap();
        let path = folder.path().join("operators.toml");
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert!(!fs::read_to_string(&path).unwrap().contains("見本"));
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        assert!(matches!(file.sign_in("yamada", PASSWORD), Err(OperatorError::Open(_))));
    }

    #[test]
    fn a_damaged_file_lets_nobody_in_and_its_error_shows_no_hash() {
        let folder = tempfile::tempdir().unwrap();
        let file = PasswordFile::of(folder.path());
        file.add(operator("yamada"), PASSWORD).unwrap();
        let path = folder.path().join("operators.toml");
        let text = fs::read_to_string(&path).unwrap();
        for bad in [
            text.replace("reception", "king"),
            text.replace("argon2id", "plain"),
            text.replace("grant", "grants"),
        ] {
            fs::write(&path, bad).unwrap();
            let error = file.sign_in("yamada", PASSWORD).unwrap_err();
            assert!(matches!(error, OperatorError::Damaged { .. }));
            assert!(!error.to_string().contains('$'), "{error}");
        }
    }
}

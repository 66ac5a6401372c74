//! Signing in and out: tries and sessions in the database, so that every process of the registry counts the same.
//!
//! A try is counted before the password is looked at and forgiven afterwards if it was right; so a hundred tries at the same
//! moment count as a hundred.

use sha2::{Digest as _, Sha256};
use thiserror::Error;
use zeroize::Zeroizing;

use super::{
    Operator, OperatorError, PasswordFile,
    lockout::{FORGOTTEN_MS, Tries},
    session::{self, IDLE_MS, LONGEST_MS, Session},
};
use crate::db::{Cell, Sql, SqlError};

/// Names with tries that no operator has; beyond it the oldest is forgotten. Bounds the table.
const MAX_STRANGERS: i64 = 10_000;
/// Sessions at once; beyond it nobody signs in until one ends. Bounds the table.
const MAX_SESSIONS: i64 = 10_000;
/// How often the last use of a session is written down.
const TOUCH_MS: i64 = 30_000;
/// How often a transaction is tried that another was in the way of.
const ATTEMPTS: usize = 10;

/// Why nobody is signed in.
#[derive(Debug, Error)]
pub(crate) enum SignInError {
    #[error(transparent)]
    Sql(#[from] SqlError),
    #[error(transparent)]
    File(#[from] OperatorError),
    #[error("the system gave no random numbers; try again")]
    Random,
}

/// Somebody who signed in.
pub(crate) struct SignedIn {
    /// The token; it is told once and kept nowhere.
    pub(crate) token: Zeroizing<String>,
    /// Who it is.
    pub(crate) operator: Operator,
    /// When the session ends at the latest, in milliseconds since 1970.
    pub(crate) ends_ms: i64,
}

/// Signs in, at a time in milliseconds since 1970. None: name or password is wrong, or nobody may try now.
pub(crate) fn sign_in(
    sql: &mut dyn Sql,
    file: &PasswordFile,
    now_ms: i64,
    name: &str,
    password: &str,
) -> Result<Option<SignedIn>, SignInError> {
    let digest = name_digest(name);
    let known = file.find(name)?.is_some();
    let may_try = transact(sql, |sql| count_a_try(sql, digest, known, now_ms))?;
    // Also without leave to try the password is looked at: the answer takes as long.
    let found = file.sign_in(name, password)?;
    let Some((operator, binding)) = found.filter(|_| may_try) else { return Ok(None) };
    let token = session::draw().map_err(|_| SignInError::Random)?;
    let kept = session::digest(&token).expect("a token was just drawn");
    let opened = transact(sql, |sql| {
        sql.execute("DELETE FROM tries WHERE name = $1", &[digest.into()])?;
        let ended = [Cell::from(now_ms - LONGEST_MS), Cell::from(now_ms - IDLE_MS)];
        sql.execute("DELETE FROM sessions WHERE began_ms < $1 OR used_ms < $2", &ended)?;
        if count(sql, "SELECT COUNT(*) FROM sessions")? >= MAX_SESSIONS {
            return Ok(false);
        }
        let row = [kept.into(), operator.name.as_str().into(), binding.into(), now_ms.into(), now_ms.into()];
        let text = "INSERT INTO sessions (digest, operator, password, began_ms, used_ms) VALUES ($1, $2, $3, $4, $5)";
        sql.execute(text, &row)?;
        Ok(true)
    })?;
    Ok(opened.then_some(SignedIn { token, operator, ends_ms: now_ms + LONGEST_MS }))
}

/// Whose token it is, if the session still counts; then it was used now.
pub(crate) fn whose(
    sql: &mut dyn Sql,
    file: &PasswordFile,
    now_ms: i64,
    token: &str,
) -> Result<Option<Operator>, SignInError> {
    let Some(digest) = session::digest(token) else { return Ok(None) };
    let text = "SELECT operator, password, began_ms, used_ms FROM sessions WHERE digest = $1";
    let rows = sql.query(text, &[digest.into()])?;
    let Some(row) = rows.first() else { return Ok(None) };
    let session = Session {
        operator: row[0].text()?.to_owned(),
        password: row[1].array()?,
        began_ms: row[2].int()?,
        used_ms: row[3].int()?,
    };
    let Some((operator, binding)) = file.find(&session.operator)? else { return Ok(None) };
    if !session.counts(now_ms, &binding) {
        return Ok(None);
    }
    if now_ms - session.used_ms >= TOUCH_MS {
        transact(sql, |sql| {
            let text = "UPDATE sessions SET used_ms = $2 WHERE digest = $1 AND used_ms < $2";
            sql.execute(text, &[digest.into(), now_ms.into()]).map(|_| ())
        })?;
    }
    Ok(Some(operator))
}

/// Ends a session.
pub(crate) fn sign_out(sql: &mut dyn Sql, token: &str) -> Result<(), SignInError> {
    let Some(digest) = session::digest(token) else { return Ok(()) };
    Ok(transact(sql, |sql| {
        sql.execute("DELETE FROM sessions WHERE digest = $1", &[digest.into()]).map(|_| ())
    })?)
}

/// Counts a try as a wrong one; whether it may be made at all.
fn count_a_try(sql: &mut dyn Sql, name: [u8; 32], known: bool, now_ms: i64) -> Result<bool, SqlError> {
    let text = "SELECT wrong, locks, locked_until_ms, tried_ms FROM tries WHERE name = $1";
    let rows = sql.query(text, &[name.into()])?;
    let before = match rows.first() {
        Some(row) => Tries {
            wrong: small(&row[0])?,
            locks: small(&row[1])?,
            locked_until_ms: row[2].int()?,
            tried_ms: row[3].int()?,
        },
        None => Tries::default(),
    };
    if before.locked(now_ms) {
        return Ok(false);
    }
    let after = before.after_a_wrong_one(now_ms);
    sql.execute(
        "DELETE FROM tries WHERE name = $1 OR tried_ms < $2",
        &[name.into(), (now_ms - FORGOTTEN_MS).into()],
    )?;
    if !known && count(sql, "SELECT COUNT(*) FROM tries WHERE known = 0")? >= MAX_STRANGERS {
        let text = "DELETE FROM tries WHERE known = 0 AND tried_ms = (SELECT MIN(tried_ms) FROM tries WHERE known = 0)";
        sql.execute(text, &[])?;
    }
    let row = [
        name.into(),
        Cell::from(i64::from(known)),
        after.wrong.into(),
        after.locks.into(),
        after.locked_until_ms.into(),
        after.tried_ms.into(),
    ];
    let text = "INSERT INTO tries (name, known, wrong, locks, locked_until_ms, tried_ms)
                VALUES ($1, $2, $3, $4, $5, $6)";
    sql.execute(text, &row)?;
    Ok(true)
}

fn name_digest(name: &str) -> [u8; 32] {
    Sha256::new().chain_update(b"genkan operator 1\0").chain_update(name.as_bytes()).finalize().into()
}

fn small(cell: &Cell) -> Result<u32, SqlError> {
    Ok(u32::try_from(cell.int()?).unwrap_or(u32::MAX))
}

fn count(sql: &mut dyn Sql, text: &str) -> Result<i64, SqlError> {
    sql.query(text, &[])?.first().map_or(Ok(0), |row| row[0].int())
}

/// One transaction, done again while others are in the way.
fn transact<T>(
    sql: &mut dyn Sql,
    mut change: impl FnMut(&mut dyn Sql) -> Result<T, SqlError>,
) -> Result<T, SqlError> {
    let mut attempts = 0;
    loop {
        attempts += 1;
        let done = sql.begin().and_then(|()| {
            let done = change(sql)?;
            sql.commit().map(|()| done)
        });
        match done {
            Ok(done) => return Ok(done),
            Err(SqlError::Conflict | SqlError::Taken(_)) if attempts < ATTEMPTS => sql.rollback()?,
            Err(error) => {
                _ = sql.rollback();
                return Err(error);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::{
        db,
        operators::{Role, Scope, lockout::TRIES},
    };

    const RIGHT: &str = "見本のながいことば、十五文字以上";
    const NOW: i64 = 1_800_000_000_000;

    struct Place {
        _folder: tempfile::TempDir,
        sql: Box<dyn Sql>,
        file: PasswordFile,
    }

    fn place() -> Place {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("registry.sqlite");
        let mut sql = db::open(&format!("sqlite:{}", path.display())).unwrap();
        db::migrate(&mut *sql).unwrap();
        let file = PasswordFile::of(folder.path());
        let operator = Operator { name: "yamada".into(), grants: vec![(Scope::Tenant, Role::Reader)] };
        file.add(operator, RIGHT).unwrap();
        Place { _folder: folder, sql, file }
    }

    impl Place {
        fn sign_in(&mut self, at: i64, name: &str, password: &str) -> Option<SignedIn> {
            sign_in(&mut *self.sql, &self.file, at, name, password).unwrap()
        }

        fn whose(&mut self, at: i64, token: &str) -> Option<Operator> {
            whose(&mut *self.sql, &self.file, at, token).unwrap()
        }
    }

    #[test]
    fn a_token_is_its_operators_until_it_is_left_or_given_back() {
        let mut place = place();
        let signed = place.sign_in(NOW, "yamada", RIGHT).unwrap();
        assert_eq!(place.whose(NOW + IDLE_MS, &signed.token).unwrap().name, "yamada");
        assert!(place.whose(NOW + 2 * IDLE_MS, &signed.token).is_some(), "it was used meanwhile");
        assert!(place.whose(NOW + 3 * IDLE_MS + 1, &signed.token).is_none(), "it was left");
        let signed = place.sign_in(NOW, "yamada", RIGHT).unwrap();
        sign_out(&mut *place.sql, &signed.token).unwrap();
        assert!(place.whose(NOW, &signed.token).is_none());
    }

    #[test]
    fn a_session_that_is_always_used_still_ends_with_the_working_day() {
        let mut place = place();
        let signed = place.sign_in(NOW, "yamada", RIGHT).unwrap();
        let mut at = NOW;
        while at < NOW + LONGEST_MS {
            assert!(place.whose(at, &signed.token).is_some());
            at += IDLE_MS;
        }
        assert!(place.whose(NOW + LONGEST_MS + 1, &signed.token).is_none());
    }

    #[test]
    fn no_flipped_bit_of_a_token_opens_anything() {
        let mut place = place();
        let signed = place.sign_in(NOW, "yamada", RIGHT).unwrap();
        for at in 0..signed.token.len() {
            let mut bytes = signed.token.as_bytes().to_vec();
            bytes[at] ^= 1;
            assert!(place.whose(NOW, &String::from_utf8(bytes).unwrap()).is_none(), "byte {at}");
        }
        assert!(place.whose(NOW, "").is_none() && place.whose(NOW, &signed.token).is_some());
    }

    #[test]
    fn whoever_was_removed_or_has_a_new_password_is_out_at_once() {
        let mut place = place();
        let signed = place.sign_in(NOW, "yamada", RIGHT).unwrap();
        place.file.set_password("yamada", "another sentence, as long").unwrap();
        assert!(place.whose(NOW, &signed.token).is_none());
        let signed = place.sign_in(NOW, "yamada", "another sentence, as long").unwrap();
        place.file.remove("yamada").unwrap();
        assert!(place.whose(NOW, &signed.token).is_none());
    }

    #[test]
    fn after_five_wrong_passwords_the_right_one_has_to_wait() {
        let mut place = place();
        for _ in 0..TRIES {
            assert!(place.sign_in(NOW, "yamada", "wrong").is_none());
        }
        assert!(place.sign_in(NOW, "yamada", RIGHT).is_none());
        assert!(place.sign_in(NOW + 61_000, "yamada", RIGHT).is_some());
        for _ in 1..TRIES {
            assert!(place.sign_in(NOW + 62_000, "yamada", "wrong").is_none());
        }
        assert!(place.sign_in(NOW + 62_000, "yamada", RIGHT).is_some(), "the right one starts over");
    }

    #[test]
    fn the_tables_stay_bounded_and_no_stranger_unlocks_an_operator() {
        let mut place = place();
        for _ in 0..TRIES {
            place.sign_in(NOW, "yamada", "wrong");
        }
        place.sql.begin().unwrap();
        for number in 0..MAX_STRANGERS + 3 {
            let name = name_digest(&format!("stranger {number}"));
            assert!(count_a_try(&mut *place.sql, name, false, NOW + number).unwrap());
        }
        place.sql.commit().unwrap();
        let kept = count(&mut *place.sql, "SELECT COUNT(*) FROM tries WHERE known = 0").unwrap();
        assert_eq!(kept, MAX_STRANGERS);
        assert!(place.sign_in(NOW + 1_000, "yamada", RIGHT).is_none(), "still locked");
    }

    #[test]
    fn the_database_never_holds_the_token_or_the_password() {
        let mut place = place();
        let signed = place.sign_in(NOW, "yamada", RIGHT).unwrap();
        place.sign_in(NOW, "yamada", "a wrong sentence, as long");
        for entry in std::fs::read_dir(place._folder.path()).unwrap() {
            let bytes = std::fs::read(entry.unwrap().path()).unwrap();
            for secret in [signed.token.as_str(), &signed.token[15..], RIGHT, "a wrong sentence"] {
                assert!(!bytes.windows(secret.len()).any(|it| it == secret.as_bytes()));
            }
        }
    }
}

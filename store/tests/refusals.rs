//! Every reason not to open a data directory has its own name, says what to do, and leaves every byte as it was.
#![allow(clippy::unwrap_used)]

mod common;

use std::{
    collections::BTreeMap,
    fs,
    os::unix::{fs::PermissionsExt, process::CommandExt},
    path::Path,
    process::Command,
};

use common::*;
use rusqlite::{Connection, config::DbConfig};
use store::{FileKey, KeyError, KeyPort, Store, StoreError};

fn bytes_of(directory: &Path) -> BTreeMap<String, Vec<u8>> {
    let entries = fs::read_dir(directory).unwrap().map(Result::unwrap);
    entries.map(|it| (it.file_name().into_string().unwrap(), fs::read(it.path()).unwrap())).collect()
}

/// A directory with somebody enrolled. `killed`: as after a kill, with everything still in the write-ahead log.
fn used(killed: bool) -> tempfile::TempDir {
    let (directory, mut store) = fresh();
    let people = (0..40u8).map(|i| enrolment(&format!("P{i}"), [f32::from(i), 1.0, 1.0, 1.0]));
    store.enrol_many(at(1), people).unwrap();
    if !killed {
        return directory;
    }
    let copy = tempfile::tempdir().unwrap();
    for (name, bytes) in bytes_of(directory.path()) {
        fs::write(copy.path().join(name), bytes).unwrap();
    }
    private(copy.path());
    assert!(copy.path().join("genkan.db-wal").exists());
    copy
}

fn private(directory: &Path) {
    fs::set_permissions(directory.join("vault.key"), fs::Permissions::from_mode(0o600)).unwrap();
}

/// Opens, expects a refusal, and checks that nothing was touched.
fn refused(directory: &Path) -> StoreError {
    let before = bytes_of(directory);
    let error = try_open(directory).unwrap_err();
    assert!(bytes_of(directory) == before, "something was touched: {error}");
    error
}

fn keyed(directory: &Path) -> Connection {
    let connection = Connection::open(directory.join("genkan.db")).unwrap();
    let key = FileKey::beside(directory).load().unwrap();
    connection.pragma_update(None, "key", key.page_key().as_str()).unwrap();
    connection
}

#[test]
fn a_directory_that_is_not_there_or_was_never_set_up_is_told_apart() {
    let directory = tempfile::tempdir().unwrap();
    assert!(matches!(refused(directory.path()), StoreError::NotInitialised(_)));
    let missing = directory.path().join("nowhere");
    assert!(matches!(try_open(&missing), Err(StoreError::NoDirectory(path)) if path == missing));
    assert!(!missing.exists());
}

#[test]
fn set_up_refuses_a_directory_that_holds_any_part() {
    for part in ["genkan.db", "genkan.db-wal", "vault.key", "vault.check"] {
        let directory = tempfile::tempdir().unwrap();
        fs::write(directory.path().join(part), b"something").unwrap();
        let before = bytes_of(directory.path());
        let again = Store::init(directory.path(), &FileKey::beside(directory.path()), &notice());
        assert!(
            matches!(&again, Err(StoreError::AlreadyInitialised(path)) if path.ends_with(part)),
            "{part}: {again:?}"
        );
        assert!(bytes_of(directory.path()) == before);
    }
}

#[test]
fn set_up_leaves_a_private_directory_without_a_write_ahead_log() {
    let parent = tempfile::tempdir().unwrap();
    let directory = parent.path().join("data");
    init(&directory);
    assert_eq!(fs::metadata(&directory).unwrap().permissions().mode() & 0o777, 0o700);
    let names: Vec<String> = bytes_of(&directory).into_keys().collect();
    assert_eq!(names, ["genkan.db", "lock", "vault.check", "vault.key"]);
}

#[test]
fn a_missing_part_beside_another_is_named() {
    for part in ["genkan.db", "vault.key", "vault.check"] {
        for killed in [false, true] {
            let directory = used(killed);
            fs::remove_file(directory.path().join(part)).unwrap();
            let error = refused(directory.path());
            assert!(
                matches!(&error, StoreError::PartMissing { missing, .. } if missing.ends_with(part)),
                "{error}"
            );
        }
    }
}

#[test]
fn another_key_is_told_from_damage() {
    for killed in [false, true] {
        let directory = used(killed);
        fs::write(directory.path().join("vault.key"), [9; 32]).unwrap();
        let error = refused(directory.path());
        assert!(matches!(error, StoreError::WrongKey { .. }), "{error}");
        assert!(error.to_string().contains("vault.key"));
    }
}

#[test]
fn a_key_that_others_can_read_is_refused() {
    let directory = used(false);
    fs::set_permissions(directory.path().join("vault.key"), fs::Permissions::from_mode(0o640)).unwrap();
    assert!(matches!(refused(directory.path()), StoreError::Key(KeyError::Exposed { mode: 0o640, .. })));
}

#[test]
fn one_flipped_bit_anywhere_in_the_data_is_damage() {
    for killed in [false, true] {
        let directory = used(killed);
        let path = directory.path().join("genkan.db");
        let sound = fs::read(&path).unwrap();
        if killed {
            drop(open(directory.path()));
        }
        let sound = if killed { fs::read(&path).unwrap() } else { sound };
        for place in [20, 100, 4_095, 4_096, sound.len() / 2, sound.len() - 100] {
            let mut damaged = sound.clone();
            damaged[place] ^= 1;
            fs::write(&path, &damaged).unwrap();
            let error = refused(directory.path());
            assert!(matches!(error, StoreError::Corrupt { .. }), "byte {place}: {error:?}");
        }
        fs::write(&path, &sound).unwrap();
        assert_eq!(open(directory.path()).people().unwrap().len(), 40);
    }
}

#[test]
fn an_empty_cut_or_overwritten_file_is_damage() {
    let directory = used(false);
    let path = directory.path().join("genkan.db");
    let sound = fs::read(&path).unwrap();
    let mut without_beginning = sound.clone();
    without_beginning[..4_096].fill(0);
    for damaged in
        [vec![], sound[..10].to_vec(), sound[..5_000].to_vec(), sound[..8_192].to_vec(), without_beginning]
    {
        fs::write(&path, &damaged).unwrap();
        let error = refused(directory.path());
        assert!(matches!(error, StoreError::Corrupt { .. }), "{} bytes: {error:?}", damaged.len());
    }
}

#[test]
fn a_check_value_of_another_length_is_damage() {
    let directory = used(false);
    fs::write(directory.path().join("vault.check"), b"short").unwrap();
    assert!(
        matches!(refused(directory.path()), StoreError::Corrupt { file, .. } if file.ends_with("vault.check"))
    );
}

#[test]
fn a_file_of_another_program_is_not_ours_and_not_damage() {
    let directory = used(false);
    let path = directory.path().join("genkan.db");
    fs::remove_file(&path).unwrap();
    Connection::open(&path)
        .unwrap()
        .execute_batch("CREATE TABLE theirs (x); PRAGMA user_version = 1;")
        .unwrap();
    assert!(matches!(refused(directory.path()), StoreError::Foreign { .. }));
    fs::remove_file(&path).unwrap();
    keyed(directory.path()).execute_batch("CREATE TABLE theirs (x); PRAGMA user_version = 1;").unwrap();
    assert!(matches!(refused(directory.path()), StoreError::Foreign { .. }));
}

#[test]
fn a_newer_schema_is_refused_and_named() {
    for killed in [false, true] {
        let directory = used(killed);
        let connection = keyed(directory.path());
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, killed).unwrap();
        connection.execute_batch("PRAGMA user_version = 7").unwrap();
        drop(connection);
        let _ = fs::remove_file(directory.path().join("genkan.db-shm"));
        let error = refused(directory.path());
        assert!(matches!(error, StoreError::NewerSchema { found: 7, known: 4, .. }), "{error:?}");
    }
}

#[test]
fn a_second_opener_is_refused_until_the_first_is_gone() {
    let (directory, store) = fresh();
    let error = try_open(directory.path()).unwrap_err();
    assert!(matches!(&error, StoreError::InUse(path) if path == directory.path()), "{error}");
    assert!(error.to_string().contains(directory.path().to_str().unwrap()));
    let set_up = Store::init(directory.path(), &FileKey::beside(directory.path()), &notice());
    assert!(matches!(set_up, Err(StoreError::AlreadyInitialised(_))));
    drop(store);
    open(directory.path());
}

/// Permissions do not bind the superuser, so this test runs itself again as somebody else where it must.
#[test]
fn a_directory_or_file_that_cannot_be_written_is_read_only() {
    const AS_NOBODY: &str = "GENKAN_TEST_DIRECTORY";
    if let Ok(directory) = std::env::var(AS_NOBODY) {
        let directory = Path::new(&directory);
        for (path, mode) in [(directory.to_owned(), 0o500), (directory.join("genkan.db"), 0o400)] {
            let usual = fs::metadata(&path).unwrap().permissions();
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
            assert!(matches!(refused(directory), StoreError::ReadOnly(it) if it == path));
            fs::set_permissions(&path, usual).unwrap();
        }
        open(directory);
        return;
    }
    let (directory, store) = fresh();
    drop(store);
    let is_superuser = rustix::process::geteuid().is_root();
    let program = directory.path().join("this_test");
    fs::copy(std::env::current_exe().unwrap(), &program).unwrap();
    let data = directory.path().join("data");
    fs::create_dir(&data).unwrap();
    for name in ["genkan.db", "vault.key", "vault.check", "lock"] {
        fs::rename(directory.path().join(name), data.join(name)).unwrap();
    }
    let mut command = Command::new(&program);
    if is_superuser {
        let nobody = 65_534;
        for path in [directory.path().to_owned(), data.clone()]
            .into_iter()
            .chain(fs::read_dir(&data).unwrap().map(|it| it.unwrap().path()))
        {
            std::os::unix::fs::chown(path, Some(nobody), Some(nobody)).unwrap();
        }
        command.uid(nobody).gid(nobody);
    }
    let name = "a_directory_or_file_that_cannot_be_written_is_read_only";
    let done = command.args(["--exact", name]).env(AS_NOBODY, &data).output().unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stdout));
    assert!(String::from_utf8_lossy(&done.stdout).contains("1 passed"));
}

//! What both databases promise: one suite, run on each.
#![allow(clippy::unwrap_used)]

mod helper;

use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use registry::db::{Cell, Sql, SqlError, migrate, open};

#[test]
fn sqlite_keeps_the_contract() {
    let folder = tempfile::tempdir().unwrap();
    suite(&format!("sqlite:{}", folder.path().join("registry.db").display()));
}

#[test]
fn postgresql_keeps_the_contract() {
    let server = helper::Server::start();
    suite(&server.database("contract"));
}

#[test]
fn a_database_on_another_machine_is_not_spoken_to_in_the_clear() {
    let remote = open("postgresql://genkan@192.0.2.1/registry");
    assert!(matches!(remote, Err(SqlError::Address(_))));
    assert!(matches!(open("mysql://here"), Err(SqlError::Address(_))));
}

fn suite(address: &str) {
    several_processes_migrate_at_once(address);
    let mut sql = open(address).unwrap();
    cells_come_back_as_they_went(&mut *sql);
    what_is_undone_never_was(&mut *sql);
    a_row_that_is_there_is_named(&mut *sql);
    writers_queue_and_see_the_one_before(address);
    a_reader_sees_one_moment(address);
    a_newer_database_is_refused(&mut *sql);
}

fn several_processes_migrate_at_once(address: &str) {
    let migrated = |address: &str| migrate(&mut *open(address).unwrap()).unwrap();
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| migrated(address));
        }
    });
    migrated(address);
}

fn fact(sql: &mut dyn Sql, name: &str) -> Option<i64> {
    let rows = sql.query("SELECT value FROM facts WHERE name = $1", &[name.into()]).unwrap();
    rows.first().map(|row| row[0].int().unwrap())
}

fn cells_come_back_as_they_went(sql: &mut dyn Sql) {
    sql.begin().unwrap();
    let insert = "INSERT INTO vouchers (voucher, grp, name, until_ms, used_by) VALUES ($1, $2, $3, $4, $5)";
    let row: Vec<Cell> =
        vec![[7; 16].into(), vec![0, 255].into(), "北の扉".into(), i64::MIN.into(), Cell::Null];
    assert_eq!(sql.execute(insert, &row).unwrap(), 1);
    sql.commit().unwrap();
    let select =
        "SELECT voucher, grp, name, until_ms, used_by FROM vouchers WHERE until_ms < $2 AND voucher = $1";
    assert_eq!(sql.query(select, &[[7; 16].into(), 0i64.into()]).unwrap(), [row]);
    assert_eq!(sql.execute("DELETE FROM vouchers", &[]).unwrap(), 1);
    let counted = sql.query("SELECT count(*) FROM vouchers", &[]).unwrap();
    assert_eq!(counted, [vec![Cell::Int(0)]]);
    assert!(sql.query(select, &[[7; 16].into()]).is_err(), "a value is missing");
}

fn what_is_undone_never_was(sql: &mut dyn Sql) {
    sql.begin().unwrap();
    sql.execute("INSERT INTO facts (name, value) VALUES ($1, $2)", &["undone".into(), 1i64.into()]).unwrap();
    sql.rollback().unwrap();
    assert_eq!(fact(sql, "undone"), None);
}

fn a_row_that_is_there_is_named(sql: &mut dyn Sql) {
    let insert = "INSERT INTO facts (name, value) VALUES ($1, $2)";
    sql.execute(insert, &["once".into(), 1i64.into()]).unwrap();
    sql.begin().unwrap();
    let again = sql.execute(insert, &["once".into(), 2i64.into()]);
    assert!(matches!(again, Err(SqlError::Taken(_))), "{again:?}");
    sql.rollback().unwrap();
    assert_eq!(fact(sql, "once"), Some(1));
}

fn writers_queue_and_see_the_one_before(address: &str) {
    let count = || {
        let mut sql = open(address).unwrap();
        for _ in 0..25 {
            sql.begin().unwrap();
            let rows = sql.query("SELECT count FROM changes", &[]).unwrap();
            let next = rows[0][0].int().unwrap() + 1;
            sql.execute("UPDATE changes SET count = $1", &[next.into()]).unwrap();
            sql.commit().unwrap();
        }
    };
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(count);
        }
    });
    let rows = open(address).unwrap().query("SELECT count FROM changes", &[]).unwrap();
    assert_eq!(rows, [vec![Cell::Int(100)]]);
}

fn a_reader_sees_one_moment(address: &str) {
    let mut reader = open(address).unwrap();
    let mut writer = open(address).unwrap();
    reader.begin_reading().unwrap();
    let before = fact(&mut *reader, "once");
    let (told, hears) = mpsc::channel();
    thread::scope(|scope| {
        scope.spawn(move || {
            writer.begin().unwrap();
            writer.execute("UPDATE facts SET value = value + 1", &[]).unwrap();
            writer.commit().unwrap();
            told.send(()).unwrap();
        });
        hears.recv_timeout(Duration::from_secs(60)).expect("a reader is in nobody's way");
    });
    assert_eq!(fact(&mut *reader, "once"), before);
    reader.commit().unwrap();
    assert_ne!(fact(&mut *reader, "once"), before);
}

fn a_newer_database_is_refused(sql: &mut dyn Sql) {
    sql.execute("INSERT INTO migrations (number) VALUES ($1)", &[999i64.into()]).unwrap();
    assert!(matches!(migrate(sql), Err(SqlError::Newer(999, _))));
}

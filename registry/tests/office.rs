//! The office: rows and records are one; keys turn; whoever withdrew is gone from everywhere. On both databases.
#![allow(clippy::unwrap_used)]

mod helper;

use std::path::Path;
use std::sync::Arc;

use ledger::{AuthorKey, Class, GroupId, KeyId, Kind, Page, RunVerifier, Value};
use registry::config::Config;
use registry::db::{self, Cell, SqlError};
use registry::failure::Failure;
use registry::keys::{Files, KeyPort as _, Sort};
use registry::office::{EpochPlan, Office};

fn on_both(test: impl Fn(&mut dyn FnMut() -> Office, &Files)) {
    let server = helper::Server::start();
    let folder = tempfile::tempdir().unwrap();
    let file = format!("sqlite:{}", folder.path().join("registry.db").display());
    for (number, address) in [file, server.database("office")].into_iter().enumerate() {
        let keys = folder.path().join(format!("keys{number}"));
        std::fs::create_dir(&keys).unwrap();
        put_author(&keys);
        let mut office = || {
            Office::with(Config::of("city"), db::open(&address).unwrap(), Arc::new(Files(keys.clone())))
                .unwrap()
        };
        test(&mut office, &Files(keys.clone()));
    }
}

fn put_author(folder: &Path) {
    use std::os::unix::fs::PermissionsExt as _;
    let path = folder.join("author.key");
    std::fs::write(&path, "07".repeat(32)).unwrap();
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600)).unwrap();
}

fn count(office: &mut Office, text: &str) -> i64 {
    office.look(|tx| Ok(tx.rows().query(text, &[])?[0][0].int()?)).unwrap()
}

/// Every run verifies, is whole, and is as long as its row says.
fn runs(office: &mut Office) -> Vec<(String, u64)> {
    let me = office.me();
    let rows = office
        .look(|tx| Ok(tx.rows().query("SELECT run, feed, length FROM lines ORDER BY feed, run", &[])?));
    let run = |row: &Vec<Cell>| {
        let text = "SELECT record, sig FROM records WHERE run = $1 ORDER BY seq";
        let records = office.look(|tx| Ok(tx.rows().query(text, &[row[0].clone()])?)).unwrap();
        let mut verifier = RunVerifier::new(Some(me));
        for (seq, record) in records.iter().enumerate() {
            let parsed = ledger::Record::parse(record[0].bytes().unwrap()).unwrap();
            let page = Page {
                run: parsed.header.run,
                first: seq as u64,
                prev: parsed.header.prev,
                records: vec![record[0].bytes().unwrap().to_vec()],
                sig: record[1].array().unwrap(),
            };
            verifier.push(&page).unwrap();
        }
        assert_eq!(verifier.length(), row[2].count().unwrap());
        (row[1].text().unwrap().to_owned(), verifier.length())
    };
    rows.unwrap().iter().map(run).collect()
}

fn register(office: &mut Office, group: GroupId) -> ([u8; 16], KeyId) {
    let person = registry::keys::random().unwrap();
    let stated = office.change(|tx| {
        let key = tx.new_person_key(group)?;
        tx.give_key(group, key)?;
        tx.state_person(group, person, key, 1, &Value::text("山田花子"))?;
        Ok(key)
    });
    (person, stated.unwrap())
}

#[test]
fn a_change_and_its_records_are_durable_together_or_not_at_all() {
    on_both(|open, _| {
        let mut office = open();
        let group = office.facility_add("見本体育館").unwrap();
        let before = runs(&mut office);
        let failed = office.change(|tx| {
            let key = tx.new_person_key(group)?;
            tx.state_person(group, [5; 16], key, 1, &Value::text("nobody"))?;
            Err::<(), _>(Failure::Asked("changed my mind"))
        });
        assert!(failed.is_err());
        assert_eq!(runs(&mut office), before);
        assert_eq!(count(&mut office, "SELECT count(*) FROM persons"), 0);
        let (person, key) = register(&mut office, group);
        let again = office.change(|tx| tx.state_person(group, person, key, 1, &Value::text("old")));
        assert!(again.is_err(), "a version is stated once");
        let grown = runs(&mut office);
        let bulk = grown.iter().find(|(feed, _)| feed.starts_with("facility/bulk")).unwrap();
        assert_eq!(bulk.1, 2, "Open and Person");
        assert_eq!(count(&mut office, "SELECT count(*) FROM persons"), 1);
    });
}

#[test]
fn a_process_writes_runs_of_its_own_and_takes_none_up_that_moved() {
    on_both(|open, _| {
        let (mut first, mut second) = (open(), open());
        let group = first.facility_add("gym").unwrap();
        let say = |office: &mut Office| {
            let fields =
                vec![("version".to_owned(), Value::Int(1)), ("mode".to_owned(), Value::text("everyday"))];
            office.change(|tx| {
                tx.say(Some(group), Class::FacilityUrgent, Kind::Mode, fields.clone(), None, &[])
            })
        };
        say(&mut first).unwrap();
        say(&mut second).unwrap();
        say(&mut first).unwrap();
        let urgent = |office: &mut Office| {
            runs(office)
                .into_iter()
                .filter(|it| it.0.starts_with("facility/urgent"))
                .map(|it| it.1)
                .collect::<Vec<_>>()
        };
        let mut lengths = urgent(&mut first);
        lengths.sort_unstable();
        assert_eq!(
            lengths,
            [2, 4],
            "the first one's Open, KeyringEpoch and two; the second one's Open and one"
        );
        // As after a restore: the row is shorter than the process left it.
        let cut = "UPDATE lines SET length = length - 1 WHERE length = 4";
        first.look(|_| Ok(())).unwrap();
        open().change(|tx| Ok(tx.rows().execute(cut, &[])?)).unwrap();
        say(&mut first).unwrap();
        let there = count(&mut first, "SELECT count(*) FROM lines WHERE feed LIKE 'facility/urgent%'");
        assert_eq!(there, 3, "it opened a new run");
    });
}

#[test]
fn what_may_not_stand_in_a_feed_is_not_said_there() {
    on_both(|open, _| {
        let mut office = open();
        let group = office.facility_add("gym").unwrap();
        for (class, kind) in [
            (Class::Control, Kind::Withdrawn),
            (Class::FacilityBulk, Kind::Confirmed),
            (Class::DeviceUrgent, Kind::Alert),
        ] {
            let said = office.change(|tx| tx.say(Some(group), class, kind, vec![], None, &[]));
            assert!(said.is_err(), "{class:?} {kind:?}");
        }
        let taken = office.facility_add("gym");
        assert!(matches!(taken, Err(Failure::Asked(_))), "{taken:?}");
    });
}

#[test]
fn whoever_withdrew_has_no_row_and_no_key_and_never_comes_back() {
    on_both(|open, _| {
        let mut office = open();
        let group = office.facility_add("gym").unwrap();
        let (person, key) = register(&mut office, group);
        assert_eq!(count(&mut office, "SELECT count(*) FROM secrets WHERE name LIKE 'P/%'"), 1);
        office.change(|tx| tx.withdraw(group, person)).unwrap();
        assert_eq!(count(&mut office, "SELECT count(*) FROM secrets WHERE name LIKE 'P/%'"), 0);
        assert_eq!(count(&mut office, "SELECT count(*) FROM persons"), 0);
        let again = office.change(|tx| tx.state_person(group, person, key, 2, &Value::text("again")));
        assert!(matches!(again, Err(Failure::Asked(_))));
        let erasures = office.erasures().unwrap();
        assert_eq!((erasures[0].key, erasures[0].complete), (key, false));
    });
}

#[test]
fn an_epoch_turns_the_keys_and_a_copy_of_the_database_opens_nothing_old() {
    on_both(|open, keys| {
        let mut office = open();
        let group = office.facility_add("gym").unwrap();
        let (_, key) = register(&mut office, group);
        let old: Vec<Vec<Cell>> =
            office.look(|tx| Ok(tx.rows().query("SELECT name, kek, sealed FROM secrets", &[])?)).unwrap();
        let before = keys.numbers(Sort::Kek, group).unwrap();
        let plan = EpochPlan { group, after: 1, members: vec![], left: true };
        assert_eq!(office.begin_epoch(&plan).unwrap(), Some(2));
        assert_eq!(office.begin_epoch(&plan).unwrap(), None, "another process was first");
        let after = keys.numbers(Sort::Kek, group).unwrap();
        assert!(before.iter().all(|number| !after.contains(number)), "{before:?} {after:?}");
        assert!(keys.numbers(Sort::Open, group).unwrap().len() == 1);
        assert_eq!(count(&mut office, "SELECT count(*) FROM lines WHERE feed LIKE 'keyring/%'"), 1);
        // The rows of the backup are put back: nothing of them opens, and nobody is told otherwise.
        office
            .change(|tx| {
                for row in &old {
                    let text = "UPDATE secrets SET kek = $2, sealed = $3 WHERE name = $1";
                    tx.rows().execute(text, row)?;
                }
                Ok(())
            })
            .unwrap();
        let given = open().change(|tx| tx.give_key(group, key));
        assert!(matches!(given, Err(Failure::Closed(_))), "{given:?}");
    });
}

#[test]
fn a_secret_of_one_place_is_none_in_another() {
    on_both(|open, _| {
        let mut office = open();
        let group = office.facility_add("gym").unwrap();
        let (first, second) = (register(&mut office, group), register(&mut office, group));
        let swap = "UPDATE secrets SET sealed = (SELECT sealed FROM secrets WHERE name = $1) WHERE name = $2";
        let names = [format!("P/{}", first.1).into(), format!("P/{}", second.1).into()];
        office.change(|tx| Ok(tx.rows().execute(swap, &names)?)).unwrap();
        let given = office.change(|tx| tx.give_key(group, second.1));
        assert!(matches!(given, Err(Failure::Sql(SqlError::Shape(_)))), "{given:?}");
    });
}

#[test]
fn the_authors_key_is_the_one_that_is_kept() {
    on_both(|open, keys| {
        assert_eq!(open().me(), AuthorKey::from_bytes([7; 32]).id());
        assert_eq!(keys.author().unwrap().id(), open().me());
    });
}

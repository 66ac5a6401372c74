//! The tables, as prose, and the numbered files that make them.
//!
//! The data file holds two things that must agree at every moment, which is why they share one file and one transaction:
//! the **feeds**, what this kiosk has said, record by record; and the **vault**, what it knows now.
//!
//! Feeds:
//! - `runs`: one row per run, in the order in which they were opened. `length` and `root` are the *kept head*: how far the
//!   run went when its last record was written, and the Merkle root over it. They are what a shortened or rewritten run is
//!   found by. `continued_by` is the run whose Open names this one as prior; a run without one is a tip. `feed` is the feed
//!   of this device that the run stands in: what happened at the door, or what cannot wait.
//! - `records`: the records themselves, exactly as hashed and signed, each with its leaf and its signature, so that pages
//!   can be cut anywhere. Nothing ever deletes a row, and only retention updates one: it takes the bytes away and leaves
//!   leaf and signature, so that chain and tree hold.
//! - `open_grants`: decisions that granted and whose release has not been answered yet. The row is written with the
//!   decision and goes with the answer; whatever is left at a start was interrupted and is answered as unknown.
//! - `retained`: where the records stand that say which bytes retention took away. A pointer, no proof: the proof is the
//!   signed record.
//!
//! Vault:
//! - `settings`: the words of the notice: facility, operator, purpose, contact. `trial` is what the last trial write left.
//! - `keys`: `author` is D_sign, the Ed25519 secret that signs records; `group` is G, the key that seals their bodies, of
//!   a group that has only this device for now (epoch 0); `site` is the key under which credentials are digested. `id`
//!   names the key (`author`, `site`) or the group.
//! - `people`: who is enrolled: the id, whether it still counts, the name, and the person's own key P, under which the
//!   personal part of their records is sealed. Deleting the row therefore deletes the name here and in every record.
//!   `replaced_by` is set when a revoked enrolment was reinstated under a new id.
//! - `reference_templates`: the stored templates, as 32-bit floats in little-endian order, with the model that made them.
//! - `erased`: the tombstones: ids whose people were erased, and the record that says so. Nothing is ever enrolled, bound or
//!   reinstated under one of them.
//! - `households`: people registered together, and whether they agreed that their names are shown. Who belongs to one
//!   stands with each registration.
//! - `registrations`: what was released about a person and when it counts. Whoever has no row is known by the enrolment
//!   alone. `schedule` is CBOR. A household has at most one representative, which an index holds.
//! - `entitlements`: passes (without `coupons`) and books of coupons. How many are used is not a number that is counted up
//!   but the size of a set: the entrants that name the entitlement, of visits that count. `used_long_ago` is what that set
//!   held before retention cut it off.
//! - `consent_texts`: what people agree to, by version, with the digest of all its languages.
//! - `consents`: who agreed to which version, and the digest of the text as it was then.
//! - `staff`: who works here: role, and the memory-hard hash of the PIN with its parameters; wrong tries and lock. A removed
//!   member keeps a row without a PIN, so that records can be named.
//! - `credentials`: digests of cards and codes under the site's key, each of one person or one member of the staff.
//! - `facility_files`: the facility's rules, as text, as they were set; the last row counts.
//! - `accesses`: which member of the staff looked a person up or exported them, and why; listed in every later export.
//! - `mentions`: where records stand that speak of a person, apart from visits. An index of what can be found by reading.
//!   What is said in `passing` (who left) goes with the visits.
//!
//! What visits came to, written in the transactions of the records that say it:
//! - `visits`: one row per decision: when (the facility's local day and minute; none if there was no clock), by which way,
//!   with which outcome, how long reception took, and what the door did (`state`). A correction by staff is a row of its
//!   own and takes the place of the one that it corrects. `cut`: the link to people was cut by retention; `emptied`: the
//!   record's bytes were taken away.
//! - `entrants`: one row for each person of a visit: who (none if entered by hand, unknown or cut), which fee class, which
//!   entitlement is used. Whoever is inside `again` is no further visitor; `gone` is set when somebody was seen to leave.
//!
//! What the registry says of codes, and which were used:
//! - `registry`: the one registry that a voucher pinned: whose it is, and the key that signs its control feed.
//! - `control_pages`: the control feed, page by page, as it verified. Nothing deletes a row; what it comes to is folded anew.
//! - `used_codes`: digests of codes that were used, until they would be refused as expired anyway. Each is written in the
//!   transaction of the record that says so.
//!
//! What others said, and what this device is to them (empty until it joins a registry):
//! - `membership`: the facility whose group this device belongs to; whose registry it is stands in `registry`.
//! - `lines`: a run of somebody else, as far as it was verified; `line` is what is needed to verify what follows. Two sorts
//!   are of this device itself: its keyrings, which are thrown away and so stand in no audit (without `line`, because it is
//!   made anew from the records), and what others hold of it beyond `runs`, after the data was put back to an older state.
//! - `line_records`: their records, as received, each with a signature where a page ended.
//! - `chain`: the keys to wrap to, the keys of the group and of its newest epoch. Never persons' keys.
//! - `person_keys`: the keys of people that came in a keyring, each in a row of its own so that it can be overwritten alone;
//!   also of people of whom nothing was said yet.
//! - `tombstones`: keys that are destroyed on the registry's word, or by an erasure here. Asked before a key is taken.
//! - `followed`: of each person, household and entitlement what was last said and is in the vault's rows: the hash of what
//!   the record says, and of the content that it came to. Also which forks were told.
//! - `freshness`: how long this device has been running, and when the newest nonce was drawn that the registry echoed.
//! - `receipts`: how far the registry holds each of this device's runs, durably; retention asks.
//!
//! What has been deleted is overwritten (`secure_delete`). `PRAGMA user_version` is the number of the last migration,
//! `PRAGMA application_id` says whose file it is.

use rusqlite::Transaction;

/// "GNKN": marks the file as ours.
pub(crate) const APPLICATION: i64 = 0x474E_4B4E;

/// Every schema there ever was, oldest first; the number of a file is its place, counted from 1. A landed file is frozen.
const MIGRATIONS: [&str; 4] = [
    include_str!("../migrations/0001_feeds_and_vault.sql"),
    include_str!("../migrations/0002_people_staff_and_visits.sql"),
    include_str!("../migrations/0003_codes.sql"),
    include_str!("../migrations/0004_replica.sql"),
];

/// The newest schema that this program knows.
pub(crate) const NEWEST: u32 = MIGRATIONS.len() as u32;

/// Brings the schema from `found` to [`NEWEST`].
pub(crate) fn migrate(transaction: &Transaction<'_>, found: u32) -> rusqlite::Result<()> {
    for migration in MIGRATIONS.iter().skip(found as usize) {
        transaction.execute_batch(migration)?;
    }
    transaction.pragma_update(None, "application_id", APPLICATION)?;
    transaction.pragma_update(None, "user_version", NEWEST)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use rusqlite::Connection;
    use sha2::{Digest, Sha256};

    #[test]
    fn a_landed_migration_is_never_edited() {
        let frozen = [
            "415e67ef0a858a2c57edab80cf5e203de9e2471fe78fc24f9426deef0a4bcefd",
            "4958002f5998fcbee9e4c305bab0652525013147d6e16a8c897c5ef548d0e68e",
            "c5a5fadcfae6160dc88519a40b64a92614d886a2f063bacd7eb9aa74eb013935",
            "c2156cb261c44872df4f61e44ec435131988d03b58ae9d2abc3e98731f9ae35b",
        ];
        let found = MIGRATIONS
            .map(|file| Sha256::digest(file).iter().map(|byte| format!("{byte:02x}")).collect::<String>());
        assert_eq!(found, frozen, "add a new numbered file instead, and pin it here");
    }

    #[test]
    fn the_migrations_make_the_tables_that_the_prose_tells_of() {
        let mut connection = Connection::open_in_memory().unwrap();
        let transaction = connection.transaction().unwrap();
        migrate(&transaction, 0).unwrap();
        transaction.commit().unwrap();
        let prose = include_str!("schema.rs");
        let mut statement =
            connection.prepare("SELECT name FROM sqlite_schema WHERE type = 'table'").unwrap();
        let tables: Vec<String> =
            statement.query_map([], |row| row.get(0)).unwrap().collect::<Result<_, _>>().unwrap();
        assert!(!tables.is_empty());
        for table in tables {
            assert!(prose.contains(&format!("//! - `{table}`: ")), "{table} is not told");
        }
    }

    #[test]
    fn a_file_of_the_first_schema_keeps_its_keys_and_people() {
        let mut connection = Connection::open_in_memory().unwrap();
        connection.pragma_update(None, "foreign_keys", "ON").unwrap();
        let old = "INSERT INTO keys VALUES ('author', zeroblob(16), 0, randomblob(32)), ('group', zeroblob(16), 3, zeroblob(32));
                   INSERT INTO people VALUES (1, randomblob(16), 'revoked', '青木', randomblob(16), randomblob(32), NULL);
                   INSERT INTO reference_templates VALUES (1, 1, 'toy', zeroblob(4));";
        connection.execute_batch(MIGRATIONS[0]).unwrap();
        connection.execute_batch(old).unwrap();
        let read = |connection: &Connection| {
            let sql = "SELECT hex(secret) || epoch || (SELECT name || hex(key) FROM people) FROM keys ORDER BY name";
            let mut statement = connection.prepare(sql).unwrap();
            let rows = statement.query_map([], |row| row.get::<_, String>(0)).unwrap();
            rows.collect::<Result<Vec<_>, _>>().unwrap()
        };
        let before = read(&connection);
        let transaction = connection.transaction().unwrap();
        migrate(&transaction, 1).unwrap();
        transaction.commit().unwrap();
        assert_eq!(read(&connection), before);
        let broken = connection.prepare("PRAGMA foreign_key_check").unwrap().exists([]).unwrap();
        assert!(!broken && before.len() == 2);
        connection.execute_batch("INSERT INTO keys VALUES ('site', zeroblob(16), 0, zeroblob(32))").unwrap();
    }
}

//! State, keys and members, folded from the file.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

use ledger::{AuthorId, Chain, Class, Feed, GroupId, KeyId, Kind, Members, PersonKey, Record, Source, State};
use rusqlite::{Connection, OptionalExtension};
use zeroize::Zeroizing;

use super::{Membership, Replica, Touched};
use crate::{Keys, StoreError};

/// To which registry and facility this device belongs.
pub(super) fn membership(connection: &Connection, me: AuthorId) -> rusqlite::Result<Option<Membership>> {
    let sql = "SELECT tenant, author, facility FROM registry, membership";
    let found = connection.query_row(sql, [], |row| {
        Ok(Membership {
            tenant: row.get(0)?,
            registry: AuthorId(row.get(1)?),
            facility: GroupId(row.get(2)?),
            me,
        })
    });
    found.optional()
}

/// What is in the file, and when the newest nonce was drawn that came back; nothing for a device that belongs nowhere.
pub(super) fn load(
    connection: &Connection,
    keys: &Keys,
    file: &Path,
) -> Result<(Option<Replica>, Option<u64>), StoreError> {
    let failed = |source| StoreError::sql("read the replica", file, source);
    let Some(membership) = membership(connection, keys.author.id()).map_err(failed)? else {
        return Ok((None, None));
    };
    let chain = chain(connection, keys, file)?;
    let dead = column(connection, "SELECT key_id FROM tombstones").map_err(failed)?;
    let mut replica = Replica {
        members: Members::new(membership.registry),
        membership,
        state: State::default(),
        chain,
        dead: dead.into_iter().map(KeyId).collect::<BTreeSet<_>>(),
        said: BTreeMap::new(),
        households: BTreeMap::new(),
        of_person: BTreeMap::new(),
        closed: BTreeMap::new(),
        killed: BTreeMap::new(),
        touched: Touched::default(),
    };
    replica.refold(connection).map_err(failed)?;
    replica.touched = Touched::default();
    let sql = "SELECT answered_ms FROM freshness";
    let answered = connection.query_row(sql, [], |row| row.get(0)).optional().map_err(failed)?.flatten();
    Ok((Some(replica), answered))
}

/// The keys, with those of people and the one that this device had before it belonged to a group.
fn chain(connection: &Connection, keys: &Keys, file: &Path) -> Result<Chain, StoreError> {
    let failed = |source| StoreError::sql("read the keys", file, source);
    let read = |row: &rusqlite::Row<'_>| row.get::<_, Vec<u8>>(0).map(Zeroizing::new);
    let bytes = connection.query_row("SELECT bytes FROM chain", [], read).optional().map_err(failed)?;
    let chain = bytes.map(|bytes| Chain::decode(&bytes)).transpose();
    let mut chain = chain.map_err(StoreError::ledger("read the keys"))?.unwrap_or_default();
    chain.keep_group(keys.group, keys.epoch, *keys.group_key.expose());
    let sql = "SELECT key_id, key FROM person_keys UNION SELECT key_id, key FROM people";
    let mut statement = connection.prepare(sql).map_err(failed)?;
    let mut rows = statement.query([]).map_err(failed)?;
    while let Some(row) = rows.next().map_err(failed)? {
        let key = PersonKey::from_bytes(row.get(1).map_err(failed)?);
        chain.keep(KeyId(row.get(0).map_err(failed)?), *key.expose());
    }
    Ok(chain)
}

fn column(connection: &Connection, sql: &str) -> rusqlite::Result<Vec<[u8; 16]>> {
    connection.prepare(sql)?.query_map([], |row| row.get(0))?.collect()
}

impl Replica {
    /// Folds everything anew: who belongs, then what they said.
    pub(super) fn refold(&mut self, connection: &Connection) -> rusqlite::Result<()> {
        self.members = Members::new(self.membership.registry);
        self.state = State::default();
        self.said.clear();
        self.households.clear();
        self.of_person.clear();
        self.closed.clear();
        self.killed.clear();
        for control in [true, false] {
            self.fold_lines(connection, control)?;
        }
        self.fold_own_runs(connection)?;
        self.touch_all();
        Ok(())
    }

    /// The runs of others: of the control feed, or all the others.
    fn fold_lines(&mut self, connection: &Connection, control: bool) -> rusqlite::Result<()> {
        let sql =
            "SELECT author, feed, bytes FROM line_records JOIN lines ON lines.number = line_records.line
                   ORDER BY line, seq";
        let mut statement = connection.prepare(sql)?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let Ok(feed) = row.get_ref(1)?.as_str()?.parse::<Feed>() else { continue };
            if (feed.class == Class::Control) != control || feed.class.is_keyring() {
                continue;
            }
            let Ok(record) = Record::parse(row.get_ref(2)?.as_blob()?) else { continue };
            let source = Source { author: AuthorId(row.get(0)?), feed };
            if control {
                self.fold_members(&record);
            }
            self.fold(&record, &source, false);
        }
        Ok(())
    }

    /// What this device said: only what the state joins.
    fn fold_own_runs(&mut self, connection: &Connection) -> rusqlite::Result<()> {
        let sql = "SELECT feed, bytes FROM records JOIN runs ON runs.number = records.run
                   WHERE length(bytes) > 0 ORDER BY records.run, seq";
        let mut statement = connection.prepare(sql)?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let Ok(feed) = row.get_ref(0)?.as_str()?.parse::<Feed>() else { continue };
            let Ok(record) = Record::parse(row.get_ref(1)?.as_blob()?) else { continue };
            let key = record.header.group.and_then(|group| self.chain.key_of(group, record.header.epoch));
            let joins = record.open_body(key.as_ref()).is_ok_and(|body| super::counts(&body.kind));
            if joins || !record.header.kills.is_empty() {
                let source = Source { author: self.membership.me, feed };
                self.fold(&record, &source, true);
            }
        }
        Ok(())
    }

    /// A statement of the control feed; whether it changed who belongs, and by which kind.
    pub(super) fn fold_members(&mut self, record: &Record) -> Option<Kind> {
        let body = record.open_body(None).ok()?;
        let kind = Kind::from_name(&body.kind)?;
        self.members.apply(kind, &body).filter(|changed| *changed).map(|_| kind)
    }
}

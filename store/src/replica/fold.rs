//! One record more: the state joins it, and what the vault needs to follow is noted.

use gate::RecordId;
use ledger::{Body, Class, Feed, KeyId, Kind, Name, Record, SignedRecord, Source, Version};

use super::{Closing, Replica, Said};

/// Whether the state joins anything of this kind. What happened at the door is for people to read, and a commit of the door
/// does not wait for it to be looked at.
pub(crate) fn counts(kind: &str) -> bool {
    match Kind::from_name(kind) {
        Some(
            Kind::Enrolled
            | Kind::Withdrawn
            | Kind::Revoked
            | Kind::Suspend
            | Kind::EntitlementUsed
            | Kind::Erased
            | Kind::WrapKey,
        ) => true,
        Some(_) => false,
        None => true,
    }
}

impl Replica {
    /// A record of this process that is durable now. The vault's rows changed in the same transaction.
    pub(super) fn fold_own(&mut self, feed: Feed, record: &SignedRecord) {
        let source = Source { author: self.membership.me, feed };
        let Ok(record) = Record::parse(&record.bytes) else { return };
        self.fold(&record, &source, true);
        for key in &record.header.kills {
            self.chain.destroy(*key);
            self.dead.insert(*key);
        }
    }

    /// An authentic record. `own`: the vault knew it when it was written.
    pub(super) fn fold(&mut self, record: &Record, source: &Source, own: bool) {
        if source.feed.class.is_keyring() {
            return;
        }
        let id = record.id();
        let at = RecordId { run: id.run.0, seq: id.seq };
        for key in &record.header.kills {
            self.touched.keys.insert(*key);
            self.killed.entry(*key).or_insert(at);
        }
        let applied = self.state.apply(record, source, &self.members, &self.chain).is_ok();
        if !applied || id.seq == 0 {
            return;
        }
        let key = record.header.group.and_then(|group| self.chain.key_of(group, record.header.epoch));
        let Ok(body) = record.open_body(key.as_ref()) else { return };
        let Some(kind) = Kind::from_name(&body.kind) else { return };
        self.note(kind, &body, source, Said { version: NOTHING, at: id, own });
    }

    #[expect(clippy::wildcard_enum_match_arm, reason = "the vault has rows for these kinds only")]
    fn note(&mut self, kind: Kind, body: &Body, source: &Source, said: Said) {
        let registrys = source.feed.class.is_registrys();
        let at = RecordId { run: said.at.run.0, seq: said.at.seq };
        let named = |field: &str| body.get(field).and_then(ledger::Value::as_array_of::<16>);
        match kind {
            Kind::Person | Kind::Enrolled => {
                let Some(person) = named("person") else { return };
                self.says(kind, Kind::Person, person, body, said);
                self.touched.people.insert(person);
            }
            Kind::Household if registrys => {
                let Ok(stated) = records::StatedHousehold::read(body) else { return };
                let household = stated.household.0;
                if self.says(kind, kind, household, body, said) {
                    self.households.insert(household, stated.names_agreed);
                    self.touched.households.insert(household);
                }
            }
            Kind::Entitlement if registrys => {
                let Ok((stated, _)) = records::StatedEntitlement::read(body) else { return };
                let (entitlement, person) = (stated.entitlement.0, stated.person.0);
                if self.says(kind, kind, entitlement, body, said) {
                    self.of_person.entry(person).or_default().insert(entitlement);
                    self.touched.people.insert(person);
                }
            }
            Kind::Withdrawn | Kind::Revoked | Kind::Suspend | Kind::Confirmed | Kind::Declined => {
                let Some(person) = named("person") else { return };
                self.close(person, closing(kind, source.feed.class), at);
            }
            _ => {}
        }
    }

    /// Notes where something was said, if it counts. `as_kind`: an enrolment and a person are one register.
    fn says(&mut self, kind: Kind, as_kind: Kind, name: Name, body: &Body, said: Said) -> bool {
        let Some(version) = Version::of(kind, body) else { return false };
        let kept = self.said.entry((as_kind, name)).or_insert(Said { version, ..said });
        if version < kept.version {
            return false;
        }
        *kept = Said { version, ..said };
        true
    }

    fn close(&mut self, person: Name, closing: Closing, at: RecordId) {
        let kept = self.closed.entry(person).or_insert((closing, at));
        if closing > kept.0 {
            *kept = (closing, at);
        }
        self.touched.people.insert(person);
    }

    /// Everything is to be looked at again: all people, and all keys that are held or were killed.
    pub(super) fn touch_all(&mut self) {
        self.touched.people.extend(self.state.people().map(|(person, _)| person));
        self.touched.people.extend(self.closed.keys());
        self.touched.households.extend(self.households.keys());
        let keys: Vec<KeyId> =
            self.killed.keys().copied().chain(self.state.tombstones().iter().copied()).collect();
        self.touched.keys.extend(keys);
    }
}

/// Stands where the version is not known yet.
const NOTHING: Version = Version { number: 0, said: [0; 32] };

fn closing(kind: Kind, class: Class) -> Closing {
    match (class.is_registrys(), kind == Kind::Withdrawn) {
        (true, _) => Closing::Gone,
        (false, true) => Closing::Hidden,
        (false, false) => Closing::Held,
    }
}

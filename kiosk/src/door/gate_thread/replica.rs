//! What the replica wants of the store, and what the replica hears of what was written. Nothing here waits for the replica.

use gate::{Event, Fault, RegistryAge};
use ledger::{Command, Grade, SignedReceipt};
use store::{Kept, StoreError};

use super::{
    super::replica::{Began, Done, Work},
    Alert, GateThread,
};
use crate::{clock, search::SearchSet};

impl GateThread {
    /// Does the one thing that the replica asked for, and answers. A replica that no longer waits asks again.
    pub(super) fn serve_replica(&mut self) {
        let Some((work, reply)) = self.replica.take() else { return };
        // While the door cannot write, the replica waits.
        let done = if self.store_failed.is_some() { Ok(Done::Failed) } else { self.replica_work(work) };
        let done = done.unwrap_or_else(|error| {
            tracing::warn!(error = crate::output::explain(&error), "replica");
            Done::Failed
        });
        _ = reply.try_send(done);
    }

    fn replica_work(&mut self, work: Work) -> Result<Done, StoreError> {
        match work {
            Work::Begin => self.begin_replica(),
            Work::Keep(commands) => self.keep(commands),
            Work::Receipted(receipt) => self.receipted(&receipt),
            Work::SignHead => {
                let now = clock::now(self.clock.as_ref());
                let head = self.store.sign_head(now, self.running_ms())?;
                self.look_at_registry_age();
                Ok(Done::Signed(Box::new(head)))
            }
        }
    }

    fn begin_replica(&mut self) -> Result<Done, StoreError> {
        let Some(membership) = self.store.membership()? else { return Ok(Done::NotJoined) };
        let Some(sync) = self.store.replica()? else { return Ok(Done::NotJoined) };
        let reader = self.store.pages()?;
        let Some(teller) = &mut self.teller else { return Ok(Done::NotJoined) };
        let number = teller.begin();
        self.look_at_registry_age();
        Ok(Done::Began(Box::new(Began {
            sync,
            me: membership.me,
            group: membership.facility,
            reader,
            number,
        })))
    }

    /// One page, one transaction. Who is searched is in place before anybody is answered or looked at.
    fn keep(&mut self, commands: Vec<Command>) -> Result<Done, StoreError> {
        let Kept { gallery_changed, people: _, control_changed, opened, forks, unusable } =
            self.store.keep(clock::now(self.clock.as_ref()), commands)?;
        if control_changed {
            self.trust = None;
        }
        if unusable > 0 {
            tracing::warn!(unusable, "replica: something was said of people that the vault cannot keep");
        }
        for fork in forks {
            tracing::error!(run = %fork.run, seq = fork.seq, "replica: an author signed two stories");
        }
        if gallery_changed && let Err(error) = self.read_gallery() {
            self.gallery_unknown(&error);
        }
        Ok(Done::Kept(opened))
    }

    /// Reads from the vault who is searched, and who is known.
    pub(super) fn read_gallery(&mut self) -> Result<(), StoreError> {
        let set = SearchSet::load(&mut self.store, &self.policy)?;
        self.gallery_stale = false;
        self.shared.replace(set);
        self.people_changed();
        Ok(())
    }

    /// Whoever was withdrawn may still be searched: the door stays shut until the vault can be read.
    fn gallery_unknown(&mut self, error: &StoreError) {
        self.gallery_stale = true;
        self.store_failed(error);
        self.step(Event::Failed(Fault::Storage));
    }

    fn receipted(&mut self, receipt: &SignedReceipt) -> Result<Done, StoreError> {
        _ = self.store.receipted(clock::now(self.clock.as_ref()), receipt)?;
        self.look_at_registry_age();
        Ok(Done::Receipted)
    }

    /// This kiosk belongs to a registry from now on, or asks to.
    pub(super) fn joined(&mut self) {
        self.look_at_registry_age();
        if let Some(teller) = &self.teller {
            teller.begin_again();
        }
    }

    /// How old what is known of the registry may be: every decision carries it, and staff are told when it gets old.
    pub(super) fn look_at_registry_age(&mut self) {
        let age = match self.store.membership() {
            Ok(Some(_)) => Some(age_of(self.store.grade(self.running_ms()))),
            Ok(None) => None,
            Err(error) => return self.store_failed(&error),
        };
        if age == self.registry_age {
            return;
        }
        self.registry_age = age;
        tracing::info!(age = age.map_or("none", RegistryAge::word), "registry");
        match age {
            Some(RegistryAge::Stale) => (self.alert)(Alert::RegistryStale),
            Some(RegistryAge::Old) => (self.alert)(Alert::RegistryOld),
            Some(RegistryAge::Fresh) | None => {}
        }
        self.step(Event::RegistryAge(age));
    }

    /// How long the machine has been running, in milliseconds.
    fn running_ms(&self) -> u64 {
        self.clock.now().micros() / 1_000
    }

    /// The replica hears of what was written since the last time.
    pub(super) fn tell_replica(&mut self) {
        for (feed, records) in self.store.take_written() {
            if let Some(teller) = &self.teller {
                teller.wrote(feed, records);
            }
        }
    }
}

fn age_of(grade: Grade) -> RegistryAge {
    match grade {
        Grade::Fresh => RegistryAge::Fresh,
        Grade::Stale => RegistryAge::Stale,
        Grade::Old => RegistryAge::Old,
    }
}

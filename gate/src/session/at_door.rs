//! What the strike, the door's contacts and a fire bring: presence counts when somebody really came in.

use crate::{
    Admission, Command, Committed, DoorEvent, DoorMonitor, Entry, Fault, InputChange, Now, PersonId,
    PulseResult, RecordId, Released, Screen,
};

use super::{Passage, Session, State};

impl Session {
    /// Hands a grant to the strike. Without one, at a counter, whoever was admitted is inside.
    pub(super) fn passes(
        &mut self,
        now: Now,
        committed: Committed,
        passage: Option<Passage>,
    ) -> Vec<Command> {
        let Some(grant) = committed.grant else {
            return passage.map(|passage| self.passed(now, passage)).unwrap_or_default();
        };
        if let Some(passage) = passage {
            self.released.push((grant.record(), passage));
        }
        let mut commands = self.door_told(now, |door| door.released(now.mono, grant.record()));
        commands.push(Command::Release(grant));
        commands
    }

    /// Somebody went through.
    fn passed(&mut self, now: Now, passage: Passage) -> Vec<Command> {
        match passage {
            Passage::In(admission) => {
                self.came_in(now, &admission);
                Vec::new()
            }
            Passage::Out(people) => people.into_iter().flat_map(|person| self.left(person)).collect(),
        }
    }

    fn came_in(&mut self, now: Now, admission: &Admission) {
        for entrant in admission.party.iter().filter(|entrant| !entrant.again) {
            self.inside.enter(entrant.person, now.wall);
            if let Some(entitlement) = entrant.uses {
                self.roster.use_coupon(entrant.person, entitlement);
            }
        }
    }

    pub(super) fn left(&mut self, person: PersonId) -> Vec<Command> {
        self.inside.leave(person);
        vec![Command::Record(Entry::Left(person))]
    }

    /// The strike answers. Where a contact tells whether the door was opened, that decides who came in.
    pub(super) fn strike_answered(&mut self, now: Now, released: Released) -> Vec<Command> {
        let (grant, result) = (released.grant(), released.result());
        let mut commands = vec![Command::Record(Entry::Released(released))];
        match result {
            PulseResult::Pulsed(_) if self.door.knows_position() => {
                commands.extend(self.door_told(now, |door| door.pulse_over(now.mono, grant)));
            }
            PulseResult::Pulsed(_) => commands.extend(self.used(now, grant)),
            PulseResult::StrikeFailed => {
                self.not_used(grant);
                commands.extend(self.failed(now.mono, Fault::Strike));
            }
            // Nothing was driven, so a door that opens now is forced.
            PulseResult::Expired | PulseResult::WrongDoor => {
                self.not_used(grant);
                commands.extend(self.door_told(now, |door| door.not_driven(now.mono, grant)));
            }
            PulseResult::Unknown => self.not_used(grant),
        }
        commands
    }

    fn used(&mut self, now: Now, grant: RecordId) -> Vec<Command> {
        let place = self.released.iter().position(|(record, _)| *record == grant);
        let passage = place.map(|place| self.released.swap_remove(place).1);
        passage.map(|passage| self.passed(now, passage)).unwrap_or_default()
    }

    fn not_used(&mut self, grant: RecordId) {
        self.released.retain(|(record, _)| *record != grant);
    }

    pub(super) fn contact_changed(&mut self, now: Now, change: InputChange) -> Vec<Command> {
        let mut commands = self.door_told(now, |door| door.input(change));
        // The door is free; whoever was being looked at is not kept, and the visit still ends on record.
        if self.door.fire() {
            match std::mem::replace(&mut self.state, State::Waiting) {
                State::Looking(looking) => commands.extend(self.abandoned(now.mono, &looking)),
                State::Waiting | State::Settled(_) => {}
                kept @ State::Committing(..) => self.state = kept,
            }
        }
        commands
    }

    /// Writes down what the door told, and acts on it.
    pub(super) fn door_told(
        &mut self,
        now: Now,
        tell: impl FnOnce(&mut DoorMonitor) -> Vec<DoorEvent>,
    ) -> Vec<Command> {
        let mut commands = Vec::new();
        for event in tell(&mut self.door) {
            commands.extend(self.act_on(now, event));
            if !self.faults.contains(&Fault::Storage) {
                commands.push(Command::Record(Entry::Door(event)));
            }
        }
        commands
    }

    fn act_on(&mut self, now: Now, event: DoorEvent) -> Vec<Command> {
        match event {
            DoorEvent::Entered(grant) => self.used(now, grant),
            DoorEvent::GrantUnused(grant) => {
                self.not_used(grant);
                Vec::new()
            }
            DoorEvent::Fire => self.fire(),
            DoorEvent::FireOver => {
                let mut commands = vec![Command::Free(false)];
                commands.extend(self.show(Screen::Idle));
                commands
            }
            DoorEvent::Forced
            | DoorEvent::OpenLong
            | DoorEvent::HeldOpen
            | DoorEvent::Closed
            | DoorEvent::RequestToExit
            | DoorEvent::TamperOpen
            | DoorEvent::TamperClosed => Vec::new(),
        }
    }

    /// The door is free before anything is written down.
    fn fire(&mut self) -> Vec<Command> {
        let mut commands = vec![Command::Free(true)];
        self.reader = None;
        commands.extend(self.forget_claim());
        commands.extend(self.show(Screen::Evacuate));
        commands
    }
}

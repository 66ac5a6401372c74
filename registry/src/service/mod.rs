//! The service: one process of the registry in conversation with its devices. It owns an [`Office`] and a replica
//! (`ledger::Sync`), and its state follows the database: what another process committed, the web's and the commands'
//! included, is read like what came over the road.
//!
//! Pages are verified by the replica and stored where the row is at the length from which they go on; a receipt names only
//! what is read from committed rows afterwards. `desk` does what the registry does by itself; `road` is the driver.

mod desk;
mod fold;
pub mod road;

use std::collections::BTreeMap;

use ledger::{
    AuthorId, Chain, Class, Command, Cursor, Event, Feed, GroupId, Line, Message, Name, Peer, Prior, Real,
    Receipt, Record, RecordId, Role, Root, RunId, SignedHead, SignedReceipt, SignedRecord, State, Sync,
};

use crate::db::SqlError;
use crate::failure::{Done, Failure};
use crate::office::{Office, Tx, keep_page, now_ms, read_lines};

/// How many devices are spoken with at a time; the one not heard for longest makes room.
const MAX_PEERS: usize = 4_096;
/// How many runs of a device and of the registry one receipt names at most: it fits in 64 KiB.
const MAX_RECEIPT_RUNS: usize = 400;
/// A device's head is noted at least so often, in milliseconds.
const NOTE_HEAD_MS: i64 = 60_000;

/// What is to be sent.
#[derive(Debug)]
pub enum Out {
    /// To a device.
    Down(AuthorId, Message),
    /// To all of a facility, retained.
    Heads(GroupId, Message),
}

/// The process.
pub struct Service {
    office: Office,
    sync: Sync,
    seen: i64,
    restores: i64,
    states: BTreeMap<GroupId, State>,
    chains: BTreeMap<GroupId, Chain>,
    folded: BTreeMap<RunId, u64>,
    enrolled: BTreeMap<(GroupId, Name), RecordId>,
    peers: BTreeMap<AuthorId, (Peer, u64)>,
    next_peer: u32,
    out: Vec<Out>,
}

impl Service {
    /// Begins with what the database holds.
    ///
    /// Errors: those of the database.
    pub fn open(mut office: Office) -> Done<Service> {
        let me = office.me();
        for facility in office.facilities()? {
            office.tidy(facility.group)?;
        }
        let sync = Sync::new(Role::Registry, me, me, &Real);
        let mut service = Service {
            office,
            sync,
            seen: -1,
            restores: 0,
            states: BTreeMap::new(),
            chains: BTreeMap::new(),
            folded: BTreeMap::new(),
            enrolled: BTreeMap::new(),
            peers: BTreeMap::new(),
            next_peer: 0,
            out: Vec::new(),
        };
        service.look_whether_it_was_put_back()?;
        service.reload(0)?;
        Ok(service)
    }

    /// A device said something.
    ///
    /// Errors: those of the database; the driver goes on and looks again.
    pub fn heard(&mut self, now: u64, device: AuthorId, message: Message) -> Done<Vec<Out>> {
        self.catch_up(now)?;
        let peer = self.peer(now, device)?;
        let commands = self.sync.step(now, Event::Heard(peer, Box::new(message)));
        self.perform(now, commands)?;
        Ok(std::mem::take(&mut self.out))
    }

    /// Time has passed: looks at the database, and does what is due.
    ///
    /// Errors: as [`Service::heard`].
    pub fn tick(&mut self, now: u64) -> Done<Vec<Out>> {
        self.catch_up(now)?;
        self.desk()?;
        self.catch_up(now)?;
        let commands = self.sync.step(now, Event::Tick);
        self.perform(now, commands)?;
        self.office.keys().note_seen(u64::try_from(self.seen).unwrap_or(0))?;
        Ok(std::mem::take(&mut self.out))
    }

    /// The heads of every facility: said after each connection to the broker, and after each change.
    ///
    /// Errors: those of the database.
    pub fn heads(&mut self) -> Done<Vec<Out>> {
        let me = self.office.me();
        let groups: Vec<GroupId> = self.office.facilities()?.into_iter().map(|it| it.group).collect();
        let head = |group: GroupId| {
            let carried =
                |line: &&Line| line.author() == me && line.feed().group.is_none_or(|named| named == group);
            let mut have: Vec<_> = self.sync.lines().filter(carried).map(Line::have).collect();
            have.sort_by_key(|have| have.feed.class);
            have.truncate(ledger::MAX_HAVE);
            Out::Heads(group, Message::Have(have))
        };
        Ok(groups.into_iter().map(head).collect())
    }

    /// The office, for what is not the conversation.
    pub fn office(&mut self) -> &mut Office {
        &mut self.office
    }

    /// What the records of a facility say.
    pub fn state(&self, group: GroupId) -> Option<&State> {
        self.states.get(&group)
    }

    fn peer(&mut self, now: u64, device: AuthorId) -> Done<Peer> {
        if let Some((peer, heard)) = self.peers.get_mut(&device) {
            *heard = now;
            return Ok(*peer);
        }
        if self.peers.len() >= MAX_PEERS {
            let oldest =
                self.peers.iter().min_by_key(|(_, (_, heard))| *heard).map(|(device, it)| (*device, it.0));
            if let Some((device, peer)) = oldest {
                self.peers.remove(&device);
                _ = self.sync.step(now, Event::Gone(peer));
            }
        }
        let peer = Peer(self.next_peer);
        self.next_peer = self.next_peer.wrapping_add(1);
        self.peers.insert(device, (peer, now));
        let commands = self.sync.step(now, Event::Connected(peer, Some(device)));
        self.perform(now, commands)?;
        Ok(peer)
    }

    fn device(&self, peer: Peer) -> Option<AuthorId> {
        self.peers.iter().find(|(_, (it, _))| *it == peer).map(|(device, _)| *device)
    }

    /// Does what the replica says, in order.
    fn perform(&mut self, now: u64, commands: Vec<Command>) -> Done<()> {
        let mut staged = Vec::new();
        for command in commands {
            match command {
                Command::Keep(..) | Command::Drop(_) => staged.push(command),
                Command::Commit => match self.commit(std::mem::take(&mut staged)) {
                    Err(Failure::Moved) => return self.reload(now),
                    done => done?,
                },
                Command::Fold(source, records) => self.fold(source, &records)?,
                Command::Refold => self.refold()?,
                Command::Send(peer, message) => {
                    self.out.extend(self.device(peer).map(|device| Out::Down(device, *message)));
                }
                Command::Serve(peer, run, from) => {
                    let page = self.office.look(|tx| tx.page(run, from))?;
                    let device = self.device(peer);
                    self.out.extend(
                        page.zip(device).map(|(page, device)| Out::Down(device, Message::Page(page))),
                    );
                }
                Command::Answer(peer, head) => self.answer(peer, &head)?,
                Command::Receipted(_) => {}
                Command::Forked(fork) => {
                    tracing::warn!(event = "fork", run = %fork.run, seq = fork.seq, "an author signed two stories");
                }
                Command::Refused(peer, error) => {
                    let device = self.device(peer).map(|it| it.to_string());
                    tracing::warn!(event = "refused", device, why = %error);
                }
                Command::Stranger(peer, run) => {
                    let device = self.device(peer).map(|it| it.to_string());
                    tracing::warn!(event = "stranger", device, %run);
                }
            }
        }
        if staged.is_empty() { Ok(()) } else { self.commit(staged) }
    }

    fn commit(&mut self, staged: Vec<Command>) -> Done<()> {
        self.office.change(|tx| {
            for command in &staged {
                if let Command::Keep(line, page) = command {
                    keep_page(tx.rows(), line, page)?;
                } else if let Command::Drop(run) = command {
                    tx.drop_run(*run)?;
                }
            }
            Ok(())
        })
    }

    /// A receipt of what is committed, and the device's epoch as a row.
    fn answer(&mut self, peer: Peer, head: &SignedHead) -> Done<()> {
        let head = &head.head;
        let Some(row) = self.office.look(|tx| tx.device(head.device))? else { return Ok(()) };
        let (me, now) = (self.office.me(), now_ms()?);
        let (own, theirs) = self.office.look(|tx| Ok((runs(tx, me)?, runs(tx, head.device)?)))?;
        let held = |run: &Prior| theirs.iter().any(|(_, at)| at.run == run.run && at.length >= run.length);
        // After a restore a device counts as heard when everything that its head names has come back.
        let whole = row.says.is_some() || head.runs.iter().all(held);
        let noted = row.says == Some(head.epoch) && row.seen_ms.is_some_and(|seen| seen + NOTE_HEAD_MS > now);
        if whole && !noted {
            self.office.change(|tx| tx.note_head(head.device, head.epoch))?;
        }
        let group = row.group;
        let carried = |(feed, _): &&(Feed, Prior)| feed.group.is_none_or(|named| named == group);
        let heads = own.iter().filter(carried).take(MAX_RECEIPT_RUNS);
        let receipt = Receipt {
            tenant: self.office.config().tenant.clone(),
            device: head.device,
            runs: theirs.iter().map(|(_, at)| *at).take(MAX_RECEIPT_RUNS).collect(),
            nonce: head.nonce,
            heads: heads.map(|(feed, at)| Cursor { feed: feed.to_string(), at: *at }).collect(),
            epoch: self.office.look(|tx| tx.epoch(group))?,
            wall_ms: now,
            uncertainty_s: 60,
            run: own.first().map_or(RunId([0; 16]), |(_, at)| at.run),
        };
        let signed = SignedReceipt::sign(self.office.author(), receipt)?;
        self.out.extend(self.device(peer).map(|device| Out::Down(device, Message::Receipt(signed))));
        Ok(())
    }

    /// Reads what other offices, and this one's own, committed since.
    fn catch_up(&mut self, now: u64) -> Done<()> {
        let after = self.seen;
        let count = self.office.look(|tx| tx.changes())?;
        if count == after {
            return Ok(());
        }
        self.look_whether_it_was_put_back()?;
        let restores = self.office.look(|tx| tx.fact("restores"))?.unwrap_or(0);
        if count < after || restores != self.restores {
            return self.reload(now);
        }
        let (count, mut lines) = self.office.look(|tx| Ok((tx.changes()?, read_lines(tx.rows(), after)?)))?;
        lines.sort_by_key(|line| line.feed().class);
        let mut own = false;
        for line in lines {
            own |= line.feed().class.is_registrys();
            if self.follow(now, &line)?.is_none() {
                return self.reload(now);
            }
        }
        self.seen = count;
        self.follow_epochs(now)?;
        if own {
            let heads = self.heads()?;
            self.out.extend(heads);
        }
        Ok(())
    }

    /// The replica takes a run as the database has it. None if it knows another story or more.
    fn follow(&mut self, now: u64, line: &Line) -> Done<Option<()>> {
        let (at, held) = (line.at(), self.sync.line(line.at().run).map(Line::at));
        let from = held.map_or(0, |held| held.length);
        if from >= at.length {
            return Ok((held == Some(at)).then_some(()));
        }
        let records = self.office.look(|tx| tx.records(at.run, from))?;
        let written =
            records.iter().map(signed).take(usize::try_from(at.length - from).unwrap_or(usize::MAX));
        let commands = self.sync.step(now, Event::Wrote(line.feed(), line.author(), written.collect()));
        self.perform(now, commands)?;
        Ok((self.sync.line(at.run).map(Line::at) == Some(at)).then_some(()))
    }

    /// Keyrings that are superseded leave the replica.
    fn follow_epochs(&mut self, now: u64) -> Done<()> {
        let groups: Vec<GroupId> = self.office.facilities()?.into_iter().map(|it| it.group).collect();
        for group in groups {
            let epoch = self.office.look(|tx| tx.epoch(group))?;
            if self.chains.get(&group).map_or(0, Chain::epoch) != epoch {
                let chain = self.office.look(|tx| tx.chain(group, false))?;
                self.chains.insert(group, chain);
                let commands = self.sync.step(now, Event::Opened(group, epoch));
                self.perform(now, commands)?;
                self.refold()?;
            }
        }
        Ok(())
    }

    /// Everything from the database: at the start, after a restore, and where another process was first.
    fn reload(&mut self, now: u64) -> Done<()> {
        let me = self.office.me();
        let (count, lines, members, restores) = self.office.look(|tx| {
            let restores = tx.fact("restores")?.unwrap_or(0);
            Ok((tx.changes()?, read_lines(tx.rows(), -1)?, tx.members()?, restores))
        })?;
        self.sync = Sync::restart(Role::Registry, me, members, lines, &Real);
        (self.seen, self.restores) = (count, restores);
        for (device, (peer, _)) in &self.peers {
            // What it would say now is said at the next tick.
            _ = self.sync.step(now, Event::Connected(*peer, Some(*device)));
        }
        self.chains.clear();
        self.refold()?;
        self.follow_epochs(now)
    }

    /// Less in the database than a process saw: it was put back. Then no epoch is begun before every device was heard.
    fn look_whether_it_was_put_back(&mut self) -> Done<()> {
        let seen = i64::try_from(self.office.keys().seen()?).unwrap_or(0).max(self.seen);
        if self.office.look(|tx| tx.changes())? >= seen {
            return Ok(());
        }
        tracing::warn!(
            event = "database_was_put_back",
            "what devices hold is read again before a new epoch begins"
        );
        self.office.put_back(seen)
    }
}

/// The runs of an author, newest changed first.
fn runs(tx: &mut Tx<'_>, author: AuthorId) -> Done<Vec<(Feed, Prior)>> {
    let text = "SELECT run, feed, length, root FROM lines WHERE author = $1 ORDER BY changed DESC, run";
    let rows = tx.rows().query(text, &[author.0.into()])?;
    let read = |row: &crate::db::Row| {
        let at = Prior { run: RunId(row[0].array()?), length: row[2].count()?, root: Root(row[3].array()?) };
        Ok((row[1].text()?.parse()?, at))
    };
    rows.iter().map(read).collect()
}

/// A record as the replica takes what is durable already; it looks at no signature then.
fn signed(record: &Record) -> SignedRecord {
    let RecordId { run, seq } = record.id();
    SignedRecord { run, seq, bytes: record.bytes().to_vec(), leaf: record.leaf, sig: [0; 64] }
}

/// Whether the driver goes on after this: the database may come back, or another process was in the way.
pub(crate) fn passes(error: &Failure) -> bool {
    matches!(
        error,
        Failure::Moved | Failure::Closed(_) | Failure::Sql(SqlError::Conflict | SqlError::Lost(_))
    )
}

/// The feeds that are folded for a facility's state.
fn is_folded(class: Class) -> bool {
    !class.is_keyring()
}

//! `Sync::step`: what a replica does with what it hears. The same code for a kiosk, its agent and the registry.
//!
//! A replica tells its peers what it can serve (`Have`), asks for what it lacks (`Want`), and takes pages, which it verifies
//! itself whoever brought them. All is asked again until it is there, so any message may be lost, doubled, late or forged; a
//! page that does not follow is dropped and asked for again, so nothing is parked. Who belongs comes first, then what is
//! urgent, then keys, then the rest ([`Class`]'s order).
//!
//! A kiosk and its agent ask for what their device carries and take nothing else; a registry carries all. A peer that is
//! known for a device's replica is offered, and served, what that device carries ([`Members::carries`]).
//!
//! **The contract with the driver.** The commands of a step are done in order. Everything before [`Command::Commit`] is one
//! transaction; what comes after it is done only when that transaction is durable. If it fails, or nobody knows whether it
//! did, the replica is dropped and made again from the store by [`Sync::restart`].
//!
//! Records that retention emptied do not travel: a run is served from the first record after the last emptied one
//! ([`Line::emptied_below`]). Whoever lacks the earlier part holds it as (run, length, root) in the priors of later runs and
//! gets the living state by a snapshot; retention waits for the receipt and the backup horizon, so a registry never lacks it.

use crate::line::Line;
use crate::message::{Have, MAX_HAVE, MAX_WANT, Message};
use crate::replica::{Command, Event, Fork, Peer, Role};
use crate::{
    AuthorId, Class, Error, Feed, GroupId, Kind, Leaf, Members, Page, Prior, Record, RecordId, RunId,
    RunVerifier, SignedHead, SignedReceipt, SignedRecord, Source, Suite, leaf_of,
};
use std::collections::BTreeMap;

/// How long an unanswered question waits before it is asked again, in milliseconds.
pub const ASK_AGAIN_MS: u64 = 2_000;
/// How many runs of one author a replica takes up: a member that opens runs without end fills nothing beyond this.
pub const MAX_RUNS_PER_AUTHOR: usize = 4_096;
/// How many records of an expelled device are still kept.
pub const MAX_AFTER_EXPULSION: u64 = 4_096;
/// How many proofs of forks are kept; the first of a run is enough to act on.
pub const MAX_FORKS: usize = 1_024;

#[derive(Clone, Copy, Debug)]
struct Asked {
    peer: Peer,
    until: u64,
    since_ms: u64,
}

/// A replica's part of the conversation.
#[derive(Clone)]
pub struct Sync {
    role: Role,
    me: AuthorId,
    suite: &'static dyn Suite,
    members: Members,
    lines: BTreeMap<RunId, Line>,
    peers: BTreeMap<Peer, Option<AuthorId>>,
    asked: BTreeMap<RunId, Asked>,
    head: Option<SignedHead>,
    receipt: Option<SignedReceipt>,
    forks: BTreeMap<RunId, Fork>,
    oldest_epochs: BTreeMap<GroupId, u32>,
    offset: usize,
}

impl Sync {
    /// `me`: the device whose replica this is (an agent's kiosk), or the registry.
    pub fn new(role: Role, me: AuthorId, registry: AuthorId, suite: &'static dyn Suite) -> Sync {
        Sync::restart(role, me, Members::new(registry), Vec::new(), suite)
    }

    /// From the store: its lines, and the members folded from the control records in it.
    pub fn restart(
        role: Role,
        me: AuthorId,
        members: Members,
        lines: Vec<Line>,
        suite: &'static dyn Suite,
    ) -> Sync {
        let lines = lines.into_iter().map(|line| (line.at().run, line)).collect();
        Sync {
            role,
            me,
            suite,
            members,
            lines,
            peers: BTreeMap::new(),
            asked: BTreeMap::new(),
            head: None,
            receipt: None,
            forks: BTreeMap::new(),
            oldest_epochs: BTreeMap::new(),
            offset: 0,
        }
    }

    /// What to do about what happened. `now_ms`: any clock of this process that does not go back.
    pub fn step(&mut self, now_ms: u64, event: Event) -> Vec<Command> {
        match event {
            Event::Connected(peer, whose) => {
                self.peers.insert(peer, whose);
                self.asked.clear();
                self.announce(&[peer])
            }
            Event::Gone(peer) => {
                self.peers.remove(&peer);
                self.asked.retain(|_, asked| asked.peer != peer);
                Vec::new()
            }
            Event::Tick => {
                self.asked.retain(|_, asked| now_ms < asked.since_ms.saturating_add(ASK_AGAIN_MS));
                let peers: Vec<Peer> = self.peers.keys().copied().collect();
                self.announce(&peers)
            }
            Event::Heard(peer, message) => self.heard(now_ms, peer, *message),
            Event::Wrote(feed, author, records) => self.wrote(feed, author, &records),
            Event::Signed(head) => {
                self.head = Some(*head);
                let peers: Vec<Peer> = self.peers.keys().copied().collect();
                self.statements(&peers)
            }
            Event::Opened(group, epoch) => {
                self.left(group, epoch);
                self.drop_old()
            }
        }
    }

    /// Who belongs, as far as this replica has read.
    pub fn members(&self) -> &Members {
        &self.members
    }

    /// The runs held.
    pub fn lines(&self) -> impl Iterator<Item = &Line> {
        self.lines.values()
    }

    /// One run.
    pub fn line(&self, run: RunId) -> Option<&Line> {
        self.lines.get(&run)
    }

    /// The proofs of forks found since the start.
    pub fn forks(&self) -> impl Iterator<Item = &Fork> {
        self.forks.values()
    }

    /// How many questions are open; at most [`MAX_WANT`] per peer.
    pub fn open_questions(&self) -> usize {
        self.asked.len()
    }

    /// Signed statements first, then all runs in the order of their class, as many as one message names. Where there are
    /// more, the next tick goes on with the rest.
    fn announce(&mut self, peers: &[Peer]) -> Vec<Command> {
        let mut commands = self.statements(peers);
        for peer in peers {
            let have = self.offered(*peer);
            commands.push(Command::Send(*peer, Box::new(Message::Have(have))));
        }
        self.offset = self.offset.wrapping_add(MAX_HAVE / 2);
        commands
    }

    fn offered(&self, peer: Peer) -> Vec<Have> {
        let lines = self.lines.values().filter(|line| self.may_have(peer, line));
        let mut have: Vec<Have> = lines.map(Line::have).collect();
        have.sort_by_key(|have| have.feed.class);
        let urgent = have.iter().take_while(|have| have.feed.class < Class::FacilityBulk).count();
        let rest = have.split_off(urgent.min(MAX_HAVE / 2));
        let room = MAX_HAVE - have.len();
        let from = if rest.len() > room { self.offset % rest.len() } else { 0 };
        have.extend(rest.iter().cycle().skip(from).take(room.min(rest.len())));
        have
    }

    /// Whether this peer is offered and served a run.
    fn may_have(&self, peer: Peer, line: &Line) -> bool {
        let whose = self.peers.get(&peer).copied().flatten();
        let registry = self.members.registry();
        let device = whose.filter(|whose| *whose != registry);
        device.is_none_or(|device| self.members.carries(device, line.author, line.feed))
    }

    /// Whether this replica has any use for a run.
    fn carries(&self, author: AuthorId, feed: Feed) -> bool {
        match self.role {
            Role::Registry => true,
            Role::Kiosk | Role::Agent => self.members.carries(self.me, author, feed),
        }
    }

    fn left(&mut self, group: GroupId, epoch: u32) {
        let oldest = self.oldest_epochs.entry(group).or_insert(0);
        *oldest = epoch.max(*oldest);
    }

    fn statements(&self, peers: &[Peer]) -> Vec<Command> {
        let head = self.head.iter().map(|head| Message::Head(head.clone()));
        let receipt = self.receipt.iter().map(|receipt| Message::Receipt(receipt.clone()));
        let both: Vec<Message> = head.chain(receipt).collect();
        let to = |peer: &Peer| {
            both.iter().map(|it| Command::Send(*peer, Box::new(it.clone()))).collect::<Vec<_>>()
        };
        peers.iter().flat_map(to).collect()
    }

    fn heard(&mut self, now_ms: u64, peer: Peer, message: Message) -> Vec<Command> {
        match message {
            Message::Have(have) => self.wants(now_ms, peer, have),
            Message::Want(want) => {
                let can = |(run, from): &(RunId, u64)| {
                    let line = self.lines.get(run).filter(|line| self.may_have(peer, line));
                    line.is_some_and(|line| (line.emptied_below..line.at().length).contains(from))
                };
                want.into_iter().filter(can).map(|(run, from)| Command::Serve(peer, run, from)).collect()
            }
            Message::Page(page) => self.page(now_ms, peer, page),
            Message::Head(head) => self.heard_head(peer, head),
            Message::Receipt(receipt) => self.heard_receipt(peer, receipt),
        }
    }

    /// Asks for what the peer has more of, what matters most first, never more than may be under way.
    fn wants(&mut self, now_ms: u64, peer: Peer, mut have: Vec<Have>) -> Vec<Command> {
        have.sort_by_key(|have| have.feed.class);
        let mut room =
            MAX_WANT.saturating_sub(self.asked.values().filter(|asked| asked.peer == peer).count());
        let mut want = Vec::new();
        for have in have {
            let urgent = have.feed.class < Class::FacilityBulk;
            if (room == 0 && !urgent) || want.len() == MAX_WANT || self.asked.contains_key(&have.at.run) {
                continue;
            }
            if let Some(from) = self.lacks(&have) {
                self.asked.insert(have.at.run, Asked { peer, until: have.at.length, since_ms: now_ms });
                want.push((have.at.run, from));
                room = room.saturating_sub(1);
            }
        }
        if want.is_empty() { Vec::new() } else { vec![Command::Send(peer, Box::new(Message::Want(want)))] }
    }

    /// From where this replica would like the run; nothing if it has all, or has no use for it.
    fn lacks(&self, have: &Have) -> Option<u64> {
        if !self.carries(have.author, have.feed) || self.is_superseded(have.at.run, have.feed) {
            return None;
        }
        match self.lines.get(&have.at.run).map(Line::at) {
            None => (have.from == 0 && have.at.length > 0).then_some(0),
            Some(at) if at.length < have.at.length => (have.from <= at.length).then_some(at.length),
            Some(at) if at.length == have.at.length && at.root != have.at.root => Some(at.length - 1),
            Some(_) => None,
        }
    }

    /// A keyring of an epoch that was left, or a device's keyring that a later one names.
    fn is_superseded(&self, run: RunId, feed: Feed) -> bool {
        let later = || {
            self.lines
                .values()
                .any(|line| line.feed.class == Class::DeviceKeyring && line.priors.contains(&run))
        };
        let oldest = feed.group.and_then(|group| self.oldest_epochs.get(&group)).copied().unwrap_or(0);
        feed.class.is_keyring() && (feed.epoch < oldest || later())
    }

    fn page(&mut self, now_ms: u64, peer: Peer, page: Page) -> Vec<Command> {
        let run = page.run;
        let (mut line, expected) = match self.lines.get(&run) {
            Some(line) => (line.clone(), line.at().length),
            None => match self.new_line(&page) {
                Ok(line) => (line, 0),
                Err(refused) => {
                    return vec![refused.map_or(Command::Stranger(peer, run), |e| Command::Refused(peer, e))];
                }
            },
        };
        if page.first < expected {
            return self.compare(&line, &page);
        }
        if self.is_full(&line) || self.is_superseded(run, line.feed) {
            return vec![Command::Stranger(peer, run)];
        }
        let records = match line.verifier.push_with(self.suite, &page) {
            Ok(records) => records,
            Err(error) => return self.refused(peer, &line, &page, error),
        };
        line.grown();
        let source = line.source();
        let length = line.at().length;
        self.lines.insert(run, line.clone());
        let refold = self.fold_members(source, &records);
        let mut commands = vec![Command::Keep(Box::new(line.clone()), page)];
        if let (Role::Agent, Class::Keyring, Some(group)) = (self.role, line.feed.class, line.feed.group) {
            self.left(group, line.feed.epoch.saturating_sub(1));
        }
        commands.extend(self.drop_old());
        commands.push(Command::Commit);
        commands.push(if refold { Command::Refold } else { Command::Fold(source, records) });
        commands.extend(self.go_on(now_ms, peer, run, length));
        commands.extend(self.news(&line, Some(peer)));
        commands
    }

    /// Tells everybody else whom it concerns that a run has grown.
    fn news(&self, line: &Line, but: Option<Peer>) -> Vec<Command> {
        let others = self.peers.keys().filter(|other| Some(**other) != but && self.may_have(**other, line));
        others.map(|other| Command::Send(*other, Box::new(Message::Have(vec![line.have()])))).collect()
    }

    /// The next page of the same run, if the peer said that it has more.
    fn go_on(&mut self, now_ms: u64, peer: Peer, run: RunId, length: u64) -> Option<Command> {
        match self.asked.remove(&run) {
            Some(asked) if asked.peer == peer && length < asked.until => {
                self.asked.insert(run, Asked { since_ms: now_ms, ..asked });
                Some(Command::Send(peer, Box::new(Message::Want(vec![(run, length)]))))
            }
            Some(_) | None => None,
        }
    }

    /// The line that a first page begins, if its author may write in that feed.
    fn new_line(&self, page: &Page) -> Result<Line, Option<Error>> {
        let first = page.records.first().filter(|_| page.first == 0).ok_or(None)?;
        let open = Record::parse(first).and_then(|record| record.open_statement(None)).map_err(Some)?;
        let feed: Feed = open.feed.parse().map_err(Some)?;
        let theirs = self.lines.values().filter(|line| line.author == open.author).count();
        let belongs = self.members.may_write(open.author, feed) && self.carries(open.author, feed);
        if !belongs || theirs >= MAX_RUNS_PER_AUTHOR {
            return Err(None);
        }
        let priors = open.priors.iter().map(|prior| prior.run).collect();
        let verifier = RunVerifier::new(Some(open.author));
        Ok(Line { feed, author: open.author, verifier, at: nothing(page.run), emptied_below: 0, priors })
    }

    /// Whether an expelled device has said enough.
    fn is_full(&self, line: &Line) -> bool {
        let theirs = self.lines.values().filter(|it| it.author == line.author);
        self.members.is_expelled(line.author)
            && theirs.map(|it| it.at().length).sum::<u64>() >= MAX_AFTER_EXPULSION
    }

    fn refused(&mut self, peer: Peer, line: &Line, page: &Page, error: Error) -> Vec<Command> {
        let parts = matches!(error, Error::ChainBroken { seq, .. } if seq == page.first);
        let fork =
            parts.then(|| self.other_story(line, page, page.first.checked_sub(1)?, page.prev)).flatten();
        fork.map_or(vec![Command::Refused(peer, error)], |fork| self.found(fork))
    }

    /// A page of the past: the same again, or proof of another story.
    fn compare(&mut self, line: &Line, page: &Page) -> Vec<Command> {
        self.asked.remove(&page.run);
        let last = line.at().length - 1;
        let at_last = page.first == last && page.records.len() == 1;
        let theirs = page.records.first().map(|record| leaf_of(record)).filter(|_| at_last);
        let fork = theirs.and_then(|theirs| self.other_story(line, page, last, theirs));
        fork.map_or(Vec::new(), |fork| self.found(fork))
    }

    /// Whether the author of the line signed this page although it does not fit: then it told two stories.
    fn other_story(&self, line: &Line, page: &Page, seq: u64, theirs: Leaf) -> Option<Fork> {
        let ours = line.verifier.last_leaf().filter(|ours| *ours != theirs)?;
        let last = page.first + page.records.len() as u64 - 1;
        let leaf = leaf_of(page.records.last()?);
        let message = crate::sign::record_message(page.run, last, leaf);
        let signed = self.suite.verify(line.author, &message, &page.sig);
        let mut leaves = [ours, theirs];
        leaves.sort_unstable();
        signed.then_some(Fork { run: page.run, seq, leaves })
    }

    fn found(&mut self, fork: Fork) -> Vec<Command> {
        if self.forks.contains_key(&fork.run) || self.forks.len() >= MAX_FORKS {
            return Vec::new();
        }
        self.forks.insert(fork.run, fork);
        vec![Command::Forked(fork)]
    }

    fn wrote(&mut self, feed: Feed, author: AuthorId, written: &[SignedRecord]) -> Vec<Command> {
        let Some(run) = written.first().map(|record| record.run) else { return Vec::new() };
        let records: Vec<Record> =
            written.iter().filter_map(|record| Record::parse(&record.bytes).ok()).collect();
        let opened = records.first().and_then(|first| first.open_statement(None).ok());
        let priors = opened.map(|open| open.priors.iter().map(|prior| prior.run).collect());
        let verifier = RunVerifier::new(Some(author));
        let fresh = Line {
            feed,
            author,
            verifier,
            at: nothing(run),
            emptied_below: 0,
            priors: priors.unwrap_or_default(),
        };
        let mut line = self.lines.remove(&run).unwrap_or(fresh);
        let fits = records.iter().all(|record| line.verifier.grow(record));
        line.grown();
        debug_assert!(fits, "a writer's records follow one another");
        let source = line.source();
        let refold = self.fold_members(source, &records);
        let news = self.news(&line, None);
        self.lines.insert(run, line);
        let mut commands = self.drop_old();
        commands.push(if refold { Command::Refold } else { Command::Fold(source, records) });
        commands.extend(news);
        commands
    }

    fn fold_members(&mut self, source: Source, records: &[Record]) -> bool {
        if source.feed.class != Class::Control {
            return false;
        }
        let bodies = records.iter().filter_map(|record| record.open_body(None).ok());
        let mut changed = false;
        for body in bodies {
            let kind = Kind::from_name(&body.kind);
            changed |= kind.and_then(|kind| self.members.apply(kind, &body)).unwrap_or(false);
        }
        changed
    }

    fn drop_old(&mut self) -> Vec<Command> {
        let old = |line: &&Line| self.is_superseded(line.at().run, line.feed);
        let old: Vec<RunId> = self.lines.values().filter(old).map(|line| line.at().run).collect();
        self.lines.retain(|run, _| !old.contains(run));
        old.into_iter().map(Command::Drop).collect()
    }

    fn heard_head(&mut self, peer: Peer, head: SignedHead) -> Vec<Command> {
        let device = head.head.device;
        let at = RecordId { run: RunId([0; 16]), seq: 0 };
        let member = self.members.standing(device, at) == crate::Standing::Member;
        if !head.verify_with(self.suite) {
            return vec![Command::Refused(peer, Error::BadHead { device })];
        }
        match self.role {
            Role::Registry if member => vec![Command::Answer(peer, Box::new(head))],
            Role::Agent if device == self.me => {
                let others: Vec<Peer> = self.peers.keys().copied().filter(|other| *other != peer).collect();
                self.head = Some(head.clone());
                let to = |peer: Peer| Command::Send(peer, Box::new(Message::Head(head.clone())));
                others.into_iter().map(to).collect()
            }
            Role::Registry | Role::Agent | Role::Kiosk => Vec::new(),
        }
    }

    fn heard_receipt(&mut self, peer: Peer, receipt: SignedReceipt) -> Vec<Command> {
        let (device, registry) = (receipt.receipt.device, self.members.registry());
        if !receipt.verify(self.suite, registry) {
            return vec![Command::Refused(peer, Error::BadHead { device: registry })];
        }
        match self.role {
            Role::Kiosk if device == self.me => vec![Command::Receipted(Box::new(receipt))],
            Role::Agent if device == self.me => {
                let others: Vec<Peer> = self.peers.keys().copied().filter(|other| *other != peer).collect();
                self.receipt = Some(receipt.clone());
                let to = |peer: Peer| Command::Send(peer, Box::new(Message::Receipt(receipt.clone())));
                others.into_iter().map(to).collect()
            }
            Role::Kiosk | Role::Agent | Role::Registry => Vec::new(),
        }
    }

    /// The runs of a device as they are held here: what a receipt says.
    pub fn runs_of(&self, device: AuthorId) -> Vec<Prior> {
        self.lines.values().filter(|line| line.author == device).map(Line::at).collect()
    }
}

/// A run before its first record.
fn nothing(run: RunId) -> Prior {
    Prior { run, length: 0, root: crate::root_of(&[]) }
}

//! A kiosk's replica among peers that say anything: messages as they come, and pages, heads and receipts that registry, member or
//! stranger signed with whatever inside. A section of the input is one thing that happens; its first byte says what.
#![no_main]

use fuzz::replicas::{admitted, author, body, feed, kiosk, registry, run};
use ledger::{
    AuthorId, AuthorKey, Command, Event, Kind, MAX_HAVE, MAX_WANT, Members, Message, Page, Peer, Prior, Real,
    Role, RunId, RunWriter, SignedHead, SignedReceipt, Sync, Value, paginate,
};
use libfuzzer_sys::fuzz_target;

/// The most that happens to one replica, so that an input takes milliseconds.
const MOST: usize = 16;

const PEERS: [Peer; 2] = [Peer(1), Peer(2)];

fuzz_target!(|data: &[u8]| {
    let mut world = World::new();
    for (number, section) in fuzz::sections(data).take(MOST).enumerate() {
        let Some((&[what, who], inside)) = section.split_first_chunk() else { continue };
        world.happens(number, what, who, inside);
    }
});

struct World {
    sync: Sync,
    now_ms: u64,
    /// Runs that somebody writes: whose, and how it goes on.
    runs: Vec<(AuthorKey, RunWriter)>,
}

impl World {
    /// A kiosk that knows that it belongs, and two peers.
    fn new() -> Self {
        let (mut writer, open) = run(&registry(), RunId([1; 16]), feed(0), vec![]);
        let record = writer.append(&registry(), &admitted(), &[], ledger::Seal::Plain);
        let mut sync = Sync::new(Role::Kiosk, kiosk().id(), registry().id(), &Real);
        sync.step(0, Event::Connected(PEERS[0], Some(registry().id())));
        sync.step(0, Event::Connected(PEERS[1], None));
        for page in paginate(&[open, record.expect("a small record is written")]) {
            let commands = sync.step(0, Event::Heard(PEERS[0], Box::new(Message::Page(page))));
            assert!(
                commands.iter().any(|it| matches!(it, Command::Keep(..))),
                "a page of the registry is kept"
            );
        }
        assert!(sync.members().group_of(kiosk().id()).is_some());
        Self { sync, now_ms: 0, runs: vec![(registry(), writer)] }
    }

    fn happens(&mut self, number: usize, what: u8, who: u8, inside: &[u8]) {
        let name = RunId([number as u8 + 2; 16]);
        match what % 8 {
            0 => {
                if let Ok(message) = Message::decode(inside) {
                    self.heard(who, message);
                }
            }
            1 => self.opens(name, who, inside),
            2 | 3 => self.writes(who, inside),
            4 => self.states(who, inside, true),
            5 => self.states(who, inside, false),
            6 => self.passes(who),
            _ => self.says(who, inside),
        }
    }

    /// Somebody opens a run, with the priors that the fuzzer writes.
    fn opens(&mut self, name: RunId, who: u8, inside: &[u8]) {
        let priors = match Value::decode(inside) {
            Ok(Value::Array(items)) => items.iter().filter_map(prior).take(8).collect(),
            Ok(_) | Err(_) => vec![],
        };
        let author = author(who);
        let (writer, open) = run(&author, name, feed(who / 3), priors);
        self.runs.push((author, writer));
        for page in paginate(&[open]) {
            self.heard(who, Message::Page(page));
        }
    }

    /// A record with a map of fields, at the end of one of the runs.
    fn writes(&mut self, who: u8, inside: &[u8]) {
        let Some((kind, fields)) = inside.split_first() else { return };
        let Ok(Value::Map(entries)) = Value::decode(fields) else { return };
        let fields =
            entries.into_iter().filter_map(|(name, value)| Some((name.as_text()?.to_owned(), value)));
        let kinds = [Kind::Admitted.name(), Kind::Expelled.name(), "Unknown"];
        let body = body(kinds[usize::from(*kind) % kinds.len()], fields.collect());
        let count = self.runs.len();
        let (author, writer) = &mut self.runs[usize::from(who) % count];
        let Ok(record) = writer.append(author, &body, &[], ledger::Seal::Plain) else { return };
        for page in paginate(&[record]) {
            self.heard(who, Message::Page(page));
        }
    }

    /// A head or a receipt with the fuzzer's content, and a good signature.
    fn states(&mut self, who: u8, inside: &[u8], head: bool) {
        let Ok(content) = Value::decode(inside) else { return };
        let signed = Value::Array(vec![content, Value::bytes([0; 64])]).encode().unwrap_or_default();
        let message = if head {
            let head = SignedHead::decode(&signed).and_then(|it| SignedHead::sign(&author(who), it.head));
            head.map(Message::Head)
        } else {
            let receipt = SignedReceipt::decode(&signed);
            receipt.and_then(|it| SignedReceipt::sign(&author(who), it.receipt)).map(Message::Receipt)
        };
        if let Ok(message) = message {
            self.heard(who, message);
        }
    }

    fn passes(&mut self, who: u8) {
        self.now_ms += u64::from(who) * 50;
        let peer = PEERS[usize::from(who) % 2];
        let event = match who % 4 {
            0 | 1 => Event::Tick,
            2 => Event::Gone(peer),
            _ => Event::Connected(peer, Some(author(who / 4).id())),
        };
        self.step(event);
    }

    /// What a peer claims to have, or wants: no signature stands before these.
    fn says(&mut self, who: u8, inside: &[u8]) {
        let Ok(content) = Value::decode(inside) else { return };
        let whole = Value::Array(vec![Value::Int(i64::from(who / 2 % 2)), content]);
        if let Some(message) = whole.encode().ok().and_then(|bytes| Message::decode(&bytes).ok()) {
            self.heard(who, message);
        }
    }

    fn heard(&mut self, who: u8, message: Message) {
        self.step(Event::Heard(PEERS[usize::from(who) % 2], Box::new(message)));
    }

    /// Whatever is heard: what is kept follows, is whole and is of somebody who may write there, and nothing is asked for or
    /// said without bound.
    fn step(&mut self, event: Event) {
        let before: Vec<Prior> = self.sync.lines().map(ledger::Line::at).collect();
        let before_members = self.sync.members().clone();
        for command in self.sync.step(self.now_ms, event) {
            match command {
                Command::Keep(line, page) => {
                    kept(&line.author(), &line.feed(), &page, &before, &before_members)
                }
                Command::Send(_, message) => sent(&message),
                Command::Serve(_, run, from) => {
                    assert!(
                        self.sync.line(run).is_some_and(|line| from < line.at().length),
                        "what is not there"
                    );
                }
                Command::Receipted(receipt) => assert!(receipt.verify(&Real, registry().id())),
                Command::Answer(_, head) => assert!(head.verify_with(&Real)),
                Command::Forked(fork) => assert_ne!(fork.leaves[0], fork.leaves[1]),
                Command::Drop(_)
                | Command::Commit
                | Command::Fold(..)
                | Command::Refold
                | Command::Refused(..)
                | Command::Stranger(..) => {}
            }
        }
        assert!(self.sync.open_questions() <= 2 * MAX_WANT + PEERS.len());
        for line in self.sync.lines() {
            assert!(line.at().length > 0, "a line of nothing");
        }
    }
}

fn kept(author: &AuthorId, feed: &ledger::Feed, page: &Page, before: &[Prior], members: &Members) {
    let held = before.iter().find(|it| it.run == page.run).map_or(0, |it| it.length);
    assert_eq!(page.first, held, "a page that does not follow");
    assert!(held > 0 || members.may_write(*author, *feed), "of somebody who may not write there");
}

fn sent(message: &Message) {
    match message {
        Message::Have(have) => assert!(have.len() <= MAX_HAVE),
        Message::Want(want) => assert!((1..=MAX_WANT).contains(&want.len())),
        Message::Page(_) | Message::Head(_) | Message::Receipt(_) => {}
    }
    assert!(message.encode().is_ok(), "it can be sent");
}

/// `[run, length, root]`.
fn prior(value: &Value) -> Option<Prior> {
    let [run, length, root] = value.as_array()? else { return None };
    Some(Prior {
        run: RunId(run.as_array_of()?),
        length: length.as_int()?.try_into().ok()?,
        root: ledger::Root(root.as_array_of()?),
    })
}

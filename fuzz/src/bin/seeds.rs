//! Makes the seeds of the corpus anew, from our own encoders and the cards in software: nothing in them is anybody's.
//!
//! `cargo run --features seeds --bin seeds` in this folder writes `corpus/TARGET/seed-NAME`, and the certificates that the
//! flows trust to `cards`. If the certificates changed, run it twice: they are compiled in.

use std::{fs, path::Path};

use card::{File, Transport, TransportError};
use credentials::cose_bytes;
use emulator::{Emulator, InProcess, Plan, certificates};
use fuzz::{
    codes::{self, NOW_S, World, append, denylist, genuine_page, payload},
    joined,
    judge::{Flow, play},
    replicas::{
        GROUP, admitted, feed, genuine_head, genuine_receipt, genuine_request, kiosk, registry, run, voucher,
    },
};
use ledger::{
    Chain, Event, Have, JoinAnswer, KeyId, Members, Message, Peer, Prior, Real, Role, Root, RunId, Sync,
    Value, WrapSecret, frame, paginate,
};
use zeroize::Zeroizing;

/// Scenarios whose cards are played, and the flows of each: drawing a card's keys takes seconds.
const PLAYED: [(&str, &[Flow]); 4] = [
    ("good", &Flow::ALL),
    ("phone", &[Flow::Authenticate]),
    ("pinless", &[Flow::Authenticate]),
    ("mifare", &[Flow::Identify]),
];

fn main() -> std::io::Result<()> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let pair = certificates::pair(&Plan::default(), "auth");
    fs::write(root.join("cards/authority.der"), &pair.authority.der)?;
    fs::write(root.join("cards/holder.der"), &pair.holder.der)?;
    let write = |target: &str, name: &str, bytes: &[u8]| {
        let folder = root.join("corpus").join(target);
        fs::create_dir_all(&folder)?;
        fs::write(folder.join(format!("seed-{name}")), bytes)
    };
    let certificate = ("tlv", "certificate".to_owned(), pair.holder.der);
    let all = [texts(), ledgers(), messages(), replicas(), joins(), cards(), vec![certificate], relays()];
    for (target, name, bytes) in all.into_iter().flatten() {
        write(target, &name, &bytes)?;
    }
    Ok(())
}

type Seed = (&'static str, String, Vec<u8>);

/// Good codes, and their payloads by themselves.
fn texts() -> Vec<Seed> {
    let mut seeds = Vec::new();
    for (number, text) in World::shared().genuine.iter().enumerate() {
        let cose = cose_bytes(text).expect("a genuine code has bytes");
        let form = u8::from(text.starts_with("FG2:"));
        seeds.push(("qr_text", format!("code-{number}"), text.clone().into_bytes()));
        seeds.push(("cwt", format!("payload-{number}"), [&[form | 2][..], &payload(&cose)].concat()));
    }
    // An end of nine bytes: its neighbours in a mutation are the ends of all numbers.
    let far = [
        (1, Value::text("fuzz")),
        (4, Value::Int(253_402_300_799)),
        (6, Value::Int(NOW_S - 10)),
        (7, Value::bytes([1; 8])),
        (-70_001, Value::bytes([9; 8])),
        (-70_003, Value::Int(4)),
    ];
    let far = Value::Map(far.into_iter().map(|(key, value)| (Value::Int(key), value)).collect());
    let far = far.encode().expect("a small value is written");
    seeds.push(("cwt", "far".to_owned(), [&[2][..], &far].concat()));
    seeds.push(("cwt", "end".to_owned(), [&[10, 4][..], &far].concat()));
    let voucher = credentials::Voucher { tenant: "見本市".to_owned(), registry: codes::registry().id() };
    seeds.push(("qr_text", "voucher".to_owned(), voucher.to_text().into_bytes()));
    seeds
}

/// A page, its record, a control file, a value of every type, and the fields of statements.
fn ledgers() -> Vec<Seed> {
    let (mut writer, open) = codes::feed();
    let fields = denylist();
    let statement =
        Value::Map(fields.iter().map(|(name, value)| (Value::text(name), value.clone())).collect());
    let record = append(&mut writer, "Denylist", fields).expect("a small record is written");
    let key = World::shared().holder_key().to_bytes();
    let added = Value::Map(vec![
        (Value::text("version"), Value::Int(2)),
        (Value::text("issuer"), Value::text("fuzz")),
        (Value::text("key"), Value::bytes(key)),
    ]);
    let revoked =
        Value::Map(vec![(Value::text("version"), Value::Int(3)), (Value::text("kid"), Value::bytes([1; 8]))]);
    let every = Value::Array(vec![Value::Null, Value::Bool(true), Value::Int(-500), statement.clone()]);
    let encoded = |value: &Value| value.encode().expect("a small value is written");
    let stated = |kind: u8, value: &Value| [&[kind][..], &encoded(value)].concat();
    let control = joined(&[stated(0, &added), stated(2, &statement), stated(1, &revoked)]);
    [
        ("value", 0, encoded(&every)),
        ("page", 1, genuine_page()),
        ("open", 2, open.bytes),
        ("record", 2, record.bytes),
        ("file", 5, credentials::write_control(&[genuine_page()])),
        ("control", 6, control),
    ]
    .map(|(name, form, bytes)| ("ledger", name.to_owned(), [&[form][..], &bytes].concat()))
    .to_vec()
}

/// A message of each kind as it travels, and the insides of all, of a line and of a chain.
fn messages() -> Vec<Seed> {
    let (_, open) = run(&registry(), RunId([1; 16]), feed(0), vec![]);
    let page = paginate(&[open]).remove(0);
    let mut sync = Sync::new(Role::Kiosk, kiosk().id(), registry().id(), &Real);
    sync.step(0, Event::Connected(Peer(1), None));
    sync.step(0, Event::Heard(Peer(1), Box::new(Message::Page(page.clone()))));
    let line = sync.lines().next().expect("a page of the registry is kept");
    let have = Message::Have(vec![line.have()]).encode().expect("a small message is written");
    let want = Message::Want(vec![(RunId([1; 16]), 0)]).encode().expect("a small message is written");
    let content = |bytes: &[u8]| {
        let parts = Value::decode(bytes).expect("what was written reads");
        parts.as_array().and_then(|it| it[1].encode().ok()).expect("a message is [kind, content]")
    };
    let Ok(Value::Array(mut parts)) = Value::decode(&line.encode()) else { panic!("a line is an array") };
    parts.pop();
    let mut chain = Chain::default();
    chain.add_wrap(KeyId([1; 16]), WrapSecret::from_bytes([2; 32]), 0);
    let chain = chain.encode();
    let encoded = |value: Result<Vec<u8>, ledger::Error>| value.expect("a small statement is written");
    [
        ("have", 0, have.clone()),
        ("want", 0, want.clone()),
        ("page", 1, encoded(page.encode())),
        ("head", 2, encoded(genuine_head().encode())),
        ("receipt", 3, encoded(genuine_receipt().encode())),
        ("what-is-there", 4, content(&have)),
        ("what-is-wanted", 5, content(&want)),
        ("line", 6, encoded(Value::Array(parts).encode())),
        ("chain", 7, chain[..chain.len() - 32].to_vec()),
    ]
    .map(|(name, form, bytes)| ("message", name.to_owned(), [&[form][..], &bytes].concat()))
    .to_vec()
}

/// A voucher as text and bytes, a request, what stands before the sum of an answer, and two frames.
fn joins() -> Vec<Seed> {
    let answer = JoinAnswer {
        ca: vec![7; 20],
        chain: vec![vec![8; 20], vec![9; 20]],
        broker: "broker.example:8883".to_owned(),
        tenant: "見本市".to_owned(),
        registry: registry().id(),
        facility: GROUP,
        author: kiosk().id(),
        control: vec![genuine_page()],
    };
    let answer = answer.encode().expect("a small answer is written");
    let Ok(Value::Array(mut parts)) = Value::decode(&answer) else { panic!("an answer is an array") };
    parts.pop();
    let voucher = voucher();
    let text = voucher.to_text().expect("a small voucher is written").as_bytes().to_vec();
    let frames = [Message::Want(vec![(RunId([1; 16]), 0)]), Message::Have(vec![])];
    let frames: Vec<u8> = frames.iter().flat_map(|it| frame(it).expect("a small message")).collect();
    [
        ("text", 0, text),
        ("voucher", 1, voucher.encode().expect("a small voucher is written").to_vec()),
        ("request", 2, genuine_request().encode().expect("a small request is written")),
        ("answer", 3, answer),
        ("answers-parts", 4, Value::Array(parts).encode().expect("a small answer is written")),
        ("frames", 5, [&[3][..], &frames].concat()),
    ]
    .map(|(name, form, bytes)| ("join", name.to_owned(), [&[form][..], &bytes].concat()))
    .to_vec()
}

/// What happens to a replica: runs that are opened and go on, heads and receipts, claims of what is there, time.
fn replicas() -> Vec<Seed> {
    let fields = |fields: &[(String, Value)]| {
        let map = fields.iter().map(|(name, value)| (Value::text(name), value.clone())).collect();
        Value::Map(map).encode().expect("a small value is written")
    };
    let inside = |bytes: Vec<u8>| {
        let whole = Value::decode(&bytes).expect("what was written reads");
        whole.as_array().and_then(|it| it[0].encode().ok()).expect("[statement, signature]")
    };
    let step = |what: u8, who: u8, bytes: &[u8]| [&[what, who][..], bytes].concat();
    let none = Value::Array(vec![]).encode().expect("a small value is written");
    let prior = Prior { run: RunId([2; 16]), length: 300, root: Root([2; 32]) };
    let parts = vec![Value::bytes(prior.run.0), Value::Int(300), Value::bytes(prior.root.0)];
    let priors = Value::Array(vec![Value::Array(parts)]).encode().expect("a small value is written");
    let expelled = Members::expelled(kiosk().id(), &[prior]).expect("a small length");
    let head = inside(genuine_head().encode().expect("a small head is written"));
    let receipt = inside(genuine_receipt().encode().expect("a small receipt is written"));
    let have = Have { at: prior, author: registry().id(), feed: feed(1), from: 0 };
    let have = Message::Have(vec![have]).encode().expect("a small message is written");
    let stories = [
        ("opens", vec![step(1, 3, &none), step(1, 19, &priors), step(1, 20, &none), step(6, 60, &[])]),
        ("admits", vec![step(2, 0, &[&[0][..], &fields(&admitted().fields)].concat())]),
        ("expels", vec![step(1, 19, &none), step(2, 0, &[&[1][..], &fields(&expelled)].concat())]),
        ("states", vec![step(4, 1, &head), step(5, 0, &receipt)]),
        ("asks", vec![step(0, 0, &have), step(6, 60, &[]), step(6, 3, &[]), step(0, 1, &have)]),
    ];
    stories.map(|(name, steps)| ("replica", name.to_owned(), joined(&steps))).to_vec()
}

/// Every flow with every card: its answers as a script, and of good cards the files that were read.
fn cards() -> Vec<Seed> {
    let mut seeds = Vec::new();
    for (scenario, flows) in PLAYED {
        let plan = Plan::scenario(scenario).expect("a scenario of the list has a plan");
        for flow in flows {
            let number = Flow::ALL.iter().position(|it| it == flow).expect("a flow of the list") as u8;
            let mut heard = Heard::new(InProcess::new(Emulator::new(plan.clone())));
            play(*flow, &mut heard);
            let script = [&[number][..], &joined(&heard.answers)].concat();
            seeds.push(("apdu", format!("{number}-{scenario}"), script));
            let sections = [&heard.files[..], &[heard.signature]].concat();
            let files = [&[number, 3, 0, 0, 0][..], &joined(&sections)].concat();
            seeds.push(("files", format!("{number}-{scenario}"), files));
            let records = heard.files.into_iter().enumerate().filter(|(_, file)| !file.is_empty());
            seeds.extend(records.map(|(file, bytes)| ("tlv", format!("{file}-{scenario}"), value(&bytes))));
        }
    }
    for (name, photograph) in [("oval", emulator::SAMPLE_PHOTO), ("stripes", emulator::OTHER_PHOTO)] {
        seeds.push(("jp2", name.to_owned(), photograph.to_vec()));
    }
    seeds
}

/// The inside of a file's record, of a tag of two bytes.
fn value(file: &[u8]) -> Vec<u8> {
    let header = match file.get(2) {
        Some(0x82) => 5,
        Some(0x81) => 4,
        _ => 3,
    };
    file.get(header..).unwrap_or_default().to_vec()
}

/// A reply of each kind, and a request.
fn relays() -> Vec<Seed> {
    let replies: [(&str, &[u8]); 4] = [
        ("written", &[1, 5, 0, 0, 0xFF, 0]),
        ("coils", &[1, 1, 1, 1]),
        ("exception", &[1, 0x85, 2]),
        ("flash", &[1, 5, 2, 1, 0, 7]),
    ];
    replies.map(|(name, bytes)| ("modbus", name.to_owned(), bytes.to_vec())).to_vec()
}

/// A reader that notes what a card answers.
struct Heard {
    card: InProcess,
    answers: Vec<Vec<u8>>,
    files: [Vec<u8>; File::ALL.len()],
    signature: Vec<u8>,
    application: Vec<u8>,
    selected: u16,
}

impl Heard {
    fn new(card: InProcess) -> Self {
        let (answers, files, signature) = (Vec::new(), Default::default(), Vec::new());
        Self { card, answers, files, signature, application: Vec::new(), selected: 0 }
    }

    fn note(&mut self, command: &[u8], data: &[u8]) {
        match *command {
            [0x00, 0xA4, 0x04, _, _, ref name @ ..] => self.application = name.to_vec(),
            [0x00, 0xA4, _, _, _, high, low] => self.selected = u16::from_be_bytes([high, low]),
            [0x00, 0xB0, high, low, _] => {
                let of = |file: &File| (file.application().identifier(), file.identifier());
                let place =
                    File::ALL.iter().position(|file| of(file) == (&self.application[..], self.selected));
                let file = &mut self.files[place.expect("only files of the list are read")];
                file.truncate(u16::from_be_bytes([high, low]).into());
                file.extend(data);
            }
            [0x80, 0x2A, ..] => self.signature = data.to_vec(),
            _ => {}
        }
    }
}

impl Transport for Heard {
    fn answer_to_reset(&self) -> &[u8] {
        self.card.answer_to_reset()
    }

    fn transmit(&mut self, command: &[u8]) -> Result<Zeroizing<Vec<u8>>, TransportError> {
        let answer = self.card.transmit(command);
        self.answers.push(answer.as_ref().map_or(Vec::new(), |it| it.to_vec()));
        if let Ok([data @ .., 0x90, 0x00]) = answer.as_deref().map(Vec::as_slice) {
            self.note(command, data);
        }
        answer
    }
}

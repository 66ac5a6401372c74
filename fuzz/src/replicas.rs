//! A tenant whose keys the fuzzer has: a registry, a kiosk that belongs, and one that nobody admitted. What they say is signed,
//! so that what a member may write is read as deep as it goes.

use ledger::{
    AuthorKey, Body, Class, Clock, Cursor, Feed, GroupId, Head, JoinRequest, KeyId, Members, Open, Prior,
    Receipt, Root, RunId, RunWriter, Seal, SignedHead, SignedReceipt, SignedRecord, Value, Voucher, Why,
    WrapPublic,
};

/// The group to which the kiosk belongs.
pub const GROUP: GroupId = GroupId([4; 16]);

const CLOCK: Clock = Clock { boot: [0; 16], uptime_ms: 0, wall_ms: None, uncertainty_s: 0 };

/// Who writes, by a byte: the registry, the kiosk, a stranger.
#[must_use]
pub fn author(number: u8) -> AuthorKey {
    AuthorKey::from_bytes([[6, 21, 22][usize::from(number) % 3]; 32])
}

/// The registry.
#[must_use]
pub fn registry() -> AuthorKey {
    author(0)
}

/// The kiosk that belongs.
#[must_use]
pub fn kiosk() -> AuthorKey {
    author(1)
}

/// A body without anything of a person.
#[must_use]
pub fn body(kind: &str, fields: Vec<(String, Value)>) -> Body {
    Body { kind: kind.to_owned(), clock: CLOCK, fields, personal: None }
}

/// A new run of this author in this feed.
#[must_use]
pub fn run(author: &AuthorKey, run: RunId, feed: Feed, priors: Vec<Prior>) -> (RunWriter, SignedRecord) {
    let open = Open {
        author: author.id(),
        key: KeyId([1; 16]),
        feed: feed.to_string(),
        why: Why::Start,
        priors,
        version: 1,
    };
    RunWriter::open(author, run, &open, CLOCK, Seal::Plain).expect("a run of few priors opens")
}

/// A record that says that the kiosk belongs.
#[must_use]
pub fn admitted() -> Body {
    body("Admitted", Members::admitted(kiosk().id(), GROUP, KeyId([1; 16]), WrapPublic([2; 32])))
}

/// The feeds of the three, by a byte.
#[must_use]
pub fn feed(number: u8) -> Feed {
    let own = |class| Feed { class, group: Some(GROUP), epoch: 0 };
    let feeds = [
        Feed::of(Class::Control),
        own(Class::FacilityUrgent),
        Feed::of(Class::DeviceUrgent),
        Feed::keyring(Class::DeviceKeyring, GROUP, 1),
        Feed::keyring(Class::Keyring, GROUP, 1),
        own(Class::FacilityBulk),
        Feed::of(Class::DeviceBulk),
    ];
    feeds[usize::from(number) % feeds.len()]
}

fn at(run: u8, length: u64) -> Prior {
    Prior { run: RunId([run; 16]), length, root: Root([run; 32]) }
}

/// The only head in the corpus that the kiosk signed.
#[must_use]
pub fn genuine_head() -> SignedHead {
    let cursors = vec![Cursor { feed: feed(1).to_string(), at: at(1, 300) }];
    let head =
        Head { device: kiosk().id(), runs: vec![at(2, 5), at(3, 70_000)], cursors, epoch: 1, nonce: [9; 16] };
    SignedHead::sign(&kiosk(), head).expect("a small head is signed")
}

/// The only receipt in the corpus that the registry signed.
#[must_use]
pub fn genuine_receipt() -> SignedReceipt {
    let receipt = Receipt {
        tenant: "見本市".to_owned(),
        device: kiosk().id(),
        runs: vec![at(2, 5), at(3, 70_000)],
        nonce: [9; 16],
        heads: vec![Cursor { feed: feed(1).to_string(), at: at(1, 300) }],
        epoch: 1,
        wall_ms: 1_790_000_000_000,
        uncertainty_s: 1,
        run: RunId([1; 16]),
    };
    SignedReceipt::sign(&registry(), receipt).expect("a small receipt is signed")
}

/// The voucher of the kiosk.
#[must_use]
pub fn voucher() -> Voucher {
    Voucher {
        tenant: "見本市".to_owned(),
        registry: registry().id(),
        facility: GROUP,
        device: [5; 16],
        secret: [0; 32].into(),
        url: "https://registry.example:8443".to_owned(),
        ca: [7; 32],
    }
}

/// The only request in the corpus that the kiosk made.
#[must_use]
pub fn genuine_request() -> JoinRequest {
    let keys = (KeyId([1; 16]), WrapPublic([2; 32]));
    JoinRequest::make(&voucher(), kiosk().id(), keys, vec![3; 40]).expect("a small request is made")
}

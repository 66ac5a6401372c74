//! The road over a real broker, mosquitto on the loopback: who gets on it, who hears what, and what it survives.

#![allow(clippy::unwrap_used)]

use ledger::{AuthorId, GroupId};
use std::sync::Arc;
use std::time::{Duration, SystemTime};
use wire::testing::TestBroker;
use wire::{Authority, Clock, Down, Identity, Road, RoadError, RoadEvent, Topic, pad, tls};

const A: AuthorId = AuthorId([0xAA; 32]);
const B: AuthorId = AuthorId([0xBB; 32]);
const GROUP: GroupId = GroupId([0x47; 16]);
/// Nothing here should take so long; it is the end of a test that fails.
const AT_MOST: Duration = Duration::from_secs(30);

async fn next(road: &mut Road) -> RoadEvent {
    tokio::time::timeout(AT_MOST, road.next()).await.expect("the road says something")
}

async fn up(road: &mut Road) {
    for _ in 0..20 {
        match next(road).await {
            RoadEvent::Up => return,
            RoadEvent::Down(_) => {}
            RoadEvent::Message { topic, .. } => panic!("a message before the road is up: {topic}"),
        }
    }
    panic!("the road does not come up");
}

async fn down(road: &mut Road) -> Down {
    match next(road).await {
        RoadEvent::Down(down) => down,
        other @ (RoadEvent::Up | RoadEvent::Message { .. }) => panic!("it was let on: {other:?}"),
    }
}

async fn message(road: &mut Road) -> (Topic, Vec<u8>) {
    match next(road).await {
        RoadEvent::Message { topic, payload } => (topic, pad::strip(&payload).unwrap().to_vec()),
        other @ (RoadEvent::Up | RoadEvent::Down(_)) => panic!("no message: {other:?}"),
    }
}

fn payload(text: &str) -> Vec<u8> {
    pad::pad(text.as_bytes()).unwrap()
}

#[tokio::test]
async fn words_go_up_and_down_and_retained_heads_wait_for_who_comes_later() {
    let directory = tempfile::tempdir().unwrap();
    let broker = TestBroker::start(directory.path(), "aoba");
    let tenant = broker.tenant;
    let mut registry = Road::connect(broker.registry(1));
    up(&mut registry).await;
    registry.send(Topic::Heads(tenant, GROUP), payload("heads"), true).unwrap();

    let mut agent = Road::connect(broker.device(A, GROUP));
    up(&mut agent).await;
    assert_eq!(message(&mut agent).await, (Topic::Heads(tenant, GROUP), b"heads".to_vec()));
    agent.send(Topic::Up(tenant, A), payload("want"), false).unwrap();
    assert_eq!(message(&mut registry).await, (Topic::Up(tenant, A), b"want".to_vec()));
    registry.send(Topic::Down(tenant, A), payload("page"), false).unwrap();
    assert_eq!(message(&mut agent).await, (Topic::Down(tenant, A), b"page".to_vec()));
}

#[tokio::test]
async fn of_two_registry_processes_one_hears_each_word() {
    let directory = tempfile::tempdir().unwrap();
    let broker = TestBroker::start(directory.path(), "aoba");
    let (mut one, mut other) = (Road::connect(broker.registry(1)), Road::connect(broker.registry(2)));
    up(&mut one).await;
    up(&mut other).await;
    let mut agent = Road::connect(broker.device(A, GROUP));
    up(&mut agent).await;
    for number in 0..20 {
        agent.send(Topic::Up(broker.tenant, A), payload(&number.to_string()), false).unwrap();
        // The outbox is bounded; the broker takes these faster than a test can fill it when it is let.
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let mut heard = Vec::new();
    while heard.len() < 20 {
        let (_, bytes) = tokio::select! {
            it = message(&mut one) => it,
            it = message(&mut other) => it,
        };
        heard.push(String::from_utf8(bytes).unwrap().parse::<u32>().unwrap());
    }
    heard.sort_unstable();
    assert_eq!(heard, (0..20).collect::<Vec<u32>>(), "each once");
}

#[tokio::test]
async fn without_a_certificate_nobody_gets_on() {
    let directory = tempfile::tempdir().unwrap();
    let broker = TestBroker::start(directory.path(), "aoba");
    let mut settings = broker.device(A, GROUP);
    settings.tls = tls::pinned(broker.authority.pin(), Arc::new(Clock::default())).unwrap();
    let why = down(&mut Road::connect(settings)).await;
    assert!(matches!(why, Down::Certificate(_)), "{why:?}");
}

#[tokio::test]
async fn a_certificate_of_another_authority_opens_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let broker = TestBroker::start(directory.path(), "aoba");
    let other = Authority::new("another", SystemTime::now()).unwrap();
    let identity = Identity::generate().unwrap();
    let chain = other.device(A, &identity.request().unwrap(), SystemTime::now()).unwrap();
    let mut settings = broker.device(A, GROUP);
    let clock = Arc::new(Clock::default());
    settings.tls = tls::client(broker.authority.certificate(), &chain, &identity, clock).unwrap();
    let why = down(&mut Road::connect(settings)).await;
    assert!(matches!(why, Down::Certificate(_)), "{why:?}");
}

#[tokio::test]
async fn a_broker_of_another_authority_or_under_another_name_hears_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let broker = TestBroker::start(directory.path(), "aoba");
    let other = Authority::new("another", SystemTime::now()).unwrap();
    let identity = Identity::generate().unwrap();
    let chain = broker.authority.device(A, &identity.request().unwrap(), SystemTime::now()).unwrap();
    let mut settings = broker.device(A, GROUP);
    let clock = Arc::new(Clock::default());
    settings.tls = tls::client(other.certificate(), &chain, &identity, clock).unwrap();
    assert!(matches!(down(&mut Road::connect(settings)).await, Down::Certificate(_)));

    let mut settings = broker.device(A, GROUP);
    settings.host = "127.0.0.2".into();
    let why = down(&mut Road::connect(settings)).await;
    assert!(!matches!(why, Down::Refused(_)), "{why:?}");
}

#[tokio::test]
async fn a_device_neither_hears_nor_speaks_for_another() {
    let directory = tempfile::tempdir().unwrap();
    let broker = TestBroker::start(directory.path(), "aoba");
    let tenant = broker.tenant;
    let mut registry = Road::connect(broker.registry(1));
    up(&mut registry).await;
    // A's certificate, and a wish to hear everything of B and of everybody.
    let mut settings = broker.device(A, GROUP);
    settings.subscriptions.push(Topic::Down(tenant, B).to_string());
    settings.subscriptions.push(Topic::Up(tenant, B).to_string());
    settings.subscriptions.push("genkan/#".into());
    let mut spy = Road::connect(settings);
    up(&mut spy).await;
    let mut b = Road::connect(broker.device(B, GROUP));
    up(&mut b).await;

    registry.send(Topic::Down(tenant, B), payload("for B alone"), false).unwrap();
    assert_eq!(message(&mut b).await.1, b"for B alone");
    b.send(Topic::Up(tenant, B), payload("from B"), false).unwrap();
    assert_eq!(message(&mut registry).await.1, b"from B");

    spy.send(Topic::Up(tenant, B), payload("forged as B"), false).unwrap();
    spy.send(Topic::Down(tenant, B), payload("forged as registry"), false).unwrap();
    spy.send(Topic::Heads(tenant, GROUP), payload("forged heads"), true).unwrap();
    spy.send(Topic::Up(tenant, A), payload("from A"), false).unwrap();
    assert_eq!(message(&mut registry).await, (Topic::Up(tenant, A), b"from A".to_vec()), "nothing before it");
    registry.send(Topic::Down(tenant, A), payload("for A"), false).unwrap();
    // What a device hears of its own words up is what "genkan/#" gives it, if the broker gives it at all: nothing.
    assert_eq!(message(&mut spy).await, (Topic::Down(tenant, A), b"for A".to_vec()), "nothing before it");
    registry.send(Topic::Down(tenant, B), payload("again"), false).unwrap();
    assert_eq!(message(&mut b).await.1, b"again", "nothing forged before it");
}

#[tokio::test]
async fn a_broker_that_dies_is_found_again() {
    let directory = tempfile::tempdir().unwrap();
    let mut broker = TestBroker::start(directory.path(), "aoba");
    let mut agent = Road::connect(broker.device(A, GROUP));
    let mut registry = Road::connect(broker.registry(1));
    up(&mut agent).await;
    up(&mut registry).await;
    broker.kill();
    assert!(matches!(down(&mut agent).await, Down::Unreachable(_)));
    assert!(matches!(down(&mut registry).await, Down::Unreachable(_)));
    assert_eq!(agent.send(Topic::Up(broker.tenant, A), payload("lost"), false), Err(RoadError::Down));
    broker.start_again();
    up(&mut agent).await;
    up(&mut registry).await;
    agent.send(Topic::Up(broker.tenant, A), payload("here again"), false).unwrap();
    assert_eq!(message(&mut registry).await.1, b"here again");
}

#[tokio::test]
async fn what_is_too_large_is_refused_before_it_is_sent_and_the_road_stays() {
    let directory = tempfile::tempdir().unwrap();
    let broker = TestBroker::start(directory.path(), "aoba");
    let mut registry = Road::connect(broker.registry(1));
    let mut agent = Road::connect(broker.device(A, GROUP));
    up(&mut registry).await;
    up(&mut agent).await;
    let too_large = agent.send(Topic::Up(broker.tenant, A), vec![0; 2 * pad::MOST], false);
    assert!(matches!(too_large, Err(RoadError::TooLarge { .. })), "{too_large:?}");
    let greatest = vec![7; ledger::MAX_MESSAGE];
    agent.send(Topic::Up(broker.tenant, A), pad::pad(&greatest).unwrap(), false).unwrap();
    assert_eq!(
        message(&mut registry).await.1,
        greatest,
        "the greatest message passes on the same connection"
    );
    assert!(agent.is_up());
}

#[tokio::test]
async fn the_outbox_is_bounded() {
    let directory = tempfile::tempdir().unwrap();
    let broker = TestBroker::start(directory.path(), "aoba");
    let mut agent = Road::connect(broker.device(A, GROUP));
    up(&mut agent).await;
    // Nothing is awaited between them, so nothing is sent.
    let sent = (0..1_000).map(|_| agent.send(Topic::Up(broker.tenant, A), payload("x"), false));
    let full = sent.filter(|it| *it == Err(RoadError::Full)).count();
    assert_eq!(full, 1_000 - wire::mqtt::OUTBOX);
}

#[test]
fn a_device_is_called_what_the_authority_says_and_serves_nobody() {
    let authority = Authority::new("a", SystemTime::now()).unwrap();
    let again = Authority::from_pem(&authority.key_pem(), &authority.certificate_pem()).unwrap();
    assert_eq!(again.pin(), authority.pin());
    let identity = Identity::generate().unwrap();
    let chain = again.device(A, &asks_to_be_the_registry(&identity), SystemTime::now()).unwrap();
    let text = tls::pem(&chain[0]);
    let (from, to) = tls::validity(&chain[0]).unwrap();
    assert_eq!((to - from) / 86_400, 730, "two years");
    let names = |needle: &str| chain[0].windows(needle.len()).any(|at| at == needle.as_bytes());
    assert!(names(&A.to_string()) && !names("registry") && !names("broker.example"), "{text}");
    // The object identifier of server authentication, 1.3.6.1.5.5.7.3.1, and of client authentication, .2.
    let purpose = |last: u8| chain[0].windows(8).any(|at| at == [0x2B, 6, 1, 5, 5, 7, 3, last]);
    assert!(purpose(2) && !purpose(1));
}

/// A request that asks for the registry's name, a server's name and a server's purpose.
fn asks_to_be_the_registry(identity: &Identity) -> Vec<u8> {
    let key = rcgen::KeyPair::from_pem(&identity.to_pem()).unwrap();
    let mut asked = rcgen::CertificateParams::new(vec!["broker.example".to_owned()]).unwrap();
    asked.distinguished_name.push(rcgen::DnType::CommonName, "registry");
    asked.extended_key_usages = vec![rcgen::ExtendedKeyUsagePurpose::ServerAuth];
    asked.serialize_request(&key).unwrap().der().to_vec()
}

#[test]
fn a_request_that_its_key_did_not_sign_is_refused() {
    let authority = Authority::new("a", SystemTime::now()).unwrap();
    let mut request = Identity::generate().unwrap().request().unwrap();
    authority.device(A, &request, SystemTime::now()).unwrap();
    let last = request.len() - 1;
    request[last] ^= 1;
    assert!(authority.device(A, &request, SystemTime::now()).is_err());
    assert!(authority.device(A, b"", SystemTime::now()).is_err());
    assert!(authority.device(A, &vec![0x30; 100_000], SystemTime::now()).is_err());
}

//! The agent as a process between a kiosk's socket and a real broker: what it carries, what it survives, what it never knows.

#![allow(clippy::unwrap_used)]

mod common;

use common::{City, MARKER, agent, key, lock, secret};
use std::path::Path;
use std::time::Duration;
use wire::pad;

fn some(from: u64, count: u64) -> Vec<ledger::Body> {
    (from..from + count).map(secret).collect()
}

async fn city() -> City {
    let mut city = City::new();
    city.kiosk_arrives();
    city.agent_starts();
    city
}

#[ignore = "it does not come true yet: courier or stand-in, not found out"]
#[tokio::test]
async fn pages_pass_both_ways_and_the_kiosk_gets_its_receipt_and_nothing_at_the_agent_is_readable() {
    let city = city().await;
    lock(&city.kiosk).write("device/bulk", &some(0, 300));
    lock(&city.kiosk).write("device/urgent", &some(0, 3));
    lock(&city.registry).write("facility/bulk", &some(1_000, 300));
    lock(&city.registry).write("facility/urgent", &some(2_000, 3));
    city.converges().await;
    lock(&city.kiosk).sign_head();
    let written = lock(&city.kiosk).runs(key(0x0D).id());
    let receipted = || {
        let kiosk = lock(&city.kiosk);
        let newest = kiosk.receipts.last().map(|receipt| receipt.receipt.runs.clone());
        newest.is_some_and(|runs| written.iter().all(|at| runs.contains(at)))
    };
    city.until("the kiosk gets a receipt for all it wrote", receipted).await;

    let whole =
        || city.status().is_some_and(|it| it.waiting_up == 0 && it.waiting_down == 0 && it.receipt.is_some());
    city.until("the status says that nothing waits", whole).await;
    let status = city.status().unwrap();
    assert!(
        status.kiosk.up && status.registry.up && !status.disk.full && !status.clock_in_doubt,
        "{status:?}"
    );
    assert_eq!(status.feeds["device/bulk"].records, 301);
    assert!((725..=730).contains(&status.certificate.days_left), "{status:?}");
    let text = agent(&city.agent_directory(), &["status"]);
    assert!(text.contains("0 records up, 0 down"), "{text}");
    let json: serde_json::Value =
        serde_json::from_str(&agent(&city.agent_directory(), &["status", "--json"])).unwrap();
    assert_eq!(json["disk"]["full"], false);

    for secret in [MARKER.as_bytes(), &[5; 32], &[0x0D; 32], &[0xEE; 32]] {
        assert!(!anywhere(&city.agent_directory(), secret), "a file of the agent holds a secret");
    }
    assert!(!in_memory(city.agent_id(), MARKER.as_bytes()), "the agent's memory holds a body");
    assert!(in_memory(city.agent_id(), b"genkan"), "the search finds what is there");
    assert!(!city.log().contains(MARKER));
}

#[ignore = "it does not come true yet: courier or stand-in, not found out"]
#[tokio::test]
async fn an_agent_that_is_killed_at_any_moment_loses_nothing_and_converges() {
    let mut city = city().await;
    let mut random: u64 = 0x9E37_79B9;
    for round in 0..14 {
        lock(&city.kiosk).write("device/bulk", &some(round * 100, 60));
        lock(&city.registry).write("facility/bulk", &some(round * 100, 60));
        lock(&city.kiosk).write("device/urgent", &some(round, 1));
        lock(&city.registry).write("facility/urgent", &some(round, 1));
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        tokio::time::sleep(Duration::from_millis(30 + (random >> 33) % 600)).await;
        city.agent_is_killed();
        city.agent_starts();
    }
    city.converges().await;
    lock(&city.kiosk).sign_head();
    city.until("the kiosk gets a receipt", || !lock(&city.kiosk).receipts.is_empty()).await;
    assert!(!city.log().contains("damaged"), "{}", city.log());
}

#[ignore = "it does not come true yet: courier or stand-in, not found out"]
#[tokio::test]
async fn a_broker_that_is_gone_and_comes_back_costs_nothing_but_time() {
    let mut city = city().await;
    lock(&city.kiosk).write("device/bulk", &some(0, 5));
    city.converges().await;
    city.broker.kill();
    city.until("the status says that the road is down", || city.status().is_some_and(|it| !it.registry.up))
        .await;
    lock(&city.kiosk).write("device/bulk", &some(5, 200));
    lock(&city.registry).write("facility/urgent", &some(0, 2));
    tokio::time::sleep(Duration::from_millis(1_500)).await;
    city.broker.start_again();
    city.converges().await;
}

#[ignore = "it does not come true yet: courier or stand-in, not found out"]
#[tokio::test]
async fn garbage_on_both_roads_is_dropped_and_changes_nothing() {
    let city = city().await;
    lock(&city.registry).write("facility/bulk", &some(0, 10));
    city.converges().await;
    // Bytes that are no payload, a payload that is no message, and a page that nobody signed.
    let run = lock(&city.registry).runs(key(0xEE).id()).into_iter().find(|at| at.length == 11).unwrap().run;
    let mut forged = lock(&city.registry).page(run, 0).unwrap();
    forged.run = ledger::RunId([0x66; 16]);
    city.wrong.lock().unwrap().extend([
        vec![7; 300],
        pad::pad(b"no message").unwrap(),
        pad::encode(&ledger::Message::Page(forged)).unwrap(),
    ]);
    let counted = || {
        city.status().is_some_and(|it| it.counts.garbage >= 2 && it.counts.refused + it.counts.strangers >= 1)
    };
    city.until("what is wrong is counted", counted).await;
    city.wrong_bytes.lock().unwrap().extend([0xFF; 64]);
    city.until("the kiosk's garbage is counted", || city.status().is_some_and(|it| it.counts.garbage >= 3))
        .await;
    lock(&city.kiosk).write("device/bulk", &some(0, 10));
    lock(&city.registry).write("facility/bulk", &some(10, 10));
    city.converges().await;
}

#[ignore = "it does not come true yet: courier or stand-in, not found out"]
#[tokio::test]
async fn a_kiosk_that_is_gone_finds_what_came_meanwhile() {
    let mut city = city().await;
    lock(&city.registry).write("facility/bulk", &some(0, 10));
    city.converges().await;
    city.kiosk_leaves();
    lock(&city.registry).write("facility/bulk", &some(10, 200));
    let carried = || city.status().is_some_and(|it| !it.kiosk.up && it.feeds["facility/bulk"].records == 211);
    city.until("the agent holds what the kiosk has not", carried).await;
    city.broker.kill();
    city.kiosk_arrives();
    city.converges().await;
}

#[tokio::test]
async fn an_agent_that_did_not_join_says_so() {
    let directory = tempfile::tempdir().unwrap();
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_sync-agent"))
        .args(["run", "--directory"])
        .arg(directory.path())
        .output()
        .unwrap();
    assert!(!output.status.success());
    assert!(String::from_utf8_lossy(&output.stderr).contains("has not joined"));
}

fn anywhere(directory: &Path, needle: &[u8]) -> bool {
    let files = std::fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
    let mut contents = files.filter(|path| path.is_file()).map(|path| std::fs::read(path).unwrap());
    contents.any(|bytes| bytes.windows(needle.len()).any(|at| at == needle))
}

/// Looks through the memory that a process can write.
fn in_memory(process: u32, needle: &[u8]) -> bool {
    use std::os::unix::fs::FileExt;
    let maps = std::fs::read_to_string(format!("/proc/{process}/maps")).unwrap();
    let memory = std::fs::File::open(format!("/proc/{process}/mem")).unwrap();
    let mut places = maps.lines().filter(|line| line.contains(" rw"));
    places.any(|line| {
        let (from, rest) = line.split_once('-').unwrap();
        let (to, _) = rest.split_once(' ').unwrap();
        let address = |text| u64::from_str_radix(text, 16).unwrap();
        let (from, to) = (address(from), address(to));
        let mut bytes = vec![0; usize::try_from(to - from).unwrap()];
        let read = memory.read_at(&mut bytes, from).unwrap_or(0);
        bytes[..read].windows(needle.len()).any(|at| at == needle)
    })
}

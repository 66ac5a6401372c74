//! How things are: written as `status.json` by the running agent, read by `sync-agent status`. Ids, lengths, times and reasons;
//! the agent knows nothing personal that it could say.

use crate::courier::{Counts, Courier};
use crate::settings::Settings;
use ledger::{AuthorId, Class};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::Path;

const MIB: u64 = 1 << 20;
const DAY_S: u64 = 86_400;

/// How things are.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Status {
    /// When this was written, seconds since 1970 by the agent's clock.
    pub at_s: u64,
    /// Whose agent it is.
    pub device: String,
    /// The group it belongs to.
    pub facility: String,
    /// The road to the kiosk.
    pub kiosk: RoadStatus,
    /// The road to the registry.
    pub registry: RoadStatus,
    /// What is held, by feed and whose it is.
    pub feeds: BTreeMap<String, FeedStatus>,
    /// Records of the own device for which there is no receipt yet.
    pub waiting_up: u64,
    /// Records that the registry offered and are not here yet.
    pub waiting_down: u64,
    /// The registry's last receipt, if any.
    pub receipt: Option<ReceiptStatus>,
    /// The certificate.
    pub certificate: CertificateStatus,
    /// The clock is not to be believed: certificates are judged by what is certain.
    pub clock_in_doubt: bool,
    /// The disk.
    pub disk: DiskStatus,
    /// Since the start.
    pub counts: Counts,
}

/// One road.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RoadStatus {
    /// Whether there is a connection.
    pub up: bool,
    /// For how long it has been so, in seconds.
    pub for_s: u64,
    /// Why there is none.
    pub why: Option<String>,
}

/// One feed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FeedStatus {
    /// How many runs.
    pub runs: u64,
    /// How many records.
    pub records: u64,
}

/// The last receipt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReceiptStatus {
    /// When the registry signed it, seconds since 1970 by its clock.
    pub signed_s: i64,
    /// How long ago that is by the agent's clock, in seconds.
    pub age_s: i64,
    /// The newest epoch of the group.
    pub epoch: u32,
}

/// The certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CertificateStatus {
    /// When it ends, seconds since 1970.
    pub ends_s: u64,
    /// How many days are left; below a third of two years it is time for a new one.
    pub days_left: i64,
}

/// The disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DiskStatus {
    /// What the replica takes, in MiB.
    pub used_mib: u64,
    /// What it may take, in MiB.
    pub keep_mib: u64,
    /// What is free on the disk, in MiB, if the system says it.
    pub free_mib: Option<u64>,
    /// There is no room: only what is urgent goes on.
    pub full: bool,
}

/// What the driver knows and the courier does not.
#[derive(Clone, Debug)]
pub struct Around<'a> {
    /// By the agent's clock, seconds since 1970.
    pub now_s: u64,
    /// The clock is not to be believed.
    pub in_doubt: bool,
    /// The group.
    pub facility: ledger::GroupId,
    /// Whose agent it is.
    pub device: AuthorId,
    /// The roads.
    pub kiosk: RoadStatus,
    /// The roads.
    pub registry: RoadStatus,
    /// When the certificate ends.
    pub certificate_ends_s: u64,
    /// The settings.
    pub settings: &'a Settings,
    /// What is free on the disk, in bytes.
    pub free_bytes: Option<u64>,
    /// What the replica takes, in bytes.
    pub used_bytes: u64,
}

/// Puts it together.
pub fn status(courier: &Courier, around: &Around<'_>) -> Status {
    let signed = |value: u64| i64::try_from(value).unwrap_or(i64::MAX);
    Status {
        at_s: around.now_s,
        device: around.device.to_string(),
        facility: around.facility.to_string(),
        kiosk: around.kiosk.clone(),
        registry: around.registry.clone(),
        feeds: feeds(courier, around.device),
        waiting_up: waiting_up(courier, around.device),
        waiting_down: waiting_down(courier, around.device),
        receipt: courier.receipt().map(|signed_receipt| ReceiptStatus {
            signed_s: signed_receipt.receipt.wall_ms / 1_000,
            age_s: signed(around.now_s) - signed_receipt.receipt.wall_ms / 1_000,
            epoch: signed_receipt.receipt.epoch,
        }),
        certificate: CertificateStatus {
            ends_s: around.certificate_ends_s,
            days_left: (signed(around.certificate_ends_s) - signed(around.now_s)).div_euclid(signed(DAY_S)),
        },
        clock_in_doubt: around.in_doubt,
        disk: DiskStatus {
            used_mib: around.used_bytes.div_ceil(MIB),
            keep_mib: around.settings.keep_mib,
            free_mib: around.free_bytes.map(|bytes| bytes / MIB),
            full: !courier.has_room(),
        },
        counts: courier.counts,
    }
}

fn feeds(courier: &Courier, device: AuthorId) -> BTreeMap<String, FeedStatus> {
    let mut feeds: BTreeMap<String, FeedStatus> = BTreeMap::new();
    for line in courier.sync().lines() {
        let others = line.feed().class.is_registrys() || line.author() == device;
        let name = if others { line.feed().to_string() } else { format!("{} of others", line.feed()) };
        let feed = feeds.entry(name).or_default();
        feed.runs += 1;
        feed.records += line.at().length;
    }
    feeds
}

fn waiting_up(courier: &Courier, device: AuthorId) -> u64 {
    let receipted: BTreeMap<_, _> = courier
        .receipt()
        .map(|signed| signed.receipt.runs.iter().map(|at| (at.run, at.length)).collect())
        .unwrap_or_default();
    let own = courier.sync().lines().filter(|line| line.author() == device);
    own.map(|line| line.at().length.saturating_sub(receipted.get(&line.at().run).copied().unwrap_or(0))).sum()
}

fn waiting_down(courier: &Courier, device: AuthorId) -> u64 {
    let members = courier.sync().members();
    let carried = courier
        .offers()
        .filter(|have| have.feed.class == Class::Control || members.carries(device, have.author, have.feed));
    let held = |run| courier.sync().line(run).map_or(0, |line| line.at().length);
    carried.map(|have| have.at.length.saturating_sub(held(have.at.run))).sum()
}

/// Writes the file, whole or not at all.
///
/// Errors: those of the disk.
pub fn write(path: &Path, status: &Status) -> std::io::Result<()> {
    let next = path.with_extension("json.next");
    std::fs::write(&next, serde_json::to_vec_pretty(status)?)?;
    std::fs::rename(&next, path)
}

/// Reads the file.
///
/// Errors: those of the disk, and of a file that another version wrote.
pub fn read(path: &Path) -> std::io::Result<Status> {
    Ok(serde_json::from_slice(&std::fs::read(path)?)?)
}

/// For people.
pub fn text(status: &Status, now_s: u64) -> String {
    let road = |name: &str, road: &RoadStatus| {
        let why = road.why.as_deref().map(|why| format!(": {why}")).unwrap_or_default();
        format!("{name:<12} {} for {} s{why}\n", if road.up { "up" } else { "down" }, road.for_s)
    };
    let mut text = format!("device       {}\nfacility     {}\n", status.device, status.facility);
    let age_s = now_s.saturating_sub(status.at_s);
    if age_s > 60 {
        text += &format!("this is {age_s} s old: the agent does not run\n");
    }
    text += &road("kiosk", &status.kiosk);
    text += &road("registry", &status.registry);
    text += &match &status.receipt {
        Some(receipt) => format!("receipt      {} s old, epoch {}\n", receipt.age_s, receipt.epoch),
        None => "receipt      none yet\n".to_owned(),
    };
    text += &format!("waiting      {} records up, {} down\n", status.waiting_up, status.waiting_down);
    text += &format!("certificate  {} days left\n", status.certificate.days_left);
    if status.clock_in_doubt {
        text += "clock        in doubt: set it\n";
    }
    let full = if status.disk.full { ", full: only what is urgent goes on" } else { "" };
    text += &format!("disk         {} of {} MiB{full}\n", status.disk.used_mib, status.disk.keep_mib);
    for (name, feed) in &status.feeds {
        text += &format!("{name}: {} records in {} runs\n", feed.records, feed.runs);
    }
    let Counts { refused, strangers, forks, garbage, failed } = status.counts;
    text + &format!(
        "since the start: {refused} refused, {strangers} of strangers, {forks} forks, {garbage} garbage, \
         {failed} failed transactions\n"
    )
}

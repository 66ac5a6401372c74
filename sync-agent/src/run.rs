//! The driver: sockets, clocks and waiting around the [`Courier`]. One thread; what blocks here is the disk, for a page at a time.

use crate::courier::{Courier, KIOSK, Parcel, REGISTRY};
use crate::home::{Home, HomeError};
use crate::kiosk_road::{self, KioskEvent, KioskRoad};
use crate::settings::Settings;
use crate::status::{self, Around, RoadStatus};
use crate::store::{Store, StoreError};
use ledger::{JoinAnswer, Message, Peer};
use sd_notify::NotifyState;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::signal::unix::{SignalKind, signal};
use wire::{Clock, Road, RoadEvent, Tenant, Topic, pad, tls, topics};

/// How often the replica looks whether to ask again.
const TICK: Duration = Duration::from_secs(1);
/// How many messages may be under way to the broker before the next page is read; one has 64 KiB, seldom 256.
const UNDER_WAY: usize = 4;
const MIB: u64 = 1 << 20;

/// Why the agent ends.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// A file of the directory.
    #[error(transparent)]
    Home(#[from] HomeError),
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The certificates.
    #[error(transparent)]
    Tls(#[from] tls::TlsError),
    /// The registry's answer names no broker.
    #[error("the registry's answer names no broker as host:port: join again")]
    Broker,
    /// The system.
    #[error("the system does not let the agent wait for signals: {0}")]
    System(std::io::Error),
}

/// Runs until it is told to stop.
///
/// Errors: [`RunError`].
pub async fn run(home: &Home) -> Result<(), RunError> {
    let mut terminate = signal(SignalKind::terminate()).map_err(RunError::System)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(RunError::System)?;
    let mut agent = Agent::start(home)?;
    _ = sd_notify::notify(&[NotifyState::Ready]);
    tokio::select! {
        ended = agent.go_on() => ended,
        _ = terminate.recv() => { agent.stop(); Ok(()) }
        _ = interrupt.recv() => { agent.stop(); Ok(()) }
    }
}

struct Agent {
    home: Home,
    settings: Settings,
    answer: JoinAnswer,
    tenant: Tenant,
    clock: Arc<Clock>,
    certificate_ends_s: u64,
    courier: Courier,
    kiosk: KioskRoad,
    road: Road,
    states: [State; 2],
    began: Instant,
    status_at: Instant,
}

/// What is said of a road.
struct State {
    up: bool,
    since: Instant,
    why: Option<String>,
}

impl State {
    fn new() -> State {
        State { up: false, since: Instant::now(), why: None }
    }

    fn set(&mut self, up: bool, why: Option<String>) {
        if self.up != up {
            self.since = Instant::now();
        }
        (self.up, self.why) = (up, why);
    }

    fn said(&self) -> RoadStatus {
        RoadStatus { up: self.up, for_s: self.since.elapsed().as_secs(), why: self.why.clone() }
    }
}

impl Agent {
    fn start(home: &Home) -> Result<Agent, RunError> {
        let settings = home.settings()?;
        let answer = home.membership()?;
        let clock = Arc::new(Clock::default());
        let certificate = answer.chain.first().ok_or(tls::TlsError::Certificate)?;
        let (_, certificate_ends_s) = tls::validity(certificate)?;
        clock.own_certificate_ends(certificate_ends_s);
        let store = open(home)?;
        let bulk_every_ms = u64::from(settings.bulk_every_s) * 1_000;
        let courier = Courier::new(store, &answer, bulk_every_ms, clock.clone())?;
        let tenant = Tenant::of(&answer.tenant);
        let road = Road::connect(road_settings(home, &settings, &answer, clock.clone())?);
        let kiosk = KioskRoad::connect(settings.kiosk_socket.clone());
        tracing::info!(event = "agent_started", device = %answer.author, facility = %answer.facility);
        Ok(Agent {
            home: home.clone(),
            settings,
            answer,
            tenant,
            clock,
            certificate_ends_s,
            courier,
            kiosk,
            road,
            states: [State::new(), State::new()],
            began: Instant::now(),
            status_at: Instant::now(),
        })
    }

    async fn go_on(&mut self) -> Result<(), RunError> {
        let mut tick = tokio::time::interval(TICK);
        tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let outbox = self.kiosk.outbox();
        let mut under_way = self.road.under_way();
        loop {
            let to_kiosk = self.courier.waits(KIOSK);
            let to_registry = self.courier.waits(REGISTRY);
            tokio::select! {
                event = self.kiosk.next() => self.of_kiosk(event)?,
                event = self.road.next() => self.of_road(event)?,
                _ = tick.tick() => self.tick()?,
                _ = outbox.reserve_many(kiosk_road::ROOM), if to_kiosk => self.serve(KIOSK)?,
                _ = under_way.wait_for(|count| *count < UNDER_WAY), if to_registry => self.serve(REGISTRY)?,
            }
        }
    }

    fn now_ms(&self) -> u64 {
        u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    fn of_kiosk(&mut self, event: KioskEvent) -> Result<(), RunError> {
        let now_ms = self.now_ms();
        let parcels = match event {
            KioskEvent::Up => {
                tracing::info!(event = "kiosk_up");
                self.states[0].set(true, None);
                self.courier.connected(now_ms, KIOSK)?
            }
            KioskEvent::Down(why) => {
                if self.states[0].up {
                    tracing::info!(event = "kiosk_down", why);
                }
                self.states[0].set(false, Some(why));
                self.courier.gone(now_ms, KIOSK)?
            }
            KioskEvent::Garbage(error) => {
                tracing::warn!(event = "garbage", road = "kiosk", %error);
                self.courier.garbage();
                Vec::new()
            }
            KioskEvent::Said(message) => self.courier.heard(now_ms, KIOSK, message)?,
        };
        self.deliver(parcels);
        Ok(())
    }

    fn of_road(&mut self, event: RoadEvent) -> Result<(), RunError> {
        let now_ms = self.now_ms();
        let parcels = match event {
            RoadEvent::Up => {
                self.states[1].set(true, None);
                self.courier.connected(now_ms, REGISTRY)?
            }
            RoadEvent::Down(why) => {
                self.states[1].set(false, Some(why.to_string()));
                self.courier.gone(now_ms, REGISTRY)?
            }
            RoadEvent::Message { topic, payload } => match self.of_topic(topic, &payload) {
                Some(message) => self.courier.heard(now_ms, REGISTRY, message)?,
                None => {
                    tracing::warn!(event = "garbage", road = "registry", bytes = payload.len());
                    self.courier.garbage();
                    Vec::new()
                }
            },
        };
        self.deliver(parcels);
        Ok(())
    }

    /// What stands on a topic: on the heads nothing but heads.
    fn of_topic(&self, topic: Topic, payload: &[u8]) -> Option<Message> {
        let message = pad::decode(payload).ok()?;
        let heads = Topic::Heads(self.tenant, self.answer.facility);
        let down = Topic::Down(self.tenant, self.answer.author);
        let fits = topic == down || (topic == heads && matches!(message, Message::Have(_)));
        fits.then_some(message)
    }

    fn serve(&mut self, peer: Peer) -> Result<(), RunError> {
        let parcel = self.courier.serve(self.now_ms(), peer)?;
        self.deliver(parcel.into_iter().collect());
        Ok(())
    }

    /// What finds no room is dropped; the other end, or ours, asks again.
    fn deliver(&self, parcels: Vec<Parcel>) {
        for Parcel { to, message } in parcels {
            let sent = if to == KIOSK {
                self.kiosk.send(&message)
            } else {
                let topic = Topic::Up(self.tenant, self.answer.author);
                pad::encode(&message).is_ok_and(|payload| self.road.send(topic, payload, false).is_ok())
            };
            if !sent {
                tracing::debug!(event = "not_sent", peer = to.0);
            }
        }
    }

    fn tick(&mut self) -> Result<(), RunError> {
        _ = sd_notify::notify(&[NotifyState::Watchdog]);
        let (used, free) = (self.courier.used_bytes()?, self.home.free_bytes());
        let room = used < self.settings.keep_mib * MIB
            && free.is_none_or(|free| free >= self.settings.leave_mib * MIB);
        let parcels = self.courier.tick(self.now_ms(), room)?;
        self.deliver(parcels);
        if self.status_at <= Instant::now() {
            self.status_at = Instant::now() + Duration::from_secs(self.settings.status_every_s.into());
            self.say_status(used, free);
        }
        Ok(())
    }

    fn say_status(&self, used_bytes: u64, free_bytes: Option<u64>) {
        let reading = self.clock.read();
        let around = Around {
            now_s: reading.now_s,
            in_doubt: reading.in_doubt,
            facility: self.answer.facility,
            device: self.answer.author,
            kiosk: self.states[0].said(),
            registry: self.states[1].said(),
            certificate_ends_s: self.certificate_ends_s,
            settings: &self.settings,
            free_bytes,
            used_bytes,
        };
        if let Err(error) = status::write(&self.home.status(), &status::status(&self.courier, &around)) {
            tracing::warn!(event = "status_not_written", %error);
        }
    }

    fn stop(&self) {
        _ = sd_notify::notify(&[NotifyState::Stopping]);
        tracing::info!(event = "agent_stopped");
    }
}

/// The store; a damaged one is put aside and begun again, since kiosk and registry have what was in it.
fn open(home: &Home) -> Result<Store, RunError> {
    let path = home.replica();
    match Store::open(&path) {
        Err(StoreError::Damaged(why)) => {
            tracing::error!(event = "replica_damaged", why);
            let aside = path.with_extension("sqlite.damaged");
            std::fs::rename(&path, aside)
                .map_err(|error| HomeError::File { file: "replica.sqlite", error })?;
            for rest in ["sqlite-wal", "sqlite-shm"] {
                _ = std::fs::remove_file(path.with_extension(rest));
            }
            Ok(Store::open(&path)?)
        }
        opened => Ok(opened?),
    }
}

fn road_settings(
    home: &Home,
    settings: &Settings,
    answer: &JoinAnswer,
    clock: Arc<Clock>,
) -> Result<wire::Settings, RunError> {
    let (host, port) = answer.broker.rsplit_once(':').ok_or(RunError::Broker)?;
    let tls = tls::client(&answer.ca, &answer.chain, &home.identity()?, clock)?;
    Ok(wire::Settings {
        host: host.trim_start_matches('[').trim_end_matches(']').to_owned(),
        port: port.parse().map_err(|_| RunError::Broker)?,
        client: answer.author.to_string(),
        tls,
        subscriptions: topics::of_device(Tenant::of(&answer.tenant), answer.author, answer.facility),
        keep_alive_s: settings.keep_alive_s,
    })
}

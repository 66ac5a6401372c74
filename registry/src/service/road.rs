//! The driver: a thread that owns the service, because the database blocks, and a task that owns the road.

use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::time::{Duration, Instant, SystemTime};

use ledger::{AuthorId, Message};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc;
use wire::{Authority, Clock, Road, RoadError, RoadEvent, Settings, Tenant, Topic, pad, tls, topics};

use super::{Out, Service, passes};
use crate::config::Config;
use crate::failure::{Done, Failure};
use crate::keys::{hex, random};
use crate::office::Office;

/// How often the database is looked at for what others committed.
const LOOK_EVERY: Duration = Duration::from_millis(200);
/// How many messages wait for the database; more wait in the broker.
const INBOX: usize = 64;
/// How many messages wait for the road; more are dropped, and asked for again.
const OUTBOX: usize = 1_024;
/// How long one message waits for room on the road.
const FULL_FOR: Duration = Duration::from_secs(2);

enum In {
    Up,
    Heard(AuthorId, Box<Message>),
}

/// Serves until the process is told to end.
///
/// Errors: what is missing or not as it must be at the start, and a database that refuses.
pub fn run(root: &Path) -> Done<String> {
    let config = Config::read(root)?;
    let authority = crate::authority(root)?;
    let service = Service::open(Office::open(root)?)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|source| Failure::Io { act: "start in", path: root.to_owned(), source })?;
    let (inbox, messages) = sync_channel(INBOX);
    let (outbox, sends) = mpsc::channel(OUTBOX);
    let thread =
        std::thread::Builder::new().name("office".into()).spawn(move || serve(service, &messages, &outbox));
    let thread = thread.map_err(|source| Failure::Io { act: "start in", path: root.to_owned(), source })?;
    let ended = runtime.block_on(async {
        let mut end =
            signal(SignalKind::terminate()).map_err(|_| Failure::Asked("the system gives no signals"))?;
        let settings = settings(&config, &authority)?;
        _ = sd_notify::notify(&[sd_notify::NotifyState::Ready]);
        tokio::select! {
            _ = end.recv() => Ok(()),
            _ = tokio::signal::ctrl_c() => Ok(()),
            () = carry(settings, Tenant::of(&config.tenant), inbox, sends) => Ok(()),
        }
    });
    drop(runtime);
    let served = thread.join().unwrap_or(Err(Failure::Asked("the office ended in a panic; see the log")));
    ended.and(served).map(|()| "ended".to_owned())
}

/// How the road is reached, with a certificate made for this start.
fn settings(config: &Config, authority: &Authority) -> Done<Settings> {
    let unusable = |why: String| Failure::Unusable { path: "ca.pem".into(), why };
    let issued = authority.process(SystemTime::now()).map_err(|error| unusable(error.to_string()))?;
    let clock = Arc::new(Clock::default());
    let client = tls::client(authority.certificate(), &issued.chain, &issued.identity, clock);
    let (host, port) = config.broker_address()?;
    Ok(Settings {
        host,
        port,
        client: format!("registry-{}", hex(&random::<8>()?)),
        tls: client.map_err(|error| unusable(error.to_string()))?,
        subscriptions: vec![topics::everything_up(Tenant::of(&config.tenant))],
        keep_alive_s: 30,
    })
}

/// The task: what comes goes to the office, what the office says goes out. It ends when the office does.
async fn carry(settings: Settings, tenant: Tenant, inbox: SyncSender<In>, mut sends: mpsc::Receiver<Out>) {
    let mut road = Road::connect(settings);
    loop {
        tokio::select! {
            event = road.next() => match event {
                // A full inbox drops it: the device asks again.
                RoadEvent::Up => drop(inbox.try_send(In::Up)),
                RoadEvent::Down(why) => tracing::warn!(event = "broker", %why),
                RoadEvent::Message { topic, payload } => {
                    let Topic::Up(_, device) = topic else { continue };
                    match pad::decode(&payload) {
                        Ok(message) => drop(inbox.try_send(In::Heard(device, Box::new(message)))),
                        Err(why) => tracing::warn!(event = "refused", %device, %why),
                    }
                }
            },
            out = sends.recv() => match out {
                Some(out) => send(&road, tenant, out).await,
                None => return,
            },
        }
    }
}

async fn send(road: &Road, tenant: Tenant, out: Out) {
    let (topic, message, retain) = match out {
        Out::Down(device, message) => (Topic::Down(tenant, device), message, false),
        Out::Heads(group, message) => (Topic::Heads(tenant, group), message, true),
    };
    let Ok(payload) = pad::encode(&message) else { return };
    let began = Instant::now();
    while road.send(topic, payload.clone(), retain) == Err(RoadError::Full) && began.elapsed() < FULL_FOR {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// The thread: ends when the task is gone.
fn serve(mut service: Service, messages: &Receiver<In>, outbox: &mpsc::Sender<Out>) -> Done<()> {
    let start = Instant::now();
    let mut ticked = Duration::ZERO;
    loop {
        let heard = messages.recv_timeout(LOOK_EVERY);
        let now = u64::try_from(start.elapsed().as_millis()).unwrap_or(u64::MAX);
        let mut done = match heard {
            Ok(In::Heard(device, message)) => service.heard(now, device, *message),
            Ok(In::Up) => service.heads(),
            Err(RecvTimeoutError::Timeout) => Ok(Vec::new()),
            Err(RecvTimeoutError::Disconnected) => return Ok(()),
        };
        if done.is_ok() && start.elapsed() - ticked >= Duration::from_secs(1) {
            ticked = start.elapsed();
            tell(done, outbox)?;
            done = service.tick(now);
        }
        tell(done, outbox)?;
    }
}

/// Errors: one that does not pass.
fn tell(done: Done<Vec<Out>>, outbox: &mpsc::Sender<Out>) -> Done<()> {
    match done {
        Ok(out) => out.into_iter().for_each(|out| drop(outbox.try_send(out))),
        Err(error) if passes(&error) => {
            tracing::warn!(event = "database", why = %error);
            std::thread::sleep(LOOK_EVERY);
        }
        Err(error) => return Err(error),
    }
    Ok(())
}

//! [`Road`]: a connection to the broker that comes back by itself. A port of our own, so that who uses it knows nothing of
//! the library below.
//!
//! MQTT 5, QoS 1, clean start, no session, no last will: each connection begins with nothing, and what was under way in the
//! one before is lost; the ledger's `Sync` asks for it again. A message is looked at before it is handed on: the library
//! would drop the whole connection over one that is too large.
//!
//! Everything is bounded: what waits to be sent ([`OUTBOX`]), what arrived and was not taken ([`INBOX`]; the broker's bytes
//! then wait in TCP), and the size of a packet.

use crate::broker::MAX_PACKET;
use crate::{Topic, pad};
use rumqttc::mqttbytes::QoS;
use rumqttc::mqttbytes::v5::{ConnAck, Publish, SubAck, SubscribeFilter, SubscribeReasonCode};
use rumqttc::{
    AsyncClient, ClientError, ConnectionError, Event, EventLoop, Incoming, IncomingPacketSizeLimit,
    MqttOptions, PublishOptions, TlsConfiguration, Transport,
};
use rustls::ClientConfig;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::{mpsc, watch};
use tokio::time::Instant;

/// How many messages wait to be sent; beyond it [`RoadError::Full`].
pub const OUTBOX: usize = 32;
/// How many messages arrived and were not taken; 16 of the greatest size are 4 MiB.
pub const INBOX: usize = 16;
/// The pause after the first failure; it doubles with each further one.
pub const FIRST_PAUSE: Duration = Duration::from_millis(500);
/// The longest pause between two tries, before jitter.
pub const LONGEST_PAUSE: Duration = Duration::from_secs(60);
/// A connection that stood so long was a good one: the next pause is the first again. Shorter ones count as failures, so two
/// clients that throw each other off the broker do it ever more seldom.
pub const GOOD_AFTER: Duration = Duration::from_secs(10);
/// How long one try may take, TCP and TLS and MQTT together.
pub const TRY_FOR: Duration = Duration::from_secs(20);
/// How many messages may be under way without an acknowledgement, each way.
const UNDER_WAY: u16 = 16;
/// What a publication takes beside its topic and payload, at most.
const HEADER: usize = 16;

/// Where to, as whom, and what to hear.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The broker's name, which its certificate must have.
    pub host: String,
    /// The broker's port.
    pub port: u16,
    /// A name that no other connection has: the broker drops the older of two.
    pub client: String,
    /// TLS, from [`crate::tls::client`].
    pub tls: Arc<ClientConfig>,
    /// What to subscribe to, from [`crate::topics`].
    pub subscriptions: Vec<String>,
    /// How often a silent connection shows that it lives, in seconds.
    pub keep_alive_s: u16,
}

/// What happened on the road.
#[derive(Debug)]
pub enum RoadEvent {
    /// The broker took us and our subscriptions.
    Up,
    /// There is no connection, or no longer; the next try comes by itself.
    Down(Down),
    /// A message.
    Message {
        /// Where it was published.
        topic: Topic,
        /// The payload, as it came: [`pad::decode`] reads it.
        payload: Vec<u8>,
    },
}

/// Why there is no connection.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Down {
    /// Nobody answers there, or the connection broke.
    #[error("no connection to the broker: {0}")]
    Unreachable(String),
    /// One end does not take the other's certificate, or they have no common TLS.
    #[error("certificates do not fit: {0}")]
    Certificate(String),
    /// The broker does not take us.
    #[error("the broker refuses: {0}")]
    Refused(String),
}

/// Why a message is not on its way. It is dropped; nothing else changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RoadError {
    /// No connection now.
    #[error("no connection to the broker: say it again when there is one")]
    Down,
    /// [`OUTBOX`] messages wait.
    #[error("{OUTBOX} messages wait to be sent: say it again later")]
    Full,
    /// Larger than this road or the broker takes.
    #[error("a message of {size} bytes is more than the broker's {limit}: it is never sent")]
    TooLarge {
        /// Topic, payload and header, in bytes.
        size: usize,
        /// What the broker takes.
        limit: usize,
    },
}

struct Connected {
    client: AsyncClient,
    limit: usize,
    since: Instant,
}

#[derive(Default)]
struct Inner {
    connected: Mutex<Option<Connected>>,
    under_way: watch::Sender<usize>,
}

type Shared = Arc<Inner>;

/// A connection that comes back by itself.
pub struct Road {
    shared: Shared,
    events: mpsc::Receiver<RoadEvent>,
    task: tokio::task::JoinHandle<()>,
}

impl std::fmt::Debug for Road {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Road(..)")
    }
}

impl Road {
    /// Begins to connect; the first [`Road::next`] says how it went. Needs a tokio runtime with time and network.
    pub fn connect(settings: Settings) -> Road {
        let shared = Shared::default();
        let (sender, events) = mpsc::channel(INBOX);
        let task = tokio::spawn(drive(settings, shared.clone(), sender));
        Road { shared, events, task }
    }

    /// What happens next. Safe to be dropped half-way, as in `select!`.
    pub async fn next(&mut self) -> RoadEvent {
        match self.events.recv().await {
            Some(event) => event,
            // The task ends with the road, or in a panic of its own that was reported.
            None => std::future::pending().await,
        }
    }

    /// Hands a message to the connection. `retain`: the broker keeps the last of this topic for who comes later.
    ///
    /// Errors: [`RoadError`].
    pub fn send(&self, topic: Topic, payload: Vec<u8>, retain: bool) -> Result<(), RoadError> {
        let guard = lock(&self.shared);
        let connected = guard.as_ref().ok_or(RoadError::Down)?;
        let topic = topic.to_string();
        let (size, limit) = (topic.len() + payload.len() + HEADER, connected.limit);
        if size > limit || payload.len() > pad::MOST {
            return Err(RoadError::TooLarge { size, limit });
        }
        let options = PublishOptions::new(QoS::AtLeastOnce).retain(retain);
        let sent = connected.client.try_publish(topic, payload, options);
        if sent.is_ok() {
            self.shared.under_way.send_modify(|count| *count += 1);
        }
        sent.map_err(|error| {
            if matches!(error, ClientError::RequestChannelFull(_)) {
                RoadError::Full
            } else {
                RoadError::Down
            }
        })
    }

    /// How many messages were handed on and not taken by the broker yet, to wait for room before making the next large one.
    pub fn under_way(&self) -> watch::Receiver<usize> {
        self.shared.under_way.subscribe()
    }

    /// Whether there is a connection now.
    pub fn is_up(&self) -> bool {
        lock(&self.shared).is_some()
    }
}

impl Drop for Road {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Nothing panics with the lock held.
fn lock(shared: &Shared) -> MutexGuard<'_, Option<Connected>> {
    shared.connected.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Connects again and again, until nobody listens.
async fn drive(settings: Settings, shared: Shared, events: mpsc::Sender<RoadEvent>) {
    let mut failures: u32 = 0;
    loop {
        let down = one_connection(&settings, &shared, &events).await;
        let stood = lock(&shared).take().is_some_and(|connected| connected.since.elapsed() >= GOOD_AFTER);
        shared.under_way.send_replace(0);
        failures = if stood { 1 } else { failures.saturating_add(1) };
        let pause = pause_after(failures, random());
        tracing::info!(event = "broker_down", why = %down, again_ms = u64::try_from(pause.as_millis()).unwrap_or(u64::MAX));
        if events.send(RoadEvent::Down(down)).await.is_err() {
            return;
        }
        tokio::time::sleep(pause).await;
    }
}

/// One connection from its beginning to its end. The library's state dies with it, so nothing is sent twice or late.
async fn one_connection(settings: &Settings, shared: &Shared, events: &mpsc::Sender<RoadEvent>) -> Down {
    let built = AsyncClient::builder(options(settings)).capacity(OUTBOX).try_build();
    let Ok((client, mut event_loop)) = built else {
        return Down::Unreachable("the settings are none that the library takes".to_owned());
    };
    let mut limit = MAX_PACKET as usize;
    loop {
        let incoming = match next_packet(&mut event_loop).await {
            Ok(incoming) => incoming,
            Err(error) => return down_of(&error),
        };
        if let Incoming::ConnAck(ack) = &incoming {
            limit = limit_of(ack);
            if let Err(down) = subscribe(&client, settings) {
                return down;
            }
        } else if let Incoming::SubAck(ack) = &incoming {
            if !all_granted(ack) {
                return Down::Refused("a subscription".to_owned());
            }
            *lock(shared) = Some(Connected { client: client.clone(), limit, since: Instant::now() });
            tracing::info!(event = "broker_up", limit);
            if events.send(RoadEvent::Up).await.is_err() {
                return Down::Unreachable("nobody listens".to_owned());
            }
        } else if let Incoming::PubAck(_) = &incoming {
            shared.under_way.send_modify(|count| *count = count.saturating_sub(1));
        } else if let Incoming::Publish(publish) = incoming
            && let Some(event) = message(&publish)
            && events.send(event).await.is_err()
        {
            return Down::Unreachable("nobody listens".to_owned());
        }
    }
}

async fn next_packet(event_loop: &mut EventLoop) -> Result<Incoming, ConnectionError> {
    loop {
        if let Event::Incoming(incoming) = event_loop.poll().await? {
            return Ok(incoming);
        }
    }
}

fn options(settings: &Settings) -> MqttOptions {
    let mut options = MqttOptions::new(settings.client.clone(), (settings.host.clone(), settings.port));
    options.set_transport(Transport::tls_with_config(TlsConfiguration::Rustls(settings.tls.clone())));
    options.set_clean_start(true);
    options.set_keep_alive(settings.keep_alive_s);
    options.set_connect_timeout(TRY_FOR);
    options.set_receive_maximum(Some(UNDER_WAY));
    options.set_outgoing_inflight_upper_limit(UNDER_WAY);
    options.set_max_packet_size(Some(MAX_PACKET));
    options.set_incoming_packet_size_limit(IncomingPacketSizeLimit::Bytes(MAX_PACKET));
    options
}

fn limit_of(ack: &ConnAck) -> usize {
    let theirs = ack.properties.as_ref().and_then(|properties| properties.max_packet_size);
    theirs.map_or(MAX_PACKET, |theirs| theirs.min(MAX_PACKET)) as usize
}

fn subscribe(client: &AsyncClient, settings: &Settings) -> Result<(), Down> {
    let filters = settings.subscriptions.iter().map(|filter| SubscribeFilter::new(filter, QoS::AtLeastOnce));
    client
        .try_subscribe_many(filters)
        .map_err(|_| Down::Refused("our subscriptions cannot be said".to_owned()))
}

fn all_granted(ack: &SubAck) -> bool {
    ack.return_codes.iter().all(|code| matches!(code, SubscribeReasonCode::Success(_)))
}

/// A message on a topic of ours; another cannot come, since we subscribe to no other.
fn message(publish: &Publish) -> Option<RoadEvent> {
    let topic = std::str::from_utf8(&publish.topic).ok()?.parse().ok()?;
    Some(RoadEvent::Message { topic, payload: publish.payload.to_vec() })
}

/// With TLS 1.3 a server's no to our certificate comes when the connection already stands, wrapped by the library as an error
/// of reading MQTT: only its words are left ("received fatal alert", "invalid peer certificate").
fn down_of(error: &ConnectionError) -> Down {
    let text = error.to_string();
    if matches!(error, ConnectionError::ConnectionRefused(_)) {
        Down::Refused(text)
    } else if text.contains("fatal alert") || text.contains("peer certificate") {
        Down::Certificate(text)
    } else {
        Down::Unreachable(text)
    }
}

/// Doubling from [`FIRST_PAUSE`] to [`LONGEST_PAUSE`], times 0.5 to 1.5, so that a thousand agents do not come back at once.
fn pause_after(failures: u32, random: u16) -> Duration {
    let doubled = FIRST_PAUSE.saturating_mul(1 << failures.saturating_sub(1).min(16));
    doubled.min(LONGEST_PAUSE).mul_f64(0.5 + f64::from(random) / f64::from(u16::MAX))
}

/// Without random numbers the pause is the middle one.
fn random() -> u16 {
    getrandom::u32().map_or(u16::MAX / 2, |random| (random >> 16) as u16)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pause_grows_to_a_minute_and_is_never_the_same_for_all() {
        assert_eq!(pause_after(1, 0), FIRST_PAUSE / 2);
        assert_eq!(pause_after(2, 0), FIRST_PAUSE);
        assert_eq!(pause_after(40, u16::MAX), LONGEST_PAUSE.mul_f64(1.5));
        assert_eq!(pause_after(u32::MAX, 0), LONGEST_PAUSE / 2);
    }
}

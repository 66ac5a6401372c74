//! The road to the kiosk: its Unix socket, with `ledger`'s frames. The agent connects, and comes back by itself.
//!
//! Reading and writing go on side by side, so two ends that both have much to say do not wait for each other. What arrived and
//! was not taken waits in the socket; what does not fit in the outbox is not sent, and is asked for again.

use ledger::{Frames, Message};
use std::path::PathBuf;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::sync::mpsc;

/// How many messages arrived and were not taken; a message has 128 KiB at most.
const INBOX: usize = 4;
/// How many messages wait to be written.
const OUTBOX: usize = 16;
/// So many places of the outbox are free before a page is read for it: pages wait on disk, not here.
pub const ROOM: usize = OUTBOX - 2;
/// The pause before the first try again; it doubles with each failure.
const FIRST_PAUSE: Duration = Duration::from_millis(200);
/// The longest pause.
const LONGEST_PAUSE: Duration = Duration::from_secs(5);
/// How much is read at once.
const CHUNK: usize = 16 * 1024;

/// What happened on the road.
#[derive(Debug)]
pub enum KioskEvent {
    /// The kiosk took the connection.
    Up,
    /// There is none, or no longer; the next try comes by itself. Why, for people.
    Down(String),
    /// The kiosk sent what is no message, and the connection was closed.
    Garbage(ledger::Error),
    /// A message.
    Said(Message),
}

/// A connection that comes back by itself.
#[derive(Debug)]
pub struct KioskRoad {
    events: mpsc::Receiver<KioskEvent>,
    outbox: mpsc::Sender<Vec<u8>>,
    task: tokio::task::JoinHandle<()>,
}

impl KioskRoad {
    /// Begins to connect to this socket.
    pub fn connect(socket: PathBuf) -> KioskRoad {
        let (sender, events) = mpsc::channel(INBOX);
        let (outbox, waiting) = mpsc::channel(OUTBOX);
        KioskRoad { events, outbox, task: tokio::spawn(drive(socket, sender, waiting)) }
    }

    /// What happens next. Safe to be dropped half-way.
    pub async fn next(&mut self) -> KioskEvent {
        match self.events.recv().await {
            Some(event) => event,
            // The task ends with the road.
            None => std::future::pending().await,
        }
    }

    /// Hands a message on; false if there is no room, and it is dropped.
    pub fn send(&self, message: &Message) -> bool {
        ledger::frame(message).is_ok_and(|bytes| self.outbox.try_send(bytes).is_ok())
    }

    /// To wait for room.
    pub fn outbox(&self) -> mpsc::Sender<Vec<u8>> {
        self.outbox.clone()
    }
}

impl Drop for KioskRoad {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn drive(socket: PathBuf, events: mpsc::Sender<KioskEvent>, mut waiting: mpsc::Receiver<Vec<u8>>) {
    let mut pause = FIRST_PAUSE;
    loop {
        let over = match UnixStream::connect(&socket).await {
            Ok(stream) => {
                pause = FIRST_PAUSE;
                while waiting.try_recv().is_ok() {}
                let (read, write) = stream.into_split();
                if events.send(KioskEvent::Up).await.is_err() {
                    return;
                }
                tokio::select! {
                    over = reading(read, &events) => over,
                    over = writing(write, &mut waiting) => over,
                }
            }
            Err(error) => KioskEvent::Down(error.to_string()),
        };
        if let KioskEvent::Garbage(error) = &over {
            let error = error.to_string();
            if events.send(over).await.is_err() || events.send(KioskEvent::Down(error)).await.is_err() {
                return;
            }
        } else if events.send(over).await.is_err() {
            return;
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

async fn reading(mut stream: OwnedReadHalf, events: &mpsc::Sender<KioskEvent>) -> KioskEvent {
    let (mut frames, mut chunk) = (Frames::default(), vec![0; CHUNK]);
    loop {
        match stream.read(&mut chunk).await {
            Ok(0) => return KioskEvent::Down("the kiosk closed the connection".to_owned()),
            Ok(length) => frames.push(&chunk[..length]),
            Err(error) => return KioskEvent::Down(error.to_string()),
        }
        loop {
            match frames.next() {
                Ok(Some(message)) => {
                    if events.send(KioskEvent::Said(message)).await.is_err() {
                        return KioskEvent::Down("nobody listens".to_owned());
                    }
                }
                Ok(None) => break,
                Err(error) => return KioskEvent::Garbage(error),
            }
        }
    }
}

async fn writing(mut stream: OwnedWriteHalf, waiting: &mut mpsc::Receiver<Vec<u8>>) -> KioskEvent {
    while let Some(bytes) = waiting.recv().await {
        if let Err(error) = stream.write_all(&bytes).await {
            return KioskEvent::Down(error.to_string());
        }
    }
    KioskEvent::Down("nobody speaks".to_owned())
}

//! A road between two processes: a relay of TCP on loopback that can be slow, stand still, or be cut.
//!
//! What TCP promises holds on it: no byte is lost or changed while a connection lives. A road that stands still is a network
//! that loses every packet (both ends go on hoping); a cut one is a cable that was pulled at the broker's end: connections
//! are reset, and nobody gets a new one.

use std::{
    io::{ErrorKind, Read as _, Write as _},
    net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream},
    path::Path,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread,
    time::Duration,
};

use super::{At as _, Trouble};

/// How often a waiting carrier looks whether the road has changed.
const LOOK_EVERY: Duration = Duration::from_millis(10);
/// Bytes that are carried at a time.
const LOAD: usize = 16 * 1024;

/// What a road does with what is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Traffic {
    /// It carries everything at once.
    Open,
    /// It carries each load later, each way.
    Slow(Duration),
    /// It carries nothing and says nothing.
    Still,
    /// It resets what there is and lets nobody on.
    Cut,
}

/// One road. It is gone when it is dropped.
pub struct Road {
    entrance: SocketAddr,
    shared: Arc<Shared>,
}

struct Shared {
    to: SocketAddr,
    traffic: Mutex<Traffic>,
    travelling: Mutex<Vec<TcpStream>>,
    gone: AtomicBool,
    carried: AtomicU64,
}

impl Road {
    /// A road to a port of loopback, open.
    ///
    /// # Errors
    /// [`Trouble::File`] when there is no port for its entrance.
    pub fn to(port: u16) -> Result<Self, Trouble> {
        let place = Path::new("127.0.0.1:0");
        let gate = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).at("listen on", place)?;
        let entrance = gate.local_addr().at("listen on", place)?;
        let shared = Arc::new(Shared {
            to: SocketAddr::from((Ipv4Addr::LOCALHOST, port)),
            traffic: Mutex::new(Traffic::Open),
            travelling: Mutex::default(),
            gone: AtomicBool::new(false),
            carried: AtomicU64::new(0),
        });
        let keeper = Arc::clone(&shared);
        thread::spawn(move || keep(&gate, &keeper));
        Ok(Self { entrance, shared })
    }

    /// Where it begins: a port of loopback.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.entrance.port()
    }

    /// From now on it does this.
    pub fn set(&self, traffic: Traffic) {
        self.shared.set(traffic);
    }

    /// How many bytes it has carried, both ways.
    #[must_use]
    pub fn carried(&self) -> u64 {
        self.shared.carried.load(Ordering::Relaxed)
    }
}

impl Drop for Road {
    fn drop(&mut self) {
        self.shared.gone.store(true, Ordering::Relaxed);
        self.shared.set(Traffic::Cut);
        _ = TcpStream::connect(self.entrance);
    }
}

impl Shared {
    fn now(&self) -> Traffic {
        *self.traffic.lock().expect("nobody panics while setting it")
    }

    fn set(&self, traffic: Traffic) {
        // The lists are locked in one order everywhere, so that no connection slips in behind a cut.
        let mut travelling = self.travelling.lock().expect("nobody panics while travelling");
        *self.traffic.lock().expect("nobody panics while setting it") = traffic;
        if traffic == Traffic::Cut {
            for stream in travelling.drain(..) {
                _ = stream.shutdown(Shutdown::Both);
            }
        }
    }

    /// Both ends of a new connection, unless the road is cut.
    fn admit(&self, near: &TcpStream) -> Option<TcpStream> {
        let mut travelling = self.travelling.lock().expect("nobody panics while travelling");
        if self.now() == Traffic::Cut {
            return None;
        }
        let far = TcpStream::connect(self.to).ok()?;
        travelling.push(near.try_clone().ok()?);
        travelling.push(far.try_clone().ok()?);
        Some(far)
    }
}

/// Lets travellers on until the road is gone.
fn keep(gate: &TcpListener, shared: &Arc<Shared>) {
    for near in gate.incoming() {
        if shared.gone.load(Ordering::Relaxed) {
            return;
        }
        let Ok(near) = near else { continue };
        let Some(far) = shared.admit(&near) else { continue };
        _ = (near.set_nodelay(true), far.set_nodelay(true));
        for (from, to) in [(near.try_clone(), far.try_clone()), (far.try_clone(), near.try_clone())] {
            let (Ok(from), Ok(to)) = (from, to) else { continue };
            let shared = Arc::clone(shared);
            thread::spawn(move || carry(from, to, &shared));
        }
    }
}

/// Carries one way until either end is done.
fn carry(mut from: TcpStream, mut to: TcpStream, shared: &Shared) {
    let mut load = [0; LOAD];
    loop {
        let length = match from.read(&mut load) {
            Ok(0) => break,
            Ok(length) => length,
            Err(cause) if cause.kind() == ErrorKind::Interrupted => continue,
            Err(_) => break,
        };
        while shared.now() == Traffic::Still {
            thread::sleep(LOOK_EVERY);
        }
        match shared.now() {
            Traffic::Open | Traffic::Still => {}
            Traffic::Slow(delay) => thread::sleep(delay),
            Traffic::Cut => break,
        }
        if to.write_all(&load[..length]).is_err() {
            break;
        }
        shared.carried.fetch_add(length as u64, Ordering::Relaxed);
    }
    _ = (from.shutdown(Shutdown::Both), to.shutdown(Shutdown::Both));
}

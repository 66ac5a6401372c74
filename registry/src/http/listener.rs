//! TLS for the HTTP server: connections that are bounded in number, in number for one address, in idleness and in age.
//!
//! Handshakes run beside each other, each with a deadline, so that a peer that says nothing holds up nobody. A connection
//! that neither reads nor writes for a while ends, also in the middle of a request: that is what stops slow senders.

use std::{
    collections::HashMap,
    io,
    net::{IpAddr, SocketAddr},
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll},
    time::Duration,
};

use rustls::ServerConfig;
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore, mpsc},
    time::{Instant, Sleep, sleep, timeout},
};
use tokio_rustls::{TlsAcceptor, server::TlsStream};

/// Connections at once; each holds at most one request, so this bounds memory.
const MAX_CONNECTIONS: usize = 256;
/// Connections of one address at once: one desk cannot take them all. A city hall behind one address still fits.
const MAX_OF_ONE_ADDRESS: usize = 64;
/// For a handshake.
const HANDSHAKE: Duration = Duration::from_secs(10);
/// Without a byte in either direction.
const IDLE: Duration = Duration::from_secs(75);
/// For one connection altogether.
const LONGEST: Duration = Duration::from_secs(15 * 60);
/// After an error of the system (no file descriptors left).
const PAUSE: Duration = Duration::from_millis(500);

/// Gives axum connections whose handshake is done.
pub(crate) struct TlsListener {
    address: SocketAddr,
    ready: mpsc::Receiver<(Connection, SocketAddr)>,
}

impl TlsListener {
    /// Begins to accept. Call it inside a tokio runtime.
    pub(crate) fn new(listener: TcpListener, tls: Arc<ServerConfig>) -> io::Result<Self> {
        let address = listener.local_addr()?;
        let (done, ready) = mpsc::channel(1);
        tokio::spawn(accept(listener, TlsAcceptor::from(tls), done));
        Ok(Self { address, ready })
    }
}

impl axum::serve::Listener for TlsListener {
    type Io = Connection;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Connection, SocketAddr) {
        match self.ready.recv().await {
            Some(connection) => connection,
            // The accepting task ends only with the runtime.
            None => std::future::pending().await,
        }
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        Ok(self.address)
    }
}

async fn accept(listener: TcpListener, tls: TlsAcceptor, done: mpsc::Sender<(Connection, SocketAddr)>) {
    let places = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    let addresses = Arc::new(Addresses::default());
    loop {
        let Ok(place) = Arc::clone(&places).acquire_owned().await else { return };
        match listener.accept().await {
            Ok((stream, from)) => {
                if let Some(seat) = Seat::take(&addresses, from.ip()) {
                    tokio::spawn(shake_hands(stream, from, tls.clone(), (place, seat), done.clone()));
                }
            }
            Err(error) => {
                tracing::warn!(%error, "http accept");
                sleep(PAUSE).await;
            }
        }
        if done.is_closed() {
            return;
        }
    }
}

async fn shake_hands(
    stream: TcpStream,
    from: SocketAddr,
    tls: TlsAcceptor,
    held: (OwnedSemaphorePermit, Seat),
    done: mpsc::Sender<(Connection, SocketAddr)>,
) {
    _ = stream.set_nodelay(true);
    if let Ok(Ok(stream)) = timeout(HANDSHAKE, tls.accept(stream)).await {
        let idle = Box::pin(sleep(IDLE));
        let connection = Connection { stream, idle, ends: Instant::now() + LONGEST, _held: held };
        _ = done.send((connection, from)).await;
    }
}

/// How many connections each address has. Bounded by [`MAX_CONNECTIONS`], as every entry has a connection.
#[derive(Default)]
struct Addresses(Mutex<HashMap<IpAddr, usize>>);

/// A connection of one address, until it is dropped.
struct Seat {
    of: Arc<Addresses>,
    address: IpAddr,
}

impl Seat {
    fn take(of: &Arc<Addresses>, address: IpAddr) -> Option<Self> {
        let mut taken = of.0.lock().unwrap_or_else(PoisonError::into_inner);
        let number = taken.entry(address).or_default();
        if *number >= MAX_OF_ONE_ADDRESS {
            return None;
        }
        *number += 1;
        drop(taken);
        Some(Self { of: Arc::clone(of), address })
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut taken = self.of.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(number) = taken.get_mut(&self.address) {
            *number -= 1;
            if *number == 0 {
                taken.remove(&self.address);
            }
        }
    }
}

/// A connection with its deadlines.
pub(crate) struct Connection {
    stream: TlsStream<TcpStream>,
    idle: Pin<Box<Sleep>>,
    ends: Instant,
    _held: (OwnedSemaphorePermit, Seat),
}

impl Connection {
    /// Passes on what the stream said, unless the time is over.
    fn watched<T>(&mut self, context: &mut Context<'_>, said: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if said.is_ready() {
            self.idle.as_mut().reset((Instant::now() + IDLE).min(self.ends));
            return said;
        }
        match self.idle.as_mut().poll(context) {
            Poll::Ready(()) => Poll::Ready(Err(io::ErrorKind::TimedOut.into())),
            Poll::Pending => Poll::Pending,
        }
    }
}

impl AsyncRead for Connection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let said = Pin::new(&mut self.stream).poll_read(context, buffer);
        self.watched(context, said)
    }
}

impl AsyncWrite for Connection {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let said = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.watched(context, said)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let said = Pin::new(&mut self.stream).poll_flush(context);
        self.watched(context, said)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let said = Pin::new(&mut self.stream).poll_shutdown(context);
        self.watched(context, said)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn one_address_cannot_take_every_connection_and_gets_its_places_back() {
        let addresses = Arc::new(Addresses::default());
        let (one, other) = (IpAddr::from([192, 0, 2, 1]), IpAddr::from([192, 0, 2, 2]));
        let seats: Vec<Seat> =
            (0..MAX_OF_ONE_ADDRESS).map(|_| Seat::take(&addresses, one).unwrap()).collect();
        assert!(Seat::take(&addresses, one).is_none());
        assert!(Seat::take(&addresses, other).is_some());
        drop(seats);
        assert!(addresses.0.lock().unwrap().is_empty());
        assert!(Seat::take(&addresses, one).is_some());
    }
}

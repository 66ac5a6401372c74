//! The running kiosk's Unix socket, and the client's end of it.
//!
//! `<data>/kiosk.sock`, mode 0600: one JSON line up, one JSON line down, then the connection ends. The socket thread reads
//! and writes; the gate thread, which owns the store, answers. A client that is slow or sends too much is dropped.

use std::{
    fs,
    io::{self, BufRead as _, BufReader, Read as _, Write as _},
    os::unix::{
        fs::PermissionsExt as _,
        net::{UnixListener, UnixStream},
    },
    path::{Path, PathBuf},
    sync::mpsc::{SyncSender, sync_channel},
    thread,
    time::Duration,
};

use thiserror::Error;

use crate::{
    door::Inbox,
    service::{Reply, Request},
};

/// The socket's name in the data directory.
const NAME: &str = "kiosk.sock";
/// Protects the kiosk's memory: no request is longer (64 references of 512 numbers are about 400 kB).
const LONGEST_REQUEST: u64 = 4 << 20;
/// Protects the socket thread from a client that stops talking.
const CLIENT_PATIENCE: Duration = Duration::from_secs(5);
/// Protects the client from a kiosk that stops answering; a long log takes a while to verify.
const KIOSK_PATIENCE: Duration = Duration::from_secs(120);

/// The running kiosk could not be asked.
#[derive(Debug, Error)]
pub(crate) enum SocketError {
    #[error("the command socket {path} cannot be opened: check the owner and mode of the data directory")]
    Listen { path: PathBuf, source: io::Error },
    #[error(
        "the kiosk that holds this data directory does not answer at {path}: stop it, or wait until it has started"
    )]
    Ask { path: PathBuf, source: io::Error },
    #[error("the kiosk's answer is not understood: are command and kiosk of the same version?")]
    Answer(#[from] serde_json::Error),
}

/// Listens in `data` and hands requests to the gate thread. The thread lives as long as the process.
pub(crate) fn listen(data: &Path, gate: SyncSender<Inbox>) -> Result<(), SocketError> {
    let path = data.join(NAME);
    let failed = |source| SocketError::Listen { path: path.clone(), source };
    // The data directory's lock is ours, so a socket that is still there belongs to a kiosk that has died.
    match fs::remove_file(&path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(failed(error)),
        Ok(()) | Err(_) => {}
    }
    let listener = UnixListener::bind(&path).map_err(failed)?;
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).map_err(failed)?;
    let serve = move || {
        for client in listener.incoming().flatten() {
            if let Err(error) = converse(client, &gate) {
                tracing::warn!(%error, "command socket");
            }
        }
    };
    thread::Builder::new().name("socket".into()).spawn(serve).map_err(failed)?;
    Ok(())
}

fn converse(mut client: UnixStream, gate: &SyncSender<Inbox>) -> io::Result<()> {
    client.set_read_timeout(Some(CLIENT_PATIENCE))?;
    client.set_write_timeout(Some(CLIENT_PATIENCE))?;
    let mut line = String::new();
    BufReader::new(&client).take(LONGEST_REQUEST).read_line(&mut line)?;
    if line.is_empty() {
        return Ok(());
    }
    let answer = match serde_json::from_str::<Request>(&line) {
        Ok(request) => ask_gate(request, gate),
        // The error's text could quote a name: only its place is passed on.
        Err(error) => Err(format!("the request is not understood (column {})", error.column())),
    };
    let mut text = serde_json::to_vec(&answer)?;
    text.push(b'\n');
    client.write_all(&text)
}

fn ask_gate(request: Request, gate: &SyncSender<Inbox>) -> Reply {
    let (reply, answer) = sync_channel(1);
    if gate.send(Inbox::Request(request, reply)).is_err() {
        return Err("the kiosk is stopping".into());
    }
    answer.recv_timeout(KIOSK_PATIENCE).unwrap_or_else(|_| Err("the kiosk did not answer in time".into()))
}

/// Asks the kiosk that holds `data`.
pub(crate) fn ask(data: &Path, request: &Request) -> Result<Reply, SocketError> {
    let path = data.join(NAME);
    let line = converse_as_client(&path, request).map_err(|source| SocketError::Ask { path, source })?;
    Ok(serde_json::from_str(&line)?)
}

fn converse_as_client(path: &Path, request: &Request) -> io::Result<String> {
    let mut kiosk = UnixStream::connect(path)?;
    kiosk.set_read_timeout(Some(KIOSK_PATIENCE))?;
    kiosk.set_write_timeout(Some(CLIENT_PATIENCE))?;
    let mut text = serde_json::to_vec(request)?;
    text.push(b'\n');
    kiosk.write_all(&text)?;
    let mut line = String::new();
    BufReader::new(&kiosk).read_line(&mut line)?;
    if line.is_empty() {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok(line)
}

//! The broker's configuration: a directory that mosquitto 2 is started with, `mosquitto -c DIR/mosquitto.conf`. It says who
//! may say and hear what, and it bounds what one client can make the broker hold.
//!
//! | file | content |
//! |---|---|
//! | `mosquitto.conf` | one listener with TLS 1.3, for clients with a certificate of our authority; the name in it is the user |
//! | `acl` | what a user may read and write, from [`crate::topics`] |
//! | `ca.pem`, `broker.pem`, `broker.key` | the authority, the broker's certificate, its key (readable to its owner alone) |
//!
//! Nothing in the broker needs to outlive it: who comes back asks again, and the registry says its heads again. So
//! persistence is a choice, and off unless asked for.

use crate::{Authority, Tenant, authority::REGISTRY, pad, topics};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::time::SystemTime;

/// The greatest packet in bytes: the greatest payload, its topic and its header.
pub const MAX_PACKET: u32 = pad::MOST as u32 + 1_024;
/// How many messages of one client the broker holds that it has not sent yet.
const MAX_QUEUED: u32 = 64;

/// What there is to choose.
#[derive(Clone, Debug)]
pub struct Broker {
    /// The address to listen on.
    pub bind: String,
    /// The port; 8883 is MQTT over TLS.
    pub port: u16,
    /// The names, DNS or IP, by which agents and registry processes reach it.
    pub names: Vec<String>,
    /// Whose road it is.
    pub tenant: Tenant,
    /// Whether retained heads and what waits are kept over a restart.
    pub persistence: bool,
    /// The user that the broker becomes if it is started as root.
    pub user: String,
}

/// The directory was not written.
#[derive(Debug, thiserror::Error)]
pub enum BrokerError {
    /// No certificate for it.
    #[error(transparent)]
    Certificate(#[from] crate::authority::AuthorityError),
    /// A file.
    #[error("the broker's configuration could not be written ({0}): look at the directory and its disk")]
    Write(#[from] io::Error),
}

/// Writes the directory, with a new key and certificate of the broker.
///
/// Errors: [`BrokerError`].
pub fn write(
    directory: &Path,
    broker: &Broker,
    authority: &Authority,
    now: SystemTime,
) -> Result<(), BrokerError> {
    std::fs::create_dir_all(directory)?;
    let directory = directory.canonicalize()?;
    let issued = authority.server(&broker.names, now)?;
    let chain: String = issued.chain.iter().map(|one| crate::tls::pem(one)).collect();
    file(&directory.join("ca.pem"), authority.certificate_pem().as_bytes(), 0o644)?;
    file(&directory.join("broker.pem"), chain.as_bytes(), 0o644)?;
    file(&directory.join("broker.key"), issued.identity.to_pem().as_bytes(), 0o600)?;
    file(&directory.join("acl"), topics::access_list(broker.tenant, REGISTRY).as_bytes(), 0o644)?;
    file(&directory.join("mosquitto.conf"), configuration(&directory, broker).as_bytes(), 0o644)?;
    Ok(())
}

fn file(path: &Path, bytes: &[u8], mode: u32) -> io::Result<()> {
    let mut options = std::fs::OpenOptions::new();
    let mut file = options.write(true).create(true).truncate(true).mode(mode).open(path)?;
    file.set_permissions(std::os::unix::fs::PermissionsExt::from_mode(mode))?;
    file.write_all(bytes)?;
    file.sync_all()
}

fn configuration(directory: &Path, broker: &Broker) -> String {
    let Broker { bind, port, user, persistence, .. } = broker;
    let directory = directory.display();
    let persistence = if *persistence {
        format!("persistence true\npersistence_location {directory}/\nautosave_interval 60\n")
    } else {
        "persistence false\n".to_owned()
    };
    format!(
        "# Genkan's road between agents and registry. Start: mosquitto -c {directory}/mosquitto.conf\n\
         user {user}\n\
         listener {port} {bind}\n\
         cafile {directory}/ca.pem\n\
         certfile {directory}/broker.pem\n\
         keyfile {directory}/broker.key\n\
         tls_version tlsv1.3\n\
         require_certificate true\n\
         use_identity_as_username true\n\
         allow_anonymous false\n\
         acl_file {directory}/acl\n\
         max_packet_size {MAX_PACKET}\n\
         max_queued_messages {MAX_QUEUED}\n\
         max_keepalive 600\n\
         persistent_client_expiration 1h\n\
         set_tcp_nodelay true\n\
         log_dest stderr\n\
         log_type error\n\
         log_type warning\n\
         log_type notice\n\
         {persistence}"
    )
}

//! A real broker for tests: mosquitto on a free port of the loopback, with the configuration of [`crate::broker`], started,
//! killed and started again.

#![allow(clippy::unwrap_used)]

use crate::{Authority, Clock, Identity, Settings, Tenant, broker, tls, topics};
use ledger::{AuthorId, GroupId};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

/// How long a broker may take to listen.
const START_WITHIN: Duration = Duration::from_secs(20);

/// A broker that dies with this value.
#[derive(Debug)]
pub struct TestBroker {
    /// The authority of its road.
    pub authority: Authority,
    /// Whose road it is.
    pub tenant: Tenant,
    /// Where it listens.
    pub port: u16,
    directory: PathBuf,
    child: Option<Child>,
}

impl TestBroker {
    /// Starts one; its files lie in `directory`. Panics, saying what to do, if there is no mosquitto.
    pub fn start(directory: &Path, tenant: &str) -> TestBroker {
        let authority = Authority::new("a test's authority", SystemTime::now()).unwrap();
        TestBroker::start_with(directory, Tenant::of(tenant), authority)
    }

    /// As [`TestBroker::start`], for a road whose authority there is already.
    pub fn start_with(directory: &Path, tenant: Tenant, authority: Authority) -> TestBroker {
        let port = free_port();
        let broker = broker::Broker {
            bind: "127.0.0.1".into(),
            port,
            names: vec!["localhost".into(), "127.0.0.1".into()],
            tenant,
            persistence: false,
            user: whoami(),
        };
        broker::write(directory, &broker, &authority, SystemTime::now()).unwrap();
        let directory = directory.to_owned();
        let mut started = TestBroker { authority, tenant, port, directory, child: None };
        started.start_again();
        started
    }

    /// Starts it again where it was.
    pub fn start_again(&mut self) {
        assert!(self.child.is_none(), "it runs");
        let log = std::fs::File::create(self.directory.join("log")).unwrap();
        let mut command = Command::new(mosquitto());
        command.arg("-c").arg(self.directory.join("mosquitto.conf"));
        self.child = Some(command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log).spawn().unwrap());
        let began = Instant::now();
        while TcpStream::connect(("127.0.0.1", self.port)).is_err() {
            assert!(began.elapsed() < START_WITHIN, "mosquitto does not listen: {}", self.log());
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Kills it, without a word to its clients.
    pub fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().unwrap();
            child.wait().unwrap();
        }
    }

    /// What it said.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.directory.join("log")).unwrap_or_default()
    }

    /// Settings of a device's agent, with a new certificate of this road's authority.
    pub fn device(&self, device: AuthorId, group: GroupId) -> Settings {
        let identity = Identity::generate().unwrap();
        let request = identity.request().unwrap();
        let chain = self.authority.device(device, &request, SystemTime::now()).unwrap();
        self.settings(&device.to_string(), &chain, &identity, topics::of_device(self.tenant, device, group))
    }

    /// Settings of a registry process.
    pub fn registry(&self, process: u8) -> Settings {
        let issued = self.authority.process(SystemTime::now()).unwrap();
        let hears = vec![topics::everything_up(self.tenant)];
        self.settings(&format!("registry-{process}"), &issued.chain, &issued.identity, hears)
    }

    fn settings(
        &self,
        client: &str,
        chain: &[Vec<u8>],
        identity: &Identity,
        subscriptions: Vec<String>,
    ) -> Settings {
        let clock = Arc::new(Clock::default());
        Settings {
            host: "localhost".into(),
            port: self.port,
            client: client.to_owned(),
            tls: tls::client(self.authority.certificate(), chain, identity, clock).unwrap(),
            subscriptions,
            keep_alive_s: 5,
        }
    }
}

impl Drop for TestBroker {
    fn drop(&mut self) {
        self.kill();
    }
}

/// A port of the loopback that nobody uses now.
pub fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// Where mosquitto is. Panics, saying what to do, where it is not.
pub fn mosquitto() -> PathBuf {
    let path = std::env::var("PATH").unwrap_or_default();
    let places = path.split(':').map(PathBuf::from).chain([PathBuf::from("/usr/sbin")]);
    places
        .map(|place| place.join("mosquitto"))
        .find(|place| place.is_file())
        .expect("mosquitto is not installed: run `cargo xtask setup`")
}

fn whoami() -> String {
    let id = Command::new("id").arg("-un").output().expect("coreutils are there");
    String::from_utf8(id.stdout).unwrap().trim().to_owned()
}

//! A virtual reader behind the real pcscd, and the hand that lays emulated cards on it.
//!
//! A program starts itself again in namespaces of its own (network, mounts, processes), because the virtual reader's driver
//! listens on every interface, and pcscd has one place under /run. It runs as root, without systemd; what it started ends with
//! it, because all of it is in one namespace of processes. A missing tool is a failure that names it.

#![allow(dead_code, reason = "each program uses its part")]

use std::{
    env, fs,
    net::{Shutdown, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio, exit},
    sync::{Arc, Mutex},
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use boards::PcscReader;
use emulator::{Emulator, Plan, vpcd, vpcd::AtReader};

/// Debian's package of each tool, and a word about it.
pub(crate) const TOOLS: [(&str, &str); 9] = [
    ("unshare", "util-linux"),
    ("mount", "mount"),
    ("timeout", "coreutils"),
    ("ip", "iproute2"),
    ("pcscd", "pcscd"),
    ("opensc-tool", "opensc"),
    ("pkcs15-tool", "opensc"),
    ("pkcs11-tool", "opensc"),
    ("openssl", "openssl"),
];

pub(crate) const DRIVER: &str = "/usr/lib/pcsc/drivers/serial/libifdvpcd.so";
pub(crate) const INSIDE: &str = "GENKAN_PCSCD_INSIDE";
pub(crate) const READER: &str = "Virtual PCD 00 00";
pub(crate) const ADDRESS: &str = "127.0.0.1:35963";

/// Longer than any wait in here on any machine.
pub(crate) const UNREASONABLE: Duration = Duration::from_secs(30);

/// Runs `inside` in namespaces of its own: as `name`, within `seconds`.
pub(crate) fn alone(name: &str, seconds: &str, inside: impl FnOnce()) {
    if env::var_os(INSIDE).is_some() {
        prepare();
        inside();
        return;
    }
    // What `cargo test` asks a target for when it lists tests.
    if env::args().any(|argument| argument == "--list") {
        println!("{name}: test");
        return;
    }
    let found = |tool: &str| {
        env::split_paths(&env::var_os("PATH").unwrap_or_default())
            .chain([PathBuf::from("/usr/sbin"), PathBuf::from("/sbin")])
            .any(|folder| folder.join(tool).is_file())
    };
    let mut missing: Vec<&str> =
        TOOLS.iter().filter(|(tool, _)| !found(tool)).map(|&(_, package)| package).collect();
    if !Path::new(DRIVER).exists() {
        missing.push("vsmartcard-vpcd");
    }
    if !missing.is_empty() {
        eprintln!(
            "{name}: missing: {}. Install them: apt-get install {}",
            missing.join(", "),
            missing.join(" ")
        );
        exit(1);
    }
    let status = Command::new("timeout")
        .args(["--kill-after=5", seconds])
        .args(["unshare", "--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"])
        .arg(env::current_exe().unwrap())
        .env(INSIDE, "1")
        .status()
        .unwrap();
    if !status.success() {
        eprintln!(
            "{name}: failed ({status}). If it never began: it needs root, to make namespaces of its own"
        );
        exit(1);
    }
}

/// The network, and the places that pcscd and OpenSC look at.
pub(crate) fn prepare() {
    run("ip", &["link", "set", "lo", "up"]);
    run("mount", &["-t", "tmpfs", "none", "/run"]);
    fs::create_dir_all("/run/pcscd").unwrap();
    fs::create_dir_all("/run/readers").unwrap();
    let configuration = format!(
        "FRIENDLYNAME \"Virtual PCD\"\nDEVICENAME /dev/null:0x8C7B\nLIBPATH {DRIVER}\nCHANNELID 0x8C7B\n"
    );
    fs::write("/run/readers/vpcd", configuration).unwrap();
    let opensc = "app default { card_drivers = jpki; framework pkcs15 { use_file_caching = false; } }";
    fs::write("/run/opensc.conf", opensc).unwrap();
}

pub(crate) fn check(name: &str, test: impl FnOnce()) {
    let began = Instant::now();
    print!("{name} ... ");
    test();
    println!("ok ({:.1} s)", began.elapsed().as_secs_f32());
}

pub(crate) fn run(program: &str, arguments: &[&str]) {
    let status = Command::new(program).args(arguments).status().unwrap();
    assert!(status.success(), "{program} {arguments:?}: {status}");
}

/// pcscd, which ends with this.
pub(crate) struct Service(pub(crate) Child);

impl Service {
    pub(crate) fn start() -> Self {
        let _ = fs::remove_file("/run/pcscd/pcscd.pid");
        let _ = fs::remove_file("/run/pcscd/pcscd.comm");
        let child = Command::new("pcscd")
            .args(["--foreground", "--config", "/run/readers"])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let service = Self(child);
        until("pcscd is there", || PcscReader::open(READER).is_ok());
        service
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

pub(crate) fn until(what: &str, mut happened: impl FnMut() -> bool) {
    let end = Instant::now() + UNREASONABLE;
    while !happened() {
        assert!(Instant::now() < end, "did not happen: {what}");
        thread::sleep(Duration::from_millis(50));
    }
}

/// A card on the virtual reader, taken away with this.
pub(crate) struct Laid {
    pub(crate) card: Arc<Mutex<Emulator>>,
    handle: TcpStream,
    thread: Option<JoinHandle<vpcd::Ended>>,
}

impl Laid {
    pub(crate) fn new(plan: Plan, delayed: bool) -> Self {
        Self::card(Emulator::new(plan), delayed)
    }

    pub(crate) fn scenario(name: &str) -> Self {
        Self::new(Plan::scenario(name).unwrap(), false)
    }

    pub(crate) fn card(card: Emulator, delayed: bool) -> Self {
        let mut reader = AtReader::lay(ADDRESS.parse().unwrap()).unwrap();
        if delayed {
            reader = reader.delayed();
        }
        let (card, handle) = (Arc::new(Mutex::new(card)), reader.handle().unwrap());
        let served = Arc::clone(&card);
        let thread = Some(thread::spawn(move || reader.serve(&served).unwrap()));
        Self { card, handle, thread }
    }
}

impl Drop for Laid {
    fn drop(&mut self) {
        let _ = self.handle.shutdown(Shutdown::Both);
        let _ = self.thread.take().map(JoinHandle::join);
    }
}

/// Waits until pcscd noticed that a card was taken away: whoever opens the reader anew would be given what is there.
pub(crate) fn emptied() {
    // pcscd looks every 0.4 s; a card that is laid down before it looked would never be noticed.
    let looked = Duration::from_millis(1_200);
    until("the reader is empty", || matches!(PcscReader::open(READER).unwrap().card(looked), Ok(None)));
}

pub(crate) fn tool(program: &str, arguments: &[&str]) -> (String, bool) {
    let output = Command::new("timeout")
        .args(["60", program])
        .args(arguments)
        .env("OPENSC_CONF", "/run/opensc.conf")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    (said, output.status.success())
}

pub(crate) fn works(program: &str, arguments: &[&str]) -> String {
    let (said, fine) = tool(program, arguments);
    assert!(fine, "{program} {arguments:?}: {said}");
    said
}

/// Waits until pcscd gives power to the card for everybody.
pub(crate) fn noticed() {
    until("pcscd notices the card", || tool("opensc-tool", &["--atr"]).1);
}

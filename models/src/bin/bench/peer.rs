//! The peers' side of a comparison: `models/bench/peers.py` in a child process, spoken to line by line.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::rc::Rc;

use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::failure::Failure;
use crate::measure::{Contender, Laps};

/// Settings that some machines make to get around faults of a mathematics library; peers run without them.
const UNSET: [&str; 2] = ["OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE"];

/// A library to compare with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Library {
    OnnxRuntime,
    OpenCv,
    Faiss,
}

impl Library {
    /// As it is named in the output.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::OnnxRuntime => "onnxruntime",
            Self::OpenCv => "OpenCV",
            Self::Faiss => "FAISS",
        }
    }
}

/// What a peer says when it has loaded something.
#[derive(serde::Deserialize)]
struct Loaded {
    version: String,
}

/// One running process.
pub(crate) struct Peer {
    library: Library,
    child: Child,
    requests: Option<ChildStdin>,
    replies: BufReader<ChildStdout>,
}

/// What a peer says about its memory.
#[derive(Debug, serde::Deserialize)]
pub(crate) struct Memory {
    pub(crate) version: String,
    pub(crate) resident_mib: f64,
    pub(crate) peak_mib: f64,
}

impl Peer {
    fn start(python: &std::path::Path, library: Library) -> Result<Self, Failure> {
        let mut command = Command::new(python);
        command
            .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/bench/peers.py"))
            .arg(library.name().to_lowercase());
        UNSET.iter().for_each(|name| _ = command.env_remove(name));
        // What OpenCV's new engine cannot do is no news to us.
        command.env("OPENCV_LOG_LEVEL", "ERROR");
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command
            .spawn()
            .map_err(|source| Failure::Start { command: python.display().to_string(), source })?;
        let replies = child.stdout.take().expect("its output was asked for");
        let requests = child.stdin.take();
        Ok(Self { library, child, requests, replies: BufReader::new(replies) })
    }

    /// Sends one request and waits for its reply.
    pub(crate) fn ask<T: DeserializeOwned>(&mut self, request: &Value) -> Result<T, Failure> {
        let peer = self.library.name();
        let gone = |_| Failure::Gone { peer };
        let requests = self.requests.as_mut().ok_or(Failure::Gone { peer })?;
        writeln!(requests, "{request}").map_err(gone)?;
        let mut line = String::new();
        if self.replies.read_line(&mut line).map_err(gone)? == 0 {
            return Err(Failure::Gone { peer });
        }
        let reply: Value = serde_json::from_str(&line).map_err(|source| Failure::Answer { peer, source })?;
        if let Some(reason) = reply.get("error") {
            let what = request["do"].as_str().unwrap_or_default().to_owned();
            return Err(Failure::Refused {
                peer,
                what,
                reason: reason.as_str().unwrap_or_default().to_owned(),
            });
        }
        serde_json::from_value(reply).map_err(|source| Failure::Answer { peer, source })
    }

    pub(crate) fn memory(&mut self) -> Result<Memory, Failure> {
        self.ask(&json!({"do": "memory"}))
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        // The end of its input ends it.
        self.requests = None;
        _ = self.child.wait();
    }
}

/// The peers, each started when it is first needed.
pub(crate) struct Peers {
    python: PathBuf,
    running: RefCell<BTreeMap<Library, Rc<RefCell<Peer>>>>,
}

impl Peers {
    pub(crate) fn new(python: PathBuf) -> Self {
        Self { python, running: RefCell::default() }
    }

    /// The one process of this library.
    pub(crate) fn running(&self, library: Library) -> Result<Rc<RefCell<Peer>>, Failure> {
        if let Some(peer) = self.running.borrow().get(&library) {
            return Ok(Rc::clone(peer));
        }
        let peer = Rc::new(RefCell::new(self.fresh(library)?));
        self.running.borrow_mut().insert(library, Rc::clone(&peer));
        Ok(peer)
    }

    /// A process that has loaded nothing yet.
    pub(crate) fn fresh(&self, library: Library) -> Result<Peer, Failure> {
        Peer::start(&self.python, library)
    }

    /// Has something loaded, and gives back what takes its turns; `setting` says how it runs.
    pub(crate) fn load(
        &self,
        library: Library,
        setting: &str,
        mut request: Value,
    ) -> Result<PeerContender, Failure> {
        let peer = self.running(library)?;
        let key = request.to_string();
        request["do"] = json!("load");
        request["name"] = json!(key);
        let Loaded { version } = peer.borrow_mut().ask(&request)?;
        let name = format!("{} {version}, {setting}", library.name());
        Ok(PeerContender { peer, library, name, key })
    }
}

/// Something that a peer has loaded.
pub(crate) struct PeerContender {
    peer: Rc<RefCell<Peer>>,
    library: Library,
    name: String,
    key: String,
}

impl PeerContender {
    /// Runs it once and gives back what comes out; `more` joins the request.
    pub(crate) fn answer<T: DeserializeOwned>(&self, mut more: Value) -> Result<T, Failure> {
        more["do"] = json!("answer");
        more["name"] = json!(self.key);
        self.peer.borrow_mut().ask(&more)
    }
}

impl Drop for PeerContender {
    fn drop(&mut self) {
        // A peer that cannot answer any more has nothing to forget.
        _ = self.peer.borrow_mut().ask::<Value>(&json!({"do": "forget", "name": self.key}));
    }
}

impl Contender for PeerContender {
    fn name(&self) -> &str {
        &self.name
    }

    fn library(&self) -> &'static str {
        self.library.name()
    }

    fn turn(&mut self, runs: usize) -> Result<Laps, Failure> {
        self.peer.borrow_mut().ask(&json!({"do": "time", "name": self.key, "runs": runs}))
    }
}

//! What happened in the city, in order, for people to read (Japanese first) and for programs (`--json`).

use std::{
    io::Write as _,
    sync::Mutex,
    time::{Duration, Instant},
};

use serde::Serialize;
use serde_json::Value;

/// One thing that came true.
#[derive(Debug, Clone, Serialize)]
pub struct Happened {
    /// What, as a word that does not change.
    pub event: &'static str,
    /// Milliseconds since the beginning.
    pub at_ms: u64,
    /// Where, or who did it.
    pub who: String,
    /// Figures and words for programs.
    pub details: Value,
}

/// How events are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shown {
    /// For people, Japanese first.
    Text,
    /// One JSON object a line.
    Json,
    /// Not at all: a test asks afterwards.
    Not,
}

/// Shows each event as it comes.
pub struct Timeline {
    began: Instant,
    shown: Shown,
    told: Mutex<Vec<Happened>>,
}

impl Timeline {
    /// Begins now.
    #[must_use]
    pub fn begin(shown: Shown) -> Self {
        Self { began: Instant::now(), shown, told: Mutex::default() }
    }

    /// Since the beginning.
    #[must_use]
    pub fn now(&self) -> Duration {
        self.began.elapsed()
    }

    /// Something came true. `ja` and `en` say the same.
    pub fn tell(&self, event: &'static str, who: &str, [ja, en]: [&str; 2], details: Value) {
        let at_ms = u64::try_from(self.now().as_millis()).unwrap_or(u64::MAX);
        let happened = Happened { event, at_ms, who: who.to_owned(), details };
        let mut out = std::io::stdout().lock();
        // A reader who has gone away is no reason to stop.
        _ = match self.shown {
            Shown::Text => writeln!(out, "{}", line(&happened, ja, en)),
            Shown::Json => writeln!(out, "{}", serde_json::json!(happened)),
            Shown::Not => Ok(()),
        };
        self.told.lock().expect("nobody panics while telling").push(happened);
    }

    /// All that was told so far.
    #[must_use]
    pub fn told(&self) -> Vec<Happened> {
        self.told.lock().expect("nobody panics while telling").clone()
    }
}

fn line(happened: &Happened, ja: &str, en: &str) -> String {
    let seconds = Duration::from_millis(happened.at_ms).as_secs_f64();
    format!("+{seconds:6.1} s  {}　{ja}\n            {en}", happened.who)
}

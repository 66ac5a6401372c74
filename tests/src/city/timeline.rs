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

/// Prints each event as it comes.
pub struct Timeline {
    began: Instant,
    json: bool,
    told: Mutex<Vec<Happened>>,
}

impl Timeline {
    /// Begins now.
    #[must_use]
    pub fn begin(json: bool) -> Self {
        Self { began: Instant::now(), json, told: Mutex::default() }
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
        _ = if self.json {
            writeln!(out, "{}", serde_json::json!(happened))
        } else {
            writeln!(out, "{}", line(&happened, ja, en))
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
    format!("+{seconds:6.1} s  {}｜{ja}\n            {:width$} {en}", happened.who, "", width = 1)
}

//! What a benchmark prints: one figure, ours beside the peer's, as a line of JSON or of a table.

use serde::Serialize;
use serde_json::{Map, Value};

/// One measured thing.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Figure {
    /// Its name, which does not change from version to version.
    pub(crate) figure: String,
    /// Our value; absent where we have nothing of the kind yet.
    pub(crate) ours: Option<f64>,
    /// Whose value it stands beside.
    pub(crate) peer: String,
    /// The same with version and setting.
    pub(crate) peer_name: String,
    /// The same by the peer, measured in the same run.
    pub(crate) peer_value: Option<f64>,
    /// Of both values.
    pub(crate) unit: &'static str,
    /// Ours over the peer's.
    pub(crate) ratio: Option<f64>,
    /// What the ratio should reach, if anything was set.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) reach: Option<Reach>,
    /// Whether it does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) reached: Option<bool>,
    /// How it was measured, and what else was seen.
    #[serde(flatten)]
    pub(crate) details: Map<String, Value>,
}

/// A bound for a ratio, or for our value where the peer's is zero.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Reach {
    AtMost(f64),
    AtLeast(f64),
}

impl Serialize for Reach {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl std::fmt::Display for Reach {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::AtMost(bound) => write!(formatter, "<= {bound}"),
            Self::AtLeast(bound) => write!(formatter, ">= {bound}"),
        }
    }
}

impl Reach {
    /// Not-a-number reaches nothing.
    fn reached(self, value: f64) -> bool {
        match self {
            Self::AtMost(bound) => value <= bound,
            Self::AtLeast(bound) => value >= bound,
        }
    }
}

impl Figure {
    pub(crate) fn new(figure: impl Into<String>, unit: &'static str) -> Self {
        Self {
            figure: figure.into(),
            ours: None,
            peer: String::new(),
            peer_name: String::new(),
            peer_value: None,
            unit,
            ratio: None,
            reach: None,
            reached: None,
            details: Map::new(),
        }
    }

    /// Both values and their ratio. There is none to a peer of zero.
    pub(crate) fn values(mut self, ours: Option<f64>, peer: &str, peer_value: Option<f64>) -> Self {
        (self.ours, self.peer, self.peer_value) = (ours, peer.to_owned(), peer_value);
        self.peer_name.clone_from(&self.peer);
        self.ratio = ours.zip(peer_value).map(|(ours, peer)| ours / peer).filter(|ratio| ratio.is_finite());
        self
    }

    /// How the peer ran. Set after the values.
    pub(crate) fn peer_name(mut self, name: &str) -> Self {
        name.clone_into(&mut self.peer_name);
        self
    }

    /// Set after the values.
    pub(crate) fn reach(mut self, reach: Option<Reach>) -> Self {
        self.reach = reach;
        let judged = if self.peer_value == Some(0.0) { self.ours } else { self.ratio };
        self.reached = reach.zip(judged).map(|(reach, value)| reach.reached(value));
        self
    }

    pub(crate) fn detail(mut self, key: &str, value: impl Serialize) -> Self {
        let value = serde_json::to_value(value).expect("our own values have string keys");
        self.details.insert(key.to_owned(), value);
        self
    }

    /// A line for programs.
    pub(crate) fn json(&self) -> String {
        serde_json::to_string(self).expect("our own values have string keys")
    }

    /// A line for people.
    pub(crate) fn line(&self) -> String {
        let number = |value: Option<f64>| value.map_or_else(|| "-".to_owned(), readable);
        let reach = self.reach.map(|reach| reach.to_string()).unwrap_or_default();
        let mark = match self.reached {
            Some(true) => "reached",
            Some(false) => "not yet",
            None => "",
        };
        format!(
            "{:<28} {:>9} {:>9} {:<7} {:>7} {:>8} {:<8} {}",
            self.figure,
            number(self.ours),
            number(self.peer_value),
            self.unit,
            self.ratio.map_or_else(|| "-".to_owned(), |ratio| format!("{ratio:.2}x")),
            reach,
            mark,
            self.peer_name,
        )
    }
}

/// The head of the table that [`Figure::line`] makes.
pub(crate) fn head() -> String {
    format!(
        "{:<28} {:>9} {:>9} {:<7} {:>7} {:>8} {:<8} peer",
        "figure", "ours", "peer's", "unit", "ratio", "reach", ""
    )
}

fn readable(value: f64) -> String {
    match value.abs() {
        size if size >= 100.0 || size == 0.0 => format!("{value:.0}"),
        size if size >= 1.0 => format!("{value:.2}"),
        _ => format!("{value:.4}"),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_line_of_json_has_the_keys_that_readers_rely_on() {
        let figure = Figure::new("sface_f32", "ms")
            .values(Some(8.0), "OpenCV", Some(16.0))
            .peer_name("OpenCV 5.0.0, new engine")
            .reach(Some(Reach::AtMost(0.7)))
            .detail("threads", 1);
        let line: Value = serde_json::from_str(&figure.json()).unwrap();
        let expected = serde_json::json!({
            "figure": "sface_f32", "ours": 8.0, "peer": "OpenCV", "peer_name": "OpenCV 5.0.0, new engine",
            "peer_value": 16.0, "unit": "ms", "ratio": 0.5, "reach": "<= 0.7", "reached": true, "threads": 1
        });
        assert_eq!(line, expected);
    }

    #[test]
    fn what_is_not_built_yet_has_neither_a_value_nor_a_ratio_and_reaches_nothing() {
        let figure = Figure::new("sface_int8", "ms").values(None, "OpenCV", Some(16.0));
        let figure = figure.reach(Some(Reach::AtMost(0.35)));
        assert_eq!((figure.ratio, figure.reached), (None, None));
        let odd = Figure::new("odd", "ms").values(Some(f64::NAN), "OpenCV", Some(16.0));
        assert_ne!(odd.reach(Some(Reach::AtMost(0.35))).reached, Some(true));
    }

    #[test]
    fn beside_a_peer_of_zero_our_own_value_is_judged() {
        let figure = |ours| {
            let figure = Figure::new("allocations_per_frame", "count").values(Some(ours), "none", Some(0.0));
            figure.reach(Some(Reach::AtMost(0.0)))
        };
        assert_eq!((figure(0.0).ratio, figure(0.0).reached), (None, Some(true)));
        assert_eq!(figure(3.0).reached, Some(false));
    }
}

//! The threshold with its error bars, and what the live tail has seen, in words for a technician and in JSON.

use gate::Policy;
use models::{
    Card,
    calibration::{
        Alarm, CONFIDENCE, ErrorBars, FALSE_ALARM, LiveTail, PERIOD, RULE_OF_THIRTY, Support, estimate,
    },
};
use serde::{Deserialize, Serialize};

/// The threshold for so many references, and how sure it is.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Estimated {
    pub(crate) references: usize,
    /// Visits of unknown people that may end in a false match.
    pub(crate) target_fpir: f64,
    pub(crate) attempts: u8,
    /// What that leaves to a single comparison.
    pub(crate) fmr: f64,
    /// The measurements reach so far: a face alone may open.
    pub(crate) supported: bool,
    /// The target is looser than the loosest measured point, whose threshold is used.
    pub(crate) stricter_than_asked: bool,
    /// The score to reach; if not supported, the one from which a second factor is asked for.
    pub(crate) threshold: f32,
    /// The ends of its interval; none if not supported, or if the card has none.
    pub(crate) low: Option<f32>,
    pub(crate) high: Option<f32>,
    pub(crate) confidence: f64,
    /// The independent false matches it rests on; the rule of 30 asks for 30.
    pub(crate) effective_matches: Option<f64>,
    /// The most references for which a face alone may open at this target.
    pub(crate) most_references: usize,
    pub(crate) model: String,
    pub(crate) measured_on: Option<String>,
}

impl Estimated {
    /// By the shipped card and the policy's attempts and target, or another target.
    pub(crate) fn new(target_fpir: f64, references: usize, policy: &Policy) -> Self {
        let (card, attempts) = (Card::sface(), policy.attempts.max(1));
        let estimate = estimate(&card, target_fpir, references, u32::from(attempts));
        let bars: Option<ErrorBars> = match estimate.support {
            Support::Measured(bars) | Support::Stricter(bars) => Some(bars),
            Support::Beyond { .. } | Support::Unmeasured => None,
        };
        let interval = bars.and_then(|bars| bars.interval);
        Self {
            references,
            target_fpir,
            attempts,
            fmr: estimate.fmr,
            supported: bars.is_some(),
            stricter_than_asked: matches!(estimate.support, Support::Stricter(_)),
            threshold: estimate.threshold.score().0,
            low: interval.map(|(low, _)| low.0),
            high: interval.map(|(_, high)| high.0),
            confidence: CONFIDENCE,
            effective_matches: bars.map(|bars| bars.effective_matches),
            most_references: estimate.most_references,
            measured_on: card.measured.comparison.map(|measured| measured.data_set),
            model: card.id,
        }
    }

    /// For people.
    pub(crate) fn text(&self) -> String {
        let Self { references, attempts, threshold, most_references, model, .. } = self;
        let percent = self.target_fpir * 100.0;
        let mut text = format!(
            "{references} reference(s), {attempts} attempts a visit: at most {percent} % of strangers' visits may end in a \
             false match, so a single comparison may match falsely once in {:.0}.\n",
            1.0 / self.fmr
        );
        if self.supported {
            text.push_str(&format!("Threshold {threshold:.3}, supported by measurement"));
            if self.stricter_than_asked {
                text.push_str("; it is the loosest that was measured, stricter than asked for");
            } else if let (Some(low), Some(high)) = (self.low, self.high) {
                let sure = self.confidence * 100.0;
                text.push_str(&format!(
                    "; with {sure:.0} % confidence the right one is {low:.3} to {high:.3}"
                ));
            }
            text.push_str(".\n");
        } else {
            text.push_str(&format!(
                "Not supported by measurement: a face alone opens nothing, and from score {threshold:.3} on a second factor \
                 is asked for. Nothing is extrapolated.\n"
            ));
        }
        if let Some(effective) = self.effective_matches.filter(|effective| *effective < RULE_OF_THIRTY) {
            text.push_str(&format!(
                "Take it with care: it rests on about {effective:.0} independent false matches, fewer than the 30 that \
                 ISO/IEC 19795-1 asks for.\n"
            ));
        }
        text.push_str(&format!(
            "At this target a face alone may open with up to {most_references} reference(s).\n"
        ));
        match &self.measured_on {
            Some(data_set) => text.push_str(&format!("Measured: {model} on {data_set}.")),
            None => text.push_str(&format!("The card of {model} holds no measurement.")),
        }
        text
    }
}

/// What the running kiosk has seen of people other than the visitor.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Live {
    /// The card's promise does not hold at this door.
    pub(crate) alarm: Option<Raised>,
    /// Probability of a false alarm in so many visits.
    pub(crate) false_alarm: f64,
    pub(crate) period: u64,
    /// Visits that brought evidence in this period.
    pub(crate) visits: u64,
    pub(crate) points: Vec<Point>,
}

/// The alarm, as it was raised.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Raised {
    pub(crate) threshold: f32,
    pub(crate) fmr: f64,
    pub(crate) reached: u64,
    pub(crate) allowed: f64,
    pub(crate) visits: u64,
}

/// One measured point of the card.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Point {
    pub(crate) threshold: f32,
    pub(crate) fmr: f64,
    pub(crate) reached: u64,
    pub(crate) allowed: f64,
    pub(crate) reached_by_unknown: u64,
}

impl Live {
    pub(crate) fn new(tail: &LiveTail) -> Self {
        let raised = |Alarm { threshold, fmr, reached, allowed, visits }| Raised {
            threshold: threshold.0,
            fmr,
            reached,
            allowed,
            visits,
        };
        let point = |tally: models::calibration::Tally| Point {
            threshold: tally.threshold.0,
            fmr: tally.fmr,
            reached: tally.reached,
            allowed: tally.allowed,
            reached_by_unknown: tally.reached_by_unknown,
        };
        Self {
            alarm: tail.verdict().map(raised),
            false_alarm: FALSE_ALARM,
            period: PERIOD,
            visits: tail.visits(),
            points: tail.tally().map(point).collect(),
        }
    }

    /// For people.
    pub(crate) fn text(&self) -> String {
        let mut text = match &self.alarm {
            Some(Raised { threshold, reached, allowed, visits, .. }) => format!(
                "ALARM: people look more alike here than the model card promises. After {visits} visits {reached} others had \
                 reached score {threshold:.3}, where the card allows {allowed:.1} at most. Look for people who are enrolled \
                 twice, check lens and light, then measure with `calibrate` on pictures of this place; until then ask for a \
                 second factor.",
            ),
            None => format!(
                "The model card's promise is not contradicted by {} visit(s) of different people (of those that bring \
                 evidence; a false alarm has a chance of {} in {} visits).",
                self.visits, self.false_alarm, self.period
            ),
        };
        for Point { threshold, reached, allowed, reached_by_unknown, .. } in &self.points {
            text.push_str(&format!(
                "\n  score {threshold:.3}: reached by {reached} other than the visitor, {allowed:.1} allowed; \
                 {reached_by_unknown} more at visits of unknown people"
            ));
        }
        text
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use gate::{Candidate, Candidates, PersonId, Score, Standing, Threshold};
    use models::calibration::Impostors;

    use super::*;

    #[test]
    fn a_technician_reads_the_threshold_its_interval_and_where_it_ends() {
        let text = |references| Estimated::new(0.01, references, &Policy::default()).text();
        let supported = text(300);
        for part in
            ["Threshold 0.46", "supported by measurement", "90 % confidence", "up to 333", "LFW", "about 21"]
        {
            assert!(supported.contains(part), "{part} in {supported}");
        }
        let few = text(2);
        assert!(few.contains("stricter than asked") && !few.contains("confidence"), "{few}");
        let beyond = text(334);
        for part in ["Not supported", "second factor", "Nothing is extrapolated", "up to 333"] {
            assert!(beyond.contains(part), "{part} in {beyond}");
        }
        assert!(!beyond.contains("confidence"), "no interval where nothing was measured: {beyond}");
    }

    #[test]
    fn an_alarm_says_numbers_and_what_to_do_and_nobodys_id() {
        let mut tail = LiveTail::new(&Card::sface());
        assert!(Live::new(&tail).text().contains("not contradicted by 0 visit(s)"));
        let person = |number| PersonId([number; 16]);
        for visitor in 0..40 {
            let best = Candidate { person: person(visitor), standing: Standing::Active, score: Score(0.7) };
            let found = Candidates { best: Some(best), runner_up: None };
            let above = (50..90).map(|other| (person(other), Score(0.5)));
            tail.observe(&Impostors::of(&found, Threshold::Alone(Score(0.467)), 0.08, 80, above));
        }
        let live = Live::new(&tail);
        let (text, json) = (live.text(), serde_json::to_string(&live).unwrap());
        assert!(text.starts_with("ALARM") && text.contains("calibrate"), "{text}");
        assert!(!text.contains(&person(50).to_string()) && !json.contains(&person(50).to_string()));
    }
}

//! The figures of a day, a month, or any other span: who came by which way and in which fee class, how long reception took,
//! who was refused and why.
//!
//! A report cannot tell of a person: what goes in ([`Visit`]) has no names, no ids and no records. What comes out is values;
//! [`csv`] and [`html`] write them down. A visitor is somebody who came in and was not inside already.

pub(crate) mod csv;
pub(crate) mod days;
pub(crate) mod html;
pub(crate) mod words;

use std::{collections::BTreeMap, time::Duration};

use gate::{CredentialKind, Date, Facility, FeeClass, Way};
use serde::{Deserialize, Serialize};

/// The longest span of a report, in days: three years. Protects memory.
pub(crate) const LONGEST_SPAN: i64 = 1_100;

/// A visit without its person: what the vault gives to a report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Visit {
    /// The facility's local day.
    #[serde(with = "days::as_text")]
    pub(crate) day: Date,
    /// Minutes since its midnight.
    pub(crate) minute: u16,
    /// Whether the clock was good enough to be sure of the day.
    pub(crate) day_sure: bool,
    pub(crate) way: WayIn,
    pub(crate) ended: Ended,
    /// From the first face to the decision; only where the kiosk itself let somebody in.
    pub(crate) reception: Option<Duration>,
    /// Everybody who came in with it, or would have.
    pub(crate) visitors: Vec<Visitor>,
}

/// How a visit ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Ended {
    CameIn,
    /// Let in, and the door was not released or not opened.
    NotEntered,
    /// Let in, and whether the door was released is not known, or not yet.
    Unknown,
    /// Why not, in the words of the records: `no-match`, `closed`.
    Refused(String),
}

/// One person of a visit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Visitor {
    /// The fee class; none if staff had to say.
    pub(crate) fee: Option<String>,
    /// Entered by staff, not computed.
    pub(crate) by_hand: bool,
    /// The class rests on attributes that nobody confirmed for a long time.
    pub(crate) stale: bool,
    /// Inside already.
    pub(crate) again: bool,
}

/// By which way, in the words of the records.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum WayIn {
    Face,
    Qr,
    FacilityCard,
    MyNumberCard,
    Staff,
}

impl WayIn {
    pub(crate) const ALL: [Self; 5] =
        [Self::Face, Self::Qr, Self::FacilityCard, Self::MyNumberCard, Self::Staff];
}

impl From<Way> for WayIn {
    fn from(way: Way) -> Self {
        match way {
            Way::Face => Self::Face,
            Way::Claim(CredentialKind::Qr) => Self::Qr,
            Way::Claim(CredentialKind::FacilityCard) => Self::FacilityCard,
            Way::Claim(CredentialKind::MyNumberCard) => Self::MyNumberCard,
            Way::Staff => Self::Staff,
        }
    }
}

/// A book of coupons from which more was taken than was in it, now: kiosks that could not talk to each other.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Overdrawn {
    /// How many books.
    pub(crate) books: u32,
    /// How many coupons too many.
    pub(crate) coupons: u32,
}

/// What does not stand in the visits.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Aside {
    /// The facility's name.
    pub(crate) facility: String,
    /// When the report was made, by the kiosk's clock.
    pub(crate) made: Option<gate::Local>,
    pub(crate) overdrawn: Overdrawn,
    /// Visits that no clock gave a day; they are in no figure.
    pub(crate) undated: u32,
}

/// A report.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    pub(crate) facility: String,
    #[serde(with = "days::as_text")]
    pub(crate) from: Date,
    #[serde(with = "days::as_text")]
    pub(crate) until: Date,
    #[serde(skip)]
    pub(crate) made: Option<gate::Local>,
    pub(crate) total: Figures,
    /// Every day of the span, also those without visitors.
    pub(crate) days: Vec<Span>,
    /// Every month that the span touches; only its days of the span.
    pub(crate) months: Vec<Span>,
    /// Visitors by the hour in which they came.
    pub(crate) hours: [u32; 24],
    /// The facility's fee classes and what they cost now, in its order; then those that are in records only.
    pub(crate) fees: Vec<Fee>,
    pub(crate) overdrawn: Overdrawn,
    pub(crate) undated: u32,
}

/// Figures of a part of the span.
#[derive(Debug, Serialize)]
pub(crate) struct Span {
    #[serde(with = "days::as_text")]
    pub(crate) from: Date,
    #[serde(with = "days::as_text")]
    pub(crate) until: Date,
    #[serde(flatten)]
    pub(crate) figures: Figures,
}

/// A fee class as reports name it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Fee {
    pub(crate) id: String,
    /// What it costs now; none if the facility's file does not have it any more.
    pub(crate) yen: Option<u32>,
    pub(crate) japanese: String,
    pub(crate) english: String,
}

/// What is counted.
#[derive(Debug, Default, PartialEq, Serialize)]
pub(crate) struct Figures {
    /// Everybody who came in, each once.
    pub(crate) visitors: u32,
    /// The same, by way.
    pub(crate) by_way: BTreeMap<WayIn, u32>,
    /// The same, by fee class; whoever has none is in `without_class`.
    pub(crate) by_fee: BTreeMap<String, u32>,
    pub(crate) without_class: u32,
    /// Of the visitors, entered by staff by hand.
    pub(crate) manual: u32,
    /// Of the visitors, those whose class rests on attributes that are old.
    pub(crate) stale: u32,
    /// Came in again while inside: welcomed, not counted.
    pub(crate) again: u32,
    /// Let in, and did not go in.
    pub(crate) not_entered: u32,
    /// Let in, and whether the door was released is not known; not counted.
    pub(crate) unknown: u32,
    /// Visits that were refused.
    pub(crate) refused: u32,
    /// The same, by reason.
    pub(crate) by_reason: BTreeMap<String, u32>,
    pub(crate) reception: Option<Reception>,
    /// The sum of fees of classes that the kiosk computed, in yen, at what they cost now.
    pub(crate) computed_yen: u64,
    /// Of the visitors, those of a class that the facility's file does not have any more: they are in no sum.
    pub(crate) unpriced: u32,
    /// Refused because of somebody else's card or a pass that does not count: see [`AVOIDING`].
    pub(crate) declined: u32,
    /// The same, each with the facility's highest fee, in yen.
    pub(crate) declined_yen: u64,
    /// Visits of whose day the clock was not sure.
    pub(crate) day_in_doubt: u32,
}

impl Figures {
    /// The most by which the kiosk can have kept fees from being missed, in yen. Nobody knows what would have been paid
    /// anyway, so this is an upper bound: all fees that it computed, and for each refusal of [`AVOIDING`] the highest fee.
    pub(crate) fn missed_at_most_yen(&self) -> u64 {
        self.computed_yen.saturating_add(self.declined_yen)
    }
}

/// Refusals that stand for a fee that somebody tried not to pay: another person's card, a pass that has ended or is not
/// there, a book that is used up, a card that is inside already.
pub(crate) const AVOIDING: [&str; 5] =
    ["claim-not-confirmed", "no-entitlement", "pass-not-valid", "coupons-used", "already-inside"];

/// How long reception took where the kiosk let somebody in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub(crate) struct Reception {
    pub(crate) visits: u32,
    pub(crate) median_ms: u64,
    pub(crate) p95_ms: u64,
}

/// Counts the visits from one day to another, both included. Visits of other days are left out.
pub(crate) fn of(visits: &[Visit], facility: &Facility, (from, until): (Date, Date), aside: Aside) -> Report {
    let inside: Vec<&Visit> = visits.iter().filter(|visit| (from..=until).contains(&visit.day)).collect();
    let mut by_day: BTreeMap<Date, Vec<&Visit>> = BTreeMap::new();
    let mut by_month: BTreeMap<(u16, u8), Vec<&Visit>> = BTreeMap::new();
    for visit in &inside {
        by_day.entry(visit.day).or_default().push(visit);
        by_month.entry((visit.day.year(), visit.day.month())).or_default().push(visit);
    }
    let span = |(from, until): (Date, Date), these: Option<&Vec<&Visit>>| Span {
        from,
        until,
        figures: figures(these.map_or(&[], Vec::as_slice), &facility.fees),
    };
    let Aside { facility: name, made, overdrawn, undated } = aside;
    Report {
        facility: name,
        from,
        until,
        made,
        total: figures(&inside, &facility.fees),
        days: days::each(from, until).map(|day| span((day, day), by_day.get(&day))).collect(),
        months: days::months(from, until)
            .map(|month| span(month, by_month.get(&(month.0.year(), month.0.month()))))
            .collect(),
        hours: hours(&inside),
        fees: fees(&inside, &facility.fees),
        overdrawn,
        undated,
    }
}

fn figures(visits: &[&Visit], fees: &[FeeClass]) -> Figures {
    let mut figures = Figures::default();
    let mut receptions = Vec::new();
    for visit in visits {
        figures.day_in_doubt += u32::from(!visit.day_sure);
        receptions.extend(visit.reception);
        let party = u32::try_from(visit.visitors.len()).unwrap_or(u32::MAX);
        match &visit.ended {
            Ended::CameIn => visit.visitors.iter().for_each(|it| figures.came_in(visit.way, it, fees)),
            Ended::NotEntered => figures.not_entered += party,
            Ended::Unknown => figures.unknown += party,
            Ended::Refused(why) => figures.refuse(why, fees),
        }
    }
    figures.reception = reception(receptions);
    figures
}

impl Figures {
    fn came_in(&mut self, way: WayIn, visitor: &Visitor, fees: &[FeeClass]) {
        if visitor.again {
            self.again += 1;
            return;
        }
        self.visitors += 1;
        self.manual += u32::from(visitor.by_hand);
        self.stale += u32::from(visitor.stale);
        *self.by_way.entry(way).or_default() += 1;
        let Some(id) = &visitor.fee else {
            self.without_class += 1;
            return;
        };
        *self.by_fee.entry(id.clone()).or_default() += 1;
        match fees.iter().find(|fee| *fee.id.0 == **id) {
            Some(fee) if !visitor.by_hand => self.computed_yen += u64::from(fee.yen),
            Some(_) => {}
            None => self.unpriced += 1,
        }
    }

    fn refuse(&mut self, why: &str, fees: &[FeeClass]) {
        self.refused += 1;
        *self.by_reason.entry(why.to_owned()).or_default() += 1;
        if AVOIDING.contains(&why) {
            self.declined += 1;
            self.declined_yen += fees.iter().map(|fee| u64::from(fee.yen)).max().unwrap_or(0);
        }
    }
}

/// Median and 95th percentile by nearest rank: the least value that so many of a hundred do not exceed. It is always one
/// that was measured.
fn reception(mut spans: Vec<Duration>) -> Option<Reception> {
    spans.sort_unstable();
    let rank = |percent: usize| {
        let place = (spans.len() * percent).div_ceil(100).checked_sub(1)?;
        spans.get(place).map(|span| u64::try_from(span.as_millis()).unwrap_or(u64::MAX))
    };
    let (median_ms, p95_ms) = (rank(50)?, rank(95)?);
    Some(Reception { visits: u32::try_from(spans.len()).unwrap_or(u32::MAX), median_ms, p95_ms })
}

fn hours(visits: &[&Visit]) -> [u32; 24] {
    let mut hours = [0; 24];
    for visit in visits.iter().filter(|visit| visit.ended == Ended::CameIn) {
        let came = visit.visitors.iter().filter(|visitor| !visitor.again).count();
        if let Some(hour) = hours.get_mut(usize::from(visit.minute / 60)) {
            *hour += u32::try_from(came).unwrap_or(u32::MAX);
        }
    }
    hours
}

/// The facility's classes, then those that only the records know.
fn fees(visits: &[&Visit], known: &[FeeClass]) -> Vec<Fee> {
    let named = |fee: &FeeClass| Fee {
        id: fee.id.0.to_string(),
        yen: Some(fee.yen),
        japanese: fee.words.japanese.to_string(),
        english: fee.words.english.to_string(),
    };
    let mut fees: Vec<Fee> = known.iter().map(named).collect();
    let in_records = visits.iter().flat_map(|visit| &visit.visitors).filter_map(|it| it.fee.as_deref());
    for id in in_records {
        if !fees.iter().any(|fee| fee.id == id) {
            let gone = |text: &str| format!("{id}{text}");
            fees.push(Fee {
                id: id.to_owned(),
                yen: None,
                japanese: gone("（今はない区分）"),
                english: gone(" (no longer a class)"),
            });
        }
    }
    fees
}

#[cfg(test)]
mod tests;

//! The duplicates desk: two enrolees of one facility who may be one person. Faces say who is alike; a human says who is the
//! same. Nothing is merged by itself, because a twin is no duplicate.

use gate::{PersonId, Score, Template};
use ledger::{GroupId, Kind, Value};

use super::{PeopleError, pen::Pen, registrations};
use crate::{
    db::Cell,
    operators::{May, Operator},
};

/// References that are all compared with each other: 12.5 million comparisons, some seconds. A larger facility asks for one
/// enrolee at a time.
const MAX_REFERENCES: usize = 5_000;
/// Pairs that are shown at once; the most alike come first.
const MAX_PAIRS: usize = 100;

/// Two enrolees who look alike.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Pair {
    /// The smaller id stands first.
    pub(crate) one: PersonId,
    pub(crate) other: PersonId,
    /// The best score of their references.
    pub(crate) score: Score,
}

/// What a human says of a pair.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Verdict {
    /// One person.
    Same,
    /// Two people who look alike.
    Apart,
}

/// Pairs at least so alike of whom nobody has said anything yet; with everybody, or with one enrolee. Shows no name: whoever
/// judges looks the two up, and that leaves its trace.
pub(crate) fn pairs(
    pen: &mut dyn Pen,
    who: &Operator,
    facility: GroupId,
    of: Option<PersonId>,
    least: Score,
) -> Result<Vec<Pair>, PeopleError> {
    if !who.may_in(May::JudgeDuplicates, facility) {
        return Err(PeopleError::NotAllowed);
    }
    let mut faces: Vec<(PersonId, Vec<Template>)> = vec![];
    let mut references = 0;
    for enrolee in registrations::enrolees(pen, facility)? {
        let Some(held) = registrations::open(pen, facility, enrolee, true)? else { continue };
        let templates = held.profile.references().ok_or(PeopleError::Damaged("registrations"))?;
        references += templates.len();
        if of.is_none() && references > MAX_REFERENCES {
            return Err(PeopleError::Unusable(
                "more than 5,000 references: name one enrolee to compare with the rest",
            ));
        }
        faces.push((enrolee, templates));
    }
    let mut found = compared(&faces, of, least);
    let judged = pen.sql().query("SELECT one, other FROM duplicates WHERE grp = $1", &[facility.0.into()])?;
    let mut known = std::collections::BTreeSet::new();
    for row in &judged {
        known.insert((PersonId(row[0].array()?), PersonId(row[1].array()?)));
    }
    found.retain(|pair| !known.contains(&(pair.one, pair.other)));
    found.sort_by(|left, right| right.score.0.total_cmp(&left.score.0));
    found.truncate(MAX_PAIRS);
    Ok(found)
}

/// Keeps what a human said of a pair, and states it.
pub(crate) fn judge(
    pen: &mut dyn Pen,
    who: &Operator,
    facility: GroupId,
    pair: (PersonId, PersonId),
    verdict: Verdict,
) -> Result<(), PeopleError> {
    if !who.may_in(May::JudgeDuplicates, facility) {
        return Err(PeopleError::NotAllowed);
    }
    let (one, other) = (pair.0.min(pair.1), pair.0.max(pair.1));
    let there = registrations::enrolees(pen, facility)?;
    if one == other || !there.contains(&one) || !there.contains(&other) {
        return Err(PeopleError::Unknown("pair of enrolees"));
    }
    let word = match verdict {
        Verdict::Same => "same",
        Verdict::Apart => "apart",
    };
    let of = [facility.0.into(), one.0.into(), other.0.into()];
    pen.sql().execute("DELETE FROM duplicates WHERE grp = $1 AND one = $2 AND other = $3", &of)?;
    let [grp, first, second] = of;
    let row = [grp, first, second, word.into(), who.name.as_str().into(), Cell::from(pen.now_ms())];
    let text =
        "INSERT INTO duplicates (grp, one, other, verdict, operator, at_ms) VALUES ($1, $2, $3, $4, $5, $6)";
    pen.sql().execute(text, &row)?;
    match verdict {
        Verdict::Same => {
            let fields = vec![("person", Value::bytes(one.0)), ("other", Value::bytes(other.0))];
            pen.say(facility, Kind::Same, fields, None)
        }
        // Kiosks do not ask: two people are apart until somebody says otherwise.
        Verdict::Apart => Ok(()),
    }
}

fn compared(faces: &[(PersonId, Vec<Template>)], of: Option<PersonId>, least: Score) -> Vec<Pair> {
    let mut found = vec![];
    for (at, (one, mine)) in faces.iter().enumerate() {
        for (other, theirs) in &faces[at + 1..] {
            if of.is_some_and(|of| of != *one && of != *other) {
                continue;
            }
            let scores = mine.iter().flat_map(|a| theirs.iter().filter_map(move |b| a.compare(b).ok()));
            let best = scores.max_by(|left, right| left.0.total_cmp(&right.0));
            if let Some(score) = best.filter(|score| *score >= least) {
                found.push(Pair { one: *one, other: *other, score });
            }
        }
    }
    found
}

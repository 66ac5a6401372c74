//! A table of people (CSV) becomes households, and every line that cannot be used is named with its number and what to do.
//! A household is taken whole or not at all: one bad line of it, and none of it is.
//!
//! The first line names the columns, in any order; only `name` is needed:
//!
//! | column | what stands in it |
//! |---|---|
//! | `household` | any word; lines with the same word are one household. Empty: a person alone |
//! | `name` | the name |
//! | `representative`, `protected` | `yes` or `no`; empty is no. One of each household is the representative |
//! | `born`, `resident_from`, `resident_until`, `confirmed`, `valid_from`, `valid_until`, `pass_from`, `pass_until` | a day, `2026-11-24` |
//! | `resident` | `yes`, `no`, or empty: not known |
//! | `coupons` | a number |
//! | `photos` | files beside the table, with `;` between them. Empty: no face is known |
//! | `consent` | the version of the text that was agreed to |
//! | `names_agreed` | `yes` in any line of the household: its names may be shown |

use std::{collections::BTreeMap, path::PathBuf};

use super::{Facts, csv, facts};

/// Lines of one file; a city is imported in parts.
const MAX_ROWS: usize = 200_000;
/// Members of one household; as at the kiosk.
pub(crate) const MAX_MEMBERS: usize = 30;

/// The columns.
const COLUMNS: [&str; 17] = [
    "household",
    "name",
    "representative",
    "protected",
    "born",
    "resident",
    "resident_from",
    "resident_until",
    "confirmed",
    "valid_from",
    "valid_until",
    "pass_from",
    "pass_until",
    "coupons",
    "photos",
    "consent",
    "names_agreed",
];

/// A line that can be used.
pub(crate) struct Line {
    /// Its number in the file, from 1.
    pub(crate) line: usize,
    pub(crate) name: String,
    pub(crate) representative: bool,
    pub(crate) protected: bool,
    pub(crate) facts: Facts,
    pub(crate) photos: Vec<PathBuf>,
    pub(crate) consent: Option<String>,
    names_agreed: bool,
}

/// People who are taken together.
pub(crate) struct Family {
    /// Whether it is a household, or one person alone.
    pub(crate) household: bool,
    pub(crate) names_agreed: bool,
    pub(crate) members: Vec<Line>,
}

/// A line that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub(crate) struct Bad {
    /// Its number in the file, from 1.
    pub(crate) line: usize,
    /// What to do.
    pub(crate) why: String,
}

/// What a table says.
#[derive(Default)]
pub(crate) struct Plan {
    /// In the order of the file.
    pub(crate) families: Vec<Family>,
    pub(crate) bad: Vec<Bad>,
    /// Lines that are good themselves and belong to a household with a bad one.
    pub(crate) held_back: Vec<usize>,
}

/// Reads a table.
pub(crate) fn plan(text: &str) -> Result<Plan, Bad> {
    let rows = csv::read(text).map_err(|it| Bad { line: it.line, why: it.why.to_owned() })?;
    let mut rows = rows.into_iter();
    let header = rows.next().ok_or_else(|| bad(1, "the file is empty; its first line names the columns"))?;
    let columns = columns(&header)?;
    if rows.len() > MAX_ROWS {
        return Err(bad(1, "a file has at most 200,000 lines; split it between two households"));
    }
    let mut plan = Plan::default();
    let mut families: Vec<(Vec<Result<Line, Bad>>, bool)> = vec![];
    let mut known: BTreeMap<String, usize> = BTreeMap::new();
    for row in rows {
        let label = cell(&columns, &row, "household").to_owned();
        let line = line(&columns, &row);
        if label.is_empty() {
            families.push((vec![line], false));
            continue;
        }
        let at = *known.entry(label).or_insert(families.len());
        if at == families.len() {
            families.push((vec![], true));
        }
        families[at].0.push(line);
    }
    for (lines, household) in families {
        plan.take(lines, household);
    }
    plan.bad.sort_by_key(|it| it.line);
    plan.held_back.sort_unstable();
    Ok(plan)
}

impl Plan {
    /// A household whole, or its bad lines.
    fn take(&mut self, lines: Vec<Result<Line, Bad>>, household: bool) {
        let (mut members, mut refused) = (vec![], vec![]);
        for line in lines {
            match line {
                Ok(line) => members.push(line),
                Err(bad) => refused.push(bad),
            }
        }
        if household && refused.is_empty() {
            refused.extend(wrong_family(&members));
        }
        if refused.is_empty() {
            let names_agreed = members.iter().any(|it| it.names_agreed);
            self.families.push(Family { household, names_agreed, members });
            return;
        }
        let named = |line: usize| refused.iter().any(|it| it.line == line);
        self.held_back.extend(members.iter().map(|it| it.line).filter(|line| !named(*line)));
        self.bad.extend(refused);
    }
}

/// What is wrong with a household whose lines are good.
fn wrong_family(members: &[Line]) -> Option<Bad> {
    let speaking: Vec<usize> = members.iter().filter(|it| it.representative).map(|it| it.line).collect();
    let first = members.first()?.line;
    match (members.len() <= MAX_MEMBERS, speaking.as_slice()) {
        (false, _) => {
            Some(bad(first, "a household has at most 30 members; split it, or give another word to some"))
        }
        (true, []) => {
            Some(bad(first, "nobody speaks for this household; put `yes` under representative in one line"))
        }
        (true, [_]) => None,
        (true, [_, second, ..]) => {
            Some(bad(*second, "a second representative of one household; leave `yes` in one line"))
        }
    }
}

/// Where each column stands.
fn columns(header: &csv::Row) -> Result<BTreeMap<&'static str, usize>, Bad> {
    let mut columns = BTreeMap::new();
    for (at, name) in header.cells.iter().enumerate() {
        let name = name.trim();
        let Some(known) = COLUMNS.iter().find(|it| **it == name) else {
            // What stands there may be a person: a file without a header.
            let why = format!("column {}: no such column; there are: {}", at + 1, COLUMNS.join(", "));
            return Err(Bad { line: header.line, why });
        };
        if columns.insert(*known, at).is_some() {
            return Err(Bad {
                line: header.line,
                why: format!("the column {known} stands twice; leave one out"),
            });
        }
    }
    match columns.contains_key("name") {
        true => Ok(columns),
        false => Err(bad(header.line, "the column `name` is needed")),
    }
}

fn cell<'a>(columns: &BTreeMap<&'static str, usize>, row: &'a csv::Row, name: &str) -> &'a str {
    columns.get(name).and_then(|at| row.cells.get(*at)).map_or("", |cell| cell.trim())
}

fn line(columns: &BTreeMap<&'static str, usize>, row: &csv::Row) -> Result<Line, Bad> {
    let refuse = |why: String| Bad { line: row.line, why };
    if row.cells.len() > columns.len() {
        return Err(bad(row.line, "more cells than columns; put a cell with commas in quotes"));
    }
    let text = |name: &str| Some(cell(columns, row, name)).filter(|it| !it.is_empty()).map(str::to_owned);
    let said = |name: &'static str| match cell(columns, row, name) {
        "" => Ok(None),
        "yes" => Ok(Some(true)),
        "no" => Ok(Some(false)),
        _ => Err(refuse(format!("{name}: yes, no, or nothing"))),
    };
    let coupons = match cell(columns, row, "coupons") {
        "" => None,
        number => Some(number.parse().map_err(|_| bad(row.line, "coupons: a number"))?),
    };
    let known = Facts {
        born: text("born"),
        resident: said("resident")?,
        resident_from: text("resident_from"),
        resident_until: text("resident_until"),
        confirmed: text("confirmed"),
        valid_from: text("valid_from"),
        valid_until: text("valid_until"),
        pass_from: text("pass_from"),
        pass_until: text("pass_until"),
        coupons,
    };
    known.check().map_err(|error| refuse(error.to_string()))?;
    let photos = cell(columns, row, "photos").split(';').map(str::trim).filter(|it| !it.is_empty());
    Ok(Line {
        line: row.line,
        name: facts::name(cell(columns, row, "name")).map_err(|error| refuse(error.to_string()))?,
        representative: said("representative")?.unwrap_or(false),
        protected: said("protected")?.unwrap_or(false),
        facts: known,
        photos: photos.map(PathBuf::from).collect(),
        consent: text("consent"),
        names_agreed: said("names_agreed")?.unwrap_or(false),
    })
}

fn bad(line: usize, why: &str) -> Bad {
    Bad { line, why: why.to_owned() }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    const HEADER: &str = "household,name,representative,born,photos,resident";

    fn lines(of: &Plan) -> Vec<Vec<usize>> {
        of.families.iter().map(|it| it.members.iter().map(|it| it.line).collect()).collect()
    }

    #[test]
    fn lines_with_one_word_are_a_household_and_lines_without_are_people_alone() {
        let text = format!(
            "{HEADER}\na,見本 花子,yes,1986-07-07,hanako.jpg; hanako2.jpg,yes\n,鈴木,,,,\na,見本 つぼみ,,2026-07-07,,\n"
        );
        let plan = plan(&text).unwrap();
        assert_eq!(lines(&plan), [vec![2, 4], vec![3]]);
        assert!(plan.bad.is_empty() && plan.held_back.is_empty());
        let hanako = &plan.families[0].members[0];
        assert_eq!(hanako.photos, [PathBuf::from("hanako.jpg"), PathBuf::from("hanako2.jpg")]);
        assert_eq!(hanako.facts.resident, Some(true));
        assert!(plan.families[0].members[1].photos.is_empty(), "a newborn");
        assert!(plan.families[0].household && !plan.families[1].household);
    }

    #[test]
    fn one_bad_line_holds_back_its_household_and_no_other() {
        let text = format!(
            "{HEADER}\na,見本,yes,1986-02-30,,\na,見本 二,,,,\nb,佐藤,yes,,,maybe\nc,田中,yes,,,\n,\"\",,1990-01-01,,\n"
        );
        let plan = plan(&text).unwrap();
        assert_eq!(lines(&plan), [vec![5]]);
        assert_eq!(plan.bad.iter().map(|it| it.line).collect::<Vec<_>>(), [2, 4, 6]);
        assert_eq!(plan.held_back, [3]);
        assert!(plan.bad[0].why.contains("born"), "{}", plan.bad[0].why);
        assert!(plan.bad[1].why.contains("yes, no"), "{}", plan.bad[1].why);
        for bad in &plan.bad {
            assert!(!bad.why.contains("見本") && !bad.why.contains("1986"), "{}", bad.why);
        }
    }

    #[test]
    fn a_household_has_exactly_one_representative() {
        let text = format!("{HEADER}\na,見本,,,,\na,見本 二,,,,\nb,佐藤,yes,,,\nb,佐藤 二,yes,,,\n");
        let plan = plan(&text).unwrap();
        assert!(plan.families.is_empty());
        assert_eq!(plan.bad.iter().map(|it| it.line).collect::<Vec<_>>(), [2, 5]);
        assert_eq!(plan.held_back, [3, 4]);
    }

    #[test]
    fn a_file_without_a_header_is_refused_and_not_quoted() {
        let refused = plan("見本 花子,1986-07-07\n").err().unwrap();
        assert!(refused.line == 1 && !refused.why.contains("見本"), "{}", refused.why);
        assert!(plan("born\n1986-07-07\n").err().unwrap().why.contains("name"));
        assert!(plan("name,name\n").is_err() && plan("").is_err());
    }

    #[test]
    fn a_comma_without_quotes_does_not_shift_the_cells() {
        let plan = plan("name,born\n見本, 花子,1986-07-07\n").unwrap();
        assert_eq!(plan.bad.len(), 1);
    }
}

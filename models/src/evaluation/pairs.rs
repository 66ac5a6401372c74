//! LFW's pairs file.
//!
//! The first line holds the number of folds and the number of genuine pairs of a fold, which is also that of its impostor
//! pairs. Then, fold by fold, come the genuine pairs, `Name 1 4` (two pictures of one person), and the impostor pairs,
//! `Name 1 Other 3`. Fields are separated by tabs or blanks.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Most folds and pairs of a fold that are read: bounds the memory that a header line can ask for.
const MAX_COUNT: usize = 1_000_000;

/// One picture of one person, stored as `Name/Name_0001.jpg`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Picture {
    /// The person's folder.
    pub person: String,
    /// Counts from 1.
    pub number: u32,
}

impl Picture {
    /// Where it lies under the root folder.
    #[must_use]
    pub fn path(&self, root: &Path) -> PathBuf {
        root.join(&self.person).join(format!("{}_{:04}.jpg", self.person, self.number))
    }
}

/// Two pictures, by their places in [`Pairs::pictures`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pair {
    /// The first picture.
    pub left: usize,
    /// The second picture.
    pub right: usize,
    /// Whether both show the same person.
    pub genuine: bool,
}

/// A pairs file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pairs {
    /// The distinct pictures of all pairs, sorted.
    pub pictures: Vec<Picture>,
    /// The pairs of each fold, genuine ones first.
    pub folds: Vec<Vec<Pair>>,
}

/// A pairs file cannot be used.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum PairsError {
    /// The first line does not hold two counts.
    #[error(
        "line 1: the number of folds (at least 2) and of genuine pairs per fold is expected, found \"{found}\""
    )]
    Header {
        /// What it holds.
        found: String,
    },
    /// A line is no pair of the kind that is due.
    #[error("line {line}: {expected} is expected, found \"{found}\"")]
    Line {
        /// Counts from 1.
        line: usize,
        /// What is due there.
        expected: &'static str,
        /// What it holds.
        found: String,
    },
    /// Fewer pairs than the header promises.
    #[error("the file ends after {found} of {expected} pairs")]
    TooShort {
        /// Pairs the header promises.
        expected: usize,
        /// Pairs the file holds.
        found: usize,
    },
}

const GENUINE: &str = "a genuine pair `Name 1 2`";
const IMPOSTOR: &str = "an impostor pair of two persons `Name 1 Other 2`";
const END: &str = "the end of the file";

impl Pairs {
    /// Reads the text of a pairs file.
    ///
    /// # Errors
    /// [`PairsError`], which names the line.
    pub fn parse(text: &str) -> Result<Self, PairsError> {
        let mut lines = text.lines().enumerate().map(|(index, line)| (index + 1, line));
        let header = lines.next().map_or("", |(_, line)| line);
        let (folds, per_fold) =
            counts(header).ok_or_else(|| PairsError::Header { found: header.to_owned() })?;
        let mut lines = lines.filter(|(_, line)| !line.trim().is_empty());
        let mut named = Vec::new();
        let expected = folds * per_fold * 2;
        for index in 0..expected {
            let genuine = index / per_fold % 2 == 0;
            let (line, text) = lines.next().ok_or(PairsError::TooShort { expected, found: index })?;
            let kind = if genuine { GENUINE } else { IMPOSTOR };
            let pair = pair(text, genuine).ok_or_else(|| refuse(line, kind, text))?;
            named.push((pair, genuine));
        }
        if let Some((line, text)) = lines.next() {
            return Err(refuse(line, END, text));
        }
        Ok(Self::numbered(named, per_fold * 2))
    }

    fn numbered(named: Vec<((Picture, Picture), bool)>, fold_size: usize) -> Self {
        let mut places: BTreeMap<Picture, usize> =
            named.iter().flat_map(|((left, right), _)| [(left.clone(), 0), (right.clone(), 0)]).collect();
        places.values_mut().enumerate().for_each(|(index, place)| *place = index);
        let pair = |((left, right), genuine): &((Picture, Picture), bool)| Pair {
            left: places[left],
            right: places[right],
            genuine: *genuine,
        };
        let folds = named.chunks(fold_size).map(|fold| fold.iter().map(pair).collect()).collect();
        Self { folds, pictures: places.into_keys().collect() }
    }
}

fn refuse(line: usize, expected: &'static str, found: &str) -> PairsError {
    PairsError::Line { line, expected, found: found.to_owned() }
}

fn counts(header: &str) -> Option<(usize, usize)> {
    let mut fields = header.split_whitespace().map(|field| field.parse::<usize>().ok());
    let (folds, pairs) = (fields.next()??, fields.next()??);
    let bounded = folds >= 2 && pairs >= 1 && folds.checked_mul(pairs)? <= MAX_COUNT;
    (bounded && fields.next().is_none()).then_some((folds, pairs))
}

fn pair(line: &str, genuine: bool) -> Option<(Picture, Picture)> {
    let fields: Vec<&str> = line.split_whitespace().collect();
    match (genuine, fields.as_slice()) {
        (true, [name, left, right]) if left != right => Some((picture(name, left)?, picture(name, right)?)),
        (false, [name, left, other, right]) if name != other => {
            Some((picture(name, left)?, picture(other, right)?))
        }
        _ => None,
    }
}

/// A name is one folder, never a way out of the root.
fn picture(name: &str, number: &str) -> Option<Picture> {
    let number = number.parse().ok().filter(|number| *number > 0)?;
    let one_folder = !name.contains(['/', '\\']) && name != "." && name != "..";
    one_folder.then(|| Picture { person: name.to_owned(), number })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    const SMALL: &str = "2\t1\nAda\t1\t2\nAda\t1\tBob\t1\nBob\t1\t2\nBob 2 Cleo 1\n";

    #[test]
    fn folds_pairs_and_distinct_pictures_are_read() {
        let pairs = Pairs::parse(SMALL).unwrap();
        assert_eq!(pairs.folds.len(), 2);
        assert_eq!(pairs.pictures.len(), 5);
        assert_eq!(
            pairs.folds[1],
            [Pair { left: 2, right: 3, genuine: true }, Pair { left: 3, right: 4, genuine: false }]
        );
        assert_eq!(pairs.pictures[4].path(Path::new("root")), Path::new("root/Cleo/Cleo_0001.jpg"));
    }

    #[test]
    fn a_malformed_line_is_named_by_its_number() {
        for (from, to, line) in [
            ("Ada\t1\t2", "Ada\t1\tx", 2),
            ("Ada\t1\t2", "Ada\t1\t1", 2),
            ("Ada\t1\tBob\t1", "Ada\t1\tAda\t1", 3),
            ("Bob\t1\t2", "Bob\t1\tCleo\t2", 4),
            ("Bob\t1\t2", "../Bob\t1\t2", 4),
            ("Bob 2 Cleo 1\n", "Bob 2 Cleo 0\n", 5),
            ("Bob 2 Cleo 1\n", "Bob 2 Cleo 1\nAda 1 2\n", 6),
        ] {
            let error = Pairs::parse(&SMALL.replace(from, to)).unwrap_err();
            assert!(error.to_string().starts_with(&format!("line {line}:")), "{to}: {error}");
        }
        assert_eq!(Pairs::parse("2 1\nAda 1 2\n"), Err(PairsError::TooShort { expected: 4, found: 1 }));
        for header in ["", "300", "1 300", "2 0", "a b", "2 3 4", "99999999999 99999999999"] {
            assert!(matches!(Pairs::parse(header), Err(PairsError::Header { .. })), "{header}");
        }
    }
}

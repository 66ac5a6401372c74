//! Tries that are left, in a file, so that neither a reset nor a new start gives any back.
//!
//! One line for each secret that is not at its full count: `jpki 0018 2`.

use std::{collections::BTreeMap, fs, io, path::PathBuf};

use crate::files::Application;

/// The counts of one card.
pub(crate) struct Tries {
    left: BTreeMap<(Application, u16), u8>,
    file: Option<PathBuf>,
}

impl Tries {
    /// Counts that live as long as the card.
    pub(crate) fn in_memory() -> Self {
        Self { left: BTreeMap::new(), file: None }
    }

    /// Counts that live in a file; a missing one is a card that nobody tried.
    pub(crate) fn kept(file: PathBuf) -> io::Result<Self> {
        let text = match fs::read_to_string(&file) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
            Err(error) => return Err(error),
        };
        let left = text.lines().map(parse).collect::<Option<_>>();
        let left = left.ok_or_else(|| {
            io::Error::new(io::ErrorKind::InvalidData, "a line is not like `jpki 0018 2`; remove the file")
        })?;
        Ok(Self { left, file: Some(file) })
    }

    pub(crate) fn left(&self, application: Application, id: u16, most: u8) -> u8 {
        self.left.get(&(application, id)).copied().unwrap_or(most).min(most)
    }

    /// The count is in the file before the card answers.
    pub(crate) fn set(&mut self, application: Application, id: u16, left: u8) {
        self.left.insert((application, id), left);
        let Some(file) = &self.file else { return };
        let lines = self.left.iter().map(|((app, id), left)| format!("{} {id:04X} {left}\n", app.word()));
        let beside = file.with_extension("new");
        fs::write(&beside, lines.collect::<String>())
            .and_then(|()| fs::rename(&beside, file))
            .unwrap_or_else(|error| panic!("cannot keep tries in {}: {error}", file.display()));
    }
}

fn parse(line: &str) -> Option<((Application, u16), u8)> {
    let mut words = line.split(' ');
    let (application, id, left) = (words.next()?, words.next()?, words.next()?);
    let application = Application::ALL.into_iter().find(|app| app.word() == application)?;
    Some(((application, u16::from_str_radix(id, 16).ok()?), left.parse().ok()?))
}

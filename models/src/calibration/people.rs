//! Whose pictures, or whose templates: a folder with one folder per person, as LFW has it, or a file of templates.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use gate::{ModelId, Template, TemplateError};
use serde::Deserialize;

/// Most bytes of a template file that are read: about a million templates.
const MAX_TEMPLATE_BYTES: u64 = 2 << 30;

/// Pictures of known people, in the order of their paths.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct People {
    /// Each picture and the number of its person.
    pub pictures: Vec<(u32, PathBuf)>,
    /// Folders without any file.
    pub empty: Vec<PathBuf>,
}

/// The people cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum PeopleError {
    /// A folder or file is not there or cannot be read.
    #[error("read {path}")]
    Read {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A file lies beside the folders.
    #[error(
        "{0} lies outside a person's folder; each person needs a folder with that person's pictures alone: NAME/picture.jpg"
    )]
    Loose(PathBuf),
    /// A folder lies inside a person's folder.
    #[error(
        "{0} is a folder inside a person's folder; put that person's pictures directly into it, other people beside it"
    )]
    Nested(PathBuf),
    /// Nobody is there.
    #[error("{0} holds no folders; each person needs one: NAME/picture.jpg")]
    Nobody(PathBuf),
    /// A line of a template file is none.
    #[error("{path}, line {line}: {{\"person\": NAME, \"template\": [NUMBER, …]}} is expected ({reason})")]
    Line {
        /// The file.
        path: PathBuf,
        /// Counts from 1.
        line: usize,
        /// What is wrong; quotes nothing of the line.
        reason: String,
    },
}

impl People {
    /// Lists a folder that holds one folder per person. Names that begin with a dot are passed over; pictures are not opened.
    ///
    /// # Errors
    /// [`PeopleError`], which names what is in the wrong place.
    pub fn list(root: &Path) -> Result<Self, PeopleError> {
        let (mut pictures, mut empty) = (Vec::new(), Vec::new());
        let persons = entries(root)?;
        if persons.is_empty() {
            return Err(PeopleError::Nobody(root.to_owned()));
        }
        for (person, folder) in (0u32..).zip(persons) {
            if !folder.is_dir() {
                return Err(PeopleError::Loose(folder));
            }
            let files = entries(&folder)?;
            if files.is_empty() {
                empty.push(folder);
            }
            for file in files {
                if file.is_dir() {
                    return Err(PeopleError::Nested(file));
                }
                pictures.push((person, file));
            }
        }
        Ok(Self { pictures, empty })
    }
}

fn entries(folder: &Path) -> Result<Vec<PathBuf>, PeopleError> {
    let failed = |source| PeopleError::Read { path: folder.to_owned(), source };
    let mut paths = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        if !entry.file_name().as_encoded_bytes().starts_with(b".") {
            paths.push(entry.path());
        }
    }
    paths.sort();
    Ok(paths)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    person: String,
    template: Vec<f32>,
}

/// Reads a file with one JSON object a line, `{"person": NAME, "template": [NUMBER, …]}`, whose templates `model` made.
/// Persons are numbered in the order of their names.
///
/// # Errors
/// [`PeopleError::Read`] and [`PeopleError::Line`].
pub fn read_templates(
    path: &Path,
    model: &ModelId,
    length: usize,
) -> Result<(Vec<u32>, Vec<Template>), PeopleError> {
    use std::io::{BufRead as _, BufReader, Read as _};
    let failed = |source| PeopleError::Read { path: path.to_owned(), source };
    let file = std::fs::File::open(path).map_err(failed)?.take(MAX_TEMPLATE_BYTES);
    let (mut names, mut templates) = (Vec::new(), Vec::new());
    for (line, text) in (1..).zip(BufReader::new(file).lines()) {
        let refuse = |reason: String| PeopleError::Line { path: path.to_owned(), line, reason };
        let Line { person, template } = serde_json::from_str(&text.map_err(failed)?)
            .map_err(|error| refuse(format!("column {}", error.column())))?;
        if template.len() != length {
            return Err(refuse(format!("{} numbers, {model} has {length}", template.len())));
        }
        let made = Template::new(model.clone(), template);
        templates.push(made.map_err(|error: TemplateError| refuse(error.to_string()))?);
        names.push(person);
    }
    let sorted: BTreeMap<&str, u32> = names.iter().map(|name| (name.as_str(), 0)).collect();
    let numbers: BTreeMap<&str, u32> = sorted.into_keys().zip(0..).collect();
    Ok((names.iter().map(|name| numbers[name.as_str()]).collect(), templates))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn tree(files: &[&str], folders: &[&str]) -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        folders.iter().for_each(|folder| std::fs::create_dir_all(root.path().join(folder)).unwrap());
        for file in files {
            let path = root.path().join(file);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, b"").unwrap();
        }
        root
    }

    #[test]
    fn one_folder_is_one_person_and_hidden_files_are_passed_over() {
        let root = tree(&["Bob/b.jpg", "Ada/2.jpg", "Ada/1.jpg", ".DS_Store", "Ada/.x"], &["Cleo"]);
        let people = People::list(root.path()).unwrap();
        let found: Vec<(u32, &Path)> = people
            .pictures
            .iter()
            .map(|(person, path)| (*person, path.strip_prefix(root.path()).unwrap()))
            .collect();
        assert_eq!(
            found,
            [(0, Path::new("Ada/1.jpg")), (0, Path::new("Ada/2.jpg")), (1, Path::new("Bob/b.jpg"))]
        );
        assert_eq!(people.empty, [root.path().join("Cleo")]);
    }

    #[test]
    fn anything_else_is_refused_and_named() {
        let refuse = |files: &[&str], folders: &[&str]| {
            People::list(tree(files, folders).path()).unwrap_err().to_string()
        };
        assert!(refuse(&["Ada/1.jpg", "picture.jpg"], &[]).contains("picture.jpg lies outside"));
        assert!(refuse(&["Ada/2020/1.jpg"], &[]).contains("2020 is a folder inside"));
        assert!(refuse(&[], &[]).contains("holds no folders"));
        assert!(matches!(People::list(Path::new("/no such folder")), Err(PeopleError::Read { .. })));
    }

    #[test]
    fn a_template_file_is_read_strictly_and_quotes_nothing() {
        let read = |text: &str| {
            let root = tempfile::tempdir().unwrap();
            let path = root.path().join("templates");
            std::fs::write(&path, text).unwrap();
            read_templates(&path, &ModelId::new("toy"), 2)
        };
        let good = "{\"person\":\"b\",\"template\":[1,0]}\n{\"person\":\"a\",\"template\":[0,2.5]}\n";
        let (people, templates) = read(good).unwrap();
        assert_eq!((people, templates.len()), (vec![1, 0], 2));
        for (bad, why) in [
            ("{\"person\":\"b\",\"template\":[1]}", "1 numbers, toy has 2"),
            ("{\"person\":\"b\",\"template\":[0,0]}", "no direction"),
            ("{\"person\":\"secret\",\"face\":[1,0]}", "column"),
            ("secret", "column"),
        ] {
            let message = read(&format!("{good}{bad}\n")).unwrap_err().to_string();
            assert!(message.contains("line 3") && message.contains(why), "{message}");
            assert!(!message.contains("secret"), "{message}");
        }
    }
}

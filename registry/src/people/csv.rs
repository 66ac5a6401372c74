//! Comma-separated values (RFC 4180): UTF-8 with or without a byte order mark, CR LF or LF, quotes where needed. Every line
//! keeps its number, so that whoever has the file open in a spreadsheet finds it.

/// A record of the file.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Row {
    /// The line on which it begins, from 1.
    pub(crate) line: usize,
    /// Its cells.
    pub(crate) cells: Vec<String>,
}

/// Why a text is no table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct NoTable {
    /// The line, from 1.
    pub(crate) line: usize,
    /// What to do.
    pub(crate) why: &'static str,
}

/// Where the reader is inside a cell.
#[derive(Clone, Copy, PartialEq, Eq)]
enum In {
    /// At its beginning.
    Start,
    /// In one without quotes.
    Plain,
    /// Between quotes.
    Quoted,
    /// After the closing quote.
    Closed,
}

/// All records; lines without any text are left out.
pub(crate) fn read(text: &str) -> Result<Vec<Row>, NoTable> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let (mut rows, mut cells, mut cell, mut state) = (vec![], vec![], String::new(), In::Start);
    let (mut line, mut begins) = (1, 1);
    let mut rest = text.chars().peekable();
    loop {
        let next = rest.next();
        let next = if next == Some('\r') && rest.peek() == Some(&'\n') { rest.next() } else { next };
        match (state, next) {
            (In::Quoted, None) => {
                return Err(NoTable { line: begins, why: "a quote is not closed; add the closing \"" });
            }
            (In::Start | In::Plain | In::Closed, None | Some('\n')) => {
                cells.push(std::mem::take(&mut cell));
                push(&mut rows, Row { line: begins, cells: std::mem::take(&mut cells) });
                state = In::Start;
                if next.is_none() {
                    return Ok(rows);
                }
                line += 1;
                begins = line;
            }
            (In::Start | In::Plain | In::Closed, Some(',')) => {
                cells.push(std::mem::take(&mut cell));
                state = In::Start;
            }
            (In::Start, Some('"')) => state = In::Quoted,
            (In::Quoted, Some('"')) if rest.peek() == Some(&'"') => {
                rest.next();
                cell.push('"');
            }
            (In::Quoted, Some('"')) => state = In::Closed,
            (In::Quoted, Some(other)) => {
                line += usize::from(other == '\n');
                cell.push(other);
            }
            (In::Plain, Some('"')) => {
                return Err(NoTable {
                    line,
                    why: "a quote stands inside a cell; put the whole cell in quotes",
                });
            }
            (In::Closed, Some(_)) => {
                return Err(NoTable { line, why: "after a closing quote only a comma may follow" });
            }
            (In::Start | In::Plain, Some(other)) => {
                cell.push(other);
                state = In::Plain;
            }
        }
    }
}

fn push(rows: &mut Vec<Row>, row: Row) {
    if row.cells.iter().any(|cell| !cell.trim().is_empty()) {
        rows.push(row);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn cells(text: &str) -> Vec<(usize, Vec<String>)> {
        read(text).unwrap().into_iter().map(|row| (row.line, row.cells)).collect()
    }

    fn row(line: usize, cells: &[&str]) -> (usize, Vec<String>) {
        (line, cells.iter().map(|&cell| cell.to_owned()).collect())
    }

    #[test]
    fn commas_quotes_and_line_breaks_inside_quotes_belong_to_the_cell() {
        let text = "\u{feff}name,note\r\n見本,\"a, \"\"b\"\"\r\nc\"\r\n\r\n ,\nx,y";
        assert_eq!(
            cells(text),
            [row(1, &["name", "note"]), row(2, &["見本", "a, \"b\"\nc"]), row(6, &["x", "y"])]
        );
    }

    #[test]
    fn an_empty_last_cell_is_a_cell() {
        assert_eq!(cells("a,\n"), [row(1, &["a", ""])]);
        assert_eq!(cells(""), []);
    }

    #[test]
    fn a_wrong_quote_is_named_with_its_line() {
        for (text, line) in [("a\n\"b", 2), ("a\nb\"c", 2), ("\"a\"b", 1), ("a\n\n\"b\nc\"d", 4)] {
            assert_eq!(read(text).unwrap_err().line, line, "{text}");
        }
    }
}

//! What is typed at a command: one line from standard input, unseen on a terminal, wiped when it is dropped.

use std::{
    io::{self, IsTerminal as _, Read as _},
    os::fd::AsFd as _,
    sync::mpsc::sync_channel,
    thread,
    time::Duration,
};

use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};
use zeroize::Zeroizing;

use super::refused::Refused;

/// How long somebody may take to type, or a program to write.
const TYPED_WITHIN: Duration = Duration::from_secs(60);

/// Longest line. A front code has 14 digits, and an individual number with its blanks, which is refused by name, has 14.
const LONGEST: u64 = 64;

/// One line without its end.
pub(super) fn line(what: &str) -> Result<Zeroizing<String>, Refused> {
    let _unseen = Unseen::on_terminal(what);
    let (tell, told) = sync_channel(1);
    // A read cannot be broken off: past its time the thread is left behind, and the program ends.
    let reading = thread::Builder::new().name("typed".into()).spawn(move || tell.send(read(io::stdin())));
    let nothing = || Refused::NothingTyped(TYPED_WITHIN.as_secs());
    reading.map_err(|_| nothing())?;
    let typed = told.recv_timeout(TYPED_WITHIN).ok().flatten().ok_or_else(nothing)?;
    if typed.is_empty() { Err(nothing()) } else { Ok(typed) }
}

/// Up to the line's end, byte by byte: whoever writes may leave the pipe open.
fn read(from: impl io::Read) -> Option<Zeroizing<String>> {
    let room = usize::try_from(LONGEST).expect("64 fits");
    let mut line = Zeroizing::new(Vec::with_capacity(room));
    for byte in io::BufReader::new(from.take(LONGEST)).bytes() {
        match byte.ok()? {
            b'\n' => break,
            byte => line.push(byte),
        }
    }
    let text = str::from_utf8(&line).ok()?;
    Some(Zeroizing::new(text.trim_end_matches('\r').to_owned()))
}

/// A terminal that does not show what is typed, until this is dropped.
struct Unseen(Termios);

impl Unseen {
    fn on_terminal(what: &str) -> Option<Self> {
        let stdin = io::stdin();
        if !stdin.is_terminal() {
            return None;
        }
        eprintln!("{what}:");
        let usual = tcgetattr(stdin.as_fd()).ok()?;
        let mut unseen = usual.clone();
        unseen.local_modes.remove(LocalModes::ECHO);
        tcsetattr(stdin.as_fd(), OptionalActions::Flush, &unseen).ok()?;
        Some(Self(usual))
    }
}

impl Drop for Unseen {
    fn drop(&mut self) {
        _ = tcsetattr(io::stdin().as_fd(), OptionalActions::Now, &self.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_ends_where_it_ends_and_has_a_longest() {
        let check = |bytes: &[u8]| read(bytes).map(|it| it.to_string());
        assert_eq!(check(b"1234\n5678\n").as_deref(), Some("1234"));
        assert_eq!(check(b"1234\r\n").as_deref(), Some("1234"));
        assert_eq!(check(b"1234").as_deref(), Some("1234"));
        assert_eq!(check(b""), Some(String::new()));
        assert_eq!(check(&[b'1'; 5_000]).map(|it| it.len()), Some(64));
        assert_eq!(check(&[0xFF, b'\n']), None);
    }
}

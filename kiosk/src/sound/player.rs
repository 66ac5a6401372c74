//! Plays cues with a program of the board's (`aplay -q FILE`), one at a time and the newest only, and keeps nobody waiting.

use std::{
    fs::{self, DirBuilder},
    io,
    os::unix::fs::DirBuilderExt as _,
    path::PathBuf,
    process::{Child, Command, Stdio},
    sync::{
        Arc, Condvar, Mutex, MutexGuard,
        atomic::{AtomicU32, Ordering},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use thiserror::Error;

use super::{Cue, tones};

/// How often a program that plays is looked at.
const POLL: Duration = Duration::from_millis(20);
/// No cue lasts half as long; a player that hangs is ended.
const LONGEST: Duration = Duration::from_secs(6);
/// Between two rounds of a cue that repeats.
const PAUSE: Duration = Duration::from_millis(1_500);
/// Folders of other kiosks, or of one that was killed, that may be in the way.
const FOLDERS_TRIED: u32 = 16;

/// A thread that plays. Ends with its sound when it is dropped.
pub(super) struct Player {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Default)]
struct Shared {
    wanted: Mutex<Wanted>,
    changed: Condvar,
}

/// What should be heard now. Only the newest counts.
#[derive(Default, Clone, Copy)]
struct Wanted {
    cue: Option<Cue>,
    /// Counts the orders, so that the same cue can be ordered twice.
    order: u64,
    /// The last order that the thread has finished with.
    done: u64,
    ended: bool,
}

/// Why nothing can be played.
#[derive(Debug, Error)]
pub(crate) enum SoundError {
    /// No folder for the files.
    #[error("cannot write the sounds into {folder}; the kiosk needs room in its folder for temporary files")]
    Files {
        /// The folder.
        folder: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// No thread.
    #[error("cannot start the thread that plays sounds")]
    Thread(#[source] io::Error),
}

impl Player {
    /// Writes the sounds once and starts the thread. `command` is a program and its arguments; the file comes last.
    ///
    /// # Errors
    /// [`SoundError`]; a program that is not there is told in the log at the first cue, and the kiosk stays silent.
    pub(super) fn start(command: Vec<String>) -> Result<Self, SoundError> {
        let files = Files::write()?;
        let shared = Arc::<Shared>::default();
        let of_thread = Arc::clone(&shared);
        let thread = thread::Builder::new()
            .name("sound".into())
            .spawn(move || run(&of_thread, &command, &files))
            .map_err(SoundError::Thread)?;
        Ok(Self { shared, thread: Some(thread) })
    }

    /// From now on this is heard, or nothing new: a short cue is played to its end unless another one follows, a repeated
    /// one stops. Never waits.
    pub(super) fn play(&self, cue: Option<Cue>) {
        self.order(|wanted| wanted.cue = cue);
    }

    fn order(&self, change: impl FnOnce(&mut Wanted)) {
        let mut wanted = self.shared.wanted();
        change(&mut wanted);
        wanted.order += 1;
        self.shared.changed.notify_all();
    }
}

impl Drop for Player {
    fn drop(&mut self) {
        self.order(|wanted| wanted.ended = true);
        if let Some(thread) = self.thread.take() {
            // It panics nowhere; if it did, there is nothing left to play.
            let _ = thread.join();
        }
    }
}

impl Shared {
    fn wanted(&self) -> MutexGuard<'_, Wanted> {
        self.wanted.lock().expect("nothing panics while it holds this lock")
    }

    /// Waits for an order after the one that is done.
    fn next(&self, done: u64) -> Wanted {
        let mut wanted = self.wanted();
        wanted.done = done;
        *self.changed.wait_while(wanted, |wanted| wanted.order == wanted.done).expect("nothing panics there")
    }

    /// Waits so long, or until something newer ends what plays now; says whether it does.
    fn interrupted(&self, playing: Wanted, time: Duration) -> bool {
        let goes_on = |wanted: &mut Wanted| {
            let newer = wanted.order != playing.order;
            let repeats = playing.cue.is_some_and(Cue::repeats);
            !(wanted.ended || newer && (wanted.cue.is_some() || repeats))
        };
        let waited = self.changed.wait_timeout_while(self.wanted(), time, goes_on);
        !waited.expect("nothing panics there").1.timed_out()
    }
}

fn run(shared: &Shared, command: &[String], files: &Files) {
    let (mut done, mut told) = (0, false);
    loop {
        let wanted = shared.next(done);
        done = wanted.order;
        if wanted.ended {
            return;
        }
        let Some(cue) = wanted.cue else { continue };
        loop {
            match play(shared, wanted, command, files.of(cue)) {
                Ok(()) => told = false,
                Err(error) if !told => {
                    told = true;
                    tracing::error!(player = command.join(" "), %error, "no sound");
                }
                Err(_) => {}
            }
            if !cue.repeats() || shared.interrupted(wanted, PAUSE) {
                break;
            }
        }
    }
}

/// Plays one file to its end, or until something newer is to be heard.
fn play(shared: &Shared, wanted: Wanted, command: &[String], file: PathBuf) -> io::Result<()> {
    let (program, arguments) = command.split_first().ok_or(io::ErrorKind::InvalidInput)?;
    let quiet = Stdio::null;
    let mut child = Command::new(program)
        .args(arguments)
        .arg(file)
        .stdin(quiet())
        .stdout(quiet())
        .stderr(quiet())
        .spawn()?;
    let until = Instant::now() + LONGEST;
    loop {
        if let Some(status) = child.try_wait()? {
            return if status.success() { Ok(()) } else { Err(io::Error::other(status.to_string())) };
        }
        if shared.interrupted(wanted, POLL) {
            return end(&mut child);
        }
        if Instant::now() > until {
            end(&mut child)?;
            return Err(io::ErrorKind::TimedOut.into());
        }
    }
}

fn end(child: &mut Child) -> io::Result<()> {
    child.kill()?;
    child.wait().map(drop)
}

/// The sounds as files in a folder of our own, until it is dropped.
struct Files(PathBuf);

impl Files {
    fn write() -> Result<Self, SoundError> {
        let folder = own_folder()?;
        let files = Self(folder.clone());
        for cue in Cue::ALL {
            fs::write(files.of(cue), tones::wav(cue))
                .map_err(|source| SoundError::Files { folder: folder.clone(), source })?;
        }
        Ok(files)
    }

    fn of(&self, cue: Cue) -> PathBuf {
        self.0.join(match cue {
            Cue::Welcome => "welcome.wav",
            Cue::Look => "look.wav",
            Cue::Evacuate => "evacuate.wav",
        })
    }
}

impl Drop for Files {
    fn drop(&mut self) {
        // What stays behind is small, and gone at the next start of the machine.
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// A new folder that nobody else can write to: one that is there already is somebody else's. No name is used twice.
fn own_folder() -> Result<PathBuf, SoundError> {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let place = std::env::temp_dir();
    let mut refused = io::Error::from(io::ErrorKind::AlreadyExists);
    for _ in 0..FOLDERS_TRIED {
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let folder = place.join(format!("genkan-sounds-{}-{number}", std::process::id()));
        match DirBuilder::new().mode(0o700).create(&folder) {
            Ok(()) => return Ok(folder),
            Err(error) => refused = error,
        }
    }
    Err(SoundError::Files { folder: place, source: refused })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use tempfile::TempDir;

    use super::*;

    /// How long a test waits for another thread before it fails.
    const PATIENCE: Duration = Duration::from_secs(20);

    /// A player that writes down which file it was given, and then does `then`.
    fn player(folder: &TempDir, then: &str) -> Player {
        let script = format!("basename \"$1\" >> '{}'; {then}", folder.path().join("heard").display());
        Player::start(vec!["sh".into(), "-c".into(), script, "sh".into()]).unwrap()
    }

    fn heard(folder: &TempDir) -> Vec<String> {
        let text = fs::read_to_string(folder.path().join("heard")).unwrap_or_default();
        text.lines().map(str::to_owned).collect()
    }

    fn wait_until(what: impl Fn() -> bool) {
        let until = Instant::now() + PATIENCE;
        while !what() {
            assert!(Instant::now() < until, "it does not happen");
            thread::sleep(POLL);
        }
    }

    #[test]
    fn a_cue_is_given_to_the_player_as_its_last_argument() {
        let folder = tempfile::tempdir().unwrap();
        let player = player(&folder, "true");
        player.play(Some(Cue::Welcome));
        wait_until(|| heard(&folder) == ["welcome.wav"]);
        player.play(Some(Cue::Look));
        wait_until(|| heard(&folder) == ["welcome.wav", "look.wav"]);
    }

    #[test]
    fn a_newer_cue_ends_the_one_that_plays() {
        let folder = tempfile::tempdir().unwrap();
        // Longer than the test waits: only being ended makes room for the next.
        let player = player(&folder, "exec sleep 60");
        player.play(Some(Cue::Look));
        wait_until(|| heard(&folder) == ["look.wav"]);
        player.play(Some(Cue::Welcome));
        wait_until(|| heard(&folder) == ["look.wav", "welcome.wav"]);
    }

    #[test]
    fn the_tone_of_a_fire_repeats_until_something_else_is_shown() {
        let folder = tempfile::tempdir().unwrap();
        let player = player(&folder, "true");
        player.play(Some(Cue::Evacuate));
        wait_until(|| heard(&folder).len() >= 2);
        player.play(None);
        player.play(Some(Cue::Look));
        wait_until(|| heard(&folder).last().is_some_and(|last| last == "look.wav"));
        // The thread has gone on to the next order; a tone that still repeated would hold it.
        player.play(Some(Cue::Welcome));
        wait_until(|| heard(&folder).last().is_some_and(|last| last == "welcome.wav"));
    }

    #[test]
    fn a_fire_that_is_over_is_silent() {
        let folder = tempfile::tempdir().unwrap();
        let number = folder.path().join("process");
        let player = player(&folder, &format!("echo $$ > '{}'; exec sleep 60", number.display()));
        player.play(Some(Cue::Evacuate));
        let process = || fs::read_to_string(&number).ok().filter(|text| text.ends_with('\n'));
        wait_until(|| process().is_some());
        player.play(None);
        // The thread waits for the next order only when nothing plays and nothing will be repeated.
        wait_until(|| {
            let wanted = player.shared.wanted();
            wanted.done == wanted.order
        });
        assert!(!PathBuf::from("/proc").join(process().unwrap().trim()).exists());
        assert_eq!(heard(&folder), ["evacuate.wav"]);
    }

    #[test]
    fn a_player_that_is_not_there_leaves_the_kiosk_silent_and_at_work() {
        let player = Player::start(vec!["/no/such/player".into()]).unwrap();
        player.play(Some(Cue::Evacuate));
        player.play(Some(Cue::Welcome));
        drop(player);
    }

    #[test]
    fn the_files_are_ours_alone_and_gone_at_the_end() {
        use std::os::unix::fs::PermissionsExt as _;
        let files = Files::write().unwrap();
        let folder = files.0.clone();
        assert_eq!(fs::metadata(&folder).unwrap().permissions().mode() & 0o777, 0o700);
        assert!(Cue::ALL.into_iter().all(|cue| files.of(cue).is_file()));
        drop(files);
        assert!(!folder.exists());
    }
}

//! A panel where there is no display: it knows what would be shown and draws it when asked.

use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread;

use gate::Screen;

use super::headless::{Headless, PanelSize};
use super::moment::Moment;
use super::panel::{Panel, Preview, UiError, save};
use super::words::{Language, Setup};
use crate::desk::View;

/// Screenshots that may wait to be drawn; whoever asks for one more waits. Each keeps a camera picture in memory.
const REQUESTS_MAX: usize = 4;

/// A screen for `--headless`: cheap to clone, one drawing thread behind all clones.
#[derive(Clone)]
pub(crate) struct HeadlessPanel {
    now: Arc<Mutex<Now>>,
    requests: SyncSender<Request>,
}

/// What is shown.
#[derive(Clone)]
struct Now {
    moment: Moment,
    preview: Option<Preview>,
    desk: View,
}

struct Request {
    now: Now,
    file: PathBuf,
    answer: SyncSender<Result<(), UiError>>,
}

impl HeadlessPanel {
    /// Starts the drawing thread; it ends with the last clone.
    ///
    /// # Errors
    /// [`UiError::Thread`]; what is wrong with the screens themselves is said by the first screenshot.
    pub(crate) fn start(setup: Setup, language: Language, size: PanelSize) -> Result<Self, UiError> {
        let (requests, inbox) = sync_channel(REQUESTS_MAX);
        thread::Builder::new()
            .name("screens".into())
            .spawn(move || draw_all(&setup, language, size, &inbox))
            .map_err(UiError::Thread)?;
        let now = Now { moment: Screen::Idle.into(), preview: None, desk: View::default() };
        Ok(HeadlessPanel { now: Arc::new(Mutex::new(now)), requests })
    }

    fn now(&self) -> MutexGuard<'_, Now> {
        self.now.lock().expect("nothing panics while it holds this lock")
    }
}

impl Panel for HeadlessPanel {
    fn show(&self, moment: Moment) {
        self.now().moment = moment;
    }

    fn preview(&self, preview: Preview) {
        self.now().preview = Some(preview);
    }

    fn desk(&self, view: View) {
        self.now().desk = view;
    }

    fn screenshot(&self, file: &Path) -> Result<(), UiError> {
        let (answer, reply) = sync_channel(1);
        let now = self.now().clone();
        let request = Request { now, file: file.to_path_buf(), answer };
        self.requests.send(request).map_err(|_| UiError::Ended)?;
        reply.recv().map_err(|_| UiError::Ended)?
    }
}

fn draw_all(setup: &Setup, language: Language, size: PanelSize, inbox: &Receiver<Request>) {
    let mut screens = None;
    for Request { now, file, answer } in inbox {
        let drawn = draw(&mut screens, setup, &now, language, size, &file);
        // Whoever asked may have gone; the file is there or it is not.
        let _ = answer.send(drawn);
    }
}

/// The first call makes the screens, because their font takes a moment that a run without screenshots need not spend.
fn draw(
    screens: &mut Option<Headless>,
    setup: &Setup,
    now: &Now,
    language: Language,
    size: PanelSize,
    file: &Path,
) -> Result<(), UiError> {
    let screens = match screens {
        Some(made) => made,
        None => screens.insert(Headless::new(setup, |_| ())?),
    };
    let public = screens.render(&now.moment, language, now.preview.as_ref(), size)?;
    if now.desk == View::default() {
        return save(&public, file);
    }
    screens.desk(&now.desk);
    let staff = screens.draw(size);
    screens.desk(&View::default());
    save(&staff, file)
}

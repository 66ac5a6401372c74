//! The screens on a real display. The main thread runs the event loop; everybody else holds a [`ScreenHandle`].

use std::path::Path;
use std::sync::mpsc::sync_channel;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use image::{Rgb, RgbImage};
use slint::{ComponentHandle as _, Rgba8Pixel, SharedPixelBuffer, Weak};

use super::generated::Kiosk;
use super::moment::Moment;
use super::panel::{Panel, Preview, UiError, save};
use super::words::{Setup, Touch};
use super::{shown, staff, wiring};
use crate::desk::View;

/// How long a screenshot waits for the main thread: longer than any frame takes, short enough that a window that has
/// been closed holds nobody up.
const SCREENSHOT_WAIT: Duration = Duration::from_secs(5);

/// A window is made full-screen only once it is there: asked for before, it would lose its own size where no window manager
/// answers, as on a kiosk without a desktop.
const FULL_SCREEN_AFTER: Duration = Duration::from_millis(200);

/// The window, on the thread that opened it.
pub(crate) struct Window {
    ui: Kiosk,
    handle: ScreenHandle,
    full_screen: bool,
}

impl Window {
    /// Opens the window, idle and in Japanese. `on_touch` is called on this thread and must not wait.
    ///
    /// # Errors
    /// [`UiError::Open`] where there is no display.
    pub(crate) fn open(
        setup: &Setup,
        full_screen: bool,
        on_touch: impl Fn(Touch) + Clone + 'static,
    ) -> Result<Self, UiError> {
        let ui = Kiosk::new().map_err(UiError::Open)?;
        wiring::wire(&ui, setup, on_touch)?;
        let handle = ScreenHandle { ui: ui.as_weak(), waiting: Arc::default() };
        Ok(Window { ui, handle, full_screen })
    }

    /// A handle for the other threads.
    pub(crate) fn handle(&self) -> ScreenHandle {
        self.handle.clone()
    }

    /// Runs the event loop until [`ScreenHandle::quit`] or until somebody closes the window.
    ///
    /// # Errors
    /// [`UiError::Run`] where the display fails.
    pub(crate) fn run(self) -> Result<(), UiError> {
        if self.full_screen {
            let ui = self.ui.as_weak();
            slint::Timer::single_shot(FULL_SCREEN_AFTER, move || {
                if let Some(ui) = ui.upgrade() {
                    ui.window().set_fullscreen(true);
                }
            });
        }
        self.ui.run().map_err(UiError::Run)
    }
}

/// The window as other threads see it: cheap to clone. What it is told waits in one place, newest only, so that a slow
/// display is never flooded.
#[derive(Clone)]
pub(crate) struct ScreenHandle {
    ui: Weak<Kiosk>,
    waiting: Arc<Mutex<Waiting>>,
}

/// What the main thread has not shown yet.
#[derive(Default)]
struct Waiting {
    moment: Option<Moment>,
    preview: Option<Preview>,
    desk: Option<View>,
    /// The main thread has been asked to look here.
    asked: bool,
}

impl ScreenHandle {
    /// Ends [`Window::run`].
    pub(crate) fn quit(&self) {
        // It fails only where the loop has ended already, which is what was asked for.
        let _ = slint::quit_event_loop();
    }

    fn tell(&self, change: impl FnOnce(&mut Waiting)) {
        let mut waiting = lock(&self.waiting);
        change(&mut waiting);
        if waiting.asked {
            return;
        }
        waiting.asked = true;
        drop(waiting);
        let shared = Arc::clone(&self.waiting);
        // It fails only where the window has gone; then there is nothing to show it on.
        let _ = self.ui.upgrade_in_event_loop(move |ui| catch_up(&ui, &shared));
    }
}

impl Panel for ScreenHandle {
    fn show(&self, moment: Moment) {
        self.tell(|waiting| waiting.moment = Some(moment));
    }

    fn preview(&self, preview: Preview) {
        self.tell(|waiting| waiting.preview = Some(preview));
    }

    fn desk(&self, view: View) {
        self.tell(|waiting| waiting.desk = Some(view));
    }

    fn screenshot(&self, file: &Path) -> Result<(), UiError> {
        let (answer, reply) = sync_channel(1);
        let shared = Arc::clone(&self.waiting);
        self.ui
            .upgrade_in_event_loop(move |ui| {
                catch_up(&ui, &shared);
                // Whoever asked may have stopped waiting.
                let _ = answer.send(ui.window().take_snapshot());
            })
            .map_err(|_| UiError::Ended)?;
        let snapshot = reply.recv_timeout(SCREENSHOT_WAIT).map_err(|_| UiError::Ended)?;
        save(&without_alpha(&snapshot.map_err(UiError::Run)?), file)
    }
}

/// Shows what is waiting; on the main thread.
fn catch_up(ui: &Kiosk, waiting: &Mutex<Waiting>) {
    let Waiting { moment, preview, desk, asked: _ } = std::mem::take(&mut *lock(waiting));
    if let Some(moment) = moment {
        wiring::show(ui, &moment);
    }
    if let Some(preview) = preview {
        ui.set_preview(shown::mirrored(&preview));
    }
    if let Some(view) = desk {
        staff::show(ui, &view);
    }
}

fn lock(waiting: &Mutex<Waiting>) -> MutexGuard<'_, Waiting> {
    waiting.lock().expect("nothing panics while it holds this lock")
}

fn without_alpha(snapshot: &SharedPixelBuffer<Rgba8Pixel>) -> RgbImage {
    let width = snapshot.width() as usize;
    RgbImage::from_fn(snapshot.width(), snapshot.height(), |x, y| {
        let pixel = snapshot.as_slice()[y as usize * width + x as usize];
        Rgb([pixel.r, pixel.g, pixel.b])
    })
}

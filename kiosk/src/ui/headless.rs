//! Screens drawn into memory: no display, no graphics card, no clock of their own.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

use image::RgbImage;
use slint::platform::software_renderer::{MinimalSoftwareWindow, RepaintBufferType};
use slint::platform::{Platform, PointerEventButton, WindowAdapter, WindowEvent};
use slint::{
    ComponentHandle as _, LogicalPosition, PhysicalSize, PlatformError, Rgb8Pixel, SharedPixelBuffer,
};

use super::generated::Kiosk;
use super::moment::Moment;
use super::panel::{Preview, UiError};
use super::words::{Language, Notice, Setup, Touch};
use super::{shown, staff, wiring};
use crate::desk::View;

/// The pixels of a panel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct PanelSize {
    /// Pixels across.
    pub(crate) width: u32,
    /// Pixels down.
    pub(crate) height: u32,
}

impl PanelSize {
    /// The kiosk panel that the screens were drawn for.
    pub(crate) const UPRIGHT: PanelSize = PanelSize { width: 800, height: 1280 };
    /// The same panel on its side.
    pub(crate) const WIDE: PanelSize = PanelSize { width: 1280, height: 800 };
    /// The smallest: a tablet on a counter.
    pub(crate) const COUNTER: PanelSize = PanelSize { width: 1024, height: 600 };
}

thread_local! {
    /// The window that Slint asked for last on this thread; [`Headless::new`] takes it.
    static MADE: RefCell<Option<Rc<MinimalSoftwareWindow>>> = const { RefCell::new(None) };
    /// The time on this thread's screens; it stands still unless a test lets it pass.
    static CLOCK: Cell<Duration> = const { Cell::new(Duration::ZERO) };
}

/// Slint's view of a machine without a display. Each thread that draws has its own.
struct Displayless;

impl Platform for Displayless {
    fn create_window_adapter(&self) -> Result<Rc<dyn WindowAdapter>, PlatformError> {
        let window = MinimalSoftwareWindow::new(RepaintBufferType::NewBuffer);
        MADE.set(Some(window.clone()));
        Ok(window)
    }

    fn duration_since_start(&self) -> Duration {
        CLOCK.get()
    }
}

/// The screens on a panel of memory. Stays on the thread that made it.
pub(crate) struct Headless {
    ui: Kiosk,
    window: Rc<MinimalSoftwareWindow>,
    notice: Notice,
}

impl Headless {
    /// Screens in Japanese, idle; `on_touch` hears what [`Headless::touch`] presses.
    ///
    /// # Errors
    /// [`UiError::WindowOnThisThread`] where this thread has opened a real window.
    pub(crate) fn new(setup: &Setup, on_touch: impl Fn(Touch) + Clone + 'static) -> Result<Self, UiError> {
        // Already set is fine where it was set here; otherwise no window of ours is made below.
        let _ = slint::platform::set_platform(Box::new(Displayless));
        MADE.set(None);
        let ui = Kiosk::new().map_err(UiError::Open)?;
        let window = MADE.take().ok_or(UiError::WindowOnThisThread)?;
        wiring::wire(&ui, setup, on_touch)?;
        ui.show().map_err(UiError::Open)?;
        Ok(Headless { ui, window, notice: setup.notice.clone() })
    }

    /// Shows `moment`, with a camera picture or without one, in `language`, and draws it.
    ///
    /// # Errors
    /// [`UiError::Language`] where the language was not built in.
    pub(crate) fn render(
        &self,
        moment: &Moment,
        language: Language,
        preview: Option<&Preview>,
        size: PanelSize,
    ) -> Result<RgbImage, UiError> {
        wiring::speak(&self.ui, &self.notice, language)?;
        wiring::show(&self.ui, moment);
        self.ui.set_preview(preview.map(shown::mirrored).unwrap_or_default());
        Ok(self.draw(size))
    }

    /// The window, for its properties.
    pub(super) fn ui(&self) -> &Kiosk {
        &self.ui
    }

    /// Shows a page of the staff area, or closes it.
    pub(crate) fn desk(&self, view: &View) {
        staff::show(&self.ui, view);
    }

    /// Draws what is shown now.
    pub(crate) fn draw(&self, size: PanelSize) -> RgbImage {
        self.window.set_size(PhysicalSize::new(size.width, size.height));
        slint::platform::update_timers_and_animations();
        self.window.request_redraw();
        let mut buffer = SharedPixelBuffer::<Rgb8Pixel>::new(size.width, size.height);
        self.window.draw_if_needed(|renderer| {
            renderer.render(buffer.make_mut_slice(), size.width as usize);
        });
        RgbImage::from_raw(size.width, size.height, buffer.as_bytes().to_vec())
            .expect("the buffer was made for this size")
    }

    /// Presses and lets go at a point, in pixels from the top left.
    pub(crate) fn touch(&self, x: f32, y: f32) {
        let (position, button) = (LogicalPosition::new(x, y), PointerEventButton::Left);
        let window = self.ui.window();
        window.dispatch_event(WindowEvent::PointerPressed { position, button });
        window.dispatch_event(WindowEvent::PointerReleased { position, button });
    }
}

#[cfg(test)]
impl Headless {
    /// Lets time pass on this thread's screens.
    pub(super) fn pass(&self, time: Duration) {
        // Timers that a change has just started begin to count before the time passes.
        slint::platform::update_timers_and_animations();
        CLOCK.set(CLOCK.get() + time);
        slint::platform::update_timers_and_animations();
    }

    /// Holds a finger on a point, in pixels from the top left.
    pub(super) fn hold(&self, x: f32, y: f32, time: Duration) {
        let (position, button) = (LogicalPosition::new(x, y), PointerEventButton::Left);
        self.ui.window().dispatch_event(WindowEvent::PointerPressed { position, button });
        self.pass(time);
        self.ui.window().dispatch_event(WindowEvent::PointerReleased { position, button });
    }

    /// Shows `moment` in whatever language is chosen.
    pub(super) fn show(&self, moment: &Moment) {
        wiring::show(&self.ui, moment);
    }
}

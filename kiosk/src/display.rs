//! The screen that this run has: a window, or memory where there is no display.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
    mpsc::{Receiver, SyncSender, sync_channel},
};

use crate::ui::{HeadlessPanel, Language, Panel, PanelSize, Setup, Touch, UiError, Window};

/// A screen, on the main thread.
pub(crate) enum Display {
    /// Slint's event loop.
    Window {
        /// The window.
        window: Window,
        /// Somebody quit before the loop was running.
        quit: Arc<AtomicBool>,
    },
    /// Nothing to look at: the main thread waits to be told to quit.
    Memory {
        /// Draws on request.
        panel: HeadlessPanel,
        /// Tells the main thread to quit.
        quit: SyncSender<()>,
        /// Where it waits.
        quitting: Receiver<()>,
    },
}

impl Display {
    /// Opens the screen. `on_touch` hears what people press.
    pub(crate) fn open(
        headless: bool,
        full_screen: bool,
        setup: Setup,
        on_touch: impl Fn(Touch) + Clone + 'static,
    ) -> Result<Self, UiError> {
        if headless {
            let panel = HeadlessPanel::start(setup, Language::Japanese, PanelSize::UPRIGHT)?;
            let (quit, quitting) = sync_channel(1);
            return Ok(Self::Memory { panel, quit, quitting });
        }
        Ok(Self::Window { window: Window::open(&setup, full_screen, on_touch)?, quit: Arc::default() })
    }

    /// The screen for the other threads.
    pub(crate) fn panel(&self) -> Arc<dyn Panel> {
        match self {
            Self::Window { window, .. } => Arc::new(window.handle()),
            Self::Memory { panel, .. } => Arc::new(panel.clone()),
        }
    }

    /// What ends [`Display::run`], callable from any thread.
    pub(crate) fn quitter(&self) -> Box<dyn Fn() + Send> {
        match self {
            Self::Window { window, quit } => {
                let (handle, quit) = (window.handle(), Arc::clone(quit));
                Box::new(move || {
                    quit.store(true, Ordering::SeqCst);
                    handle.quit();
                })
            }
            Self::Memory { quit, .. } => {
                let quit = quit.clone();
                Box::new(move || _ = quit.try_send(()))
            }
        }
    }

    /// Runs on the main thread until somebody quits.
    pub(crate) fn run(self) -> Result<(), UiError> {
        match self {
            Self::Window { quit, .. } if quit.load(Ordering::SeqCst) => Ok(()),
            Self::Window { window, .. } => window.run(),
            Self::Memory { quitting, .. } => {
                _ = quitting.recv();
                Ok(())
            }
        }
    }
}

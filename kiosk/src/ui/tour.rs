//! Every screen in every language, as pictures to be looked at.

use std::path::{Path, PathBuf};

use gate::{Fault, QualityIssue, Screen, Welcome};

use super::headless::{Headless, PanelSize};
use super::panel::{Preview, UiError, save};
use super::words::{Language, Notice, Setup};

const ISSUES: [QualityIssue; 6] = [
    QualityIssue::TooFar,
    QualityIssue::OutOfFrame,
    QualityIssue::NotFrontal,
    QualityIssue::TooDark,
    QualityIssue::TooBright,
    QualityIssue::Blurred,
];

/// Every screen there is, greetings for one person and for three.
pub(crate) fn every_screen() -> Vec<Screen> {
    let mut screens = vec![Screen::Idle];
    screens.extend(ISSUES.map(Screen::Hint));
    screens.extend([
        Screen::HoldStill,
        welcome(1),
        welcome(3),
        Screen::NotRecognised,
        Screen::Ambiguous,
        Screen::SecondFactor,
        Screen::SeeStaff,
    ]);
    screens.extend(ISSUES.map(Screen::NoClearImage));
    screens.push(Screen::Pause);
    screens.extend([Fault::Camera, Fault::Strike, Fault::Storage].map(Screen::OutOfService));
    screens
}

/// Draws every screen in every language into the folder `out`, and returns the files in the order they were made.
///
/// `ja-idle.png` is the kiosk panel; `-1280x800` and `-1024x600` are the wide ones, `-readers` has a QR and card reader,
/// `-preview` a camera picture, and `-staff-called` is the moment after 係員を呼ぶ. `staff/` holds the staff area.
///
/// # Errors
/// The folder cannot be made or a file in it cannot be written.
pub(crate) fn tour(out: &Path) -> Result<Vec<PathBuf>, UiError> {
    std::fs::create_dir_all(out).map_err(|source| UiError::Folder { path: out.to_path_buf(), source })?;
    let mut drawn = Vec::new();
    for language in Language::ALL {
        let plain = Setup { notice: Notice::example(), readers: false };
        let mut walk = Walk { screens: Headless::new(&plain, |_| ())?, language, out, drawn: &mut drawn };
        walk.upright("")?;
        walk.wide()?;
        walk.with_preview()?;
        walk.staff_called()?;
        walk.screens = Headless::new(&Setup { readers: true, ..plain }, |_| ())?;
        walk.upright("-readers")?;
    }
    super::staff_tour::draw(out, &mut drawn)?;
    Ok(drawn)
}

/// One language of the tour.
struct Walk<'a> {
    screens: Headless,
    language: Language,
    out: &'a Path,
    drawn: &'a mut Vec<PathBuf>,
}

impl Walk<'_> {
    fn upright(&mut self, suffix: &str) -> Result<(), UiError> {
        every_screen().iter().try_for_each(|screen| self.draw(screen, suffix, None, PanelSize::UPRIGHT))
    }

    fn wide(&mut self) -> Result<(), UiError> {
        for size in [PanelSize::WIDE, PanelSize::COUNTER] {
            let suffix = format!("-{}x{}", size.width, size.height);
            every_screen().iter().try_for_each(|screen| self.draw(screen, &suffix, None, size))?;
        }
        Ok(())
    }

    fn with_preview(&mut self) -> Result<(), UiError> {
        let preview = evening_light();
        for screen in [Screen::Idle, Screen::Hint(QualityIssue::TooFar), Screen::HoldStill] {
            self.draw(&screen, "-preview", Some(&preview), PanelSize::UPRIGHT)?;
        }
        Ok(())
    }

    fn staff_called(&mut self) -> Result<(), UiError> {
        for size in [PanelSize::UPRIGHT, PanelSize::COUNTER] {
            self.screens.draw(size);
            self.screens.touch(size.width as f32 / 2.0, size.height as f32 - 80.0);
            let suffix = format!("-staff-called-{}x{}", size.width, size.height);
            self.draw(&Screen::NotRecognised, &suffix, None, size)?;
        }
        Ok(())
    }

    fn draw(
        &mut self,
        screen: &Screen,
        suffix: &str,
        preview: Option<&Preview>,
        size: PanelSize,
    ) -> Result<(), UiError> {
        let picture = self.screens.render(screen, self.language, preview, size)?;
        let file = self.out.join(format!("{}-{}{suffix}.png", self.language.code(), name(screen)));
        save(&picture, &file)?;
        self.drawn.push(file);
        Ok(())
    }
}

/// A plain welcome.
pub(super) fn welcome(party: u32) -> Screen {
    Screen::Welcome(Welcome { party, ..Welcome::default() })
}

fn name(screen: &Screen) -> String {
    match screen {
        Screen::Idle => "idle".into(),
        Screen::Hint(issue) => format!("hint-{}", issue_name(*issue)),
        Screen::HoldStill => "hold-still".into(),
        Screen::Welcome(Welcome { party: 1, .. }) => "welcome".into(),
        Screen::Welcome(Welcome { party, .. }) => format!("welcome-{party}"),
        Screen::ShowFace
        | Screen::TurnHead(_)
        | Screen::TurnBack
        | Screen::AnotherWay
        | Screen::ClaimNotConfirmed
        | Screen::NotAdmitted(_)
        | Screen::Evacuate
        | Screen::Reader(_)
        | Screen::Shelter(_) => "later".into(),
        Screen::NotRecognised => "not-recognised".into(),
        Screen::Ambiguous => "ambiguous".into(),
        Screen::SecondFactor => "second-factor".into(),
        Screen::SeeStaff => "see-staff".into(),
        Screen::NoClearImage(issue) => format!("no-clear-image-{}", issue_name(*issue)),
        Screen::Pause => "pause".into(),
        Screen::OutOfService(Fault::Camera) => "out-of-service-camera".into(),
        Screen::OutOfService(Fault::Strike) => "out-of-service-strike".into(),
        Screen::OutOfService(Fault::Storage) => "out-of-service-storage".into(),
    }
}

fn issue_name(issue: QualityIssue) -> &'static str {
    match issue {
        QualityIssue::TooFar => "too-far",
        QualityIssue::OutOfFrame => "out-of-frame",
        QualityIssue::NotFrontal => "not-frontal",
        QualityIssue::TooDark => "too-dark",
        QualityIssue::TooBright => "too-bright",
        QualityIssue::Blurred => "blurred",
    }
}

/// A picture in place of a camera's: light from one side, nobody in it.
pub(super) fn evening_light() -> Preview {
    const WIDTH: u32 = 320;
    const HEIGHT: u32 = 240;
    let rgb = (0..WIDTH * HEIGHT)
        .flat_map(|at| {
            let (x, y) = (at % WIDTH, at / WIDTH);
            // Both stay below 200 for this size.
            let light = (60 + x * 130 / WIDTH) as u8;
            let shade = (y * 50 / HEIGHT) as u8;
            [light, light - shade / 2, light - shade]
        })
        .collect();
    Preview::new(WIDTH, HEIGHT, rgb).expect("three bytes for each pixel")
}

//! From what the gate means to what the screens take.

use gate::{Fault, QualityIssue, Screen, Welcome};
use slint::{Image, Rgb8Pixel, SharedPixelBuffer};

use super::generated::{Issue, Part, Scene, Showing};
use super::panel::Preview;

/// Every screen has its scene; what a scene does not use keeps its first value.
pub(super) fn showing(screen: &Screen) -> Showing {
    let scene = |scene| Showing { scene, issue: Issue::TooFar, part: Part::Camera, party: 0 };
    match *screen {
        Screen::Idle => scene(Scene::Idle),
        Screen::Hint(why) => Showing { issue: issue(why), ..scene(Scene::Hint) },
        Screen::HoldStill => scene(Scene::HoldStill),
        Screen::Welcome(Welcome { party, .. }) => {
            Showing { party: i32::try_from(party).unwrap_or(i32::MAX), ..scene(Scene::Welcome) }
        }
        Screen::ShowFace | Screen::TurnHead(_) | Screen::TurnBack => scene(Scene::HoldStill),
        Screen::AnotherWay
        | Screen::ClaimNotConfirmed
        | Screen::NotAdmitted(_)
        | Screen::Evacuate
        | Screen::Reader(_)
        | Screen::Shelter(_) => scene(Scene::SeeStaff),
        Screen::NotRecognised => scene(Scene::NotRecognised),
        Screen::Ambiguous => scene(Scene::Ambiguous),
        Screen::SecondFactor => scene(Scene::SecondFactor),
        Screen::SeeStaff => scene(Scene::SeeStaff),
        Screen::NoClearImage(why) => Showing { issue: issue(why), ..scene(Scene::NoClearImage) },
        Screen::Pause => scene(Scene::Pause),
        Screen::OutOfService(fault) => Showing { part: part(fault), ..scene(Scene::OutOfService) },
    }
}

fn issue(why: QualityIssue) -> Issue {
    match why {
        QualityIssue::TooFar => Issue::TooFar,
        QualityIssue::OutOfFrame => Issue::OutOfFrame,
        QualityIssue::NotFrontal => Issue::NotFrontal,
        QualityIssue::TooDark => Issue::TooDark,
        QualityIssue::TooBright => Issue::TooBright,
        QualityIssue::Blurred => Issue::Blurred,
    }
}

fn part(fault: Fault) -> Part {
    match fault {
        Fault::Camera => Part::Camera,
        Fault::Strike => Part::Strike,
        Fault::Storage => Part::Storage,
    }
}

/// The picture as a mirror shows it, so that a step to the right moves the face to the right. A wider one is thinned out,
/// so that the time that it takes stays bounded. Always in a new buffer: Slint takes a picture that shares the old one's
/// buffer for unchanged.
pub(super) fn mirrored(preview: &Preview) -> Image {
    let step = preview.width().div_ceil(Preview::LONGEST_SIDE);
    let (width, height) = (preview.width() / step, (preview.height() / step).max(1));
    let mut buffer = SharedPixelBuffer::<Rgb8Pixel>::new(width, height);
    for (y, row) in (0..).zip(buffer.make_mut_slice().chunks_exact_mut(width as usize)) {
        for (x, pixel) in (0..).zip(row.iter_mut().rev()) {
            let [r, g, b] = preview.pixel(x * step, y * step);
            *pixel = Rgb8Pixel { r, g, b };
        }
    }
    Image::from_rgb8(buffer)
}

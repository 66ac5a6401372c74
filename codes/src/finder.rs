//! From a picture to the texts of its codes.

use std::time::Duration;

use zeroize::Zeroize as _;
use zxingcpp::{BarcodeFormat, BarcodeReader, ImageFormat, ImageView, Position, TextMode};

use crate::budget::{Budget, Outcome, Pass};
use crate::sharpen::{Picture, Sharpener};
use crate::text::Text;
use crate::view::Luma;

/// Most texts from one picture: a phone shows one, a table of letters a few.
pub const MOST_TEXTS: usize = 4;

/// Pictures with more pixels are not enlarged: modules of so large a picture are large enough, and memory stays bounded.
const MOST_ENLARGED: usize = 1280 * 960;

/// How many codes the library reports, those among them that it sees and cannot read. It tells each of these several times,
/// and they must not crowd others out.
const MOST_REPORTED: i32 = 8 * MOST_TEXTS as i32;

/// Room around a code that was seen and not read, as a share of its longer side: its quiet zone and some error.
const SURROUNDINGS: usize = 4;

/// Finds codes; keeps its buffers from picture to picture.
pub struct Finder {
    reader: BarcodeReader,
    budget: Budget,
    sharpener: Sharpener,
    packed: Vec<u8>,
    cropped: Vec<u8>,
}

/// Where in a picture, in pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Region {
    left: usize,
    top: usize,
    width: usize,
    height: usize,
}

/// What came of a look.
struct Seen {
    texts: Vec<Text>,
    /// A code that could not be read.
    unread: Option<Region>,
}

impl Finder {
    /// `allowance` is the time that a picture may take in the mean, see [`Budget`].
    #[must_use]
    pub fn new(allowance: Duration) -> Self {
        Self {
            reader: reader(),
            budget: Budget::new(allowance),
            sharpener: Sharpener::new(),
            packed: Vec::new(),
            cropped: Vec::new(),
        }
    }

    /// Looks at a picture for as long as the budget has time; gives back at most [`MOST_TEXTS`] different texts. `now`
    /// is a clock that never goes back.
    pub fn find(&mut self, picture: Luma, now: impl Fn() -> Duration) -> Vec<Text> {
        let mut next = self.budget.begin();
        let mut started = now();
        let mut unread = None;
        while let Some(pass) = next {
            let seen = self.see(pass, picture, unread);
            let ended = now();
            let outcome = match (seen.texts.is_empty(), seen.unread.or(unread)) {
                (false, _) => Outcome::Read,
                (true, Some(_)) => Outcome::Unread,
                (true, None) => Outcome::Nothing,
            };
            next = self.budget.next(pass, ended.saturating_sub(started), outcome);
            if outcome == Outcome::Read {
                return seen.texts;
            }
            (started, unread) = (ended, seen.unread.or(unread));
        }
        Vec::new()
    }

    /// Looks once, in one way, at the whole picture, whatever the budget says.
    pub fn look(&mut self, pass: Pass, picture: Luma) -> Vec<Text> {
        self.see(pass, picture, None).texts
    }

    /// Looks once; enlarges `region` alone if there is one.
    fn see(&mut self, pass: Pass, picture: Luma, region: Option<Region>) -> Seen {
        let (width, height) = (picture.width(), picture.height());
        let whole = Picture { width, height, bytes: picture.packed(&mut self.packed) };
        match pass {
            Pass::Plain => read(&self.reader, whole),
            Pass::Sharpened => read(&self.reader, self.sharpener.sharpened(whole)),
            Pass::Enlarged => {
                let part = region.map_or(whole, |region| crop(whole, region, &mut self.cropped));
                if part.width * part.height > MOST_ENLARGED {
                    return Seen { texts: Vec::new(), unread: None };
                }
                read(&self.reader, self.sharpener.enlarged(part))
            }
        }
    }
}

/// What the library offers to try besides is left out: its finder sees turned codes anyway, smaller pictures read
/// nothing that the whole ones do not, and nobody shows white codes on black.
fn reader() -> BarcodeReader {
    BarcodeReader::new()
        .formats([BarcodeFormat::QRCodeModel2])
        .try_harder(true)
        .try_rotate(false)
        .try_invert(false)
        .try_downscale(false)
        .text_mode(TextMode::Plain)
        .return_errors(true)
        .max_number_of_symbols(MOST_REPORTED)
}

/// Whatever the library cannot make sense of holds no code.
fn read(reader: &BarcodeReader, picture: Picture) -> Seen {
    let Picture { width, height, bytes } = picture;
    let found =
        ImageView::from_slice(bytes, width, height, ImageFormat::Lum).and_then(|view| reader.from(view));
    let mut seen = Seen { texts: Vec::new(), unread: None };
    for code in found.unwrap_or_default() {
        if !code.is_valid() {
            seen.unread = seen.unread.or(Region::around(&code.position(), width, height));
            continue;
        }
        let mut content = code.bytes();
        if seen.texts.len() == MOST_TEXTS {
            content.zeroize();
        } else if let Some(text) = Text::from_content(content)
            && !seen.texts.contains(&text)
        {
            seen.texts.push(text);
        }
    }
    seen
}

impl Region {
    /// A code with its surroundings, as far as they lie in the picture.
    fn around(position: &Position, width: usize, height: usize) -> Option<Self> {
        let corners = [position.top_left, position.top_right, position.bottom_right, position.bottom_left];
        let side = |places: [i32; 4], length: usize| {
            let inside = places.map(|place| usize::try_from(place).unwrap_or(0).min(length - 1));
            let (least, most) = (inside.iter().min()?, inside.iter().max()?);
            Some((*least, *most))
        };
        let (left, right) = side(corners.map(|corner| corner.x), width)?;
        let (top, bottom) = side(corners.map(|corner| corner.y), height)?;
        let room = (right - left).max(bottom - top) / SURROUNDINGS;
        let (left, top) = (left.saturating_sub(room), top.saturating_sub(room));
        let (width, height) = ((right + room + 1).min(width) - left, (bottom + room + 1).min(height) - top);
        (width > room && height > room).then_some(Self { left, top, width, height })
    }
}

fn crop<'a>(picture: Picture<'a>, region: Region, cropped: &'a mut Vec<u8>) -> Picture<'a> {
    let Region { left, top, width, height } = region;
    cropped.clear();
    for row in picture.bytes.chunks_exact(picture.width).skip(top).take(height) {
        cropped.extend_from_slice(&row[left..left + width]);
    }
    Picture { width, height, bytes: cropped }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_code_at_the_edge_is_cut_out_with_what_is_there_of_its_surroundings() {
        let corner = |x, y| zxingcpp::PointI { x, y };
        let position = Position {
            top_left: corner(-3, 10),
            top_right: corner(40, 8),
            bottom_right: corner(39, 50),
            bottom_left: corner(1, 48),
        };
        let region = Region::around(&position, 60, 45).unwrap();
        assert_eq!(region, Region { left: 0, top: 0, width: 51, height: 45 });
        let bytes: Vec<u8> = (0..60 * 45).map(|at| (at % 60) as u8).collect();
        let mut cropped = Vec::new();
        let part = crop(
            Picture { width: 60, height: 45, bytes: &bytes },
            Region { left: 7, ..region },
            &mut cropped,
        );
        assert_eq!((part.bytes.len(), part.bytes[0], part.bytes[51]), (51 * 45, 7, 7));
    }

    #[test]
    fn a_position_outside_of_the_picture_does_no_harm() {
        for (x, y) in [(i32::MIN, i32::MAX), (i32::MAX, i32::MIN), (i32::MAX, i32::MAX), (0, 0)] {
            let corner = zxingcpp::PointI { x, y };
            let position =
                Position { top_left: corner, top_right: corner, bottom_right: corner, bottom_left: corner };
            let region = Region::around(&position, 60, 45).unwrap();
            assert!(region.left + region.width <= 60 && region.top + region.height <= 45, "{region:?}");
        }
    }
}

//! From a picture to the texts of its codes.

use std::time::Duration;

use zeroize::Zeroize as _;
use zxingcpp::{BarcodeFormat, BarcodeReader, ImageFormat, ImageView, TextMode};

use crate::budget::{Budget, Pass};
use crate::sharpen::{Picture, Sharpener};
use crate::text::Text;
use crate::view::Luma;

/// Most texts from one picture: a phone shows one, a table of letters a few.
pub const MOST_TEXTS: usize = 4;

/// Pictures with more pixels are not enlarged: modules of so large a picture are large enough, and memory stays bounded.
const MOST_ENLARGED: usize = 1280 * 960;

/// Finds codes; keeps its buffers from picture to picture.
pub struct Finder {
    reader: BarcodeReader,
    budget: Budget,
    sharpener: Sharpener,
    packed: Vec<u8>,
}

impl Finder {
    /// `allowance` is the time that a picture may take in the mean, see [`Budget`].
    #[must_use]
    pub fn new(allowance: Duration) -> Self {
        // What the reader offers to try besides was measured: its finder sees turned codes anyway, smaller pictures read
        // nothing that the whole ones do not, and nobody shows white codes on black.
        let reader = BarcodeReader::new()
            .formats([BarcodeFormat::QRCodeModel2])
            .try_harder(true)
            .try_rotate(false)
            .try_invert(false)
            .try_downscale(false)
            .text_mode(TextMode::Plain)
            .max_number_of_symbols(i32::try_from(MOST_TEXTS).expect("a small number"));
        Self { reader, budget: Budget::new(allowance), sharpener: Sharpener::new(), packed: Vec::new() }
    }

    /// Looks at a picture for as long as the budget has time; gives back at most [`MOST_TEXTS`] different texts. `now`
    /// is a clock that never goes back.
    pub fn find(&mut self, picture: Luma, now: impl Fn() -> Duration) -> Vec<Text> {
        let mut next = self.budget.begin();
        let mut started = now();
        while let Some(pass) = next {
            let texts = self.look(pass, picture);
            let ended = now();
            next = self.budget.next(pass, ended.saturating_sub(started), !texts.is_empty());
            if !texts.is_empty() {
                return texts;
            }
            started = ended;
        }
        Vec::new()
    }

    /// Looks once, in one way, whatever the budget says.
    pub fn look(&mut self, pass: Pass, picture: Luma) -> Vec<Text> {
        let (width, height) = (picture.width(), picture.height());
        let whole = Picture { width, height, bytes: picture.packed(&mut self.packed) };
        match pass {
            Pass::Plain => read(&self.reader, whole),
            Pass::Enlarged if width * height <= MOST_ENLARGED => {
                read(&self.reader, self.sharpener.enlarged(whole))
            }
            Pass::Sharpened | Pass::Enlarged => read(&self.reader, self.sharpener.sharpened(whole)),
        }
    }
}

/// Whatever the library cannot make sense of holds no code.
fn read(reader: &BarcodeReader, picture: Picture) -> Vec<Text> {
    let Picture { width, height, bytes } = picture;
    let found =
        ImageView::from_slice(bytes, width, height, ImageFormat::Lum).and_then(|view| reader.from(view));
    let mut texts: Vec<Text> = Vec::new();
    for code in found.unwrap_or_default() {
        let mut content = code.bytes();
        if !code.is_valid() || texts.len() == MOST_TEXTS {
            content.zeroize();
            continue;
        }
        if let Some(text) = Text::from_content(content)
            && !texts.contains(&text)
        {
            texts.push(text);
        }
    }
    texts
}

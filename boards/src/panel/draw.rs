//! A picture as pixels: the symbol to the left, the text beside it, as large as it fits.

use embedded_graphics::{
    Pixel,
    draw_target::DrawTarget,
    geometry::{OriginDimensions, Point, Size},
    pixelcolor::{Rgb565, RgbColor},
    prelude::{Dimensions, PointsIter},
    primitives::Rectangle,
};
use u8g2_fonts::{
    FontRenderer, fonts,
    types::{FontColor, VerticalPosition},
};

use super::{PanelPicture, PanelSize, glyph, symbol};

/// A display that is tall enough shows every dot of a glyph as two by two.
const TALL: u32 = 100;

/// Stands for the rest of a text that is too long.
const GOES_ON: [char; 3] = ['.', '.', '.'];

/// A line does not begin with these.
const NOT_FIRST: &str = "、。，．）」』】！？ーっゃゅょッャュョ…";

/// Pixels, row by row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Canvas {
    size: PanelSize,
    pixels: Vec<Rgb565>,
}

impl Canvas {
    /// All black.
    #[must_use]
    pub fn new(size: PanelSize) -> Self {
        Self { size, pixels: vec![Rgb565::BLACK; (size.width * size.height) as usize] }
    }

    /// Width and height.
    #[must_use]
    pub fn size(&self) -> PanelSize {
        self.size
    }

    /// Row by row.
    #[must_use]
    pub fn pixels(&self) -> &[Rgb565] {
        &self.pixels
    }

    /// Where it is not black, row by row: the picture on a display of one colour.
    pub fn lit(&self) -> impl Iterator<Item = bool> + '_ {
        self.pixels.iter().map(|&pixel| pixel != Rgb565::BLACK)
    }

    fn set(&mut self, at: Point, colour: Rgb565) {
        let (Ok(x), Ok(y)) = (u32::try_from(at.x), u32::try_from(at.y)) else {
            return;
        };
        if x < self.size.width && y < self.size.height {
            self.pixels[(y * self.size.width + x) as usize] = colour;
        }
    }
}

impl OriginDimensions for Canvas {
    fn size(&self) -> Size {
        Size::new(self.size.width, self.size.height)
    }
}

impl DrawTarget for Canvas {
    type Color = Rgb565;
    type Error = std::convert::Infallible;

    fn draw_iter<I: IntoIterator<Item = Pixel<Rgb565>>>(&mut self, pixels: I) -> Result<(), Self::Error> {
        for Pixel(at, colour) in pixels {
            self.set(at, colour);
        }
        Ok(())
    }
}

/// Glyphs on the canvas, each of their dots `scale` pixels wide and high.
struct Scaled<'a> {
    canvas: &'a mut Canvas,
    scale: u32,
    origin: Point,
}

impl Dimensions for Scaled<'_> {
    fn bounding_box(&self) -> Rectangle {
        self.canvas.bounding_box()
    }
}

impl DrawTarget for Scaled<'_> {
    type Color = Rgb565;
    type Error = std::convert::Infallible;

    fn draw_iter<I: IntoIterator<Item = Pixel<Rgb565>>>(&mut self, pixels: I) -> Result<(), Self::Error> {
        let dot = Size::new(self.scale, self.scale);
        for Pixel(at, colour) in pixels {
            let corner = self.origin + Point::new(at.x * self.scale as i32, at.y * self.scale as i32);
            for point in Rectangle::new(corner, dot).points() {
                self.canvas.set(point, colour);
            }
        }
        Ok(())
    }
}

/// A way to set text.
struct Face {
    font: FontRenderer,
    /// From one line to the next, in dots.
    line: u32,
    scale: u32,
}

fn faces(size: PanelSize) -> Vec<Face> {
    let large = || FontRenderer::new::<fonts::u8g2_font_b16_t_japanese3>();
    let small = || FontRenderer::new::<fonts::u8g2_font_b12_t_japanese3>();
    let scales: &[u32] = if size.height >= TALL { &[2, 1] } else { &[1] };
    let at =
        |&scale: &u32| [Face { font: large(), line: 16, scale }, Face { font: small(), line: 13, scale }];
    scales.iter().flat_map(at).collect()
}

/// Draws a picture for a display of this size.
#[must_use]
pub fn draw(picture: &PanelPicture, size: PanelSize) -> Canvas {
    let mut canvas = Canvas::new(size);
    let side = size.height * 5 / 8;
    let margin = size.height / 32;
    let top = (size.height - side) / 2;
    let corner = Point::new(margin as i32, top as i32);
    symbol::draw(picture.symbol, Rectangle::new(corner, Size::new(side, side)), &mut canvas);
    let left = side + 3 * margin;
    let room = Size::new(size.width - left - margin, size.height);
    set_text(&picture.text, Rectangle::new(Point::new(left as i32, 0), room), &mut canvas);
    canvas
}

/// Sets a text in the largest face in which all of it has room; in the smallest it is shortened.
fn set_text(text: &str, room: Rectangle, canvas: &mut Canvas) {
    let faces = faces(canvas.size);
    let mut set = None;
    for face in &faces {
        let lines = wrap(text, face, room.size.width / face.scale);
        let most = (room.size.height / face.scale / face.line) as usize;
        let fits = lines.len() <= most;
        set = Some((face, lines, most));
        if fits {
            break;
        }
    }
    let Some((face, mut lines, most)) = set else {
        return;
    };
    if lines.len() > most {
        lines.truncate(most);
        if let Some(last) = lines.last_mut() {
            shorten(last, face, room.size.width / face.scale);
        }
    }
    let height = lines.len() as u32 * face.line * face.scale;
    let mut top = room.top_left + Point::new(0, (room.size.height.saturating_sub(height) / 2) as i32);
    for line in &lines {
        let mut target = Scaled { canvas: &mut *canvas, scale: face.scale, origin: top };
        let mut at = Point::zero();
        for &c in line {
            let colour = FontColor::Transparent(Rgb565::WHITE);
            // Only characters that the font has are in a line.
            let _ = face.font.render(c, at, VerticalPosition::Top, colour, &mut target);
            at.x += glyph::advance(&face.font, c) as i32;
        }
        top.y += (face.line * face.scale) as i32;
    }
}

/// Lines of characters that the font has.
fn wrap(text: &str, face: &Face, width: u32) -> Vec<Vec<char>> {
    let mut lines = Vec::new();
    for paragraph in text.trim().split('\n') {
        let mut line: Vec<char> = Vec::new();
        for c in paragraph.chars().map(|c| glyph::drawable(&face.font, c)) {
            if wide(&line, face) + glyph::advance(&face.font, c) > width && !line.is_empty() {
                let carried = if NOT_FIRST.contains(c) && line.len() > 1 { line.pop() } else { None };
                lines.push(std::mem::take(&mut line));
                line.extend(carried);
            }
            if !(line.is_empty() && c == ' ') {
                line.push(c);
            }
        }
        lines.push(line);
    }
    lines
}

fn wide(line: &[char], face: &Face) -> u32 {
    line.iter().map(|&c| glyph::advance(&face.font, c)).sum()
}

/// Ends a line with dots; the Japanese fonts have no ellipsis.
fn shorten(line: &mut Vec<char>, face: &Face, width: u32) {
    while !line.is_empty() && wide(line, face) + wide(&GOES_ON, face) > width {
        line.pop();
    }
    line.extend(GOES_ON);
}

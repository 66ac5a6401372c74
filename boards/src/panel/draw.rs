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
    /// From the top of a character to its baseline, in dots: FONT_ASCENT of the font's source. U8g2's own "top" is that of
    /// a Latin capital, and a kanji is taller.
    ascent: u32,
    /// From one line to the next, in dots.
    line: u32,
    scale: u32,
}

fn faces(size: PanelSize) -> Vec<Face> {
    let large = || FontRenderer::new::<fonts::u8g2_font_b16_t_japanese3>();
    let small = || FontRenderer::new::<fonts::u8g2_font_b12_t_japanese3>();
    let scales: &[u32] = if size.height >= TALL { &[2, 1] } else { &[1] };
    let at = |&scale: &u32| {
        [
            Face { font: large(), ascent: 14, line: 16, scale },
            Face { font: small(), ascent: 10, line: 13, scale },
        ]
    };
    scales.iter().flat_map(at).collect()
}

/// Draws a picture for a display of this size.
#[must_use]
pub fn draw(picture: &PanelPicture, size: PanelSize) -> Canvas {
    let mut canvas = Canvas::new(size);
    let side = symbol_side(size);
    let top = (size.height - side) / 2;
    let corner = Point::new(margin(size) as i32, top as i32);
    symbol::draw(picture.symbol, Rectangle::new(corner, Size::new(side, side)), &mut canvas);
    set_text(&picture.text, room(size), &mut canvas);
    canvas
}

fn margin(size: PanelSize) -> u32 {
    size.height / 32
}

fn symbol_side(size: PanelSize) -> u32 {
    size.height * 5 / 8
}

/// Where the text goes: all that the symbol leaves.
fn room(size: PanelSize) -> Rectangle {
    let left = symbol_side(size) + 3 * margin(size);
    let room = Size::new(size.width - left - margin(size), size.height);
    Rectangle::new(Point::new(left as i32, 0), room)
}

/// Whether all of a text is seen on a display of this size: nothing is left off, and each character is itself. For whoever
/// writes texts.
#[must_use]
pub fn fits(text: &str, size: PanelSize) -> bool {
    let (faces, room) = (faces(size), room(size));
    let own = |face: &Face| text.chars().all(|c| c == '\n' || glyph::drawable(&face.font, c) == c);
    layout(text, &faces, room.size).is_some_and(|set| set.lines.len() <= set.most && own(set.face))
}

/// A text in lines.
struct Layout<'a> {
    face: &'a Face,
    lines: Vec<Vec<char>>,
    /// Lines that have room.
    most: usize,
}

/// The largest face in which all of a text has room, or the smallest.
fn layout<'a>(text: &str, faces: &'a [Face], room: Size) -> Option<Layout<'a>> {
    let mut set = None;
    for face in faces {
        let lines = wrap(text, face, room.width / face.scale);
        let most = (room.height / face.scale / face.line) as usize;
        let fits = lines.len() <= most;
        set = Some(Layout { face, lines, most });
        if fits {
            break;
        }
    }
    set
}

/// Sets a text; one that has no room is shortened.
fn set_text(text: &str, room: Rectangle, canvas: &mut Canvas) {
    let faces = faces(canvas.size);
    let Some(Layout { face, mut lines, most }) = layout(text, &faces, room.size) else {
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
        set_line(line, face, top, canvas);
        top.y += (face.line * face.scale) as i32;
    }
}

fn set_line(line: &[char], face: &Face, top: Point, canvas: &mut Canvas) {
    let mut target = Scaled { canvas, scale: face.scale, origin: top };
    let mut at = Point::new(0, face.ascent as i32);
    for &c in line {
        let colour = FontColor::Transparent(Rgb565::WHITE);
        // Only characters that the font has are in a line.
        let _ = face.font.render(c, at, VerticalPosition::Baseline, colour, &mut target);
        at.x += glyph::advance(&face.font, c) as i32;
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

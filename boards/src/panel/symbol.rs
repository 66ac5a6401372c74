//! The symbols, each told by its shape; the colour only helps.

use embedded_graphics::{
    Drawable,
    geometry::AngleUnit,
    geometry::{Point, Size},
    pixelcolor::{Rgb565, RgbColor},
    primitives::{
        Arc, Circle, CornerRadii, Line, Primitive, PrimitiveStyle, PrimitiveStyleBuilder, Rectangle,
        RoundedRectangle, StrokeAlignment, Triangle,
    },
};

use super::{Symbol, draw::Canvas};

const GREEN: Rgb565 = Rgb565::new(6, 52, 12);
const AMBER: Rgb565 = Rgb565::new(31, 44, 4);
const BLUE: Rgb565 = Rgb565::new(12, 44, 31);
const GREY: Rgb565 = Rgb565::new(22, 44, 22);

/// A place in the square that is 16 wide and high.
struct Square {
    corner: Point,
    side: u32,
}

impl Square {
    fn at(&self, x: i32, y: i32) -> Point {
        self.corner + Point::new(x * self.side as i32 / 16, y * self.side as i32 / 16)
    }

    fn long(&self, sixteenths: u32) -> u32 {
        sixteenths * self.side / 16
    }

    fn circle(&self, x: i32, y: i32, diameter: u32) -> Circle {
        Circle::new(self.at(x, y), self.long(diameter))
    }
}

/// Draws a symbol into a square.
pub(super) fn draw(symbol: Symbol, square: Rectangle, canvas: &mut Canvas) {
    let square = Square { corner: square.top_left, side: square.size.width };
    match symbol {
        Symbol::Look => look(&square, canvas),
        Symbol::Granted => granted(&square, canvas),
        Symbol::Wait => wait(&square, canvas),
        Symbol::AnotherWay => another_way(&square, canvas),
        Symbol::Staff => staff(&square, canvas),
        Symbol::Evacuate => evacuate(&square, canvas),
        Symbol::OutOfService => out_of_service(&square, canvas),
    }
}

fn stroke(colour: Rgb565, width: u32) -> PrimitiveStyle<Rgb565> {
    let style = PrimitiveStyleBuilder::new().stroke_color(colour).stroke_width(width.max(2));
    style.stroke_alignment(StrokeAlignment::Inside).build()
}

fn fill(colour: Rgb565) -> PrimitiveStyle<Rgb565> {
    PrimitiveStyle::with_fill(colour)
}

/// Canvases take every pixel.
fn put<D: Drawable<Color = Rgb565>>(shape: &D, canvas: &mut Canvas) {
    let _ = shape.draw(canvas);
}

fn look(square: &Square, canvas: &mut Canvas) {
    let (long, thick) = (square.long(5), square.long(2));
    for (x, y) in [(0, 0), (11, 0), (0, 14), (11, 14)] {
        let along = Rectangle::new(square.at(x, y), Size::new(long, thick));
        put(&along.into_styled(fill(Rgb565::WHITE)), canvas);
        let down = Rectangle::new(square.at(y, x), Size::new(thick, long));
        put(&down.into_styled(fill(Rgb565::WHITE)), canvas);
    }
    put(&square.circle(4, 4, 8).into_styled(fill(BLUE)), canvas);
}

fn granted(square: &Square, canvas: &mut Canvas) {
    put(&square.circle(0, 0, 16).into_styled(stroke(GREEN, square.long(3))), canvas);
}

fn wait(square: &Square, canvas: &mut Canvas) {
    for x in [0, 6, 12] {
        put(&square.circle(x, 6, 4).into_styled(fill(Rgb565::WHITE)), canvas);
    }
}

fn another_way(square: &Square, canvas: &mut Canvas) {
    let arc = Arc::from_circle(square.circle(1, 3, 12), 180.0.deg(), 180.0.deg());
    let width = square.long(2);
    put(&arc.into_styled(stroke(AMBER, width)), canvas);
    let down = Rectangle::new(square.at(1, 9), Size::new(width, square.long(6)));
    put(&down.into_styled(fill(AMBER)), canvas);
    let head = Triangle::new(square.at(8, 9), square.at(16, 9), square.at(12, 14));
    put(&head.into_styled(fill(AMBER)), canvas);
}

fn staff(square: &Square, canvas: &mut Canvas) {
    put(&square.circle(5, 1, 6).into_styled(fill(BLUE)), canvas);
    let shoulders = Rectangle::new(square.at(2, 8), Size::new(square.long(12), square.long(7)));
    let round = Size::new(square.long(5), square.long(5));
    let corners = CornerRadii { top_left: round, top_right: round, ..CornerRadii::new(Size::zero()) };
    put(&RoundedRectangle::new(shoulders, corners).into_styled(fill(BLUE)), canvas);
}

fn evacuate(square: &Square, canvas: &mut Canvas) {
    let thick = square.long(2);
    // A door that is open to the right, and the way through it.
    let frame = Rectangle::new(square.at(0, 0), Size::new(square.long(9), square.side));
    put(&frame.into_styled(stroke(GREEN, thick)), canvas);
    let gap = Rectangle::new(square.at(7, 5), Size::new(square.long(3), square.long(6)));
    put(&gap.into_styled(fill(Rgb565::BLACK)), canvas);
    let way = Rectangle::new(square.at(4, 7), Size::new(square.long(7), thick));
    put(&way.into_styled(fill(GREEN)), canvas);
    let head = Triangle::new(square.at(11, 4), square.at(11, 12), square.at(16, 8));
    put(&head.into_styled(fill(GREEN)), canvas);
}

fn out_of_service(square: &Square, canvas: &mut Canvas) {
    let (thick, all) = (square.long(2), Size::new(square.side, square.side));
    put(&Rectangle::new(square.corner, all).into_styled(stroke(GREY, thick)), canvas);
    for (from, to) in [((4, 4), (12, 12)), ((12, 4), (4, 12))] {
        let line = Line::new(square.at(from.0, from.1), square.at(to.0, to.1));
        put(&line.into_styled(PrimitiveStyle::with_stroke(GREY, thick)), canvas);
    }
}

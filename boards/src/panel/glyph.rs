//! Which character stands for one that the font lacks.

use u8g2_fonts::{FontRenderer, types::VerticalPosition};

use embedded_graphics::prelude::Point;

/// What stands where nothing else can: the printers' sign for a type that is not in the case.
const MISSING: [char; 2] = ['〓', '?'];

/// Variants that names are written with, and the usual form of each.
const USUAL: [(char, char); 24] = [
    ('髙', '高'),
    ('﨑', '崎'),
    ('嵜', '崎'),
    ('德', '徳'),
    ('濵', '浜'),
    ('濱', '浜'),
    ('邊', '辺'),
    ('邉', '辺'),
    ('齋', '斎'),
    ('齊', '斉'),
    ('廣', '広'),
    ('澤', '沢'),
    ('櫻', '桜'),
    ('栁', '柳'),
    ('𠮷', '吉'),
    ('嶋', '島'),
    ('嶌', '島'),
    ('瀨', '瀬'),
    ('眞', '真'),
    ('惠', '恵'),
    ('國', '国'),
    ('槇', '槙'),
    ('神', '神'),
    ('隆', '隆'),
];

/// The character that is drawn for this one.
pub(super) fn drawable(font: &FontRenderer, wanted: char) -> char {
    let plain = match wanted {
        c if c.is_control() || c.is_whitespace() => ' ',
        '\u{FF01}'..='\u{FF5E}' if !has(font, wanted) => {
            char::from_u32(u32::from(wanted) - 0xFEE0).unwrap_or(wanted)
        }
        c => c,
    };
    let usual = USUAL.iter().find(|(variant, _)| *variant == plain).map(|&(_, usual)| usual);
    [Some(plain), usual, Some(MISSING[0]), Some(MISSING[1])]
        .into_iter()
        .flatten()
        .find(|&c| has(font, c))
        .unwrap_or(' ')
}

fn has(font: &FontRenderer, c: char) -> bool {
    font.get_rendered_dimensions(c, Point::zero(), VerticalPosition::Top).is_ok()
}

/// How far the next character is, in pixels. For one that [`drawable`] gave.
pub(super) fn advance(font: &FontRenderer, c: char) -> u32 {
    let dimensions = font.get_rendered_dimensions(c, Point::zero(), VerticalPosition::Top);
    dimensions.map_or(0, |found| u32::try_from(found.advance.x).unwrap_or(0))
}

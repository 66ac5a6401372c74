//! A text that is typed with the keyboard on the screen, or with one that is plugged in.

use zeroize::Zeroizing;

use super::{Layout, TextTouch, form::LONGEST_NAME, keyboard};

/// What came of a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Typed {
    /// The text goes on.
    More,
    /// The text is done.
    Done,
    /// An individual number stood in it. Nobody may collect one here: the text is gone.
    IndividualNumber,
}

/// Takes one key.
pub(super) fn touch(text: &mut Zeroizing<String>, layout: &mut Layout, touch: TextTouch) -> Typed {
    match touch {
        TextTouch::Letter(place) => {
            let letter = keyboard::letters(*layout).get(place).copied().filter(|letter| *letter != ' ');
            text.extend(letter);
        }
        TextTouch::Extra(extra) => keyboard::press(text, extra),
        TextTouch::Layout(chosen) => *layout = chosen,
        // A line break would be two names in one record.
        TextTouch::Typed(typed) => {
            *text = Zeroizing::new(typed.chars().filter(|character| !character.is_control()).collect());
        }
        TextTouch::Done => return Typed::Done,
    }
    if card::looks_like_individual_number(text) {
        *text = Zeroizing::default();
        return Typed::IndividualNumber;
    }
    if let Some((cut, _)) = text.char_indices().nth(LONGEST_NAME) {
        text.truncate(cut);
    }
    Typed::More
}

#[cfg(test)]
mod tests {
    use super::*;

    fn typed(touches: impl IntoIterator<Item = TextTouch>) -> String {
        let (mut text, mut layout) = (Zeroizing::default(), Layout::default());
        for one in touches {
            touch(&mut text, &mut layout, one);
        }
        text.to_string()
    }

    #[test]
    fn letters_come_from_the_layout_and_a_place_without_a_letter_types_nothing() {
        let keys = [TextTouch::Letter(0), TextTouch::Letter(17), TextTouch::Letter(999)];
        assert_eq!(typed(keys), "あ");
        assert_eq!(typed([TextTouch::Layout(Layout::Capitals), TextTouch::Letter(10)]), "Q");
    }

    #[test]
    fn an_individual_number_is_gone_as_soon_as_its_last_digit_is_there() {
        let (mut text, mut layout) = (Zeroizing::new("山田".to_owned()), Layout::Capitals);
        // The first row of this layout is 1234567890.
        for digit in [1, 2, 3, 4, 5, 6, 7, 8, 9, 0, 1] {
            let key = TextTouch::Letter(if digit == 0 { 9 } else { digit - 1 });
            assert_eq!(touch(&mut text, &mut layout, key), Typed::More);
        }
        assert_eq!(touch(&mut text, &mut layout, TextTouch::Letter(7)), Typed::IndividualNumber);
        assert!(text.is_empty());
        let paste = TextTouch::Typed(Zeroizing::new("山田 １２３４-５６７８-９０１８".to_owned()));
        assert_eq!(touch(&mut text, &mut layout, paste), Typed::IndividualNumber);
        assert!(text.is_empty());
        let phone = TextTouch::Typed(Zeroizing::new("山田 090-1234-5678".to_owned()));
        assert_eq!(touch(&mut text, &mut layout, phone), Typed::More);
    }

    #[test]
    fn a_pasted_line_break_is_left_out_and_nothing_is_longer_than_the_vault_takes() {
        let paste = |text: &str| TextTouch::Typed(Zeroizing::new(text.to_owned()));
        assert_eq!(typed([paste("山田\n花子")]), "山田花子");
        assert_eq!(typed([paste(&"あ".repeat(LONGEST_NAME + 5))]).chars().count(), LONGEST_NAME);
    }
}

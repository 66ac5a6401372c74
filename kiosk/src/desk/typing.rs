//! A text that is typed with the keyboard on the screen, or with one that is plugged in.

use zeroize::Zeroizing;

use super::{Layout, TextTouch, form::LONGEST_NAME, keyboard};

/// Takes one key; whether the text is done.
pub(super) fn touch(text: &mut Zeroizing<String>, layout: &mut Layout, touch: TextTouch) -> bool {
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
        TextTouch::Done => return true,
    }
    if let Some((cut, _)) = text.char_indices().nth(LONGEST_NAME) {
        text.truncate(cut);
    }
    false
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
    fn a_pasted_line_break_is_left_out_and_nothing_is_longer_than_the_vault_takes() {
        let paste = |text: &str| TextTouch::Typed(Zeroizing::new(text.to_owned()));
        assert_eq!(typed([paste("山田\n花子")]), "山田花子");
        assert_eq!(typed([paste(&"あ".repeat(LONGEST_NAME + 5))]).chars().count(), LONGEST_NAME);
    }
}

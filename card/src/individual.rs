//! Texts that look like an individual number: no field of a kiosk takes one.
//!
//! An individual number has twelve digits, the last of which checks the others. One in eleven other numbers of twelve digits
//! passes by chance, and is refused as well.

/// Digits of an individual number.
const DIGITS: usize = 12;

/// Whether an individual number stands somewhere in a text: twelve digits, half or full width, at a stretch or in groups with
/// spaces or hyphens between them.
#[must_use]
pub fn looks_like_individual_number(text: &str) -> bool {
    runs(text).iter().any(|groups| {
        (0..groups.len()).any(|first| {
            (first + 1..=groups.len()).any(|end| {
                let digits = groups[first..end].concat();
                digits.len() == DIGITS && checks(&digits)
            })
        })
    })
}

/// Runs of groups of digits, the groups apart by spaces or hyphens only.
fn runs(text: &str) -> Vec<Vec<Vec<u32>>> {
    let mut runs: Vec<Vec<Vec<u32>>> = vec![vec![vec![]]];
    for character in text.chars() {
        let run = runs.last_mut().expect("it begins with one and only grows");
        match digit(character) {
            Some(digit) => run.last_mut().expect("a run begins with a group").push(digit),
            None if separates(character) => run.push(vec![]),
            None => runs.push(vec![vec![]]),
        }
    }
    for run in &mut runs {
        run.retain(|group| !group.is_empty());
    }
    runs
}

fn digit(character: char) -> Option<u32> {
    match character {
        '0'..='9' => Some(u32::from(character) - u32::from('0')),
        '０'..='９' => Some(u32::from(character) - u32::from('０')),
        _ => None,
    }
}

fn separates(character: char) -> bool {
    character.is_whitespace()
        || matches!(
            character,
            '-' | '\u{2010}'..='\u{2015}' | '−' | '－' | 'ー' | 'ｰ' | '・' | '_' | '.' | '．'
        )
}

/// The check digit of 番号法: of the eleven digits before it, the lowest is number 1; the weights are n + 1 up to the sixth and
/// n - 5 from the seventh on; it is 11 less the remainder of the sum by 11, and 0 for a remainder of 0 or 1.
fn checks(digits: &[u32]) -> bool {
    let sum: u32 = (1..=11).zip(digits[..DIGITS - 1].iter().rev()).map(|(n, digit)| digit * weight(n)).sum();
    let check = match sum % 11 {
        0 | 1 => 0,
        remainder => 11 - remainder,
    };
    digits[DIGITS - 1] == check
}

fn weight(n: u32) -> u32 {
    if n <= 6 { n + 1 } else { n - 5 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_valid_number_is_found_however_it_is_typed() {
        for text in [
            "123456789018",
            "1234 5678 9018",
            "１２３４５６７８９０１８",
            "1234-5678-9018",
            "番号は1234　5678　9018です",
            "2 123456789018",
            "123456789018 2035",
            "12 34 56 78 90 18",
        ] {
            assert!(looks_like_individual_number(text), "{text}");
        }
    }

    #[test]
    fn any_changed_digit_makes_it_another_number() {
        let valid = *b"123456789018";
        for at in 0..DIGITS {
            for other in b'0'..=b'9' {
                let mut changed = valid;
                changed[at] = other;
                let text = str::from_utf8(&changed).expect("ASCII");
                assert_eq!(looks_like_individual_number(text), changed == valid, "{text}");
            }
        }
    }

    #[test]
    fn other_numbers_pass() {
        for text in [
            "",
            "02010120351234",
            "1234567890180",
            "090-1234-5678",
            "123456789017",
            "1234",
            "12345678 月 9018",
        ] {
            assert!(!looks_like_individual_number(text), "{text}");
        }
    }
}

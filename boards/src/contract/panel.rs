//! What every panel must do.

use crate::{Panel, PanelPicture, Symbol};

/// A panel and its observer.
pub struct PanelSubject {
    /// Just opened.
    pub panel: Box<dyn Panel>,
    /// The dots that somebody sees who looks now: lit or dark, row by row.
    pub see: Box<dyn FnMut() -> Vec<bool>>,
}

/// Every promise of [`Panel`].
///
/// # Panics
/// If a promise is broken.
pub fn panel(mut subject: PanelSubject) {
    let mut shown = |symbol, text: &str| {
        let picture = PanelPicture { symbol, text: text.into() };
        assert_eq!(subject.panel.show(&picture), Ok(()), "a picture is shown");
        (subject.see)()
    };
    let mut symbols: Vec<Vec<bool>> = Symbol::ALL.map(|symbol| shown(symbol, "")).into();
    for symbol in &symbols {
        assert!(symbol.contains(&true) && symbol.contains(&false), "a symbol is seen");
    }
    symbols.sort();
    symbols.dedup();
    assert_eq!(symbols.len(), Symbol::ALL.len(), "each symbol has a shape of its own");
    let bare = shown(Symbol::Granted, "");
    let text = shown(Symbol::Granted, "どうぞ");
    assert_ne!(bare, text, "a text is seen");
    assert_eq!(shown(Symbol::Granted, "どうぞ"), text, "the same again is the same");
    assert_eq!(shown(Symbol::Granted, ""), bare, "nothing of the last picture is left");
    let unknown = shown(Symbol::Granted, "\u{10FFFD}どうぞ");
    assert!(unknown != bare, "a character that nobody has costs no text");
    let long = shown(Symbol::Granted, &"どうぞお入りください。".repeat(40));
    assert_ne!(long, bare, "a long text is seen");
}

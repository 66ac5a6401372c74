//! What is heard: three soft cues for people who do not look at the screen or do not see it well.
//!
//! A chime for a welcome, two soft notes where the screen says what to do next, a repeated tone for a fire. There is no
//! sound of refusal: whoever is not let in hears the same two notes as somebody who is asked for a card or for a turn of
//! the head, so that those who wait behind learn nothing. Whatever a sound says stands on the screen as words and a
//! picture as well. Spoken prompts need a voice that nobody has recorded yet; the same table would play them.
//!
//! [`SoundingPanel`] stands before the panel and plays with the board's player (`[sound] player`); the gate knows nothing
//! of sounds. [`tones`] makes the notes, [`player`] plays them on a thread of its own.

mod player;
mod tones;

use std::{
    path::Path,
    sync::{Arc, Mutex},
};

use gate::{Screen, ShelterScreen};

use self::player::Player;
use crate::desk::View;
use crate::ui::{Moment, Panel, Preview, UiError};

/// What is heard.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Cue {
    /// One chime. On the screen: the open door and どうぞお入りください.
    Welcome,
    /// Two soft notes: the screen says what to do next, in words and with a picture.
    Look,
    /// A tone until the fire is over. On the screen: the way out.
    Evacuate,
}

impl Cue {
    const ALL: [Cue; 3] = [Cue::Welcome, Cue::Look, Cue::Evacuate];

    /// Whether it is played again until something else is shown.
    fn repeats(self) -> bool {
        self == Cue::Evacuate
    }
}

/// What is heard when a screen appears. Hints are not: they change as fast as people move.
fn cue(screen: &Screen) -> Option<Cue> {
    match screen {
        Screen::Welcome(_) | Screen::Farewell => Some(Cue::Welcome),
        Screen::Evacuate => Some(Cue::Evacuate),
        Screen::ShowFace
        | Screen::NextFactor(_)
        | Screen::TurnHead(_)
        // Whoever has turned away does not see the screen.
        | Screen::TurnBack
        | Screen::NotRecognised
        | Screen::Ambiguous
        | Screen::SecondFactor
        | Screen::SeeStaff
        | Screen::AnotherWay
        | Screen::ClaimNotConfirmed
        | Screen::NotAdmitted(_)
        | Screen::NoClearImage(_)
        | Screen::Reader(_)
        | Screen::Shelter(ShelterScreen::Household) => Some(Cue::Look),
        Screen::Idle
        | Screen::Hint(_)
        | Screen::HoldStill
        | Screen::Pause
        | Screen::OutOfService(_)
        | Screen::Shelter(ShelterScreen::Reception) => None,
    }
}

/// The panel, heard through `player` (a program and its arguments; the sound's file comes last). Silent where there is no
/// player, or none that can be started: a kiosk without sound still says everything on its screen.
pub(crate) fn sounding(panel: Arc<dyn Panel>, player: Option<Vec<String>>) -> Arc<dyn Panel> {
    let Some(command) = player else { return panel };
    match Player::start(command) {
        Ok(player) => Arc::new(SoundingPanel { panel, player, shown: Mutex::new(None) }),
        Err(error) => {
            tracing::error!(error = crate::output::explain(&error), "no sound");
            panel
        }
    }
}

/// A panel that is heard as well as seen.
struct SoundingPanel {
    panel: Arc<dyn Panel>,
    player: Player,
    /// What was shown last: the same again is not heard again.
    shown: Mutex<Option<Moment>>,
}

impl Panel for SoundingPanel {
    fn show(&self, moment: Moment) {
        let mut shown = self.shown.lock().expect("nothing panics while it holds this lock");
        if shown.as_ref() != Some(&moment) {
            self.player.play(moment.screen().and_then(cue));
            *shown = Some(moment.clone());
        }
        drop(shown);
        self.panel.show(moment);
    }

    fn desk(&self, view: View) {
        self.panel.desk(view);
    }

    fn preview(&self, preview: Preview) {
        self.panel.preview(preview);
    }

    fn screenshot(&self, file: &Path) -> Result<(), UiError> {
        self.panel.screenshot(file)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ui::every_moment;

    /// Every screen, sorted by what is heard.
    fn heard(wanted: Option<Cue>) -> Vec<Screen> {
        every_moment()
            .iter()
            .filter_map(Moment::screen)
            .filter(|screen| cue(screen) == wanted)
            .cloned()
            .collect()
    }

    #[test]
    fn only_a_welcome_has_the_chime_and_only_a_fire_the_tone() {
        assert!(!heard(Some(Cue::Welcome)).is_empty());
        assert!(
            heard(Some(Cue::Welcome))
                .iter()
                .all(|screen| matches!(screen, Screen::Welcome(_) | Screen::Farewell))
        );
        assert_eq!(heard(Some(Cue::Evacuate)), [Screen::Evacuate]);
    }

    #[test]
    fn a_refusal_sounds_like_a_request_for_a_card_or_a_turn_of_the_head() {
        let told_apart = |screen: &Screen| cue(screen) != cue(&Screen::SecondFactor);
        for screen in every_moment().iter().filter_map(Moment::screen) {
            let refusal = matches!(
                screen,
                Screen::NotAdmitted(_)
                    | Screen::SeeStaff
                    | Screen::NotRecognised
                    | Screen::ClaimNotConfirmed
                    | Screen::AnotherWay
            );
            assert!(!refusal || !told_apart(screen), "{screen:?}");
        }
        assert!(!told_apart(&Screen::TurnBack));
    }

    #[test]
    fn nothing_is_heard_while_nobody_is_asked_for_anything() {
        let silent = heard(None);
        for screen in [Screen::Idle, Screen::HoldStill, Screen::Pause] {
            assert!(silent.contains(&screen), "{screen:?}");
        }
    }
}

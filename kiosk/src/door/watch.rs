//! Which frame of a track speaks for it in the live tail: one visit is one piece of evidence.
//!
//! The first frame on which the best person reaches the threshold; if there is none, the first that was compared. What a
//! track says is handed on when the next track begins.

use gate::TrackId;
use models::calibration::Impostors;

/// The track before the camera and what speaks for it so far.
#[derive(Debug, Default)]
pub(super) struct Watch {
    track: Option<TrackId>,
    confirmed: bool,
    waiting: Option<Impostors>,
}

impl Watch {
    /// Takes note of one compared frame, whose impostors are asked for only where they are needed. Returns what the track
    /// before said.
    pub(super) fn note<E>(
        &mut self,
        track: TrackId,
        confirmed: bool,
        impostors: impl FnOnce() -> Result<Option<Impostors>, E>,
    ) -> Result<Option<Impostors>, E> {
        let next = self.track != Some(track);
        let better = confirmed && !self.confirmed;
        if !next && !better {
            return Ok(None);
        }
        let said = impostors()?;
        let before = std::mem::replace(&mut self.waiting, said);
        (self.track, self.confirmed) = (Some(track), confirmed);
        // Of the same track, the frame before spoke for it in vain.
        Ok(before.filter(|_| next))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::convert::Infallible;

    use gate::{Candidates, Score, Threshold};

    use super::*;

    /// Notes a frame whose impostors are told apart by how many references there were.
    fn note(watch: &mut Watch, track: u64, confirmed: bool, references: usize) -> Option<Impostors> {
        watch.note::<Infallible>(TrackId(track), confirmed, || Ok(Some(said(references)))).unwrap()
    }

    fn said(references: usize) -> Impostors {
        Impostors::of(&Candidates::default(), Threshold::Alone(Score(0.5)), 0.08, references, [])
    }

    #[test]
    fn a_track_speaks_once_with_its_first_confirmed_frame_when_the_next_begins() {
        let mut watch = Watch::default();
        assert_eq!(note(&mut watch, 1, false, 1), None);
        assert_eq!(note(&mut watch, 1, true, 2), None);
        assert_eq!(note(&mut watch, 1, true, 3), None);
        assert_eq!(note(&mut watch, 1, false, 4), None);
        assert_eq!(note(&mut watch, 2, false, 5), Some(said(2)));
        assert_eq!(note(&mut watch, 2, false, 6), None);
        assert_eq!(note(&mut watch, 3, true, 7), Some(said(5)));
    }

    #[test]
    fn a_frame_that_adds_nothing_costs_no_search() {
        let mut watch = Watch::default();
        note(&mut watch, 1, true, 1);
        let searched: Result<_, ()> = watch.note(TrackId(1), true, || Err(()));
        assert_eq!(searched, Ok(None));
    }
}

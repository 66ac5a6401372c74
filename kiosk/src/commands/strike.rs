//! `kiosk strike-off` and the hidden `kiosk strike-guard`: the strike's resting state, whatever became of the kiosk.

use std::path::Path;

use boards::{Board, guard::Duty};

use super::Outcome;

pub(crate) fn off(board: &Path) -> Outcome {
    Ok(boards::force_idle(&Board::load(board)?)?)
}

pub(crate) fn guard(duty: Duty) -> Outcome {
    Ok(boards::guard::run(std::io::stdin(), std::io::stdout(), duty)?)
}

//! Lists as Slint takes them.

use slint::{ModelRc, VecModel};

/// A list whose rows may be changed in place.
pub(super) fn of<T: Clone + 'static>(rows: impl IntoIterator<Item = T>) -> ModelRc<T> {
    ModelRc::new(VecModel::from_iter(rows))
}

//! The LFW protocol: how well a detector and an embedder verify on a folder of pictures.
//!
//! A pairs file (see [`Pairs`]) names folds of genuine and impostor pairs. Every picture gives one template or is a
//! *miss*. Two results come from the templates: the accuracy over the pairs, each fold judged with the threshold that is
//! best on the others; and the true match rates of an all-against-all comparison of the pictures, which has enough
//! impostors to speak of small false match rates. [`fold_accuracy`] and [`all_against_all`] say how misses count.

mod comparisons;
mod folds;
mod pairs;

pub use comparisons::{AllAgainstAll, MeasuredPoint, all_against_all};
pub use folds::{FoldAccuracy, fold_accuracy};
pub use pairs::{Pair, Pairs, PairsError, Picture};

//! The threads of a search beside the one that asks: started once, waiting between searches.

use std::sync::Arc;

use rayon::{ThreadPool, ThreadPoolBuildError, ThreadPoolBuilder};

/// The threads that indexes search with, shared by those that are given a clone.
#[derive(Clone)]
pub struct Workers(Option<Arc<ThreadPool>>);

impl Workers {
    /// None: whoever asks searches alone. Such a search allocates nothing and wakes nobody.
    #[must_use]
    pub fn none() -> Self {
        Self(None)
    }

    /// Starts `threads` of them, which then do all the work of a search; one or fewer is as good as none.
    ///
    /// # Errors
    /// The system refuses a thread.
    pub fn start(threads: usize) -> Result<Self, ThreadPoolBuildError> {
        if threads <= 1 {
            return Ok(Self::none());
        }
        let builder = ThreadPoolBuilder::new().num_threads(threads);
        let pool = builder.thread_name(|index| format!("search-{index}")).build()?;
        Ok(Self(Some(Arc::new(pool))))
    }

    /// How many threads search.
    #[must_use]
    pub fn threads(&self) -> usize {
        self.0.as_ref().map_or(1, |pool| pool.current_num_threads())
    }

    pub(super) fn pool(&self) -> Option<&ThreadPool> {
        self.0.as_deref()
    }
}

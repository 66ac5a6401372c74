//! Counts every allocation of this program, and how many bytes it holds.
#![allow(unsafe_code)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering};

struct Counting;

static ALLOCATIONS: AtomicUsize = AtomicUsize::new(0);
/// Wraps around, as differences of it do.
static HELD: AtomicUsize = AtomicUsize::new(0);

fn count(size: usize) {
    ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
    HELD.fetch_add(size, Ordering::Relaxed);
}

// SAFETY: everything is passed on to the system's allocator as it came; counting touches no memory of the caller's.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size());
        // SAFETY: the caller's promise is passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count(layout.size());
        // SAFETY: the caller's promise is passed on.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, memory: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count(size.wrapping_sub(layout.size()));
        // SAFETY: the caller's promise is passed on.
        unsafe { System.realloc(memory, layout, size) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        HELD.fetch_sub(layout.size(), Ordering::Relaxed);
        // SAFETY: the caller's promise is passed on.
        unsafe { System.dealloc(memory, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// How many times memory was asked for, or more of it, while `work` ran, by any thread.
pub(crate) fn during<T>(work: impl FnOnce() -> T) -> (T, usize) {
    let before = ALLOCATIONS.load(Ordering::Relaxed);
    let result = work();
    (result, ALLOCATIONS.load(Ordering::Relaxed) - before)
}

/// How many bytes more the program holds after `work` than before it.
pub(crate) fn held_by<T>(work: impl FnOnce() -> T) -> (T, usize) {
    let before = HELD.load(Ordering::Relaxed);
    let result = work();
    (result, HELD.load(Ordering::Relaxed).wrapping_sub(before))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::hint::black_box;

    #[test]
    fn allocating_and_growing_are_counted() {
        let ((), count) = during(|| {
            let mut numbers: Vec<u8> = black_box(Vec::with_capacity(1));
            numbers.push(1);
            numbers.reserve_exact(1_000);
            black_box(Box::new(1));
            black_box(vec![0u8; 64]);
            black_box(numbers);
        });
        // Other tests may allocate meanwhile; none can take any away.
        assert!(count >= 4, "{count}");
    }

    #[test]
    fn what_is_freed_is_not_held() {
        const LARGE: usize = 1 << 28;
        let (kept, held) = held_by(|| {
            drop(black_box(vec![0u8; LARGE]));
            black_box(vec![0u8; LARGE])
        });
        // Other tests hold little beside this.
        assert!(held.abs_diff(LARGE) < LARGE / 2, "{held}");
        drop(kept);
    }
}

//! The threads that one network runs on.
//!
//! A forward pass is a few hundred short tasks, each of which all threads share; what costs is meeting between two tasks.
//! So the members of a team are woken once for a whole pass, and in it they meet by spinning on a counter.
#![allow(unsafe_code)]

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::JoinHandle;

use super::NetworkError;

/// Rounds of spinning before a waiting member gives its processor to others.
const SPINS: u32 = 2_000;

/// The threads that networks run on, shared by every network that is given a clone. One is best for networks as small as
/// these unless the board says otherwise: the other processors belong to the camera and the screen.
#[derive(Clone)]
pub struct Threads(Arc<Team>);

struct Team {
    shared: Arc<Shared>,
    helpers: Vec<JoinHandle<()>>,
}

struct Shared {
    members: usize,
    order: Mutex<Order>,
    ordered: Condvar,
    /// Helpers that have finished the pass.
    finished: AtomicUsize,
    meeting: Meeting,
}

/// What the helpers are to do.
#[derive(Default)]
struct Order {
    /// Grows with each pass.
    pass: usize,
    work: Option<Work>,
    leave: bool,
}

/// The work of one pass; it outlives the pass because [`Threads::share`] waits for every helper.
#[derive(Clone, Copy)]
struct Work(*const (dyn Fn(Member<'_>) + Sync));

// SAFETY: the pointer is to something `Sync`, and is used only while `Threads::share` keeps it alive.
unsafe impl Send for Work {}

/// One thread's place in the team during a pass.
#[derive(Clone, Copy)]
pub(super) struct Member<'a> {
    /// From zero.
    pub(super) index: usize,
    /// How many there are.
    pub(super) count: usize,
    meeting: Option<&'a Meeting>,
}

/// Where members wait for each other.
#[derive(Default)]
struct Meeting {
    arrived: AtomicUsize,
    round: AtomicUsize,
    /// A member has panicked: nobody waits for it.
    broken: AtomicBool,
}

impl Threads {
    /// Starts a team of `threads` (at least one); the caller of a network is one of them.
    ///
    /// # Errors
    /// [`NetworkError::Threads`] if the system refuses them.
    pub fn start(threads: usize) -> Result<Self, NetworkError> {
        let members = threads.max(1);
        let shared = Arc::new(Shared {
            members,
            order: Mutex::default(),
            ordered: Condvar::new(),
            finished: AtomicUsize::new(0),
            meeting: Meeting::default(),
        });
        let mut team = Team { shared, helpers: Vec::new() };
        for index in 1..members {
            let shared = Arc::clone(&team.shared);
            let helper = std::thread::Builder::new()
                .name(format!("inference-{index}"))
                .spawn(move || shared.help(index))
                .map_err(|source| NetworkError::Threads { threads, source })?;
            team.helpers.push(helper);
        }
        Ok(Self(Arc::new(team)))
    }

    /// Runs `work` once on every member, at the same time, and returns when all are done.
    pub(super) fn share(&self, work: &(dyn Fn(Member<'_>) + Sync)) {
        let shared = &self.0.shared;
        if shared.members == 1 {
            return work(Member::alone());
        }
        shared.pass(work);
    }
}

impl Shared {
    fn pass(&self, work: &(dyn Fn(Member<'_>) + Sync)) {
        // Two networks of one team never run at the same time: the second waits here until the first is done.
        let mut order = self.order.lock().unwrap_or_else(PoisonError::into_inner);
        while order.work.is_some() {
            order = self.ordered.wait(order).unwrap_or_else(PoisonError::into_inner);
        }
        // SAFETY: only the lifetime changes; this function does not return before every helper has finished with it.
        let kept: *const (dyn Fn(Member<'_>) + Sync) = unsafe { std::mem::transmute(work) };
        self.finished.store(0, Ordering::Relaxed);
        self.meeting.arrived.store(0, Ordering::Relaxed);
        self.meeting.broken.store(false, Ordering::Relaxed);
        order.work = Some(Work(kept));
        order.pass += 1;
        drop(order);
        self.ordered.notify_all();
        let end = End { shared: self };
        work(Member { index: 0, count: self.members, meeting: Some(&self.meeting) });
        drop(end);
        assert!(!self.meeting.broken.load(Ordering::Acquire), "an inference thread has panicked");
    }

    fn help(&self, index: usize) {
        let mut seen = 0;
        loop {
            let mut order = self.order.lock().unwrap_or_else(PoisonError::into_inner);
            let work = loop {
                match order.work {
                    _ if order.leave => return,
                    Some(work) if order.pass != seen => break work,
                    _ => order = self.ordered.wait(order).unwrap_or_else(PoisonError::into_inner),
                }
            };
            seen = order.pass;
            drop(order);
            let member = Member { index, count: self.members, meeting: Some(&self.meeting) };
            // SAFETY: `pass` keeps the work alive until `finished` has counted this helper.
            let run = std::panic::AssertUnwindSafe(|| unsafe { (*work.0)(member) });
            if std::panic::catch_unwind(run).is_err() {
                self.meeting.broken.store(true, Ordering::Release);
            }
            self.finished.fetch_add(1, Ordering::Release);
        }
    }
}

/// Ends a pass, also when the caller's own part panics: no helper may be left with work that is gone.
struct End<'a> {
    shared: &'a Shared,
}

impl Drop for End<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.shared.meeting.broken.store(true, Ordering::Release);
        }
        spin_until(|| self.shared.finished.load(Ordering::Acquire) == self.shared.members - 1);
        self.shared.order.lock().unwrap_or_else(PoisonError::into_inner).work = None;
        self.shared.ordered.notify_all();
    }
}

impl Member<'_> {
    /// The only member.
    pub(super) fn alone() -> Self {
        Self { index: 0, count: 1, meeting: None }
    }

    /// Waits until every member has come here. What they wrote before is seen by all after it.
    pub(super) fn meet(&self) {
        let Some(meeting) = self.meeting else { return };
        let round = meeting.round.load(Ordering::Relaxed);
        if meeting.arrived.fetch_add(1, Ordering::AcqRel) + 1 == self.count {
            meeting.arrived.store(0, Ordering::Relaxed);
            meeting.round.store(round.wrapping_add(1), Ordering::Release);
            return;
        }
        let all_here = || meeting.round.load(Ordering::Acquire) != round;
        spin_until(|| all_here() || meeting.broken.load(Ordering::Acquire));
        assert!(all_here(), "an inference thread has panicked");
    }

    /// This member's share of `total` equal parts.
    pub(super) fn share(&self, total: usize) -> std::ops::Range<usize> {
        total * self.index / self.count..total * (self.index + 1) / self.count
    }
}

fn spin_until(condition: impl Fn() -> bool) {
    let mut spins = 0;
    while !condition() {
        spins += 1;
        if spins < SPINS { std::hint::spin_loop() } else { std::thread::yield_now() }
    }
}

impl Drop for Team {
    fn drop(&mut self) {
        self.shared.order.lock().unwrap_or_else(PoisonError::into_inner).leave = true;
        self.shared.ordered.notify_all();
        for helper in self.helpers.drain(..) {
            // A helper that panicked outside a pass has nothing more to tell.
            _ = helper.join();
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn every_member_works_once_and_all_meet_between_two_tasks() {
        for threads in [1, 2, 5] {
            let team = Threads::start(threads).unwrap();
            for _ in 0..200 {
                let (first, second) = (AtomicUsize::new(0), AtomicUsize::new(0));
                team.share(&|member| {
                    first.fetch_add(member.share(100).len(), Ordering::Relaxed);
                    member.meet();
                    assert_eq!(first.load(Ordering::Relaxed), 100, "somebody went on before all were there");
                    member.meet();
                    second.fetch_add(1, Ordering::Relaxed);
                });
                assert_eq!(second.into_inner(), threads);
            }
        }
    }

    #[test]
    fn a_panic_of_one_member_ends_the_pass_for_all_and_the_team_works_again() {
        let team = Threads::start(3).unwrap();
        for guilty in 0..3 {
            let pass = std::panic::AssertUnwindSafe(|| {
                team.share(&|member| {
                    assert!(member.index != guilty, "on purpose");
                    member.meet();
                });
            });
            assert!(std::panic::catch_unwind(pass).is_err(), "member {guilty}");
        }
        let count = AtomicUsize::new(0);
        team.share(&|_| _ = count.fetch_add(1, Ordering::Relaxed));
        assert_eq!(count.into_inner(), 3);
    }
}

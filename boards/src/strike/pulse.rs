//! One pulse: the rules that every relay shares, and the thread that ends it.
//!
//! The driver's thread owns the relay. It takes one order at a time, drives, sleeps, rests and only then answers; a
//! caller that hangs or dies changes nothing in that. The relay is put to rest when the driver opens and when it is
//! dropped, and again and again after a failure until the relay has taken it.
//!
//! A hold is told to the relay in the same way: again and again until it is taken, and at each check once more, so that a
//! relay that was unplugged and came back is driven again. A pulse needs a guard. A hold does not: it is ordered when the
//! door must be free, and a guard that is missing then is no reason to keep it locked; a check says that it is missing.

use std::{
    collections::VecDeque,
    sync::{
        Arc,
        mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel},
    },
    thread,
    time::{Duration, Instant},
};

use gate::{DoorId, Grant, Released};

use super::{Strike, StrikeError};
use crate::Clock;

/// From the end of a pulse to the next: the lock falls shut in between, and a relay is not made to chatter.
pub const SHORTEST_GAP: Duration = Duration::from_secs(1);

/// Pulses within any minute: nobody walks through a door faster than one person in three seconds, and a relay's contacts
/// last for about 100,000 operations under load.
pub const MOST_PULSES_PER_MINUTE: usize = 20;

/// How long a grant may wait for a relay that has to be mended first. A grant's usual life.
pub const START_WITHIN: Duration = Duration::from_secs(2);

/// How long the end of a pulse is tried before the caller gets its answer. The driver goes on trying after it.
pub const REST_WITHIN: Duration = Duration::from_secs(1);

/// What a caller waits for the driver beyond the pulse itself. Longer than all that a relay does in its own time-outs.
pub const ANSWER_WITHIN: Duration = Duration::from_secs(15);

/// How often a relay that does not rest is told again.
const REST_AGAIN: Duration = Duration::from_millis(100);

/// A relay has little to remark; what nobody fetched makes no room for more.
const WAITING_REMARKS: usize = 4;

/// How often an idle driver looks whether there is something to put right.
const IDLE_ROUND: Duration = Duration::from_millis(500);

/// A relay's mechanism. Each call returns within a few seconds, whatever the hardware does.
pub trait Relay: Send + 'static {
    /// The device, for messages.
    fn device(&self) -> String;

    /// Mends what is broken. `Ok` means that all that a pulse needs is there.
    ///
    /// # Errors
    /// What is missing.
    fn prepare(&mut self) -> Result<(), StrikeError>;

    /// Drives the relay.
    ///
    /// # Errors
    /// It may or may not be driven now.
    fn drive(&mut self) -> Result<(), StrikeError>;

    /// Drives it for a pulse of this length. A relay that can ends the pulse itself, not before this time is over; it is told
    /// to rest then all the same. Another is just driven.
    ///
    /// # Errors
    /// It may or may not be driven now.
    fn drive_for(&mut self, pulse: Duration) -> Result<(), StrikeError> {
        let _ = pulse;
        self.drive()
    }

    /// Puts it to rest.
    ///
    /// # Errors
    /// It may still be driven.
    fn rest(&mut self) -> Result<(), StrikeError>;

    /// What the people who look after the relay should know although it works, once.
    fn remark(&mut self) -> Option<String> {
        None
    }
}

/// A strike: a relay, its thread, and the rules.
pub struct PulsedStrike {
    door: DoorId,
    device: String,
    pulse: Duration,
    clock: Arc<dyn Clock>,
    orders: Option<SyncSender<Order>>,
    stopped: Receiver<()>,
    /// Ends of the last pulses and holds, oldest first.
    ends: VecDeque<Instant>,
    held: bool,
    failure: Option<StrikeError>,
    remarks: Receiver<String>,
}

enum Order {
    Pulse { latest: Instant, answer: SyncSender<Result<Duration, StrikeError>> },
    Hold { answer: SyncSender<Result<(), StrikeError>> },
    Rest { answer: SyncSender<Result<(), StrikeError>> },
    Check { answer: SyncSender<Result<(), StrikeError>> },
}

impl PulsedStrike {
    /// Puts the relay to rest, prepares it and starts its thread.
    ///
    /// # Errors
    /// The relay does not rest or lacks something, or there can be no thread.
    pub fn open(
        relay: impl Relay,
        door: DoorId,
        pulse: Duration,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, StrikeError> {
        let device = relay.device();
        let (remark, remarks) = sync_channel(WAITING_REMARKS);
        let mut driver = Driver { relay, pulse, held: false, settled: false, remark };
        driver.settle()?;
        driver.relay.prepare()?;
        let (orders, taken) = sync_channel(1);
        let (stopping, stopped) = sync_channel(1);
        thread::Builder::new()
            .name("strike-driver".into())
            .spawn(move || {
                driver.run(&taken);
                drop(driver);
                let _ = stopping.send(());
            })
            .map_err(|error| StrikeError::Port {
                act: "start a thread for",
                device: device.clone(),
                reason: error.to_string(),
            })?;
        let orders = Some(orders);
        let ends = VecDeque::new();
        Ok(Self { door, device, pulse, clock, orders, stopped, ends, held: false, failure: None, remarks })
    }

    /// How long the next pulse has to wait. While the relay is held it does not move.
    fn pause(&self, now: Instant) -> Duration {
        if self.held {
            return Duration::ZERO;
        }
        let gap = self.ends.back().map(|&end| end + SHORTEST_GAP);
        let minute =
            self.ends.iter().rev().nth(MOST_PULSES_PER_MINUTE - 1).map(|&end| end + Duration::from_mins(1));
        gap.max(minute).map_or(Duration::ZERO, |earliest| earliest.saturating_duration_since(now))
    }

    fn ended(&mut self) {
        self.ends.push_back(Instant::now());
        if self.ends.len() > MOST_PULSES_PER_MINUTE {
            self.ends.pop_front();
        }
    }

    /// Hands an order to the driver and waits for its answer, within a bound.
    fn ask<T>(
        &self,
        patience: Duration,
        order: impl FnOnce(SyncSender<Result<T, StrikeError>>) -> Order,
    ) -> Result<T, StrikeError> {
        let (answer, answered) = sync_channel(1);
        let orders = self.orders.as_ref().expect("only dropping takes the driver away");
        let taken = orders.try_send(order(answer)).is_ok();
        let answer = if taken { answered.recv_timeout(patience).ok() } else { None };
        answer.unwrap_or_else(|| Err(StrikeError::Driver { device: self.device.clone(), waited: patience }))
    }
}

impl Strike for PulsedStrike {
    fn door(&self) -> DoorId {
        self.door
    }

    fn set_idle(&mut self) -> Result<(), StrikeError> {
        let rested = self.ask(ANSWER_WITHIN, |answer| Order::Rest { answer });
        if std::mem::take(&mut self.held) {
            self.ended();
        }
        rested
    }

    fn hold_released(&mut self, hold: bool) -> Result<(), StrikeError> {
        if !hold {
            return self.set_idle();
        }
        self.held = true;
        self.ask(ANSWER_WITHIN, |answer| Order::Hold { answer })
    }

    fn release(&mut self, grant: Grant) -> Released {
        let pause = self.pause(Instant::now());
        let spent = match grant.spend(self.door, self.clock.now().plus(pause)) {
            Ok(spent) => spent,
            Err(released) => return released,
        };
        thread::sleep(pause);
        let latest = Instant::now() + START_WITHIN;
        let pulsed = self.ask(ANSWER_WITHIN + self.pulse, |answer| Order::Pulse { latest, answer });
        if !self.held {
            self.ended();
        }
        match pulsed {
            Ok(driven) => spent.pulsed(driven),
            Err(error) => {
                self.failure = Some(error);
                spent.failed()
            }
        }
    }

    fn check(&mut self) -> Result<(), StrikeError> {
        let now = self.ask(ANSWER_WITHIN, |answer| Order::Check { answer });
        match self.failure.take() {
            Some(failure) => Err(failure),
            None => now,
        }
    }

    fn remark(&mut self) -> Option<String> {
        self.remarks.try_recv().ok()
    }
}

impl Drop for PulsedStrike {
    /// Waits until the relay rests, so that whoever comes next finds the device free; within a bound.
    fn drop(&mut self) {
        self.orders = None;
        let _ = self.stopped.recv_timeout(ANSWER_WITHIN + self.pulse);
    }
}

struct Driver<R> {
    relay: R,
    pulse: Duration,
    /// Whether the relay stays driven between pulses, rather than at rest.
    held: bool,
    /// Whether the relay has taken the last command to be as `held` says.
    settled: bool,
    /// Where the relay's remarks go.
    remark: SyncSender<String>,
}

impl<R: Relay> Driver<R> {
    fn run(&mut self, orders: &Receiver<Order>) {
        loop {
            match orders.recv_timeout(IDLE_ROUND) {
                Ok(Order::Pulse { answer, .. }) if self.held => {
                    let _ = answer.send(self.stay());
                }
                Ok(Order::Pulse { latest, answer }) => {
                    let _ = answer.send(self.pulse(latest));
                }
                Ok(Order::Hold { answer }) => {
                    let _ = answer.send(self.hold());
                }
                Ok(Order::Rest { answer }) => {
                    self.held = false;
                    let _ = answer.send(self.settle());
                }
                Ok(Order::Check { answer }) => {
                    let prepared = self.relay.prepare();
                    let settled = self.settle();
                    let _ = answer.send(prepared.and(settled));
                }
                Err(RecvTimeoutError::Timeout) if self.settled => {}
                Err(RecvTimeoutError::Timeout) => {
                    let _ = self.settle();
                }
                Err(RecvTimeoutError::Disconnected) => {
                    self.held = false;
                    let _ = self.settle_within(REST_WITHIN);
                    return;
                }
            }
        }
    }

    /// Holds the relay. The door is free first and guarded then; a guard that was replaced has put the relay to rest.
    fn hold(&mut self) -> Result<(), StrikeError> {
        self.held = true;
        let _ = self.settle();
        let _ = self.relay.prepare();
        self.settle()
    }

    /// A pulse while the relay is held: it stays as it is for as long as a pulse would have lasted.
    fn stay(&mut self) -> Result<Duration, StrikeError> {
        let began = Instant::now();
        self.settle()?;
        thread::sleep(self.pulse);
        Ok(began.elapsed())
    }

    /// Drives the relay for one pulse. Everything that can fail before it is done before it.
    fn pulse(&mut self, latest: Instant) -> Result<Duration, StrikeError> {
        self.relay.prepare()?;
        if !self.settled {
            self.settle()?;
        }
        let late = Instant::now().saturating_duration_since(latest);
        if !late.is_zero() {
            return Err(StrikeError::Late { device: self.relay.device(), waited: START_WITHIN + late });
        }
        self.settled = false;
        let driven = self.relay.drive_for(self.pulse);
        let began = Instant::now();
        if driven.is_ok() {
            thread::sleep(self.pulse);
        }
        let rested = self.settle_within(REST_WITHIN);
        if let Some(remark) = self.relay.remark() {
            let _ = self.remark.try_send(remark);
        }
        driven.and(rested).map(|()| began.elapsed())
    }

    /// Tells the relay to be as it should be between pulses.
    fn settle(&mut self) -> Result<(), StrikeError> {
        self.settled = false;
        if self.held {
            self.relay.drive()?
        } else {
            self.relay.rest()?
        }
        self.settled = true;
        Ok(())
    }

    /// Insists on it for a while.
    fn settle_within(&mut self, patience: Duration) -> Result<(), StrikeError> {
        let until = Instant::now() + patience;
        loop {
            match self.settle() {
                Err(_) if Instant::now() < until => thread::sleep(REST_AGAIN),
                settled => return settled,
            }
        }
    }
}

#[cfg(test)]
mod tests;

//! What happens to a city: processes are killed at any moment and come back, roads are slow, stand still, are cut.
//!
//! Which, where and when comes from a [`Chance`], so that a seed plays it again (as far as processes on a busy machine do).

use std::{
    fmt, thread,
    time::{Duration, Instant},
};

use super::{Chance, City, Traffic, Trouble};

/// How long whoever was killed stays away, and how long the city is left alone in between.
const AWAY: [Duration; 2] = [Duration::from_millis(20), Duration::from_millis(800)];
const PEACE: [Duration; 2] = [Duration::from_millis(50), Duration::from_millis(1_500)];

/// One misfortune.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mischief {
    /// The kiosk of this door is killed.
    Kiosk(usize),
    /// The agent of this door is killed.
    Agent(usize),
    /// One of the registry's services is killed.
    Service(usize),
    /// The broker is killed.
    Broker,
    /// The database server is killed.
    Database,
    /// The road of this door changes.
    Road(usize, Traffic),
}

impl fmt::Display for Mischief {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Kiosk(place) => write!(f, "the kiosk of door {place} is killed"),
            Self::Agent(place) => write!(f, "the agent of door {place} is killed"),
            Self::Service(which) => write!(f, "registry service {which} is killed"),
            Self::Broker => write!(f, "the broker is killed"),
            Self::Database => write!(f, "the database is killed"),
            Self::Road(place, traffic) => write!(f, "the road of door {place} becomes {traffic:?}"),
        }
    }
}

impl Mischief {
    /// One that can happen to this city.
    pub fn drawn(city: &City, chance: &mut Chance) -> Self {
        let door = chance.below(city.doors.len());
        match chance.below(8) {
            0 => Self::Kiosk(door),
            1 => Self::Agent(door),
            2 => Self::Service(chance.below(city.registry.services())),
            3 => Self::Broker,
            4 if city.postgres.is_some() => Self::Database,
            4 | 5 => Self::Road(door, Traffic::Open),
            6 => Self::Road(door, Traffic::Cut),
            _ => {
                Self::Road(door, [Traffic::Still, Traffic::Slow(Duration::from_millis(150))][chance.below(2)])
            }
        }
    }
}

impl City {
    /// Suffers misfortunes for so long, with somebody before the cameras now and then. What happened is printed.
    ///
    /// # Errors
    /// Whoever does not come back, or ends without having been killed.
    pub fn suffers(&mut self, chance: &mut Chance, lasting: Duration) -> Result<usize, Trouble> {
        let began = Instant::now();
        let photo = self.photo("person-a-2.jpg")?;
        let mut count = 0;
        while began.elapsed() < lasting {
            let door = chance.below(self.doors.len());
            let view = &self.doors[door].view;
            if chance.below(3) > 0 {
                view.shows(&photo)?
            } else {
                view.nobody()?
            }
            thread::sleep(chance.between(PEACE[0], PEACE[1]));
            self.still_runs()?;
            let mischief = Mischief::drawn(self, chance);
            println!("{:7.1} s  {mischief}", began.elapsed().as_secs_f64());
            let away = chance.between(AWAY[0], AWAY[1]);
            self.befalls(mischief, away)?;
            count += 1;
        }
        self.heals()?;
        Ok(count)
    }

    fn befalls(&mut self, mischief: Mischief, away: Duration) -> Result<(), Trouble> {
        let wait = || thread::sleep(away);
        match mischief {
            Mischief::Kiosk(place) => {
                self.doors[place].kill_kiosk();
                wait();
                self.doors[place].start_kiosk()
            }
            Mischief::Agent(place) => {
                self.doors[place].kill_agent();
                wait();
                self.doors[place].start_agent()
            }
            Mischief::Service(which) => {
                self.registry.kill(which);
                wait();
                self.registry.start()
            }
            Mischief::Broker => {
                self.broker.kill();
                wait();
                self.broker.restart()
            }
            Mischief::Database => self.postgres.as_mut().map_or(Ok(()), |server| {
                server.kill();
                wait();
                server.restart()
            }),
            Mischief::Road(place, traffic) => {
                self.doors[place].road.set(traffic);
                Ok(())
            }
        }
    }

    /// Nobody is before a camera, and every road is open: from now on it is quiet.
    ///
    /// # Errors
    /// [`Trouble::File`].
    pub fn heals(&mut self) -> Result<(), Trouble> {
        for door in &self.doors {
            door.road.set(Traffic::Open);
            door.view.nobody()?;
        }
        Ok(())
    }
}

//! What a facility asks of those whom it knows: whom it admits and when, what they pay, how they are greeted.
//!
//! The rules are data, read from the facility's file; [`crate::admission`] applies them.

use std::{sync::Arc, time::Duration};

use crate::{Date, Local, Weekday, Words, calendar::Undated};

/// Japan has one time, nine hours east of UTC, and no summer time.
pub const JAPAN_OFFSET_MINUTES: i32 = 9 * 60;

/// The rules of one facility.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facility {
    /// Minutes east of UTC.
    pub offset_minutes: i32,
    /// When it is open to visitors.
    pub hours: Schedule,
    /// Whom it admits.
    pub admits: Admits,
    /// For how many a representative's face or claim speaks.
    pub party: PartyRule,
    /// What happens to somebody who is inside already.
    pub inside: InsideRule,
    /// After this time nobody counts as inside any more, at the latest; midnight ends every stay. One kiosk alone sees
    /// nobody leave who uses another door.
    pub longest_stay: Duration,
    /// Days after which an attribute that nobody confirmed again is pointed out to staff.
    pub attributes_fresh_days: u16,
    /// When an age begins.
    pub age: AgeRule,
    /// The fee classes, first match first; a visitor in none of them pays what staff say.
    pub fees: Vec<FeeClass>,
    /// Whether names may be shown to households that agreed.
    pub names: bool,
    /// What is said to somebody who is let in.
    pub greeting: Greeting,
    /// How many kiosks spend from the same books of coupons without knowing of each other for a while, 1 and more.
    pub kiosks: u16,
}

impl Default for Facility {
    /// Everybody who is enrolled, at all hours, one by one, without fees: what a kiosk does before it is told more.
    fn default() -> Self {
        Self {
            offset_minutes: JAPAN_OFFSET_MINUTES,
            hours: Schedule::ALWAYS,
            admits: Admits::EveryEnrolee,
            party: PartyRule::Household,
            inside: InsideRule::WelcomeAgain,
            longest_stay: Duration::from_hours(16),
            attributes_fresh_days: 365,
            age: AgeRule::OnBirthday,
            fees: Vec::new(),
            names: false,
            greeting: Greeting::Enter,
            kiosks: 1,
        }
    }
}

/// Whom a facility admits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Admits {
    /// Whoever is enrolled and whose registration counts today.
    EveryEnrolee,
    /// Of those, whoever has a pass or a coupon for today; one per visitor.
    Entitled,
}

/// For how many a visit counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PartyRule {
    /// The person alone.
    OnePerson,
    /// All of the household who may come in today and are not protected; a protected person comes in alone.
    Household,
}

/// What happens to somebody who is inside already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InsideRule {
    /// Let in again, counted once.
    WelcomeAgain,
    /// Refused: a card or a face that is inside is not used twice.
    Refuse,
}

/// What is said to somebody who is let in.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Greeting {
    /// 「どうぞお入りください」.
    #[default]
    Enter,
    /// 「ご乗車ください」, with the last day of the pass.
    Board,
}

/// When an age begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AgeRule {
    /// On the birthday, as tills count; whoever was born on 29 February has it on 1 March of a common year.
    OnBirthday,
    /// On the day before it, as the statute counts (年齢計算ニ関スル法律, 民法 143: an age is complete when the day before the
    /// birthday ends); so 29 February gives 28 February in every year.
    OnTheEve,
}

impl AgeRule {
    /// Whole years of age on a day; none before the birth.
    #[must_use]
    pub fn age(self, born: Date, day: Date) -> Option<u16> {
        if day < born {
            return None;
        }
        let counted = match self {
            Self::OnBirthday => day,
            Self::OnTheEve => day.plus_days(1).unwrap_or(day),
        };
        let before_birthday = (counted.month(), counted.day()) < (born.month(), born.day());
        Some(counted.year() - born.year() - u16::from(before_birthday))
    }
}

/// School years begin on 1 April. By the statute's count whoever was born on 1 April belongs to the year before (学校教育法
/// 17: from the first school year after the sixth birthday's eve).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SchoolStage {
    /// 未就学児.
    Preschool,
    /// 小学生.
    Elementary,
    /// 中学生.
    JuniorHigh,
    /// 高校生に相当する年齢.
    HighSchool,
    /// Older.
    Beyond,
}

impl SchoolStage {
    /// The stage on a day; none before the birth. Elementary school has six years, the two after it three each; nobody
    /// is kept back (the same for all who were born in one school year, whatever school they go to).
    #[must_use]
    pub fn on(born: Date, day: Date) -> Option<Self> {
        if day < born {
            return None;
        }
        // Six is complete on the birthday's eve; the first 1 April after that eve is on or after the birthday itself.
        let enters = born.year() + if (born.month(), born.day()) <= (4, 1) { 6 } else { 7 };
        let school_year = day.year() - u16::from(day.month() < 4);
        Some(match school_year.checked_sub(enters) {
            None => Self::Preschool,
            Some(0..=5) => Self::Elementary,
            Some(6..=8) => Self::JuniorHigh,
            Some(9..=11) => Self::HighSchool,
            Some(_) => Self::Beyond,
        })
    }
}

/// A fee and whose it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FeeClass {
    /// Its name in records and reports, for instance `resident-child`.
    pub id: FeeClassId,
    /// What is to pay, in yen.
    pub yen: u32,
    /// What visitors read, for instance 「市内在住　無料」.
    pub words: Words,
    /// Whose it is.
    pub who: Who,
}

/// A fee class's name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FeeClassId(pub Arc<str>);

/// Conditions, all of which must hold. One whose attribute is not known does not hold.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Who {
    /// Lives in the city (`true`) or elsewhere (`false`).
    pub resident: Option<bool>,
    /// At least so old.
    pub from_age: Option<u8>,
    /// Younger than this.
    pub below_age: Option<u8>,
    /// At this stage of school by age.
    pub school: Option<SchoolStage>,
}

/// Hours of each day of the week, and days that are closed whatever the weekday says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Schedule {
    /// From Monday to Sunday: minutes since midnight, from the first up to, not including, the second; none where closed.
    pub week: [Option<(u16, u16)>; 7],
    /// Closed days.
    pub closed: Vec<Date>,
}

impl Schedule {
    /// At all hours of every day.
    pub const ALWAYS: Self = Self { week: [Some((0, 24 * 60)); 7], closed: Vec::new() };

    /// Whether the moment lies in it.
    #[must_use]
    pub fn holds(&self, at: Local) -> bool {
        let hours = self.hours(at.date);
        hours.is_some_and(|(from, until)| (from..until).contains(&at.minute))
    }

    /// Whether the moment lies in it, as far as that can be said: of a moment that is not known only
    /// [`Schedule::ALWAYS`] says yes.
    ///
    /// # Errors
    /// The answer depends on the moment.
    pub fn holds_at(&self, at: Option<Local>) -> Result<bool, Undated> {
        match at {
            Some(at) => Ok(self.holds(at)),
            None if *self == Self::ALWAYS => Ok(true),
            None => Err(Undated),
        }
    }

    /// The hours of one day.
    #[must_use]
    pub fn hours(&self, date: Date) -> Option<(u16, u16)> {
        let place = Weekday::ALL.iter().position(|it| *it == date.weekday()).expect("all are there");
        self.week[place].filter(|_| !self.closed.contains(&date))
    }
}

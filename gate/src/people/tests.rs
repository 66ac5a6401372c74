#![allow(clippy::unwrap_used)]

use super::*;
use crate::seeded::Seeded;

/// `kiosks` kiosks that hear of each other late or never; returns how many coupons they spent together.
fn spent_together(seeded: &mut Seeded, granted: u32, kiosks: u16, news: u64) -> u32 {
    let mut all = vec![Coupons { granted, used_here: 0, used_elsewhere: 0 }; usize::from(kiosks)];
    for _ in 0..400 {
        let place = usize::try_from(seeded.below(u64::from(kiosks))).unwrap();
        if all[place].left_here(kiosks) > 0 {
            all[place].used_here += 1;
        }
        if seeded.below(100) < news {
            // News is a number that was true some time ago: at most what it is now, and never less than before.
            let place = usize::try_from(seeded.below(u64::from(kiosks))).unwrap();
            let total: u32 = all.iter().map(|it| it.used_here).sum();
            let others = u64::from(total - all[place].used_here - all[place].used_elsewhere);
            all[place].used_elsewhere += u32::try_from(seeded.below(others + 1)).unwrap();
        }
    }
    all.iter().map(|it| it.used_here).sum()
}

#[test]
fn kiosks_that_do_not_hear_of_each_other_overdraw_a_book_by_less_than_their_number() {
    let mut worst = 0;
    for seed in 0..3_000 {
        let mut seeded = Seeded(seed);
        let kiosks = u16::try_from(1 + seeded.below(6)).unwrap();
        let granted = u32::try_from(seeded.below(30)).unwrap();
        let news = seeded.one_of(&[0, 0, 10, 50]);
        let spent = spent_together(&mut seeded, granted, kiosks, news);
        let bound = u32::from(kiosks) * granted.div_ceil(u32::from(kiosks));
        assert!(
            spent <= bound && spent < granted + u32::from(kiosks),
            "{kiosks} kiosks spent {spent} of {granted}"
        );
        if news == 0 {
            assert_eq!(spent, bound, "without news each spends its share, so the bound is reached");
        }
        worst = worst.max(spent.saturating_sub(granted));
    }
    assert_eq!(worst, 5, "six kiosks and a book of 6k + 1 coupons");
}

#[test]
fn kiosks_that_know_all_uses_overdraw_nothing() {
    for (granted, kiosks) in [(1, 3), (11, 3), (10, 4), (5, 6)] {
        let mut used = vec![0; usize::from(kiosks)];
        for turn in 0..100 {
            let place = turn % used.len();
            let total: u32 = used.iter().sum();
            let coupons = Coupons { granted, used_here: used[place], used_elsewhere: total - used[place] };
            used[place] += u32::from(coupons.left_here(kiosks) > 0);
        }
        assert_eq!(
            used.iter().sum::<u32>(),
            granted,
            "no more, and no less if people go from kiosk to kiosk"
        );
    }
}

#[test]
fn one_kiosk_alone_spends_the_whole_book() {
    let coupons = |used_here, used_elsewhere| Coupons { granted: 11, used_here, used_elsewhere };
    assert_eq!(coupons(0, 0).left_here(1), 11);
    assert_eq!(coupons(4, 3).left_here(1), 4);
    assert_eq!(coupons(4, 3).left_here(0), 4, "no kiosk is counted as one");
    assert_eq!(coupons(11, 0).left_here(1), 0);
    assert_eq!(coupons(u32::MAX, u32::MAX).left_here(1), 0);
}

#[test]
fn what_was_overdrawn_comes_to_light_when_the_uses_meet() {
    let coupons = |used_here, used_elsewhere| Coupons { granted: 5, used_here, used_elsewhere };
    assert_eq!(coupons(3, 2).overdrawn(), 0);
    assert_eq!(coupons(3, 4).overdrawn(), 2);
}

//! A real row of an article knows one counter; this makes the other fifteen fit.

use super::counters::{Basics, basics, covers};
use super::days::{AUTOMATED, Day};
use super::noise::Noise;
use super::share::shared;

/// Basics whose sum in `counter` is exactly `views`.
///
/// The known counter is shared out to the basics it sums; what lies outside of it is in the
/// proportion to it that is usual.
pub(super) fn complete(noise: Noise, day: &Day, counter: usize, views: u64) -> Basics {
    let weights = usual(noise, day);
    let whole: u64 = (0..9).filter(|cell| covers(counter, *cell)).map(|cell| weights[cell]).sum();
    // What usually isn't counted at all tells nothing about the rest.
    let inside = |cell| match covers(counter, cell) {
        true if whole == 0 => 1,
        true => weights[cell],
        false => 0,
    };
    let inside: [u64; 9] = std::array::from_fn(inside);
    let mut cells = shared(views, &inside, noise.branch(1).at(day.period()));
    for (cell, weight) in weights.iter().enumerate().filter(|_| whole > 0) {
        if !covers(counter, cell) {
            let turn = noise.branch(2 + cell as u64).below(day.period(), whole);
            cells[cell] = (views * weight + turn) / whole;
        }
    }
    // A row is there because somebody came; if it weren't the ones who are known, then a spider.
    if cells.iter().all(|views| *views == 0) && !covers(counter, DESKTOP_SPIDER) {
        cells[DESKTOP_SPIDER] = 1 + noise.branch(12).below(day.period(), 2);
    }
    cells
}

const DESKTOP_SPIDER: usize = 1;

/// The usual proportions of the basics on a day.
pub(super) fn usual(noise: Noise, day: &Day) -> Basics {
    let [programs, spiders] = programs_and_spiders(noise, day);
    basics(programs, spiders, ways(noise, day))
}

/// How users come, in millionths: desks lose to phones over the years.
pub(super) fn ways(noise: Noise, day: &Day) -> [u64; 3] {
    let years = (day.whole_month.year() as u64).saturating_sub(2015);
    let tilt = noise.branch(20).around(0, 250);
    let sway = |branch: u64| noise.branch(branch).around(day.period(), 60);
    let desktop = (600 - 20 * years.min(11)) * tilt / 1000 * sway(21);
    let app = (25 + 2 * years) * sway(22);
    [desktop, app, 1_000_000_u64.saturating_sub(desktop + app).max(100_000)]
}

/// What comes for a million views by users. Programs that pass for users are told apart only since
/// 2020-05.
pub(super) fn programs_and_spiders(noise: Noise, day: &Day) -> [[u64; 3]; 2] {
    let spiders = 70_u64 * noise.branch(23).around(day.period(), 400);
    let programs = if day.whole_month < AUTOMATED {
        0
    } else {
        35 * noise.branch(24).around(day.period(), 500)
    };
    let of = |total: u64, parts: [u64; 3]| parts.map(|part| total * part / 1000);
    [of(programs, [700, 10, 290]), of(spiders, [850, 2, 148])]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample::counters::roll_up;
    use crate::sample::days::{days, index};
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn the_known_counter_is_kept(counter in 0_usize..16, views in 0_u64..2_000_000, day in 0_usize..4000) {
            let day = &days()[day];
            let cells = complete(Noise::of(&["x"]), day, counter, views);
            prop_assert_eq!(roll_up(&cells)[counter], views);
            let programs = cells[0] + cells[3] + cells[6];
            if day.whole_month < AUTOMATED && counter % 4 != 1 {
                prop_assert_eq!(programs, 0);
            }
        }
    }

    #[test]
    fn a_zero_of_users_leaves_a_spider() {
        let cells = complete(Noise::of(&["x"]), &days()[index(2025, 1, 2)], 3, 0);
        assert_eq!(roll_up(&cells)[3], 0);
        assert!(roll_up(&cells)[0] > 0);
    }
}

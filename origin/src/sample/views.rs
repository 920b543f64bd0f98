//! How much an article is read on a day.

use super::articles::Article;
use super::completion::{programs_and_spiders, ways};
use super::counters::{Basics, basics};
use super::days::{self, Day};
use super::season;
use super::share::shared;

impl Article {
    /// The days that have a row, in order, and what is in it.
    pub(super) fn rows(&self) -> impl Iterator<Item = (&'static Day, Basics)> {
        let days = self.stored.map(|first| &days::days()[first..]).unwrap_or_default();
        days.iter().filter_map(|day| Some((day, self.day(day)?)))
    }

    /// Views by users on a day, by access; nothing on days that have no row.
    pub(super) fn users(&self, day: &Day) -> [u64; 3] {
        if !self.is_there(day) || self.is_idle(day) {
            return [0; 3];
        }
        let whole = self.users_together(day);
        shared(whole, &ways(self.noise, day), self.noise.branch(1).at(day.period()))
    }

    /// Views on a day, if the day has a row.
    fn day(&self, day: &Day) -> Option<Basics> {
        if !self.is_there(day) {
            return None;
        }
        let period = day.period();
        if self.zeros && self.noise.branch(2).below(period, 29) == 0 {
            return Some([0; 9]);
        }
        let user = self.users(day);
        let whole: u64 = user.iter().sum();
        let [programs, spiders] = programs_and_spiders(self.noise, day);
        let of = |branch: u64, weights: [u64; 3], base: u64| {
            let milli = whole * weights.iter().sum::<u64>() / 1000 + base;
            let views = self.rounded(branch, period, milli);
            shared(views, &weights, self.noise.branch(branch + 1).at(period))
        };
        let spiders = of(3, spiders, if self.zeros { 1100 } else { 2500 });
        Some(basics(of(5, programs, 0), spiders, user))
    }

    fn is_there(&self, day: &Day) -> bool {
        let noise = self.noise.branch(7);
        let away = || {
            // Single days, and now and then a whole month.
            noise.below(day.period(), 7) == 0
                || noise.branch(1).below(day.whole_month.index() as u64, 9) == 0
        };
        day.index >= self.since && !(self.gaps && away())
    }

    /// Whether no user came, by design.
    fn is_idle(&self, day: &Day) -> bool {
        let period = day.period();
        self.zeros
            && (self.noise.branch(8).below(period, 4) == 0
                || self.noise.branch(2).below(period, 29) == 0)
    }

    fn users_together(&self, day: &Day) -> u64 {
        let (noise, period) = (self.noise, day.period());
        let depth = noise.branch(9).below(0, 1000);
        let year = season::year_on(day, noise.branch(9).below(1, 12));
        let year = (1_000_000 + year * depth - 1000 * depth) / 1000;
        let week = season::week(self.week, day);
        let wander = if self.steady { 1000 } else { noise.branch(10).smooth(period, 120, 350) };
        let sway = noise.branch(11).around(period, if self.steady { 40 } else { 120 });
        let usual = self.milli * year / 1000 * week / 1000 * wander / 1000 * sway / 1000;
        self.rounded(12, period, usual * self.news(day) / 1000)
    }

    /// What the news add: a leap, and its echo over some days.
    fn news(&self, day: &Day) -> u64 {
        const ECHO: [u64; 12] = [1000, 760, 520, 350, 240, 170, 120, 90, 60, 40, 25, 10];
        const BLOCK: u64 = 73;
        let noise = self.noise.branch(13);
        let (block, place) = (day.period() / BLOCK, day.period() % BLOCK);
        if self.steady || noise.below(block, 5) > 0 {
            return 1000;
        }
        let since = place.checked_sub(noise.branch(1).below(block, BLOCK - ECHO.len() as u64));
        let echo = since.and_then(|since| ECHO.get(since as usize)).copied().unwrap_or(0);
        let height = noise.branch(2).below(block, 9000);
        1000 + height * echo / 1000
    }

    /// Thousandths made whole, so that in the long run nothing is lost.
    fn rounded(&self, branch: u64, period: u64, milli: u64) -> u64 {
        (milli + self.noise.branch(branch).below(period, 1000)) / 1000
    }
}

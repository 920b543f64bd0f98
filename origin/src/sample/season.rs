//! How reading swings: over the years, the months, the week and the day. All per mille.

use super::days::{Day, Month};

/// By weekday, Monday first, at a desk.
const WEEK_DESKTOP: [u64; 7] = [1110, 1120, 1110, 1080, 1000, 780, 800];
/// By weekday, on a phone.
const WEEK_MOBILE: [u64; 7] = [980, 970, 970, 970, 970, 1050, 1090];
/// By weekday, what people read when they have time.
const WEEK_LEISURE: [u64; 7] = [920, 900, 900, 930, 1010, 1180, 1160];
/// By month, per day.
const YEAR: [u64; 12] = [1060, 1045, 1020, 1000, 985, 950, 930, 940, 990, 1020, 1040, 1020];
/// By hour, on the clock of most readers.
const HOURS: [u64; 24] = [
    620, 420, 300, 240, 230, 300, 480, 720, 900, 1020, 1100, 1140, 1140, 1160, 1190, 1220, 1250,
    1280, 1330, 1420, 1520, 1560, 1400, 1000,
];
/// By year at its January, from 2015; 1000 is 2023.
const TREND: [u64; 13] = [1010, 1030, 1030, 1010, 1020, 1080, 1060, 1010, 1000, 990, 975, 960, 950];
const TREND_FROM: u64 = 2015;

/// Which of the weeks counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Week {
    Desktop,
    Mobile,
    Leisure,
}

/// The week's share in a day.
pub(super) fn week(week: Week, day: &Day) -> u64 {
    let table = match week {
        Week::Desktop => &WEEK_DESKTOP,
        Week::Mobile => &WEEK_MOBILE,
        Week::Leisure => &WEEK_LEISURE,
    };
    table[usize::from(day.weekday) % 7]
}

/// The season of a month.
pub(super) fn year(month: Month) -> u64 {
    YEAR[month.index() % 12]
}

/// The season of a day, for something whose year begins `shift` months later than others'.
pub(super) fn year_on(day: &Day, shift: u64) -> u64 {
    let place = |months: u64| YEAR[((u64::from(day.month) + months + shift + 11) % 12) as usize];
    // From the middle of a month to the middle of the next.
    let (from, to, way) = match u64::from(day.day) {
        early @ ..15 => (place(11), place(0), early + 15),
        late => (place(0), place(1), late - 15),
    };
    (from * (30 - way.min(30)) + to * way.min(30)) / 30
}

/// The hour's share in a day, for readers so many hours from UTC.
pub(super) fn hour(hour: usize, zone: i64) -> u64 {
    HOURS[(hour as i64 + zone).rem_euclid(24) as usize]
}

/// The general trend; `drift` is what a project gains or loses a year after 2023.
pub(super) fn trend(month: Month, drift: i64) -> u64 {
    let year = (month.year() as u64).saturating_sub(TREND_FROM).min(TREND.len() as u64 - 2);
    let (from, to) = (TREND[year as usize], TREND[year as usize + 1]);
    let way = (month.index() % 12) as u64;
    let general = (from * (12 - way) + to * way) / 12;
    let months = (month.index() as i64 - Month::new(2023, 1).index() as i64).max(0);
    let own = (1000 + drift * months / 12).max(50) as u64;
    general * own / 1000
}

//! Text forms of numbers, times and tables.

use aqs_api::Catalogue;
use aqs_api::calendar::Digits;
use aqs_origin::Moment;
use bytesize::ByteSize;
use comfy_table::{CellAlignment, Table, presets};
use jiff::Timestamp;
use jiff::fmt::friendly::SpanPrinter;
use std::time::Duration;

/// From here on durations are rounded to seconds.
const LONG: Duration = Duration::from_secs(10);

/// `2.1 MiB`
pub(super) fn bytes(bytes: u64) -> String {
    ByteSize(bytes).display().iec().to_string()
}

/// `1h 30m` or `2s 130ms`
pub(super) fn duration(duration: Duration) -> String {
    let subseconds = if duration < LONG { duration.subsec_millis() } else { 0 };
    let rounded = Duration::new(duration.as_secs(), subseconds * 1_000_000);
    SpanPrinter::new().unsigned_duration_to_string(&rounded)
}

/// The duration between two moments; 0 in the wrong order.
pub(super) fn between(from: Moment, to: Moment) -> String {
    duration(Duration::from_millis(to.0.saturating_sub(from.0)))
}

/// `2026-11-24 14:10:05 UTC`
pub(super) fn moment(moment: Moment) -> String {
    let at = i64::try_from(moment.0).ok().and_then(|ms| Timestamp::from_millisecond(ms).ok());
    at.map_or_else(|| "?".to_owned(), |at| at.strftime("%Y-%m-%d %H:%M:%S UTC").to_string())
}

/// The last period of a dataset, as `2026-10  unique-devices-monthly`.
pub(super) fn through(dataset: &str, period: &str) -> String {
    let catalogue = Catalogue::standard().ok();
    let datasets = catalogue.iter().flat_map(|catalogue| catalogue.datasets());
    let known = datasets.into_iter().find(|known| known.name == dataset);
    let label =
        known.zip(Digits::from_text(period)).map(|(known, period)| period.label(known.granularity));
    // The server may be a newer version, with other datasets.
    format!("{}  {dataset}", label.as_deref().unwrap_or(period))
}

/// A dash for an absent value.
pub(super) fn or_dash(value: Option<impl ToString>) -> String {
    value.map_or_else(|| "-".to_owned(), |value| value.to_string())
}

/// A table with a header.
pub(super) fn table<const N: usize>(
    names: [&str; N],
    rows: impl IntoIterator<Item = [String; N]>,
) -> String {
    let mut table = Table::new();
    table.set_header(names).add_rows(rows);
    render(table)
}

/// A line for each name and value.
pub(super) fn properties<'a>(rows: impl IntoIterator<Item = (&'a str, String)>) -> String {
    let mut table = Table::new();
    table.add_rows(rows.into_iter().map(|(name, value)| [format!("  {name}"), value]));
    render(table)
}

fn render(mut table: Table) -> String {
    table.load_style(presets::NOTHING);
    for column in table.column_iter_mut() {
        column.set_padding((0, 2)).set_cell_alignment(CellAlignment::Left);
    }
    table.trim_fmt() + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_readable() {
        assert_eq!(duration(Duration::from_millis(2130)), "2s 130ms");
        assert_eq!(duration(Duration::from_millis(5_400_900)), "1h 30m");
        assert_eq!(between(Moment(5), Moment(2)), "0s");
        assert_eq!(moment(Moment(1_770_000_000_000)), "2026-02-02 02:40:00 UTC");
        assert_eq!(moment(Moment(u64::MAX)), "?");
        assert_eq!(bytes(2_200_000), "2.1 MiB");
        for (dataset, period, text) in [
            ("unique-devices-monthly", "20261001", "2026-10  unique-devices-monthly"),
            (
                "pageviews-per-article-daily",
                "2026103100",
                "2026-10-31  pageviews-per-article-daily",
            ),
            ("of-tomorrow", "20261031", "20261031  of-tomorrow"),
        ] {
            assert_eq!(through(dataset, period), text);
        }
        assert_eq!(
            table(["id", "plan"], [["1".into(), "a".into()], ["10".into(), "b".into()]]),
            "id  plan\n1   a\n10  b\n"
        );
        assert_eq!(properties([("keys", "3".to_owned())]), "  keys  3\n");
    }
}

//! Numbers, spans and tables for people.

use aqs_api::Catalogue;
use aqs_api::calendar::Digits;
use aqs_origin::Moment;
use bytesize::ByteSize;
use comfy_table::{CellAlignment, Table, presets};
use jiff::Timestamp;
use jiff::fmt::friendly::SpanPrinter;
use std::time::Duration;

/// Spans from here on are told to the second.
const LONG: Duration = Duration::from_secs(10);

/// A number of bytes, as `2.1 MiB`.
pub(super) fn bytes(bytes: u64) -> String {
    ByteSize(bytes).display().iec().to_string()
}

/// A span, as `1h 30m` or `2s 130ms`.
pub(super) fn span(span: Duration) -> String {
    let grain = if span < LONG { 1 } else { 1000 };
    let rounded = Duration::from_millis(ms(span) / grain * grain);
    SpanPrinter::new().unsigned_duration_to_string(&rounded)
}

/// The span between two moments; none if they are in the wrong order.
pub(super) fn between(from: Moment, to: Moment) -> String {
    span(Duration::from_millis(to.0.saturating_sub(from.0)))
}

/// A moment, as `2026-11-24 14:10:05 UTC`.
pub(super) fn moment(moment: Moment) -> String {
    let at = i64::try_from(moment.0).ok().and_then(|ms| Timestamp::from_millisecond(ms).ok());
    // No clock tells what is beyond.
    at.map_or_else(|| "?".to_owned(), |at| at.strftime("%Y-%m-%d %H:%M:%S UTC").to_string())
}

/// Up to which period there are data of a dataset, as `2026-10  unique-devices-monthly`.
pub(super) fn through(dataset: &str, period: &str) -> String {
    let catalogue = Catalogue::standard().ok();
    let datasets = catalogue.iter().flat_map(|catalogue| catalogue.datasets());
    let known = datasets.into_iter().find(|known| known.name == dataset);
    let label =
        known.zip(Digits::from_text(period)).map(|(known, period)| period.label(known.granularity));
    // The server may know datasets that this program doesn't.
    format!("{}  {dataset}", label.as_deref().unwrap_or(period))
}

/// A list of what there is, or a dash.
pub(super) fn or_dash(text: String) -> String {
    if text.is_empty() { "-".to_owned() } else { text }
}

/// Columns below their names.
pub(super) fn columns<const N: usize>(
    names: [&str; N],
    rows: impl IntoIterator<Item = [String; N]>,
) -> String {
    let mut table = plain();
    table.set_header(names);
    table.add_rows(rows);
    text(&mut table)
}

/// What is said of something, a line each, by name.
pub(super) fn facts<'a>(rows: impl IntoIterator<Item = (&'a str, String)>) -> String {
    let mut table = plain();
    table.add_rows(rows.into_iter().map(|(name, value)| [format!("  {name}"), value]));
    text(&mut table)
}

fn plain() -> Table {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table
}

fn text(table: &mut Table) -> String {
    for column in table.column_iter_mut() {
        column.set_padding((0, 2)).set_cell_alignment(CellAlignment::Left);
    }
    table.trim_fmt() + "\n"
}

#[allow(clippy::cast_possible_truncation, reason = "no span here lasts for millions of years")]
fn ms(span: Duration) -> u64 {
    span.as_millis() as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn they_can_be_read() {
        assert_eq!(span(Duration::from_millis(2130)), "2s 130ms");
        assert_eq!(span(Duration::from_millis(5_400_900)), "1h 30m");
        assert_eq!(between(Moment(5), Moment(2)), "0s");
        assert_eq!(moment(Moment(1_770_000_000_000)), "2026-02-02 02:40:00 UTC");
        assert_eq!(moment(Moment(u64::MAX)), "?");
        assert_eq!(bytes(2_200_000), "2.1 MiB");
        for (dataset, period, told) in [
            ("unique-devices-monthly", "20261001", "2026-10  unique-devices-monthly"),
            (
                "pageviews-per-article-daily",
                "2026103100",
                "2026-10-31  pageviews-per-article-daily",
            ),
            ("of-tomorrow", "20261031", "20261031  of-tomorrow"),
        ] {
            assert_eq!(through(dataset, period), told);
        }
        assert_eq!(
            columns(["id", "plan"], [["1".into(), "a".into()], ["10".into(), "b".into()]]),
            "id  plan\n1   a\n10  b\n"
        );
        assert_eq!(facts([("keys", "3".to_owned())]), "  keys  3\n");
    }
}

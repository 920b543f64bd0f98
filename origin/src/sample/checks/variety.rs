//! That everything which is hard somewhere is there: titles, nulls, zeros, gaps, late starts.

use super::OUTPUT;
use crate::sample::projects;
use aqs_api::tables::{PAGEVIEWS_PER_ARTICLE, PAGEVIEWS_PER_PROJECT, UNIQUE_DEVICES};
use std::collections::BTreeSet;

#[test]
fn titles_of_every_class() {
    let titles: BTreeSet<String> =
        OUTPUT.all_series(&PAGEVIEWS_PER_ARTICLE).map(|(key, _)| key[1].to_owned()).collect();
    let has = |wanted: &dyn Fn(char) -> bool| titles.iter().any(|title| title.chars().any(wanted));
    for wanted in "/:%?#\"'\\&+;=*!$()@,.~<>|".chars().filter(|char| !"<>|@;~".contains(*char)) {
        assert!(has(&|char| char == wanted), "{wanted}");
    }
    let scripts = [
        ("Cyrillic", 'а'..='я'),
        ("Greek", 'α'..='ω'),
        ("Hebrew", 'א'..='ת'),
        ("Arabic", 'ا'..='ي'),
        ("Devanagari", 'अ'..='ह'),
        ("Georgian", 'ა'..='ჰ'),
        ("Tifinagh", 'ⴰ'..='ⵯ'),
        ("Hiragana", 'ぁ'..='ん'),
        ("Han", '一'..='龠'),
        ("Han beyond the BMP", '\u{20000}'..='\u{2ffff}'),
        ("Hangul", '가'..='힣'),
        ("emoji", '\u{1f300}'..='\u{1faff}'),
        ("joiner", '\u{200d}'..='\u{200d}'),
        ("punctuation that the loader escapes", '\u{2010}'..='\u{203b}'),
    ];
    for (name, script) in scripts {
        assert!(has(&|char| script.contains(&char)), "{name}");
    }
    for exact in
        ["AC/DC", "C++", "C#", "100%", "What?", "O'Reilly_Media", "\\", "\\\\", "//", "?", "-"]
    {
        assert!(titles.contains(exact), "{exact}");
    }
    assert!(titles.contains("\"Heroes\"_(David_Bowie_album)"));
    assert!(titles.iter().all(|title| !title.contains([' ', '\t'])));
}

#[test]
fn nulls_zeros_gaps_and_late_starts() {
    let (mut nulls, mut zeros, mut idle, mut late, mut gaps) = (0, 0, 0, 0, 0);
    for (_, series) in OUTPUT.all_series(&PAGEVIEWS_PER_ARTICLE) {
        let (first, last) = (&series[0].0, &series[series.len() - 1].0);
        late += usize::from(first.as_str() > "2023110100");
        gaps += usize::from(
            last.as_str() == "2026103100" && first.as_str() < "20251" && series.len() < 1000,
        );
        for (_, counters) in series {
            // Not those of programs, which are null in all old rows.
            let mut counted = counters.iter().enumerate().filter(|(column, _)| column % 4 != 1);
            nulls += usize::from(counted.any(|(_, views)| views.is_none()));
            zeros += usize::from(counters.iter().all(|views| *views == Some(0)));
            idle += usize::from(counters[3] == Some(0) && counters[0] > Some(0));
        }
    }
    assert!(nulls > 1000 && zeros > 50 && idle > 200, "{nulls} {zeros} {idle}");
    assert!(late > 5 && gaps > 5, "{late} {gaps}");
    let old = OUTPUT.all_series(&PAGEVIEWS_PER_PROJECT).flat_map(|(_, series)| series);
    assert!(old.filter(|(_, cells)| cells[0].is_none() && cells[1].is_some()).count() > 100);
    let uncounted = OUTPUT.all_series(&UNIQUE_DEVICES).flat_map(|(_, series)| series);
    assert!(uncounted.filter(|(_, cells)| cells[1].is_none()).count() > 10);
}

#[test]
fn programs_are_told_apart_since_may_2020() {
    for (key, series) in OUTPUT.all_series(&PAGEVIEWS_PER_PROJECT) {
        if key[2] == "automated" {
            assert!(series.iter().all(|(stamp, _)| stamp.as_str() >= "2020050100"), "{key:?}");
        }
    }
    for (key, series) in OUTPUT.all_series(&PAGEVIEWS_PER_ARTICLE) {
        for (_, cells) in series.iter().filter(|(stamp, _)| stamp.as_str() < "2020050100") {
            assert!([1, 5, 9, 13].iter().all(|column| cells[*column].is_none()), "{key:?}");
        }
    }
}

#[test]
fn every_project_of_the_table_has_months() {
    for project in projects::read().unwrap() {
        let key = [project.name, "all-access", "all-agents", "monthly"];
        assert!(!OUTPUT.series(&PAGEVIEWS_PER_PROJECT, &key).is_empty(), "{key:?}");
    }
}

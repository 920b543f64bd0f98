//! Lists: made of the series, ranked and stored as the loaders do.

use super::OUTPUT;
use aqs_api::countries::ProtectedCountries;
use aqs_api::tables::{PAGEVIEWS_PER_ARTICLE, TOP_BY_COUNTRY, TOP_PAGEVIEWS, TOP_PER_COUNTRY};
use serde_json::Value;
use std::collections::HashMap;

/// The entries of a list by rank, and whether they were stored so.
fn entries(json: &str) -> (Vec<Value>, bool) {
    let mut list: Vec<Value> = serde_json::from_str(json).unwrap();
    let sorted = list.is_sorted_by_key(|entry| entry["rank"].as_u64());
    list.sort_by_key(|entry| entry["rank"].as_u64());
    (list, sorted)
}

/// Checks ranks against views; says whether any tie.
fn is_ranked(list: &[Value], key: &[&str]) -> bool {
    let mut ties = false;
    for (place, entry) in list.iter().enumerate() {
        let before = place.checked_sub(1).map(|before| &list[before]);
        let (rank, views) = (entry["rank"].as_u64().unwrap(), &entry["views"]);
        match before {
            Some(before) if before["views"] == *views => {
                assert_eq!(before["rank"], entry["rank"], "{key:?}");
                ties = true;
            }
            Some(before) => {
                assert!(before["views"].as_u64() > views.as_u64(), "{key:?}");
                assert_eq!(rank, place as u64 + 1, "{key:?}");
            }
            None => assert_eq!(rank, 1, "{key:?}"),
        }
    }
    ties
}

#[test]
fn tops_count_what_the_articles_have() {
    let mut views: HashMap<(&str, &str), HashMap<String, [i64; 4]>> = HashMap::new();
    for (key, series) in OUTPUT.all_series(&PAGEVIEWS_PER_ARTICLE) {
        let counts = views.entry((key[0], key[1])).or_default();
        for (stamp, cells) in series {
            let users = [3, 7, 11, 15].map(|column| cells[column].unwrap_or(0));
            counts.insert(stamp[..8].to_owned(), users);
            // Stored series begin with a month, so that each month here is whole.
            let month = counts.entry(stamp[..6].to_owned()).or_default();
            month.iter_mut().zip(users).for_each(|(sum, more)| *sum += more);
        }
    }
    let (mut compared, mut ties, mut shuffled, mut longest) = (0, 0, 0, 0);
    for (key, cells) in OUTPUT.all_lists(&TOP_PAGEVIEWS) {
        let json = cells.iter().flatten().next().unwrap();
        let (list, sorted) = entries(json);
        ties += usize::from(is_ranked(&list, &key));
        shuffled += usize::from(!sorted);
        longest = longest.max(list.len());
        assert!(list.len() <= 1000 && list.iter().all(|entry| entry["article"] != "-"));
        if key[..] == ["en.wikipedia", "all-access", "2023", "03", "all-days"] {
            continue;
        }
        let day = if key[4] == "all-days" { "" } else { key[4] };
        let access = ["all-access", "desktop", "mobile-app", "mobile-web"];
        let access = access.iter().position(|access| *access == key[1]).unwrap();
        let stamp = format!("{}{}{day}", key[2], key[3]);
        for entry in &list {
            let known = views.get(&(key[0], entry["article"].as_str().unwrap()));
            if let Some(users) = known.and_then(|counts| counts.get(&stamp)) {
                assert_eq!(entry["views"].as_i64(), Some(users[access]), "{key:?} {entry}");
                compared += 1;
            }
        }
    }
    assert!(compared > 50_000, "{compared}");
    assert!(ties > 100 && shuffled > 100 && longest > 980, "{ties} {shuffled} {longest}");
}

#[test]
fn cells_are_written_as_the_loaders_have_done() {
    let (mut escaped, mut old) = (0, 0);
    for (key, cells) in OUTPUT.all_lists(&TOP_PAGEVIEWS) {
        let before = key[2] == "2019" && key[3] < "07";
        assert_eq!(cells[0].is_none() && cells[1].is_some(), before, "{key:?}");
        old += usize::from(before);
        escaped += usize::from(cells[0].as_ref().is_some_and(|json| json.contains(r"AC\/DC")));
    }
    assert!(old > 20 && escaped > 20, "{old} {escaped}");
    let loader =
        OUTPUT.list(&TOP_PAGEVIEWS, &["en.wikipedia", "all-access", "2026", "10", "all-days"]);
    let loader = loader.unwrap();
    assert!(
        loader.contains(r#"\"Heroes\"_"#) && loader.contains(r"\u200D") && loader.contains(r"🏳")
    );
    assert!(loader.contains('\u{fffd}'), "a title that is no valid UTF-8 at its source");
}

#[test]
fn countries_are_ranked_before_the_protected_are_dropped() {
    let protected = ProtectedCountries::default();
    let (mut texts, mut gaps, mut shuffled) = (0, 0, 0);
    for (key, cells) in
        OUTPUT.all_lists(&TOP_BY_COUNTRY).filter(|(key, _)| key[0] != "uk.wikipedia")
    {
        let (list, sorted) = entries(cells[0].as_ref().unwrap());
        shuffled += usize::from(!sorted);
        assert!(list.len() > 50, "{key:?}");
        let old = key[2] == "2020" && key[3] < "03";
        for (place, entry) in list.iter().enumerate() {
            assert!(!protected.contains(entry["country"].as_str().unwrap()), "{key:?}");
            match &entry["views"] {
                Value::String(text) if old => {
                    let (low, high) = text.split_once('-').unwrap();
                    assert_eq!(high.len(), low.len());
                    texts += 1;
                }
                views => assert_eq!(views.as_u64().unwrap() % 1000, 0, "{key:?} {old}"),
            }
            gaps += usize::from(entry["rank"].as_u64() > Some(place as u64 + 1));
        }
        let views = |entry: &Value| std::cmp::Reverse(entry["views"].as_u64());
        assert!(old || list.is_sorted_by_key(views), "{key:?}");
    }
    assert!(texts > 100 && gaps > 1000 && shuffled > 10, "{texts} {gaps} {shuffled}");
}

#[test]
fn countries_read_no_more_than_all() {
    let mut read: HashMap<(String, String, String), u64> = HashMap::new();
    for (key, cells) in OUTPUT.all_lists(&TOP_PER_COUNTRY) {
        assert!(!ProtectedCountries::default().contains(key[0]));
        let (list, _) = entries(cells[0].as_ref().unwrap());
        let stamp = format!("{}{}{}00", key[2], key[3], key[4]);
        assert!(*stamp >= *"2021010100");
        for entry in list.iter().filter(|_| key[1] == "all-access") {
            let views = entry["views_ceil"].as_u64().unwrap();
            assert!(views > 1000 && views % 100 == 0, "{key:?}");
            let text = |name: &str| entry[name].as_str().unwrap().to_owned();
            // What rounding up has added may be too much.
            *read.entry((text("project"), text("article"), stamp.clone())).or_default() +=
                views - 99;
        }
    }
    let mut compared = 0;
    for ((project, article, stamp), views) in read {
        let series = OUTPUT.series(&PAGEVIEWS_PER_ARTICLE, &[&project, &article, "daily"]);
        if let Ok(place) = series.binary_search_by(|(other, _)| other.cmp(&stamp)) {
            assert!(series[place].1[3].unwrap() as u64 >= views, "{project} {article} {stamp}");
            compared += 1;
        }
    }
    assert!(compared > 500, "{compared}");
}

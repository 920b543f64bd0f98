use super::*;
use crate::tests::{answer, catalogue};
use aqs_api::calendar::{Digits, Form};
use aqs_api::{Coverage, Extent};
use aqs_origin::Epochs;

/// Every dataset is loaded between two days.
fn coverage(first: &str, last: &str) -> Coverage {
    let mut coverage = Coverage::default();
    for dataset in catalogue().datasets() {
        let hour = |hour| match dataset.table.form() {
            Form::Hour => hour,
            Form::Day => "",
        };
        let digits = |day: &str, at| Digits::from_text(&format!("{day}{}", hour(at))).unwrap();
        let month = |day: &str| format!("{}01", &day[..6]);
        let (first, last, end) = match dataset.granularity {
            aqs_api::calendar::Granularity::Monthly => (month(first), month(last), "00"),
            aqs_api::calendar::Granularity::Daily => (first.to_owned(), last.to_owned(), "00"),
            aqs_api::calendar::Granularity::Hourly => (first.to_owned(), last.to_owned(), "22"),
        };
        let extent = Extent {
            first: digits(&first, "00"),
            last: digits(&last, end),
            series: None,
            exact: true,
        };
        coverage.insert(dataset, extent);
    }
    coverage
}

fn plan(yaml: &str) -> Plan {
    let plan: Plan = serde_saphyr::from_str(yaml).unwrap();
    plan.check(&catalogue()).unwrap();
    plan
}

/// The paths that an item expands to, in order.
fn paths(item: &str, coverage: &Coverage, tops: &Tops) -> Vec<String> {
    let indented = item.trim().replace('\n', "\n    ");
    let plan = plan(&format!("name: p\nitems:\n  - {indented}\n"));
    let expansion = plan.expand(&catalogue(), coverage, tops).unwrap();
    let queries = expansion.groups.iter().flatten();
    queries.map(|query| query.key().path().to_owned()).collect()
}

fn aggregate(granularity: &str, window: &str, coverage: &Coverage) -> Vec<String> {
    let item = format!(
        "endpoint: pageviews/aggregate\n\
         values: {{ project: [EN.wikipedia.org], access: [desktop], agent: [user], granularity: [{granularity}] }}\n\
         windows: [{window}]"
    );
    let start = "/pageviews/aggregate/en.wikipedia/desktop/user/";
    let paths = paths(&item, coverage, &Tops::default());
    paths.iter().map(|path| path.strip_prefix(start).unwrap().to_owned()).collect()
}

#[test]
fn windows_of_series_follow_the_loaded_data() {
    // Within a month, and at its end.
    let within = coverage("20251115", "20260320");
    let at_end = coverage("20251101", "20260331");
    for (granularity, window, loaded, expected) in [
        ("daily", "last 7 days", &within, &["daily/20260314/20260320"][..]),
        ("daily", "last 1 day", &within, &["daily/20260320/20260320"]),
        // As far back as the window says, whatever is loaded: clients do the same.
        ("daily", "last 365 days", &within, &["daily/20250321/20260320"]),
        ("daily", "everything", &within, &["daily/20251115/20260320"]),
        ("daily", "last 2 months", &within, &["daily/20260101/20260228"]),
        ("daily", "last 2 months", &at_end, &["daily/20260201/20260331"]),
        ("hourly", "last 2 days", &within, &["hourly/2026031900/2026032022"]),
        ("monthly", "last 13 months", &within, &["monthly/20250301/20260331"]),
        ("monthly", "everything", &within, &["monthly/20251101/20260331"]),
        ("daily, monthly", "last 3 days", &within, &["daily/20260318/20260320"]),
        ("daily", "last 36600 days", &coverage("00000101", "00000102"), &[]),
    ] {
        assert_eq!(aggregate(granularity, window, loaded), expected, "{granularity} {window}");
    }
}

#[test]
fn months_of_a_daily_dataset_are_whole() {
    let item = |window: &str| {
        format!(
            "endpoint: pageviews/per-article\n\
             values: {{ project: [en.wikipedia], access: [all-access], agent: [user], article: [A B/C], granularity: [monthly] }}\n\
             windows: [{window}]"
        )
    };
    let expanded = |window: &str, coverage: &Coverage| {
        let start = "/pageviews/per-article/en.wikipedia/all-access/user/A_B%2FC/monthly/";
        let paths = paths(&item(window), coverage, &Tops::default());
        paths.iter().map(|path| path.strip_prefix(start).unwrap().to_owned()).collect::<Vec<_>>()
    };
    let within = coverage("20251115", "20260320");
    assert_eq!(expanded("last 2 months", &within), ["20260101/20260228"]);
    assert_eq!(expanded("everything", &within), ["20251201/20260228"]);
    assert_eq!(expanded("everything", &coverage("20260301", "20260331")), ["20260301/20260331"]);
    // No month is whole.
    assert!(expanded("everything", &coverage("20260302", "20260331")).is_empty());
    assert!(expanded("everything", &coverage("20260301", "20260330")).is_empty());
}

#[test]
fn lists_are_expanded_by_date() {
    let item = |window: &str| {
        format!(
            "endpoint: pageviews/top\n\
             values: {{ project: [wikidata], access: [all-access] }}\n\
             windows: [{window}]"
        )
    };
    let expanded = |window: &str, coverage: &Coverage| {
        let start = "/pageviews/top/wikidata/all-access/";
        let paths = paths(&item(window), coverage, &Tops::default());
        paths.iter().map(|path| path.strip_prefix(start).unwrap().to_owned()).collect::<Vec<_>>()
    };
    let loaded = coverage("20251230", "20260101");
    let days = ["2026/01/01", "2025/12/31", "2025/12/30"];
    assert_eq!(expanded("newest 2 days", &loaded), &days[..2]);
    assert_eq!(expanded("newest 9 days", &loaded), days);
    assert_eq!(expanded("newest 9 months", &loaded), ["2026/01/all-days", "2025/12/all-days"]);
    assert_eq!(expanded("newest 1 month", &loaded), ["2026/01/all-days"]);
}

#[test]
fn combinations_are_expanded_once_and_grouped_by_partition() {
    let yaml = "
name: p
items:
  - endpoint: pageviews/per-article
    values: { project: [a, b], access: all, agent: [user, all-agents], article: [X, Y], granularity: all }
    windows: [last 30 days, last 90 days, last 30 days]
  - endpoint: pageviews/per-article
    values: { project: [a], access: [desktop], agent: [user], article: [X], granularity: [daily] }
    windows: [last 30 days, last 1 month]
  - endpoint: legacy/pagecounts/aggregate
    values: { project: [a], access-site: all, granularity: [monthly] }
    windows: [everything]
";
    let mut loaded = Coverage::default();
    let all = coverage("20260101", "20260331");
    let daily = |name: &str| *catalogue().datasets().iter().find(|one| one.name == name).unwrap();
    let per_article = daily("pageviews-per-article-daily");
    loaded.insert(per_article, *all.get(per_article).unwrap());
    let expansion = plan(yaml).expand(&catalogue(), &loaded, &Tops::default()).unwrap();
    // 2 projects, 4 accesses, 2 agents, 2 articles, 2 windows by day; and one month of one.
    assert_eq!(expansion.keys(), 2 * 4 * 2 * 2 * 2 + 1);
    assert_eq!(expansion.groups.len(), 2 * 2);
    for group in &expansion.groups {
        let of = |query: &aqs_api::Query| match query.lookup() {
            aqs_api::Lookup::Points(read) => read.partition,
            aqs_api::Lookup::Events(read) => read.values,
        };
        assert!(group.iter().all(|query| of(query) == of(&group[0])));
    }
    assert_eq!(expansion.unloaded.iter().collect::<Vec<_>>(), ["legacy-pagecounts-monthly"]);
    assert_eq!(expansion.data_through.keys().collect::<Vec<_>>(), ["pageviews-per-article-daily"]);
    let limited = Plan { limits: Limits { keys: 64, ..Limits::default() }, ..plan(yaml) };
    let refused = limited.expand(&catalogue(), &loaded, &Tops::default());
    assert!(refused.unwrap_err().to_string().contains("more than 64 answers"));
}

#[test]
fn articles_come_from_the_lists_of_their_project() {
    let plan = plan(
        "
name: p
items:
  - endpoint: pageviews/per-article
    values:
      project: [a.org, b]
      access: [all-access]
      agent: [user]
      article: { top_articles_of: newest day, first: 2 }
      granularity: [daily]
    windows: [last 1 day]
",
    );
    let wanted: Vec<_> = Tops::wanted(&plan).into_iter().collect();
    let [a, b] = ["a", "b"].map(|project| ((project.to_owned(), Unit::Days), 1));
    assert_eq!(wanted, [a, b]);
    let loaded = coverage("20260101", "20260331");
    let path = "/pageviews/top/a/all-access/2026/03/31";
    let mut tops = Tops::default();
    let body = r#"{"items":[{"project":"a","articles":[
        {"article":"A/B","views":3,"rank":1},{"article":"Ü?","views":2,"rank":2},
        {"article":"C","views":1,"rank":3}]}]}"#;
    let (_, entry) = answer(path, Some(body), &Epochs::starting_at(1, &catalogue()));
    tops.add("a", Unit::Days, &entry).unwrap();
    let (_, none) = answer(path, None, &Epochs::starting_at(1, &catalogue()));
    tops.add("b", Unit::Days, &none).unwrap();
    let (_, nonsense) = answer(path, Some("{}"), &Epochs::starting_at(1, &catalogue()));
    assert!(tops.add("b", Unit::Days, &nonsense).is_none());
    let expansion = plan.expand(&catalogue(), &loaded, &tops).unwrap();
    let paths: Vec<&str> =
        expansion.groups.iter().flatten().map(|query| query.key().path()).collect();
    assert_eq!(
        paths,
        ["A%2FB", "%C3%9C%3F"].map(|article| format!(
            "/pageviews/per-article/a/all-access/user/{article}/daily/20260331/20260331"
        ))
    );
}

#[test]
fn top_lists_and_their_articles_are_expanded_once() {
    let item = |of: &str, first: u32| {
        format!(
            "endpoint: pageviews/per-article\n\
             values: {{ project: [a], access: [all-access], agent: [user], granularity: [daily], \
             article: {{ top_articles_of: {of}, first: {first} }} }}\n\
             windows: [last 1 day]"
        )
    };
    let loaded = coverage("20260101", "20260331");
    let lists = |count, unit| {
        let queries = Tops::queries(&catalogue(), &loaded, "a", (count, unit)).unwrap();
        queries.iter().map(|query| query.key().path().to_owned()).collect::<Vec<_>>()
    };
    let days = ["31", "30", "29"].map(|day| format!("/pageviews/top/a/all-access/2026/03/{day}"));
    assert_eq!(lists(3, Unit::Days), days);
    let months = ["03", "02", "01"]
        .map(|month| format!("/pageviews/top/a/all-access/2026/{month}/all-days"));
    assert_eq!(
        (lists(1, Unit::Months), lists(9, Unit::Months)),
        (months[..1].to_vec(), months.to_vec())
    );
    let unloaded = (1, Unit::Days);
    assert!(Tops::queries(&catalogue(), &Coverage::default(), "a", unloaded).unwrap().is_empty());

    // The newest day has X, Y and Z, the one before W and X, that before none at all.
    let mut tops = Tops::default();
    for articles in [&["X", "Y", "Z"][..], &["W", "X"]] {
        let articles = articles.iter().map(|article| format!(r#"{{"article":"{article}"}}"#));
        let body =
            format!(r#"{{"items":[{{"articles":[{}]}}]}}"#, articles.collect::<Vec<_>>().join(","));
        let (_, entry) = answer(&days[0], Some(&body), &Epochs::starting_at(1, &catalogue()));
        tops.add("a", Unit::Days, &entry).unwrap();
    }
    let (_, none) = answer(&days[0], None, &Epochs::starting_at(1, &catalogue()));
    tops.add("a", Unit::Days, &none).unwrap();
    let expanded = |of: &str, first| {
        let start = "/pageviews/per-article/a/all-access/user/";
        let paths = paths(&item(of, first), &loaded, &tops);
        let article = |path: &String| {
            let (article, _) = path.strip_prefix(start).unwrap().split_once('/').unwrap();
            article.to_owned()
        };
        paths.iter().map(article).collect::<Vec<_>>()
    };
    assert_eq!(expanded("newest day", 9), ["X", "Y", "Z"]);
    assert_eq!(expanded("newest 3 days", 9), ["X", "Y", "Z", "W"]);
    assert_eq!(expanded("newest 2 days", 1), ["X", "W"]);
    assert!(expanded("newest 2 months", 9).is_empty());

    let both = [item("newest 3 days", 1), item("newest day", 9), item("newest month", 9)];
    let items = both.map(|item| format!("  - {}\n", item.replace('\n', "\n    ")));
    let wanted = Tops::wanted(&plan(&format!("name: p\nitems:\n{}", items.concat())));
    let [of_days, of_months] =
        [(Unit::Days, 3), (Unit::Months, 1)].map(|(unit, count)| (("a".to_owned(), unit), count));
    assert_eq!(wanted.into_iter().collect::<Vec<_>>(), [of_days, of_months]);
}

#[test]
fn mistakes_are_named_with_suggestions() {
    let check = |yaml: &str| {
        let plan: Plan = serde_saphyr::from_str(yaml).unwrap();
        plan.check(&catalogue()).unwrap_err()
    };
    let item = |endpoint: &str, values: &str, windows: &str| {
        check(&format!(
            "name: p\nitems: [{{ endpoint: {endpoint}, values: {{ {values} }}, windows: [{windows}] }}]"
        ))
    };
    const DEVICES: &str = "project: [a], access-site: all, granularity: [daily]";
    assert_eq!(
        item("unique-device", DEVICES, "last 1 day").to_string(),
        r#"plan "p": there is no endpoint "unique-device"; did you mean "unique-devices"?"#
    );
    for (values, param, expected) in [
        ("project: [a], site: all, granularity: all", "site", "has no such parameter"),
        (
            "project: [a], acess-site: all, granularity: all",
            "acess-site",
            "has no such parameter; did you mean \"access-site\"?",
        ),
        ("project: [a], granularity: all", "access-site", "it needs values"),
        ("project: [], access-site: all, granularity: all", "project", "it needs values"),
        ("project: all, access-site: all, granularity: all", "project", "list the values"),
        (
            "project: [a], access-site: all, granularity: all, start: [x]",
            "start",
            "dates are given by windows",
        ),
        (
            "project: [a], access-site: [desktop-sites], granularity: all",
            "access-site",
            "\"desktop-sites\" is no value of it; did you mean \"desktop-site\"?",
        ),
        (
            "project: [a b], access-site: all, granularity: all",
            "project",
            "\"a b\" is no value of it",
        ),
        (
            "project: { top_articles_of: newest day }, access-site: all, granularity: all",
            "project",
            "`top_articles_of` gives articles",
        ),
    ] {
        let error = item("unique-devices", values, "last 1 day").to_string();
        let start = format!("plan \"p\": endpoint unique-devices, parameter {param:?}: ");
        assert!(error.starts_with(&start) && error.contains(expected), "{values}: {error}");
    }
    for (endpoint, values, window) in [
        ("unique-devices", DEVICES, "newest 1 day"),
        ("unique-devices", "project: [a], access-site: all, granularity: [monthly]", "last 1 day"),
        ("pageviews/top", "project: [a], access: all", "last 1 day"),
        ("pageviews/top", "project: [a], access: all", "everything"),
        ("pageviews/top-by-country", "project: [a], access: all", "newest 1 day"),
        ("pageviews/top", "project: [a], access: all", ""),
    ] {
        let error = item(endpoint, values, window).to_string();
        assert!(error.contains("window"), "{error}");
    }
    assert!(check("name: p\nitems: []").to_string().contains("no items"));
    for every in ["59s", "1ms"] {
        let error =
            check(&format!("name: p\nevery: {every}\nitems: [{{ endpoint: x, windows: [] }}]"));
        assert!(error.to_string().contains("1m or more"), "{error}");
    }
    let twice =
        built_in::all(&["a".to_owned()]).into_iter().chain(built_in::all(&["a".to_owned()]));
    let twice = Plan::check_all(&twice.collect::<Vec<_>>(), &catalogue());
    assert!(twice.unwrap_err().to_string().contains("two plans called \"top-articles\""));
    let many = |count: u32| {
        let plan = built_in::aggregates(&["a".to_owned()]);
        let plans = (0..count).map(|number| Plan { name: number.to_string(), ..plan.clone() });
        Plan::check_all(&plans.collect::<Vec<_>>(), &catalogue())
    };
    assert_eq!(many(64), Ok(()));
    assert!(many(65).unwrap_err().to_string().contains("65 plans"));
}

#[test]
fn invalid_plans_are_refused_by_the_parser() {
    let read = |yaml: &str| serde_saphyr::from_str::<Plan>(yaml).map(|_| ()).unwrap_err();
    for (yaml, word) in [
        ("name: p\nevry: 6h\nitems: []", "evry"),
        ("name: p\nevery: 6\nitems: []", "every"),
        ("name: p\nlimits: { key: 1 }\nitems: []", "key"),
        ("name: p\nitems: [{ endpoint: e, windows: [last week] }]", "last 7 days"),
        ("name: p\nitems: [{ endpoint: e, windows: [last 0 days] }]", "last 7 days"),
        ("name: p\nitems: [{ endpoint: e, windows: [last 99999999999 days] }]", "at most"),
        ("name: p\nitems: [{ endpoint: e, window: [] }]", "window"),
        ("name: p\nitems: [{ endpoint: e, values: { a: user }, windows: [] }]", "[user]"),
        (
            "name: p\nitems: [{ endpoint: e, values: { a: { top: x } }, windows: [] }]",
            "top_articles_of",
        ),
        (
            "name: p\nitems: [{ endpoint: e, windows: [], values: { a: { top_articles_of: last 7 days } } }]",
            "`newest 7 days`",
        ),
    ] {
        let error = read(yaml).to_string();
        assert!(error.contains(word), "{yaml}: {error}");
    }
}

#[test]
fn built_in_plans_are_valid_and_print() {
    let plans = built_in::all(&built_in::PROJECTS.map_owned());
    Plan::check_all(&plans, &catalogue()).unwrap();
    let printed = serde_saphyr::to_string(&plans).unwrap();
    let read: Vec<Plan> = serde_saphyr::from_str(&printed).unwrap();
    assert_eq!(read, plans, "{printed}");
    // The series are those of the lists.
    let wanted = Tops::wanted(&plans[0]).into_iter().map(|((_, unit), count)| (unit, count));
    let of = |(unit, count)| vec![(unit, count); built_in::PROJECTS.len()];
    let mut wanted: Vec<_> = wanted.collect();
    wanted.sort_unstable();
    assert_eq!(wanted, [of((Unit::Days, 7)), of((Unit::Months, 3))].concat());
    let loaded = coverage("20250101", "20260331");
    let expansion = plans[1].expand(&catalogue(), &loaded, &Tops::default()).unwrap();
    // For each project 16 splits of views and 3 of devices; five windows by day, two by month.
    assert_eq!(expansion.keys(), built_in::PROJECTS.len() * (16 + 3) * (5 + 2));
}

trait MapOwned {
    fn map_owned(&self) -> Vec<String>;
}

impl MapOwned for [&str] {
    fn map_owned(&self) -> Vec<String> {
        self.iter().map(|text| (*text).to_owned()).collect()
    }
}

#[test]
fn overrides_replace_projects_and_windows() {
    let plans = built_in::all(&["a".to_owned()]);
    let overrides =
        Overrides { projects: vec!["B.org".to_owned()], last: Some("7d".parse().unwrap()) };
    let aggregates = overrides.apply(&plans[1], &catalogue()).unwrap();
    let loaded = coverage("20250101", "20260331");
    let expansion = aggregates.expand(&catalogue(), &loaded, &Tops::default()).unwrap();
    let mut paths = expansion.groups.iter().flatten().map(|query| query.key().path());
    assert_eq!(expansion.keys(), 16 + 3);
    assert!(paths.all(|path| path.contains("/b/") && path.ends_with("/daily/20260325/20260331")));
    // Lists of days and series by day: days don't make a series by month.
    let articles = overrides.apply(&plans[0], &catalogue()).unwrap();
    assert_eq!(articles.items[0].windows, [Window::Newest(7, Unit::Days)]);
    let kept = articles.items.iter().map(|item| item.values.get("granularity"));
    let daily = ValueSet::List(vec!["daily".to_owned()]);
    assert_eq!(kept.collect::<Vec<_>>(), [None, Some(&daily), Some(&daily)]);
    let by_month = plan(
        "{name: p, items: [{endpoint: unique-devices, values: {project: [a], access-site: all, \
         granularity: [monthly]}, windows: [everything]}]}",
    );
    let left = overrides.apply(&by_month, &catalogue());
    assert!(left.unwrap_err().to_string().contains("nothing of those projects"));
    assert!(Overrides::default().is_empty() && !overrides.is_empty());
    for bad in ["", "7", "d", "0d", "7w", "7 d", "-7d", "99999d", "7dd", "é"] {
        assert!(bad.parse::<Last>().is_err(), "{bad}");
    }
    assert_eq!("13m".parse::<Last>().unwrap().to_string(), "13m");
}

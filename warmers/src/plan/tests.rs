// Endpoints of rules that no served endpoint has yet.
#[path = "../../../origin/api/tests/further_kinds.rs"]
mod further_kinds;

use super::tops::{TopKey, TopLists};
use super::*;
use crate::tests::{answer, catalogue};
use aqs_api::calendar::{Digits, Form};
use aqs_api::endpoint::Segment;
use aqs_api::{Coverage, Endpoint, Extent};
use aqs_origin::Epochs;

/// Every dataset is loaded between two days.
fn coverage(first: &str, last: &str) -> Coverage {
    let mut coverage = Coverage::default();
    for dataset in catalogue().datasets() {
        let hour = |hour| match dataset.form() {
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
    let lists = top_articles();
    let [a, b] = ["a", "b"].map(|project| lists.key(project, Unit::Days));
    assert_eq!(wanted(&plan), [(a.clone(), 1), (b.clone(), 1)]);
    let loaded = coverage("20260101", "20260331");
    let path = "/pageviews/top/a/all-access/2026/03/31";
    let mut tops = Tops::default();
    let body = r#"{"items":[{"project":"a","articles":[
        {"article":"A/B","views":3,"rank":1},{"article":"Ü?","views":2,"rank":2},
        {"article":"C","views":1,"rank":3}]}]}"#;
    let (_, entry) = answer(path, Some(body), &Epochs::starting_at(1, &catalogue()));
    tops.add(&lists, &a, &entry).unwrap();
    let (_, none) = answer(path, None, &Epochs::starting_at(1, &catalogue()));
    tops.add(&lists, &b, &none).unwrap();
    let (_, nonsense) = answer(path, Some("{}"), &Epochs::starting_at(1, &catalogue()));
    assert!(tops.add(&lists, &b, &nonsense).is_none());
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
    let of = top_articles();
    let queries = |coverage: &Coverage, count, unit| {
        Tops::queries(&catalogue(), coverage, &of, &of.key("a", unit), count).unwrap()
    };
    let lists = |count, unit| {
        let queries = queries(&loaded, count, unit);
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
    assert!(queries(&Coverage::default(), 1, Unit::Days).is_empty());

    // The newest day has X, Y and Z, the one before W and X, that before none at all.
    let mut tops = Tops::default();
    for articles in [&["X", "Y", "Z"][..], &["W", "X"]] {
        let articles = articles.iter().map(|article| format!(r#"{{"article":"{article}"}}"#));
        let body =
            format!(r#"{{"items":[{{"articles":[{}]}}]}}"#, articles.collect::<Vec<_>>().join(","));
        let (_, entry) = answer(&days[0], Some(&body), &Epochs::starting_at(1, &catalogue()));
        tops.add(&of, &of.key("a", Unit::Days), &entry).unwrap();
    }
    let (_, none) = answer(&days[0], None, &Epochs::starting_at(1, &catalogue()));
    tops.add(&of, &of.key("a", Unit::Days), &none).unwrap();
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
    let wanted = wanted(&plan(&format!("name: p\nitems:\n{}", items.concat())));
    let expected = [(Unit::Days, 3), (Unit::Months, 1)];
    assert_eq!(wanted, expected.map(|(unit, count)| (of.key("a", unit), count)));
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
    let twice = built_in::all(&planned(), &["a".to_owned()])
        .into_iter()
        .chain(built_in::all(&planned(), &["a".to_owned()]));
    let twice = Plan::check_all(&twice.collect::<Vec<_>>(), &catalogue());
    assert!(twice.unwrap_err().to_string().contains("two plans called \"top-articles\""));
    let many = |count: u32| {
        let plan = built_in::aggregates(&planned(), &["a".to_owned()]);
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
    let plans = built_in::all(&planned(), &built_in::PROJECTS.map_owned());
    Plan::check_all(&plans, &catalogue()).unwrap();
    let printed = serde_saphyr::to_string(&plans).unwrap();
    let read: Vec<Plan> = serde_saphyr::from_str(&printed).unwrap();
    assert_eq!(read, plans, "{printed}");
    // The series are those of the lists.
    let of = top_articles();
    let newest = |project| {
        [(Unit::Days, 7), (Unit::Months, 3)].map(|(unit, count)| (of.key(project, unit), count))
    };
    let mut expected: Vec<_> =
        built_in::PROJECTS.iter().flat_map(|project| newest(project)).collect();
    expected.sort();
    assert_eq!(wanted(&plans[0]), expected);
    assert_eq!(plans.iter().map(|plan| &*plan.name).collect::<Vec<_>>(), built_in::NAMES);
    // Ten lists of each project, by four accesses; for each of their thousand articles two agents,
    // three windows by day and two by month.
    let most = |projects: usize| {
        let projects = vec!["a".to_owned(); projects];
        built_in::top_articles(&planned(), &projects).limits.keys
    };
    assert_eq!((most(1), most(7)), (500_000, 7 * 10 * (4 + 1000 * 2 * 5)));
    assert_eq!(most(50), 2_000_000);
}

/// The keys of both plans, as OPERATING.md describes them.
#[test]
fn built_in_plans_expand_to_the_documented_keys() {
    const ACCESS: [&str; 4] = ["all-access", "desktop", "mobile-app", "mobile-web"];
    const AGENTS: [&str; 4] = ["all-agents", "automated", "spider", "user"];
    const LAST_DAYS: [&str; 3] = ["20260302/20260331", "20260131/20260331", "20260101/20260331"];
    const MONTHS: [&str; 2] = ["20250301/20260331", "20250101/20260331"];
    let of = top_articles();
    let mut tops = Tops::default();
    let mut lists: Vec<String> = Vec::new();
    let mut series: Vec<String> = Vec::new();
    for project in ["a", "b"] {
        for access in ACCESS {
            let list = |date: &str| format!("/pageviews/top/{project}/{access}/{date}");
            lists.extend((25..=31).map(|day| list(&format!("2026/03/{day}"))));
            lists.extend((1..=3).map(|month| list(&format!("2026/0{month}/all-days"))));
            for agent in AGENTS {
                let start = format!("/pageviews/aggregate/{project}/{access}/{agent}");
                let days = LAST_DAYS.iter().chain(&MONTHS);
                series.extend(days.map(|dates| format!("{start}/daily/{dates}")));
                series.extend(MONTHS.map(|dates| format!("{start}/monthly/{dates}")));
            }
        }
        for site in ["all-sites", "desktop-site", "mobile-site"] {
            let start = format!("/unique-devices/{project}/{site}");
            let days = LAST_DAYS.iter().chain(&MONTHS);
            series.extend(days.map(|dates| format!("{start}/daily/{dates}")));
            series.extend(MONTHS.map(|dates| format!("{start}/monthly/{dates}")));
        }
        // One article is in lists of days and of months, the others in one of them.
        for (unit, articles) in [(Unit::Days, ["X", "Y"]), (Unit::Months, ["X", "Z"])] {
            let articles =
                articles.map(|article| format!(r#"{{"article":"{article}_{project}"}}"#));
            let body = format!(r#"{{"items":[{{"articles":[{}]}}]}}"#, articles.join(","));
            let path = format!("/pageviews/top/{project}/all-access/2026/03/31");
            let (_, entry) = answer(&path, Some(&body), &Epochs::starting_at(1, &catalogue()));
            tops.add(&of, &of.key(project, unit), &entry).unwrap();
        }
        for article in ["X", "Y", "Z"] {
            for agent in ["all-agents", "user"] {
                let start = format!(
                    "/pageviews/per-article/{project}/all-access/{agent}/{article}_{project}"
                );
                lists.extend(LAST_DAYS.map(|dates| format!("{start}/daily/{dates}")));
                lists.extend(MONTHS.map(|dates| format!("{start}/monthly/{dates}")));
            }
        }
    }
    let loaded = coverage("20250101", "20260331");
    let plans = built_in::all(&planned(), &["a", "b"].map_owned());
    for (plan, mut expected) in plans.iter().zip([lists, series]) {
        let expansion = plan.expand(&catalogue(), &loaded, &tops).unwrap();
        let queries = expansion.groups.iter().flatten();
        let mut keys: Vec<_> = queries.map(|query| query.key().path().to_owned()).collect();
        keys.sort();
        expected.sort();
        assert_eq!(keys, expected, "{}", plan.name);
    }
}

#[test]
fn plans_and_lists_are_found_by_declaration() {
    // The same endpoints by other names.
    let renamed = |name: &str, other: &'static str| -> &'static Endpoint {
        let catalogue = catalogue();
        let mut endpoints = catalogue.endpoints().map(|(_, endpoint)| endpoint);
        let endpoint = endpoints.find(|endpoint| endpoint.name == name).unwrap();
        let params = endpoint.params().map(Segment::Param);
        let segments: Vec<_> = [Segment::Word(other)].into_iter().chain(params).collect();
        Box::leak(Box::new(Endpoint { name: other, segments: segments.leak(), ..*endpoint }))
    };
    let series = renamed("pageviews/per-article", "series");
    let list = renamed("pageviews/top", "list");
    let by_country = renamed("pageviews/top-per-country", "by-country");
    let catalogue = Catalogue::new(vec![by_country, series, list].leak()).unwrap();
    let plans = built_in::all(&catalogue, &["a".to_owned()]);
    // No endpoint joins the other plan.
    assert_eq!(plans.iter().map(|plan| &*plan.name).collect::<Vec<_>>(), ["top-articles"]);
    Plan::check_all(&plans, &catalogue).unwrap();
    let endpoints: Vec<_> = plans[0].items.iter().map(|item| &*item.endpoint).collect();
    assert_eq!(endpoints, ["list", "series", "series", "series", "series"]);
    let wanted = Tops::wanted(&plans[0], &catalogue);
    let loaded = coverage("20250101", "20260331");
    let paths = wanted.iter().flat_map(|(lists, key, count)| {
        Tops::queries(&catalogue, &loaded, lists, key, *count).unwrap()
    });
    let paths: Vec<_> = paths.map(|query| query.key().path().to_owned()).collect();
    assert_eq!(paths.len(), 7 + 3);
    assert!(paths.iter().all(|path| path.starts_with("/list/a/all-access/")), "{paths:?}");
    let without_lists = Catalogue::new(vec![by_country, series].leak()).unwrap();
    let plans = built_in::all(&without_lists, &["a".to_owned()]);
    let refused = Plan::check_all(&plans, &without_lists).unwrap_err().to_string();
    assert!(refused.contains("parameter \"article\": it needs values"), "{refused}");
}

/// The endpoints of pages and devices that the built-in plans have, whatever else joins them.
fn planned() -> Catalogue {
    let names = ["unique-devices", "pageviews/per-article", "pageviews/aggregate", "pageviews/top"];
    let catalogue = catalogue();
    let endpoints = catalogue.endpoints().map(|(_, endpoint)| endpoint);
    let planned = endpoints.filter(|endpoint| names.contains(&endpoint.name));
    Catalogue::new(planned.collect::<Vec<_>>().leak()).unwrap()
}

/// The lists of articles of a project.
fn top_articles() -> TopLists {
    let (catalogue, name) = (catalogue(), "pageviews/per-article");
    let mut endpoints = catalogue.endpoints().map(|(_, endpoint)| endpoint);
    let endpoint = endpoints.find(|endpoint| endpoint.name == name).unwrap();
    let article = endpoint.params().find(|param| param.name == "article").unwrap();
    TopLists::feeding(&catalogue, endpoint, article).unwrap()
}

fn wanted(plan: &Plan) -> Vec<(TopKey, u32)> {
    let wanted = Tops::wanted(plan, &catalogue()).into_iter();
    wanted.map(|(_, key, count)| (key, count)).collect()
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
    let plans = built_in::all(&planned(), &["a".to_owned()]);
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

#[test]
fn an_exclusive_end_is_the_day_after_the_newest() {
    let catalogue = aqs_api::Catalogue::new(further_kinds::ALL).unwrap();
    let mut coverage = Coverage::default();
    let [first, last] = ["20260101", "20260331"].map(|day| Digits::from_text(day).unwrap());
    let extent = Extent { first, last, series: None, exact: true };
    catalogue.datasets().iter().for_each(|dataset| coverage.insert(dataset, extent));
    let plan = "name: p\nitems:\n  - endpoint: edits/aggregate\n    values: { project: [a.b], \
                editor-type: [user], page-type: [content], granularity: [daily, monthly] }\n    \
                windows: [last 2 days, last 1 month]\n";
    let plan: Plan = serde_saphyr::from_str(plan).unwrap();
    plan.check(&catalogue).unwrap();
    let expansion = plan.expand(&catalogue, &coverage, &Tops::default()).unwrap();
    let queries = expansion.groups.iter().flatten();
    let paths: Vec<_> = queries.map(|query| query.key().path().to_owned()).collect();
    let path = |dates| format!("/edits/aggregate/a.b/user/content/{dates}");
    let expected =
        ["daily/20260330/20260401", "daily/20260301/20260401", "monthly/20260301/20260401"];
    assert_eq!(paths, expected.map(path));
}

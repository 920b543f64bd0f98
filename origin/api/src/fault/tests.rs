use super::*;
use crate::answer::Answer;
use crate::calendar::{DateRule, Granularity};
use crate::catalogue::Catalogue;
use crate::endpoints::ALL;
use crate::representation::Representation;
use crate::target::Target;

const fn param(name: &'static str, role: Role) -> Param {
    Param { name, key: name, summary: "", example: "", role }
}

static PROJECT: Param = param("project", Role::OneProject);
static USER: Param = param("user_central_id", Role::Id);
static START: Param = param("start", Role::Start(None));
static END: Param = param("end", Role::End);
static ACCESS: Param =
    param("access", Role::Enumeration { values: &["all-access", "desktop"], aliases: &[] });
const MONTHLY: &[(Granularity, DateRule)] = &[(Granularity::Monthly, DateRule::DR1M)];
static DEVICES: Param = param(
    "granularity",
    Role::Granularity { allowed: MONTHLY, unrouted: &[], refusal: Some("Invalid granularity") },
);

fn document(fault: &Fault, dialect: Dialect, target: &str) -> String {
    let mut out = Vec::new();
    fault.render(dialect, "get", Uri::of(target), &mut out);
    String::from_utf8(out).expect("JSON is UTF-8")
}

/// Status, title in 2.0, type and title in 1.0.
type Form = (u16, &'static str, &'static str, Option<&'static str>);

const BAD_REQUEST: Form = (400, "Bad Request", "invalid_request", None);
const NOT_FOUND: Form = (404, "Not Found", "not_found", Some("Not found."));
const NOT_ALLOWED: Form =
    (405, "Method Not Allowed", "method_not_allowed", Some("Method not allowed."));
const FAILED: Form =
    (500, "Internal Server Error", "internal_server_error", Some("Internal server error."));
const UNAVAILABLE: Form =
    (503, "Service Unavailable", "service_unavailable", Some("Service unavailable."));
const TIMEOUT: Form = (504, "Gateway Timeout", "gateway_timeout", Some("Gateway timeout."));

/// Checks the documents of a fault in both dialects, whose details are given as JSON.
fn check(fault: &Fault, form: Form, v2: &str, v1: &str) {
    let (status, title, name, old_title) = form;
    assert_eq!(fault.status(), status);
    let target = "/api/rest_v1/metrics/a/b%2Fc?d";
    let document_v2 = document(fault, Dialect::V2, target);
    let upstream = format!(
        r#"{{"detail":{v2},"method":"get","status":{status},"title":"{title}","type":"about:blank","uri":"/metrics/a/b%2Fc""#
    );
    let extensions = document_v2.strip_prefix(&upstream).unwrap_or_else(|| panic!("{document_v2}"));
    assert!(extensions == "}" || extensions.starts_with(','), "{document_v2}");
    let target = "/analytics.wikimedia.org/v1/a/b%2Fc?d";
    let old_title = old_title.map_or(String::new(), |title| format!(r#""title":"{title}","#));
    assert_eq!(
        document(fault, Dialect::V1, target),
        format!(
            r#"{{"type":"https://mediawiki.org/wiki/HyperSwitch/errors/{name}",{old_title}"method":"get","detail":{v1},"uri":"/analytics.wikimedia.org/v1/a/b%2Fc"}}"#
        )
    );
}

#[test]
fn each_fault_has_a_text() {
    let store = |failure| Fault::Store { failure, request: "r-1".into() };
    for (fault, form, detail) in [
        (Fault::InvalidRoute, NOT_FOUND, "invalid route"),
        (Fault::MethodNotAllowed, NOT_ALLOWED, "method not allowed, use GET, HEAD or OPTIONS"),
        (
            Fault::BadEncoding(&PROJECT),
            BAD_REQUEST,
            "The parameter `project` is not valid percent-encoded UTF-8.",
        ),
        (
            Fault::BadProject(&PROJECT),
            BAD_REQUEST,
            "The parameter `project` contains invalid charaters.",
        ),
        (
            Fault::SeveralProjects,
            BAD_REQUEST,
            "`all-...` project values are not accepted for this metric.",
        ),
        (
            Fault::NotAllowed(&ACCESS),
            BAD_REQUEST,
            "access should be equal to one of the allowed values: [all-access, desktop]",
        ),
        (
            Fault::BadId(&USER),
            BAD_REQUEST,
            "The parameter `user_central_id` should be a positive integer.",
        ),
        (
            Fault::BrokenData,
            FAILED,
            "The data stored for this request could not be read. Please try another date.",
        ),
        (
            store(StoreFailure::Failed),
            FAILED,
            "The data store failed. Please try again later (request r-1).",
        ),
        (
            store(StoreFailure::Unreachable),
            UNAVAILABLE,
            "The data store can't be reached at the moment. Please try again later (request r-1).",
        ),
        (
            store(StoreFailure::Overloaded),
            UNAVAILABLE,
            "Too much is asked of the data store at the moment. Please try again later (request r-1).",
        ),
        (
            store(StoreFailure::Timeout),
            TIMEOUT,
            "The data store did not answer in time. Please try again later (request r-1).",
        ),
        (Fault::other(400, "a \\ b"), BAD_REQUEST, r"a \\ b"),
    ] {
        let json = format!("\"{detail}\"");
        check(&fault, form, &json, &json);
    }
}

#[test]
fn faults_of_dates_are_arrays_in_the_old_dialect() {
    let between = "no full months between dates";
    let in_range = "no full months found in specified date range";
    for (fault, v2, v1) in [
        (
            DateFault::Invalid(&START, super::Form::Day),
            "start timestamp is invalid, must be a valid date in YYYYMMDD format",
            None,
        ),
        (
            DateFault::Invalid(&END, super::Form::Hour),
            "end timestamp is invalid, must be a valid date in YYYYMMDDHH format",
            None,
        ),
        (DateFault::WrongOrder, "start timestamp should be before the end timestamp", None),
        (DateFault::NoFullMonths(NoMonths::Between), between, Some(in_range)),
        (DateFault::NoFullMonths(NoMonths::InRange), in_range, None),
        (DateFault::BadYearMonthDay(None), "Given year/month/day is invalid date", None),
        (DateFault::BadYearMonth(None), "Given year/month is invalid date", None),
    ] {
        let v1 = v1.unwrap_or(v2);
        check(&Fault::Date(fault), BAD_REQUEST, &format!("\"{v2}\""), &format!("[\"{v1}\"]"));
    }
}

#[test]
fn a_service_has_its_own_text_in_the_new_dialect_only() {
    check(
        &Fault::NotAllowed(&DEVICES),
        BAD_REQUEST,
        "\"Invalid granularity\"",
        "\"granularity should be equal to one of the allowed values: [monthly]\"",
    );
}

/// A catalogue of one standard endpoint, changed.
fn changed(name: &str, change: impl FnOnce(&mut Endpoint)) -> Catalogue {
    let mut endpoint = **ALL.iter().find(|endpoint| endpoint.name == name).unwrap();
    change(&mut endpoint);
    Catalogue::new(Box::leak(Box::new([&*Box::leak(Box::new(endpoint))]))).unwrap()
}

#[test]
fn a_404_says_what_is_not_loaded() {
    for (noun, name) in [
        (Noun::Project, "project"),
        (Noun::Category, "category"),
        (Noun::MediaFile, "media file"),
        (Noun::User, "user"),
    ] {
        let text = format!(
            "The date(s) you used are valid, but we either do not have data for those date(s), or \
             the {name} you asked for is not loaded yet."
        );
        let v2 = format!("\"{text} Please check documentation for more information\"");
        let v1 = format!(
            "\"{text}  Please check https://wikimedia.org/api/rest_v1/?doc for more information.\""
        );
        for dialect in Dialect::ALL {
            let catalogue = changed("pageviews/top", |endpoint| {
                endpoint.no_data = Some(noun);
                endpoint.dialect = dialect;
            });
            let path = "/pageviews/top/en.wikipedia/all-access/2026/09/15";
            let query = catalogue.resolve(Target { dialect, path }).unwrap();
            for reason in NoDataReason::ALL {
                let answer = crate::render(&query, &Answer::Empty(reason)).unwrap();
                let Representation::NoData(no_data) = answer else { panic!("not a 404") };
                assert_eq!((no_data.reason, no_data.dialect), (reason, dialect));
                check(&no_data.fault(), NOT_FOUND, &v2, &v1);
            }
        }
    }
}

/// The document of a target's fault in a catalogue.
fn refusal(catalogue: &Catalogue, target: &str) -> String {
    let parsed = Target::parse(target).unwrap();
    let fault = catalogue.resolve(parsed).unwrap_err();
    document(&fault, catalogue.fault_dialect(parsed), target)
}

#[test]
fn faults_of_the_new_dialect_match_recorded_ones() {
    let catalogue = Catalogue::standard().unwrap();
    let uri = "/metrics/pageviews/per-article/en.wikipedia/all-access/user/ChatGPT/monthly/20260815/20260901";
    assert_eq!(
        refusal(&catalogue, uri),
        r#"{"detail":"no full months between dates","method":"get","status":400,"title":"Bad Request","type":"about:blank","uri":"/metrics/pageviews/per-article/en.wikipedia/all-access/user/ChatGPT/monthly/20260815/20260901"}"#
    );
    // No endpoint answers in the old dialect.
    let uri = "/analytics.wikimedia.org/v1/pageviews/top/x";
    assert_eq!(
        refusal(&catalogue, uri),
        r#"{"detail":"invalid route","method":"get","status":404,"title":"Not Found","type":"about:blank","uri":"/analytics.wikimedia.org/v1/pageviews/top/x"}"#
    );
}

#[test]
fn a_catalogue_with_the_old_dialect_answers_in_it() {
    let catalogue = changed("pageviews/per-article", |endpoint| endpoint.dialect = Dialect::V1);
    let errors = "https://mediawiki.org/wiki/HyperSwitch/errors";
    let old = "/analytics.wikimedia.org/v1/pageviews/per-article/en.wikipedia/all-access";
    for (rest, detail) in [
        (
            "all-agents/Albert_Einstein/daily/2023010100/202306700",
            r#"["end timestamp is invalid, must be a valid date in YYYYMMDD format"]"#,
        ),
        (
            "all-agents/Albert_Einstein/monthly/20230115/20230201",
            r#"["no full months found in specified date range"]"#,
        ),
        (
            "bots/Albert_Einstein/daily/20230101/20230131",
            r#""agent should be equal to one of the allowed values: [all-agents, automated, spider, user]""#,
        ),
    ] {
        let target = format!("{old}/{rest}");
        assert_eq!(
            refusal(&catalogue, &target),
            format!(
                r#"{{"type":"{errors}/invalid_request","method":"get","detail":{detail},"uri":"{target}"}}"#
            )
        );
    }
    // Without an endpoint the prefix decides.
    let unknown = "/analytics.wikimedia.org/v1/pageviews";
    assert_eq!(
        refusal(&catalogue, unknown),
        format!(
            r#"{{"type":"{errors}/not_found","title":"Not found.","method":"get","detail":"invalid route","uri":"{unknown}"}}"#
        )
    );
    // The endpoint has no path in the new dialect.
    let target =
        "/metrics/pageviews/per-article/en.wikipedia/all-access/user/A/daily/20230101/20230131";
    assert_eq!(
        refusal(&catalogue, target),
        format!(
            r#"{{"detail":"invalid route","method":"get","status":404,"title":"Not Found","type":"about:blank","uri":"{target}"}}"#
        )
    );
}

#[test]
fn a_uri_is_escaped() {
    for dialect in Dialect::ALL {
        let body = document(&Fault::InvalidRoute, dialect, "/a\"b\\c");
        let parsed: serde_json::Value = serde_json::from_str(&body).expect("valid JSON");
        assert_eq!(parsed["uri"], "/a\"b\\c");
    }
}

#[test]
fn extension_members_follow_those_of_upstream() {
    let catalogue = Catalogue::standard().unwrap();
    let top = "/pageviews/top/en.wikipedia/all-access";
    for (path, extensions) in [
        (format!("{top}/2026/10/1"), r#","parameter":"day","digits":2"#),
        (format!("{top}/2026/9/1"), r#","parameter":"month","digits":2"#),
        (format!("{top}/26/10/01"), r#","parameter":"year","digits":4"#),
        // Right digits, but no such day.
        (format!("{top}/2026/02/30"), ""),
        (
            "/pageviews/top-by-country/en.wikipedia/all-access/2026/1".to_owned(),
            r#","parameter":"month","digits":2"#,
        ),
        (
            "/pageviews/top/en.wikipedia/all/2026/10/01".to_owned(),
            r#","parameter":"access","allowed":["all-access","desktop","mobile-app","mobile-web"]"#,
        ),
        ("/pageviews/top/a b/all-access/2026/10/01".to_owned(), r#","parameter":"project""#),
        (
            "/unique-devices/en.wikipedia/all-sites/daily/2026/20261001".to_owned(),
            r#","parameter":"start""#,
        ),
        ("/edits/aggregate/en.wikipedia".to_owned(), r#","reason":"not-served""#),
        ("/pageviews/nothing".to_owned(), ""),
    ] {
        let target = Target { dialect: Dialect::V2, path: &path };
        let fault = catalogue.resolve(target).unwrap_err();
        let document = document(&fault, Dialect::V2, "/metrics/x");
        let expected = format!(r#""uri":"/metrics/x"{extensions}}}"#);
        assert!(document.ends_with(&expected), "{path}: {document}");
    }
    for reason in NoDataReason::ALL {
        let document =
            document(&Fault::NoData(reason, Noun::Project, None), Dialect::V2, "/metrics/x");
        let expected = format!(r#""uri":"/metrics/x","reason":"{}"}}"#, reason.name());
        assert!(document.ends_with(&expected), "{document}");
    }
}

#[test]
fn shortened_paths_list_what_is_below() {
    let catalogue = Catalogue::standard().unwrap();
    let listing = |path| catalogue.listing(Target { dialect: Dialect::V2, path });
    let below = |names: &[&str]| Some(names.iter().map(|name| (*name).to_owned()).collect());
    assert_eq!(listing("/"), below(&["unique-devices", "pageviews", "legacy"]));
    let pageviews = ["per-article", "aggregate", "top", "top-by-country", "top-per-country"];
    assert_eq!(listing("/pageviews"), below(&pageviews));
    assert_eq!(listing("/pageviews/top"), below(&["{project}"]));
    for path in
        ["/pageviews/", "//", "/pageviews//top", "/nothing", "/pageviews/top/en.wikipedia", ""]
    {
        assert_eq!(listing(path), None, "{path}");
    }
    let old = Target { dialect: Dialect::V1, path: "/" };
    assert_eq!(catalogue.listing(old), None);
}

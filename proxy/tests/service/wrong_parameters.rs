//! Invalid values for each parameter of each endpoint: a new endpoint is covered as soon as it is in
//! the catalogue. The texts are those of the contract (§2.2), written by hand.

use crate::support::client::Client;
use aqs_api::endpoint::Segment;
use aqs_api::param::{Param, Role};
use aqs_api::{Endpoint, percent};
use aqs_proxy::server::Server;

/// An invalid value as it is sent, and the expected problem.
struct Wrong {
    wire: String,
    status: u16,
    detail: String,
}

fn wrong(wire: &str, status: u16, detail: impl Into<String>) -> Wrong {
    Wrong { wire: wire.to_owned(), status, detail: detail.into() }
}

fn wrong_values(param: &Param, endpoint: &Endpoint) -> Vec<Wrong> {
    let name = param.name;
    let day = endpoint.params().any(|param| matches!(param.role, Role::Day { .. }));
    let bad_date = if day {
        "Given year/month/day is invalid date"
    } else {
        "Given year/month is invalid date"
    };
    let mut values = vec![
        wrong("%", 400, format!("The parameter `{name}` is not valid percent-encoded UTF-8.")),
        wrong("%FF", 400, format!("The parameter `{name}` is not valid percent-encoded UTF-8.")),
        wrong("", 404, "invalid route"),
    ];
    match &param.role {
        Role::Project { .. } | Role::OneProject => {
            for wire in ["en%20wikipedia", "en.wikipedia%2F", "%C3%A9", "%20", "a'b"] {
                values.push(wrong(
                    wire,
                    400,
                    format!("The parameter `{name}` contains invalid charaters."),
                ));
            }
        }
        Role::Enumeration { values: allowed, .. } => {
            let allowed = allowed.join(", ");
            let detail =
                format!("{name} should be equal to one of the allowed values: [{allowed}]");
            for wire in ["nonsense", "all", "%20", "user%00"] {
                values.push(wrong(wire, 400, detail.clone()));
            }
        }
        Role::Granularity { unrouted, .. } => {
            let names = param.role.closed_values().unwrap();
            let allowed = names.join(", ");
            let detail = match endpoint.name {
                "unique-devices" => "Invalid granularity".to_owned(),
                _ => format!("{name} should be equal to one of the allowed values: [{allowed}]"),
            };
            for wire in ["yearly", "day", "daily%20"] {
                values.push(wrong(wire, 400, detail.clone()));
            }
            for wire in *unrouted {
                values.push(wrong(wire, 404, "invalid route"));
            }
            if !names.contains(&"hourly") && !unrouted.contains(&"hourly") {
                values.push(wrong("hourly", 400, detail));
            }
        }
        Role::Start(_) | Role::End => {
            // The digits depend on the endpoint: see `digits`.
            let digits = digits(endpoint);
            let detail =
                format!("{name} timestamp is invalid, must be a valid date in {digits} format");
            for wire in [
                "nonsense",
                "2026",
                "202610011",
                "2026100124",
                "2026-10-01",
                "20260230",
                "20261301",
                "20261000",
                "20261001001",
            ] {
                values.push(wrong(wire, 400, detail.clone()));
            }
            if digits == "YYYYMMDDHH" {
                values.push(wrong("20261001", 400, detail));
            }
        }
        Role::Year => {
            for wire in ["26", "02026", "year", "all-years"] {
                values.push(wrong(wire, 400, bad_date));
            }
        }
        Role::Month => {
            for wire in ["9", "13", "00", "099", "all-months"] {
                values.push(wrong(wire, 400, bad_date));
            }
        }
        Role::Day { .. } => {
            for wire in ["1", "32", "00", "011", "all-dayz"] {
                values.push(wrong(wire, 400, bad_date));
            }
        }
        Role::Id => {
            for wire in ["0", "-1", "1.5", "x", "9223372036854775808"] {
                let detail = format!("The parameter `{name}` should be a positive integer.");
                values.push(wrong(wire, 400, detail));
            }
        }
        // Any text may be one of these.
        Role::Title
        | Role::CommonsPage
        | Role::File
        | Role::User
        | Role::Text
        | Role::Referer { .. }
        | Role::Country => {}
    }
    values
}

/// The date format of an endpoint: legacy page counts take hours only.
fn digits(endpoint: &Endpoint) -> &'static str {
    if endpoint.name.starts_with("legacy/") { "YYYYMMDDHH" } else { "YYYYMMDD" }
}

fn target(endpoint: &Endpoint, replaced: Option<(&str, &str)>) -> String {
    let mut target = String::from("/metrics");
    for segment in endpoint.segments {
        target.push('/');
        match segment {
            Segment::Word(word) => target.push_str(word),
            Segment::Param(param) => match replaced {
                Some((name, wire)) if name == param.name => target.push_str(wire),
                _ => percent::encode_into(&mut target, param.example),
            },
        }
    }
    target
}

/// A server with a few rows. Refused requests do not read them.
async fn server_of_titles() -> (Server, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let rows = aqs_scenarios::rows("titles");
    let store = crate::support::store_of(&rows, folder.path());
    (crate::support::server(crate::support::config(), store).await, folder)
}

#[tokio::test]
async fn each_invalid_parameter_is_refused() {
    let (server, _folder) = server_of_titles().await;
    let mut client = Client::connect(server.addresses[0]).await;
    let mut tried = 0;
    for (_, endpoint) in server.components.origin.catalogue().endpoints() {
        // The examples are valid: what is refused below is refused for its change.
        let response = client.get(&target(endpoint, None)).await;
        assert!([200, 404].contains(&response.status), "{}: {}", endpoint.name, response.text());
        assert!(!response.text().contains("invalid route"), "{}", endpoint.name);
        for param in endpoint.params() {
            for Wrong { wire, status, detail } in wrong_values(param, endpoint) {
                let target = target(endpoint, Some((param.name, &wire)));
                let response = client.get(&target).await;
                let body = response.json();
                assert_eq!(response.status, status, "{target}: {body}");
                assert_eq!(body["detail"], detail, "{target}");
                assert_eq!(body["uri"], target);
                assert_eq!(response.header("content-type"), Some("application/problem+json"));
                tried += 1;
            }
        }
    }
    assert!(tried > 200, "only {tried} were tried");
}

#[tokio::test]
async fn start_after_end_is_refused_everywhere() {
    let (server, _folder) = server_of_titles().await;
    let mut client = Client::connect(server.addresses[0]).await;
    let dated =
        |endpoint: &&Endpoint| endpoint.params().any(|param| matches!(param.role, Role::End));
    for endpoint in
        server.components.origin.catalogue().endpoints().map(|(_, endpoint)| endpoint).filter(dated)
    {
        let response = client.get(&target(endpoint, Some(("end", "2001010100")))).await;
        assert_eq!(response.status, 400, "{}", endpoint.name);
        assert_eq!(response.json()["detail"], "start timestamp should be before the end timestamp");
    }
}

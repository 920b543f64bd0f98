//! Warnings.

use super::*;
use crate::config::unknown_variables;

fn warnings(file: &str) -> Vec<String> {
    loaded(file, &[], "").unwrap().warnings
}

#[test]
fn unintended_values_cause_a_warning() {
    for (file, warning) in [
        (
            "log: {trusted_proxies: [10.0.0.0/8]}",
            "log.trusted_proxies is not used, since log.client_address is none and not forwarded",
        ),
        (
            "protected_countries: [ve, VM, Zz]",
            "protected_countries has VM, ZZ, which is no country's code",
        ),
        (
            "log: {filter: hyper=debug}",
            "the filter `hyper=debug` has no level for all that it does not name, and names nothing \
             of aqs: hardly anything will be logged; put a level before it, as \
             info,aqs_origin=debug",
        ),
    ] {
        assert_eq!(warnings(file), [warning], "{file}");
    }
    for file in [
        "",
        "log: {client_address: forwarded, trusted_proxies: [10.0.0.0/8]}",
        "protected_countries: [ve, no, XK]",
        "protected_countries: []",
        "log: {filter: debug}",
    ] {
        assert_eq!(warnings(file), [""; 0], "{file}");
    }
}

#[test]
fn a_country_may_be_in_lower_case() {
    let rules = loaded("protected_countries: [ve]", &[], "").unwrap().config.rules();
    assert!(rules.protected.contains("VE"));
}

#[test]
fn an_unknown_variable_causes_a_warning() {
    let names = |names: &[&str]| unknown_variables(names.iter().map(Into::into));
    assert_eq!(
        names(&["PATH", "AQS_LISTN", "AQS_LISTEN", "AQS_CONFIG", "AQS_CONFG"]),
        [
            "the variable AQS_CONFG is not known and does nothing; the nearest is AQS_CONFIG",
            "the variable AQS_LISTN is not known and does nothing; the nearest is AQS_LISTEN",
        ]
    );
    let password = "the variable AQS_CASSANDRA_PASSWORD is not known and does nothing; the nearest \
                    is CASSANDRA_PASSWORD";
    assert_eq!(names(&["AQS_CASSANDRA_PASSWORD"]), [password]);
    assert_eq!(names(&["AQS_CASSANDRA_HOSTS"]).len(), 1);
    // Variables of Kubernetes for a service called aqs, of builds and of tests.
    let others = ["AQS_SERVICE_HOST", "AQS_PORT_8080_TCP_ADDR", "AQS_PORT", "AQS_BUILD_DATE"];
    assert_eq!(names(&others), [""; 0]);
    assert_eq!(names(&["AQS_TESTENV_X", "AQS_CASSANDRA_JAVA_OPTS", "MY_AQS_X"]), [""; 0]);
}

//! Warnings about what is allowed but probably not intended.

use super::Config;
use super::load::{FILE, VARIABLES};
use super::values::rooted;
use crate::log::{self, ClientAddress};
use aqs_api::endpoint::Endpoint;
use aqs_origin::suggest;
use std::ffi::OsString;

/// What the upstream services log without the variables, verbatim.
const CREDENTIALS_UNSET: &str = "CASSANDRA_USERNAME and CASSANDRA_PASSWORD env vars unset, \
                                 using values from configuration file";

/// The codes of ISO 3166-1, and Kosovo's, which is in wide use.
const COUNTRIES: &str = "\
    AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR \
    BS BT BV BW BY BZ CA CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ \
    EC EE EG EH ER ES ET FI FJ FK FM FO FR GA GB GD GE GF GG GH GI GL GM GN GP GQ GR GS GT GU GW \
    GY HK HM HN HR HT HU ID IE IL IM IN IO IQ IR IS IT JE JM JO JP KE KG KH KI KM KN KP KR KW KY \
    KZ LA LB LC LI LK LR LS LT LU LV LY MA MC MD ME MF MG MH MK ML MM MN MO MP MQ MR MS MT MU MV \
    MW MX MY MZ NA NC NE NF NG NI NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM PN PR PS PT PW PY \
    QA RE RO RS RU RW SA SB SC SD SE SG SH SI SJ SK SL SM SN SO SR SS ST SV SX SY SZ TC TD TF TG \
    TH TJ TK TL TM TN TO TR TT TV TW TZ UA UG UM US UY UZ VA VC VE VG VI VN VU WF WS YE YT ZA ZM \
    ZW XK";

/// The warnings about a configuration; `credentials` is how many variables with credentials are set.
pub(super) fn of(config: &Config, credentials: usize) -> Vec<String> {
    let mut warnings = Vec::new();
    if let Some(options) = &config.cassandra
        && credentials < 2
        && (options.credentials.is_some() || config.is_upstream())
    {
        warnings.push(CREDENTIALS_UNSET.to_owned());
    }
    warnings.extend(unread_stores(config));
    warnings.extend(moved_service(config));
    warnings.extend(config.log.filter.as_ref().and_then(|filter| log::warning(filter.as_str())));
    if !config.log.trusted_proxies.is_empty()
        && config.log.client_address != ClientAddress::Forwarded
    {
        warnings.push(format!(
            "log.trusted_proxies is not used, since log.client_address is {} and not forwarded",
            config.log.client_address
        ));
    }
    let codes = config.protected_countries.iter().map(|country| country.0.as_str());
    let unknown: Vec<&str> =
        codes.filter(|code| !COUNTRIES.split(' ').any(|known| known == *code)).collect();
    if !unknown.is_empty() {
        warnings.push(format!(
            "protected_countries has {}, which is no country's code",
            unknown.join(", ")
        ));
    }
    warnings
}

/// Warns about a prefix without endpoints.
fn moved_service(config: &Config) -> Option<String> {
    let base = rooted(config.base_uri.as_deref()?);
    let base = base.trim_end_matches('/');
    let serves = |endpoint: &&Endpoint| {
        let route = format!("/metrics{}", endpoint.template());
        route.strip_prefix(base).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    let served = aqs_api::endpoints::ALL.iter().any(serves);
    (!served).then(|| {
        format!(
            "base_uri is {base}, under which this version has no endpoint; its endpoints are \
             served under /metrics"
        )
    })
}

/// Warns that stores are not read, so that the sample is not mistaken for their data.
fn unread_stores(config: &Config) -> Option<String> {
    let mut named = Vec::new();
    if let Some(host) = config.druid.as_ref().and_then(|druid| druid.host.as_ref()) {
        named.push(format!("Druid ({host})"));
    }
    if let Some(gateway) = &config.data_gateway_uri {
        named.push(format!("the Data Gateway ({gateway})"));
    }
    if named.is_empty() {
        return None;
    }
    let served = match (&config.cassandra, &config.store.path) {
        (Some(cassandra), None) => format!("Cassandra ({}) alone", cassandra.hosts.join(", ")),
        (Some(cassandra), Some(path)) => {
            let hosts = cassandra.hosts.join(", ");
            format!("Cassandra ({hosts}) and the embedded store {}", path.display())
        }
        (None, Some(path)) => format!("the embedded store {}", path.display()),
        (None, None) => {
            "the bundled sample data, which is made up; name a store with --store".to_owned()
        }
    };
    Some(format!(
        "the configuration names {}, which this version does not read; it serves {served}",
        named.join(", ")
    ))
}

/// The prefix of our variables.
const OURS: &str = "AQS_";
/// Prefixes of others: builds, tests, and the variables that Kubernetes sets for a service called
/// aqs.
const OTHERS: [&str; 8] = [
    "AQS_BUILD_",
    "AQS_RUST_VERSION",
    "AQS_CASSANDRA_JAVA_OPTS",
    "AQS_JAVA",
    "AQS_PORT",
    "AQS_SERVICE_",
    "AQS_TEST",
    "AQS_WRITE_PAGES",
];

/// The warnings about variables that begin as ours do and are unknown.
pub fn unknown_variables(names: impl IntoIterator<Item = OsString>) -> Vec<String> {
    let known = || VARIABLES.iter().map(|(name, _)| *name).chain([FILE]);
    let stray = |name: &String| {
        name.starts_with(OURS)
            && !OTHERS.iter().any(|other| name.starts_with(other))
            && !known().any(|held| held == name)
    };
    let names = names.into_iter().filter_map(|name| name.into_string().ok());
    let mut strays: Vec<String> = names.filter(stray).collect();
    strays.sort();
    let ours = || known().filter(|held| held.starts_with(OURS));
    // Upstream's variables have no prefix.
    let without = |name: &str| known().find(|held| name.strip_prefix(OURS) == Some(*held));
    let warning = |name: String| match without(&name).or_else(|| suggest(&name, ours())) {
        Some(nearest) => {
            format!("the variable {name} is not known and does nothing; the nearest is {nearest}")
        }
        None => format!("the variable {name} is not known and does nothing"),
    };
    strays.into_iter().map(warning).collect()
}

//! What is allowed in a configuration and hardly meant.

use super::tree::Config;
use super::words::LoggedAddress;
use crate::log;

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

/// What the log has to say about it.
pub(super) fn about(config: &Config) -> Vec<String> {
    let mut doubts: Vec<String> =
        config.log.filter.as_deref().and_then(log::doubt).into_iter().collect();
    if !config.log.trusted_proxies.is_empty()
        && config.log.client_address != LoggedAddress::Forwarded
    {
        doubts.push(format!(
            "log.trusted_proxies is not used, since log.client_address is {} and not forwarded",
            config.log.client_address
        ));
    }
    let strangers: Vec<&str> = config
        .protected_countries
        .iter()
        .map(|country| country.code())
        .filter(|code| !COUNTRIES.split(' ').any(|known| known == *code))
        .collect();
    if !strangers.is_empty() {
        doubts.push(format!(
            "protected_countries has {}, the code of no country: whose readers are meant to be \
             protected?",
            strangers.join(", ")
        ));
    }
    doubts
}

//! The closed sets of values that parameters take (contract §1.3).

/// A named set of allowed values, in the order in which messages list them.
#[derive(Debug, PartialEq, Eq)]
pub struct Enumeration {
    /// The values, lower case.
    pub values: &'static [&'static str],
}

impl Enumeration {
    /// The value that a text means: enumerations are compared in lower case (N-ENUM).
    pub fn find(&self, text: &str) -> Option<&'static str> {
        self.values.iter().copied().find(|value| value.eq_ignore_ascii_case(text))
    }
}

/// How a page was reached.
pub static ACCESS: Enumeration =
    Enumeration { values: &["all-access", "desktop", "mobile-app", "mobile-web"] };

/// Which site was visited.
pub static ACCESS_SITE: Enumeration =
    Enumeration { values: &["all-sites", "desktop-site", "mobile-site"] };

/// Who viewed a page.
pub static AGENT: Enumeration =
    Enumeration { values: &["all-agents", "automated", "spider", "user"] };

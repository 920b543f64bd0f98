//! Country protection (contract §7.3).

use std::collections::BTreeSet;

/// The countries that are removed from every answer by country.
///
/// Upstream keeps three lists that differ; this one is applied everywhere (contract §8, point
/// 13), so that there is one place to change it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProtectedCountries(BTreeSet<String>);

impl ProtectedCountries {
    /// The list that the geo service applies on read.
    pub const DEFAULT: &'static [&'static str] = &[
        "AE", "AF", "AZ", "BI", "BH", "BY", "CN", "CU", "DJ", "EG", "GQ", "ER", "ET", "IR", "IQ",
        "KZ", "LA", "LY", "MM", "KP", "PK", "RU", "RW", "SA", "SG", "SO", "SD", "SY", "TJ", "TH",
        "TR", "TM", "UZ", "VE", "VN", "YE",
    ];

    /// A list of upper-case ISO 3166 alpha-2 codes.
    pub fn new<'a>(codes: impl IntoIterator<Item = &'a str>) -> Self {
        Self(codes.into_iter().map(str::to_ascii_uppercase).collect())
    }

    /// Whether a country's numbers are withheld.
    pub fn contains(&self, code: &str) -> bool {
        self.0.contains(code)
    }
}

impl Default for ProtectedCountries {
    fn default() -> Self {
        Self::new(Self::DEFAULT.iter().copied())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_list_has_36_countries() {
        assert_eq!(ProtectedCountries::default().0.len(), 36);
        assert!(ProtectedCountries::default().contains("VE"));
        assert!(!ProtectedCountries::default().contains("FR"));
    }
}

//! Where the readers of a language are.

use super::bundled::COUNTRIES;
use super::error::SampleError;

/// A country, as `countries.tsv` has it.
#[derive(Debug)]
pub(super) struct Country {
    pub(super) code: &'static str,
    weight: u64,
    languages: Vec<(&'static str, u64)>,
}

/// Reads the countries, in the order of their codes.
pub(super) fn read() -> Result<Vec<Country>, SampleError> {
    let mut countries = Vec::new();
    for (line, [code, weight, languages]) in COUNTRIES.fields::<3>()? {
        let share = |text: &'static str| {
            let (language, share) =
                text.split_once(':').ok_or_else(|| COUNTRIES.wrong(line, text))?;
            Ok((language, COUNTRIES.number(line, share)?))
        };
        let languages = languages.split(',').map(share).collect::<Result<_, SampleError>>()?;
        countries.push(Country { code, weight: COUNTRIES.number(line, weight)?, languages });
    }
    countries.sort_by_key(|country| country.code);
    Ok(countries)
}

impl Country {
    /// The weight of its readers among those of a language; `*` is any.
    pub(super) fn readers(&self, language: &str) -> u64 {
        let named = self.languages.iter().find(|(named, _)| *named == language);
        let share = match (named, language) {
            (Some((_, share)), _) => *share,
            (None, "*") => 1000,
            (None, "en") => 150,
            (None, _) => 2,
        };
        self.weight * share
    }
}

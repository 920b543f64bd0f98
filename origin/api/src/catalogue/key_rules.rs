//! What the columns of a partition key may be, so that a request can reach the row: the same values
//! and normal forms as those of the parameters that the columns are read by (contract §1.1).

use super::Catalogue;
use crate::param::{self, Param, Role};
use crate::source::{KeyValue, Source};
use crate::table::Table;
use std::borrow::Cow;

/// The rule of a column.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KeyRule {
    /// The values that are read.
    words: Vec<&'static str>,
    /// The form of other values; there are none if it is absent.
    form: Option<Form>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    Project,
    Title,
    File,
    Country,
    Id,
    /// Parts of a date are checked with the period.
    Any,
}

impl KeyRule {
    /// The value in its normal form; else what the column takes.
    pub fn normalise<'t>(&self, text: Cow<'t, str>) -> Result<Cow<'t, str>, String> {
        if self.words.contains(&&*text) {
            return Ok(text);
        }
        let refused = |what: &str| match self.words.as_slice() {
            [] => what.to_owned(),
            words if what.is_empty() => words.join(", "),
            words => format!("{what}, or {}", words.join(", ")),
        };
        match self.form {
            None => Err(refused("")),
            Some(Form::Any) => Ok(text),
            Some(Form::Title) => Ok(param::title(text)),
            Some(Form::File) => Ok(param::file(text)),
            Some(Form::Country) => Ok(text.to_ascii_uppercase().into()),
            Some(Form::Project) => match param::project(&text) {
                Some(project) => Ok(project.into_owned().into()),
                None => Err(refused("a wiki, such as en.wikipedia")),
            },
            Some(Form::Id) => match param::id(&text) {
                Some(id) => Ok(id.to_owned().into()),
                None => Err(refused("a positive integer")),
            },
        }
    }

    /// Whether the column has projects.
    pub fn has_projects(&self) -> bool {
        self.form == Some(Form::Project)
    }

    /// What the column takes, if that is more than its type says.
    pub(super) fn takes(&self) -> Option<String> {
        let form = match self.form {
            None => "",
            Some(Form::Any) => return None,
            Some(Form::Project) => "a wiki, such as en.wikipedia",
            Some(Form::Title) => "a title",
            Some(Form::File) => "the path of a file",
            Some(Form::Country) => "a country code",
            Some(Form::Id) => "a positive integer",
        };
        let words = self.words.join(", ");
        Some(match (form, self.words.is_empty()) {
            ("", _) => words,
            (form, true) => form.to_owned(),
            (form, false) => format!("{form}, or {words}"),
        })
    }

    fn add(&mut self, param: &Param) {
        let form = match param.role {
            Role::Project { words } => {
                self.add_words(words);
                Form::Project
            }
            Role::Referer { words, .. } => {
                self.add_words(words);
                Form::Project
            }
            Role::Enumeration { .. } | Role::Granularity { .. } => {
                self.add_words(&param.role.closed_values().unwrap_or_default());
                return;
            }
            Role::OneProject => Form::Project,
            Role::Title | Role::CommonsPage => Form::Title,
            Role::File => Form::File,
            Role::Country => Form::Country,
            Role::Id => Form::Id,
            Role::User
            | Role::Text
            | Role::Year
            | Role::Month
            | Role::Day { .. }
            | Role::Start(_)
            | Role::End => Form::Any,
        };
        // Two endpoints that read a column by different forms leave it as it is.
        self.form = match self.form {
            None => Some(form),
            Some(own) if own == form => Some(own),
            Some(_) => Some(Form::Any),
        };
    }

    fn add_words(&mut self, words: &[&'static str]) {
        for word in words {
            if !self.words.contains(word) {
                self.words.push(word);
            }
        }
    }
}

impl Catalogue {
    /// The rule of each column of the partition key of a table, from all endpoints that read it.
    pub fn key_rules(&self, table: &Table) -> Vec<KeyRule> {
        let mut rules = vec![KeyRule::default(); table.partition.len()];
        for endpoint in self.endpoints {
            let Source::Table(source) = endpoint.source else { continue };
            if source.table.name != table.name {
                continue;
            }
            for (rule, value) in rules.iter_mut().zip(source.partition) {
                match value {
                    KeyValue::Const(word) => rule.add_words(&[word]),
                    KeyValue::Param(param) => rule.add(param),
                }
            }
        }
        rules
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::endpoints::tables::{PAGEVIEWS_PER_ARTICLE, TOP_PER_COUNTRY, UNIQUE_DEVICES};

    fn normalised(table: &Table, column: usize, text: &str) -> Result<String, String> {
        let rules = Catalogue::standard().unwrap().key_rules(table);
        rules[column].normalise(text.into()).map(Cow::into_owned)
    }

    #[test]
    fn keys_get_the_form_of_requests() {
        for (table, column, text, expected) in [
            (&UNIQUE_DEVICES, 0, "DE.wikipedia.org", Ok("de.wikipedia")),
            (&UNIQUE_DEVICES, 0, "all-wikipedia-projects", Ok("all-wikipedia-projects")),
            (&UNIQUE_DEVICES, 0, "a b", Err("a wiki, such as en.wikipedia")),
            (&UNIQUE_DEVICES, 1, "all-sites", Ok("all-sites")),
            (&UNIQUE_DEVICES, 1, "desktop", Err("all-sites, desktop-site, mobile-site")),
            (&UNIQUE_DEVICES, 2, "monthly", Ok("monthly")),
            (&PAGEVIEWS_PER_ARTICLE, 1, "A b/c", Ok("A_b/c")),
            // Months are summed from days.
            (&PAGEVIEWS_PER_ARTICLE, 2, "monthly", Err("daily")),
            (&TOP_PER_COUNTRY, 0, "fr", Ok("FR")),
        ] {
            let found = normalised(table, column, text);
            let expected = expected.map(str::to_owned).map_err(str::to_owned);
            assert_eq!(found, expected, "{text}");
        }
    }
}

//! Path parameters: what each may be and what it is normalised to (contract §1.1).

use crate::calendar::{DateRule, Granularity};
use std::borrow::Cow;

#[derive(Debug)]
pub struct Param {
    /// Its name in documentation, messages and bodies.
    pub name: &'static str,
    pub summary: &'static str,
    /// A value that has an answer.
    pub example: &'static str,
    pub kind: ParamKind,
}

#[derive(Debug)]
pub enum ParamKind {
    /// A wiki, `en.wikipedia` (N-PROJECT).
    Project,
    /// One of a set of words, in any case (N-ENUM).
    Choice(&'static [&'static str]),
    /// A granularity, with the rule that it sets for the dates.
    Granularity {
        allowed: &'static [(Granularity, DateRule)],
        /// Values for which upstream has no route, instead of a 400.
        unrouted: &'static [&'static str],
        /// The detail for any other value, if it is not the list of allowed ones.
        refusal: Option<&'static str>,
    },
    /// A page title: blanks become underscores, nothing else (N-TITLE).
    Title,
    /// A country code, upper-cased (N-COUNTRY).
    Country,
    Year,
    /// Two digits; with the year it must be a month.
    Month {
        /// Whether a day follows, so that the date is judged there.
        then_day: bool,
    },
    /// Two digits, or `all-days`; with year and month it must be a day.
    Day,
    /// The first period wanted.
    Start,
    /// The last period wanted.
    End,
}

/// How a page was reached.
pub const ACCESS: &[&str] = &["all-access", "desktop", "mobile-app", "mobile-web"];

/// Which site was visited.
pub const ACCESS_SITE: &[&str] = &["all-sites", "desktop-site", "mobile-site"];

/// Who viewed a page.
pub const AGENT: &[&str] = &["all-agents", "automated", "spider", "user"];

impl ParamKind {
    /// All values, in the order in which messages list them; `None` if the set is open.
    pub fn closed_values(&self) -> Option<Vec<&'static str>> {
        match self {
            Self::Choice(values) => Some(values.to_vec()),
            Self::Granularity { allowed, .. } => {
                Some(allowed.iter().map(|(granularity, _)| granularity.as_str()).collect())
            }
            Self::Project
            | Self::Title
            | Self::Country
            | Self::Year
            | Self::Month { .. }
            | Self::Day
            | Self::Start
            | Self::End => None,
        }
    }
}

/// N-PROJECT: trimmed, lower case, without one leading `www.` and one trailing `.org`; `None`
/// if what is left is not `^[a-z0-9_.\-]+$`.
pub fn project(text: &str) -> Option<Cow<'_, str>> {
    let text = text.trim_matches(' ');
    let text = strip_ignoring_case(text, "www.", true);
    let text = strip_ignoring_case(text, ".org", false);
    let proper = |byte: u8| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte);
    if text.is_empty() || !text.bytes().all(proper) {
        return None;
    }
    if text.bytes().any(|byte| byte.is_ascii_uppercase()) {
        return Some(Cow::Owned(text.to_ascii_lowercase()));
    }
    Some(Cow::Borrowed(text))
}

/// How a project is spelled in a key: so that reading the key gives the project again.
///
/// Since only one affix is dropped, `www.example` must stand there as `www.www.example`; as
/// itself it is a spelling of `example`, and a cache that is probed with raw paths would mix them.
pub fn project_in_key(project: &str) -> Cow<'_, str> {
    let (prefixed, suffixed) = (project.starts_with("www."), project.ends_with(".org"));
    if !prefixed && !suffixed {
        return Cow::Borrowed(project);
    }
    let prefix = if prefixed { "www." } else { "" };
    let suffix = if suffixed { ".org" } else { "" };
    Cow::Owned(format!("{prefix}{project}{suffix}"))
}

fn strip_ignoring_case<'a>(text: &'a str, affix: &str, front: bool) -> &'a str {
    let Some(at) = text.len().checked_sub(affix.len()) else { return text };
    let split = if front { affix.len() } else { at };
    let Some((head, tail)) = text.split_at_checked(split) else { return text };
    let (found, rest) = if front { (head, tail) } else { (tail, head) };
    if found.eq_ignore_ascii_case(affix) { rest } else { text }
}

/// N-TITLE.
pub fn title(text: Cow<'_, str>) -> Cow<'_, str> {
    if text.contains(' ') { Cow::Owned(text.replace(' ', "_")) } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn projects_are_shortened() {
        for (given, expected) in [
            ("en.wikipedia", Some("en.wikipedia")),
            ("EN.wikipedia.org", Some("en.wikipedia")),
            ("www.en.wikipedia.org", Some("en.wikipedia")),
            ("www.mediawiki.org", Some("mediawiki")),
            (" WWW.Wikidata.ORG ", Some("wikidata")),
            ("commons.wikimedia", Some("commons.wikimedia")),
            ("all-projects", Some("all-projects")),
            ("www.www.a.org.org", Some("www.a.org")),
            ("en wikipedia", None),
            ("en.wikipedia/x", None),
            ("www..org", None),
            ("www..org.org", Some(".org")),
            ("www.", None),
            ("", None),
            ("ünï.wikipedia", None),
        ] {
            assert_eq!(project(given).as_deref(), expected, "{given}");
            if let Some(expected) = expected {
                assert_eq!(project(&project_in_key(expected)).as_deref(), Some(expected));
            }
        }
    }

    #[test]
    fn only_spaces_of_titles_change() {
        assert_eq!(title(Cow::Borrowed("a B/c  d")), "a_B/c__d");
    }
}

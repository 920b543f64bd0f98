//! Path parameters: what each may be and what it is normalised to (contract §1.1).

use crate::calendar::{DateRule, Granularity};
use std::borrow::Cow;

/// A parameter of a path. Statics stand for parameters, so two are the same if their addresses are.
#[derive(Debug)]
pub struct Param {
    /// Its name in paths, documentation and messages.
    pub name: &'static str,
    /// Its key in bodies.
    pub key: &'static str,
    pub summary: &'static str,
    /// A value that has an answer.
    pub example: &'static str,
    pub role: Role,
}

/// What a parameter means, and its values.
#[derive(Clone, Copy, Debug)]
pub enum Role {
    /// A wiki, `en.wikipedia`, or one of these words for several (N-PROJECT).
    Project { words: &'static [&'static str] },
    /// A wiki, never several (N-PROJECT, N-NOALL).
    OneProject,
    /// One of these words, else a wiki (N-REFERER).
    Referer { words: &'static [&'static str], aliases: &'static [Alias] },
    /// One of these words, in any case (N-ENUM).
    Enumeration { values: &'static [&'static str], aliases: &'static [Alias] },
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
    /// A category or media file of Commons, without its namespace: as a title (N-CAT).
    CommonsPage,
    /// The path of a media file (N-FILE).
    File,
    /// A user name, as it is (N-USER).
    User,
    /// A country code, upper-cased (N-COUNTRY).
    Country,
    /// The number of a user (contract §10).
    Id,
    /// Any text, as it is.
    Text,
    /// Four digits.
    Year,
    /// Two digits; with the year it must be a month. If a day follows, the date is validated there.
    Month,
    /// Two digits, or `all-days`; with year and month it must be a day.
    Day { aliases: &'static [Alias] },
    /// The first period wanted. Without a granularity it has its own rule.
    Start(Option<DateRule>),
    /// The last period wanted, or the one after it.
    End,
}

/// Another spelling of a value, and the value.
pub type Alias = (&'static str, &'static str);

impl Param {
    /// Whether it is this parameter and no other of the same name.
    pub fn is(&self, other: &Self) -> bool {
        std::ptr::eq(self, other)
    }
}

impl Role {
    /// All values, in the order in which messages list them; `None` if the set is open.
    pub fn closed_values(&self) -> Option<Vec<&'static str>> {
        match self {
            Self::Enumeration { values, .. } => Some(values.to_vec()),
            Self::Granularity { allowed, .. } => {
                Some(allowed.iter().map(|(granularity, _)| granularity.as_str()).collect())
            }
            Self::Project { .. }
            | Self::OneProject
            | Self::Referer { .. }
            | Self::Title
            | Self::CommonsPage
            | Self::File
            | Self::User
            | Self::Country
            | Self::Id
            | Self::Text
            | Self::Year
            | Self::Month
            | Self::Day { .. }
            | Self::Start(_)
            | Self::End => None,
        }
    }

    /// How many digits a part of a date has.
    pub const fn digits(&self) -> Option<i64> {
        match self {
            Self::Year => Some(4),
            Self::Month | Self::Day { .. } => Some(2),
            Self::Project { .. }
            | Self::OneProject
            | Self::Referer { .. }
            | Self::Enumeration { .. }
            | Self::Granularity { .. }
            | Self::Title
            | Self::CommonsPage
            | Self::File
            | Self::User
            | Self::Country
            | Self::Id
            | Self::Text
            | Self::Start(_)
            | Self::End => None,
        }
    }

    /// Whether it is a wiki that purges by project are about.
    pub const fn is_project(&self) -> bool {
        matches!(self, Self::Project { .. } | Self::OneProject)
    }

    /// Whether it is part of a date.
    pub const fn is_date(&self) -> bool {
        matches!(self, Self::Year | Self::Month | Self::Day { .. } | Self::Start(_) | Self::End)
    }
}

/// Returns the value of a set that a text spells, in any case.
pub fn closed<'v>(
    text: &str,
    values: &[&'v str],
    aliases: &[(&'v str, &'v str)],
) -> Option<&'v str> {
    let alias = aliases.iter().find(|(alias, _)| alias.eq_ignore_ascii_case(text));
    let text = alias.map_or(text, |(_, value)| value);
    values.iter().copied().find(|value| value.eq_ignore_ascii_case(text))
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

/// N-FILE: the name after the last slash is percent-encoded, but for these characters.
pub fn file(text: Cow<'_, str>) -> Cow<'_, str> {
    const KEPT: &[u8] = b"-_.~($)=`%*!&+:?\"';@^";
    let name = text.rfind('/').map_or(0, |slash| slash + 1);
    let kept = |byte: &u8| byte.is_ascii_alphanumeric() || KEPT.contains(byte);
    let Some((folder, name)) = text.split_at_checked(name) else { return text };
    if name.as_bytes().iter().all(kept) {
        return text;
    }
    let mut encoded = String::with_capacity(text.len() + 16);
    encoded.push_str(folder);
    for byte in name.bytes() {
        if kept(&byte) {
            encoded.push(char::from(byte));
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    Cow::Owned(encoded)
}

/// A positive integer in its shortest form.
pub fn id(text: &str) -> Option<&str> {
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    let shortest = text.trim_start_matches('0');
    let fits = shortest.parse::<i64>().is_ok_and(|number| number > 0);
    (digits && fits).then_some(shortest)
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

    #[test]
    fn the_names_of_files_are_encoded_as_upstream_does() {
        for (given, expected) in [
            (
                "/wikibooks/de/8/8e/Brutto-Grundfläche_als_Bezugsgröße.jpg",
                "/wikibooks/de/8/8e/Brutto-Grundfl%C3%A4che_als_Bezugsgr%C3%B6%C3%9Fe.jpg",
            ),
            (
                "/wikipedia/commons/0/03/Siemens_I=40A_ΔI=30mA_RCD.JPG",
                "/wikipedia/commons/0/03/Siemens_I=40A_%CE%94I=30mA_RCD.JPG",
            ),
            (
                "/a/Bucuresti,_Romania,_Str._X_nr._42;_B_(2).JPG",
                "/a/Bucuresti%2C_Romania%2C_Str._X_nr._42;_B_(2).JPG",
            ),
            ("/a b/c d#e.png", "/a b/c%20d%23e.png"),
            ("/a/100%25.png", "/a/100%25.png"),
            ("/a/😀.png", "/a/%F0%9F%98%80.png"),
            ("/a/Glycerol+Cu(OH)2.png", "/a/Glycerol+Cu(OH)2.png"),
            ("/a/B^M.jpg", "/a/B^M.jpg"),
            ("/a/20040321080304!E.PNG", "/a/20040321080304!E.PNG"),
            ("/a/Brecker_@_jazz.jpg", "/a/Brecker_@_jazz.jpg"),
            ("/a/_\"Tiger_I\".jpg", "/a/_\"Tiger_I\".jpg"),
            ("name", "name"),
        ] {
            assert_eq!(file(Cow::Borrowed(given)), expected);
        }
    }

    #[test]
    fn ids_are_positive() {
        for (given, expected) in [
            ("34722510", Some("34722510")),
            ("007", Some("7")),
            ("9223372036854775807", Some("9223372036854775807")),
            ("9223372036854775808", None),
            ("0", None),
            ("-1", None),
            ("+1", None),
            ("1.0", None),
            ("", None),
        ] {
            assert_eq!(id(given), expected, "{given}");
        }
    }
}

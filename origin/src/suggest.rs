//! "Did you mean …?"

/// Returns the known name that is most similar to another, if one is similar enough to be meant.
/// Case is ignored.
pub fn suggest<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    // A field can be as long as a line; names are short, and comparing is quadratic.
    const LONGEST: usize = 64;
    const LEAST_SIMILARITY: f64 = 0.8;
    if name.len() > LONGEST {
        return None;
    }
    let name = name.to_lowercase();
    let similarity = |known: &str| strsim::jaro_winkler(&known.to_lowercase(), &name);
    let similar = known.into_iter().map(|known| (similarity(known), known));
    let (similarity, best) = similar.max_by(|one, other| one.0.total_cmp(&other.0))?;
    // Short names are similar by a letter or two in common.
    let best_name = best.to_lowercase();
    let edits = strsim::damerau_levenshtein(&best_name, &name);
    let is_near = edits <= (name.chars().count() / 3).max(1)
        || best_name.starts_with(&name)
        || name.starts_with(&best_name);
    (similarity >= LEAST_SIMILARITY && is_near).then_some(best)
}

/// Like [`suggest`] for projects, whose languages must be similar too: fr.wikipedia does
/// not mean de.wikipedia.
pub fn suggest_project<'a>(
    project: &str,
    known: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    fn language(project: &str) -> &str {
        project.split('.').next().unwrap_or_default()
    }
    let own = language(project);
    let is_near = |other: &&str| suggest(own, [language(other)]).is_some();
    suggest(project, known.into_iter().filter(is_near))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_project_of_another_language_is_not_suggested() {
        for (project, expected) in [
            ("en.wikipeda", Some("en.wikipedia")),
            ("enn.wikipedia", Some("en.wikipedia")),
            ("fr.wikipedia", None),
            ("en.wiktionary", None),
        ] {
            let found =
                suggest_project(project, ["de.wikipedia", "en.wikipedia", "commons.wikimedia"]);
            assert_eq!(found, expected, "{project}");
        }
    }

    #[test]
    fn similar_names_are_suggested_and_others_are_not() {
        let known = || ["access-site", "devices", "v", "articlesJSON", "aa"];
        for (name, expected) in [
            ("access_site", Some("access-site")),
            ("device", Some("devices")),
            ("Devices", Some("devices")),
            ("articlesJson", Some("articlesJSON")),
            ("aa", Some("aa")),
            ("w", None),
            ("dives", None),
            ("", None),
            ("timestamp", None),
        ] {
            assert_eq!(suggest(name, known()), expected, "{name}");
        }
        assert_eq!(suggest(&"é".repeat(1 << 20), known()), None);
    }
}

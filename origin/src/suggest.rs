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

#[cfg(test)]
mod tests {
    use super::*;

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

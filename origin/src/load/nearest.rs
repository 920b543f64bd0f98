//! The name that was perhaps meant.

/// The known name that is most like another, if one is at all.
pub fn nearest<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    // A field can be as long as a line; names are short, and comparing is quadratic.
    const LONGEST: usize = 64;
    if name.len() > LONGEST {
        return None;
    }
    let name = name.to_lowercase();
    let distance = |known: &str| strsim::damerau_levenshtein(&name, &known.to_lowercase());
    let (distance, nearest) = known.map(|known| (distance(known), known)).min()?;
    // A third of the letters may be wrong, as long as more than one is right.
    (distance <= 1.max(name.chars().count() / 3) && distance < nearest.len()).then_some(nearest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slips_are_forgiven_and_guesses_are_not_made() {
        let known = || ["access-site", "devices", "v", "articlesJSON", "aa"].into_iter();
        for (name, expected) in [
            ("access_site", Some("access-site")),
            ("device", Some("devices")),
            ("Devices", Some("devices")),
            ("articlesJson", Some("articlesJSON")),
            ("ab", Some("aa")),
            ("w", None),
            ("", None),
            ("timestamp", None),
        ] {
            assert_eq!(nearest(name, known()), expected, "{name}");
        }
        assert_eq!(nearest(&"é".repeat(1 << 20), known()), None);
    }
}

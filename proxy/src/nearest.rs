//! The name that was perhaps meant, for messages about one that isn't known.

/// Less alike, a name is not taken for a misspelling.
const ALIKE: f64 = 0.8;

/// The known name that another is perhaps a misspelling of.
pub(crate) fn resembling<'a>(
    name: &str,
    known: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    nearest(name, known).filter(|held| strsim::jaro_winkler(held, name) >= ALIKE)
}

/// The known name that is most like another; `None` if none is known.
pub(crate) fn nearest<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let alike = known.into_iter().map(|held| (strsim::jaro_winkler(held, name), held));
    alike.max_by(|one, other| one.0.total_cmp(&other.0)).map(|(_, held)| held)
}

//! Writes compact JSON, UTF-8 unescaped (contract §1.3, envelope).

/// Appends a string with its quotes. A slash and letters beyond ASCII stay as they are.
pub fn string(out: &mut Vec<u8>, text: &str) {
    // Writing to a Vec can't fail, and a str always serialises.
    let _ = serde_json::to_writer(&mut *out, text);
}

/// Appends a string that needs no escaping, with its quotes.
pub fn plain_string(out: &mut Vec<u8>, text: &[u8]) {
    out.push(b'"');
    out.extend_from_slice(text);
    out.push(b'"');
}

/// Appends a number as JavaScript writes it, which serde_json does not: `100`, not `100.0`.
pub fn double(out: &mut Vec<u8>, value: f64) {
    let mut buffer = ryu_js::Buffer::new();
    out.extend_from_slice(buffer.format(value).as_bytes());
}

/// Appends a key with its colon. The catalogue checks that no key needs escaping.
pub fn name(out: &mut Vec<u8>, name: &'static str) {
    out.push(b'"');
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(b"\":");
}

/// Whether a key needs no escaping.
pub fn is_plain(name: &str) -> bool {
    name.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'"' && byte != b'\\')
}

/// Appends a value that serialises as a string.
pub fn value(out: &mut Vec<u8>, value: &impl serde::Serialize) {
    // As above.
    let _ = serde_json::to_writer(out, value);
}

/// The most bytes that [`integer`] appends for one of these.
pub fn longest_integer(values: &[i64]) -> usize {
    let Some(first) = values.first() else { return 0 };
    let (least, most) = values
        .iter()
        .fold((*first, *first), |(least, most), value| (least.min(*value), most.max(*value)));
    // The longest is farthest from zero, on one side or the other.
    let length = |value: i64| itoa::Buffer::new().format(value).len();
    length(least).max(length(most))
}

pub fn integer(out: &mut Vec<u8>, value: i64) {
    out.extend_from_slice(itoa::Buffer::new().format(value).as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn plain_keys_need_no_escaping() {
        for key in
            ["access-site", "v", "articles_JSON", "a b", "a\"b", "a\\b", "é", "a\n", "\u{7f}"]
        {
            let (mut name, mut text) = (Vec::new(), Vec::new());
            super::name(&mut name, key);
            string(&mut text, key);
            text.push(b':');
            let proper = ["access-site", "v", "articles_JSON"].contains(&key);
            assert_eq!(is_plain(key), proper, "{key:?}");
            assert!(!proper || name == text, "{key:?}");
        }
    }

    proptest! {
        #[test]
        fn longest_integer_is_the_longest(
            values in proptest::collection::vec(any::<(i64, u8)>(), 0..5)
        ) {
            let values: Vec<i64> =
                values.into_iter().map(|(value, shift)| value >> (shift % 64)).collect();
            let written = values.iter().map(|value| {
                let mut out = Vec::new();
                integer(&mut out, *value);
                out.len()
            });
            prop_assert_eq!(written.max().unwrap_or(0), longest_integer(&values));
        }
    }
}

//! Writing compact JSON, UTF-8 unescaped (contract §1.3, envelope).

/// Appends a string with its quotes. A slash and letters beyond ASCII stay as they are.
pub fn string(out: &mut Vec<u8>, text: &str) {
    // Writing to a Vec can't fail, and a str always serialises.
    let _ = serde_json::to_writer(&mut *out, text);
}

/// Appends whatever writes itself as a string.
pub fn value(out: &mut Vec<u8>, value: &impl serde::Serialize) {
    // As above.
    let _ = serde_json::to_writer(out, value);
}

/// How many bytes [`integer`] appends.
pub fn integer_length(value: i64) -> usize {
    let digits = value.unsigned_abs().checked_ilog10().unwrap_or(0) as usize + 1;
    digits + usize::from(value < 0)
}

/// Appends an integer.
pub fn integer(out: &mut Vec<u8>, value: i64) {
    out.extend_from_slice(itoa::Buffer::new().format(value).as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn an_integer_is_as_long_as_is_told(value: i64, shift in 0..64_u32) {
            for value in [value >> shift, 0, 9, 10, -1, i64::MIN, i64::MAX] {
                let mut out = Vec::new();
                integer(&mut out, value);
                prop_assert_eq!(out.len(), integer_length(value));
            }
        }
    }
}

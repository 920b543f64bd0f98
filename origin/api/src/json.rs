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

/// Appends an integer.
pub fn integer(out: &mut Vec<u8>, value: i64) {
    out.extend_from_slice(itoa::Buffer::new().format(value).as_bytes());
}

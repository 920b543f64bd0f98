//! The build of this program. Date and host come from variables of the build, so that builds are
//! reproducible.

pub const VERSION: &str = env!("CARGO_PKG_VERSION");
pub const BUILD_DATE: &str = known(option_env!("AQS_BUILD_DATE"));
pub const BUILD_HOST: &str = known(option_env!("AQS_BUILD_HOST"));
/// The compiler, as `rustc 1.95.0`.
pub const RUST_VERSION: &str = known(option_env!("AQS_RUST_VERSION"));

/// The value of a variable; unfilled templates leave it empty.
const fn known(value: Option<&'static str>) -> &'static str {
    match value {
        Some(text) if !text.is_empty() => text,
        _ => "unknown",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_absent_variable_is_unknown() {
        assert_eq!(known(None), "unknown");
        assert_eq!(known(Some("")), "unknown");
        assert_eq!(known(Some("today")), "today");
        assert!(RUST_VERSION.starts_with("rustc 1."), "{RUST_VERSION}");
    }
}

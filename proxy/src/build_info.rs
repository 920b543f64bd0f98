//! What this program was built from and by. Nothing of it is found out while building, so that
//! the same sources make the same program: whoever builds it stamps it by two variables.

/// Our version.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");
/// When it was built, if `AQS_BUILD_DATE` was set then.
pub const BUILD_DATE: &str = stamped(option_env!("AQS_BUILD_DATE"));
/// Where it was built, if `AQS_BUILD_HOST` was set then.
pub const BUILD_HOST: &str = stamped(option_env!("AQS_BUILD_HOST"));
/// The compiler, as `rustc 1.95.0`.
pub const RUST_VERSION: &str = stamped(option_env!("AQS_RUST_VERSION"));

/// What a stamp says; templates that nobody filled leave it empty.
const fn stamped(stamp: Option<&'static str>) -> &'static str {
    match stamp {
        Some(text) if !text.is_empty() => text,
        _ => "unknown",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_stamped_is_unknown() {
        assert_eq!(stamped(None), "unknown");
        assert_eq!(stamped(Some("")), "unknown");
        assert_eq!(stamped(Some("today")), "today");
        assert!(RUST_VERSION.starts_with("rustc 1."), "{RUST_VERSION}");
    }
}

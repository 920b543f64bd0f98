//! What a key is, and the macro that declares a section of them.

use serde_json::Value;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;

/// A key with all that the documentation tells of it.
#[derive(Clone, Debug)]
pub struct Key {
    /// Its name in its section.
    pub name: &'static str,
    /// What it means.
    pub meaning: String,
    /// What it takes.
    pub kind: Kind,
    /// What it is if nobody says; null if that depends.
    pub default: Value,
    /// What holds while it is null.
    pub unset: &'static str,
}

/// What a key takes.
#[derive(Clone, Debug)]
pub enum Kind {
    /// A value, in words.
    Value(String),
    /// Further keys.
    Section(Vec<Key>),
}

/// What can stand behind a key.
pub trait Described {
    /// What it takes.
    fn kind() -> Kind;
}

/// Values that have nothing to tell but a name.
macro_rules! plain {
    ($($kind:ty: $words:literal,)+) => {
        $(impl Described for $kind {
            fn kind() -> Kind {
                Kind::Value($words.to_owned())
            }
        })+
    };
}

plain! {
    String: "text",
    bool: "true or false",
    PathBuf: "path",
    SocketAddr: "address:port",
}

impl<T: Described> Described for BTreeMap<String, T> {
    fn kind() -> Kind {
        match T::kind() {
            Kind::Value(words) => Kind::Value(format!("for each name: {words}")),
            section @ Kind::Section(_) => section,
        }
    }
}

impl<T: Described> Described for Option<T> {
    fn kind() -> Kind {
        T::kind()
    }
}

impl<T: Described> Described for Vec<T> {
    fn kind() -> Kind {
        match T::kind() {
            Kind::Value(words) => Kind::Value(format!("list of {words}")),
            section @ Kind::Section(_) => section,
        }
    }
}

/// Declares a section: its keys with meaning, type and default.
///
/// An absent key and one without a value keep the default, as in the upstream services; an
/// unknown key is an error. A key whose default depends on something says so in `#[unset("...")]`.
macro_rules! keys {
    (
        $(#[doc = $about:literal])+
        pub struct $section:ident {
            $(
                $(#[doc = $doc:literal])+
                $(#[unset($unset:literal)])?
                $name:ident: $kind:ty = $default:expr,
            )+
        }
    ) => {
        $(#[doc = $about])+
        #[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
        pub struct $section {
            $($(#[doc = $doc])+ pub $name: $kind,)+
        }

        impl Default for $section {
            fn default() -> Self {
                Self { $($name: $default,)+ }
            }
        }

        impl<'de> serde::Deserialize<'de> for $section {
            fn deserialize<D: serde::Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
                #[derive(Default, serde::Deserialize)]
                #[serde(default, deny_unknown_fields, expecting = "keys with values")]
                struct Given {
                    $($name: Option<$kind>,)+
                }
                let given = Given::deserialize(input)?;
                let mut section = Self::default();
                $(if let Some(value) = given.$name {
                    section.$name = value;
                })+
                Ok(section)
            }
        }

        impl $crate::config::Described for $section {
            fn kind() -> $crate::config::Kind {
                let defaults = Self::default();
                $crate::config::Kind::Section(vec![$($crate::config::Key {
                    name: stringify!($name),
                    meaning: concat!($($doc, "\n"),+).trim().replace("\n ", " "),
                    kind: <$kind as $crate::config::Described>::kind(),
                    // None of these values can fail to be written.
                    default: serde_json::to_value(&defaults.$name).unwrap_or_default(),
                    unset: concat!($($unset)?),
                },)+])
            }
        }
    };
}

pub(super) use keys;

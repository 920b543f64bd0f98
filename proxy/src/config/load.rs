//! Reading and merging the sources.

use super::error::{ConfigError, Mistake, Origin};
use super::value_tree::{Node, Value};
use super::{Config, checks, warnings};
use clap::Args;
use clap::builder::{OsStringValueParser, TypedValueParser};
use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

/// The configuration file, and flags with precedence over it. Values are parsed with those of the
/// file and the environment, so that mistakes have the same messages and exit code.
#[derive(Debug, Default, Args, Clone)]
pub struct ConfigArgs {
    /// The configuration, as YAML; `aqs config-docs` lists its keys [env: AQS_CONFIG]
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Address of a public listener; may be given several times, port 0 is any free port
    /// [env: AQS_LISTEN] [default: 127.0.0.1:8080]
    #[arg(long, value_name = "ADDR")]
    pub listen: Vec<String>,
    /// Address or unix:PATH of an admin listener: health, metrics, purges, jobs
    /// [env: AQS_ADMIN_LISTEN] [default: 127.0.0.1:8081]
    #[arg(long, value_name = "ADDR")]
    pub admin_listen: Vec<String>,
    /// The embedded store to serve [env: AQS_STORE] [default: the bundled sample, built at first
    /// start]
    #[arg(long, value_name = "PATH", value_parser = any_path())]
    pub store: Option<PathBuf>,
    /// Directory of the state that survives restarts, such as purges [env: AQS_STATE] [default:
    /// aqs in the user's state folder]
    #[arg(long, value_name = "DIR", value_parser = any_path())]
    pub state: Option<PathBuf>,
    /// Memory for answers, as 512MiB or 2GiB [env: AQS_MEMORY] [default: half of the control
    /// group's limit, else a quarter of the machine]
    #[arg(long, value_name = "SIZE")]
    pub memory: Option<String>,
}

/// Takes empty paths, too: they are reported with the other mistakes of the configuration.
fn any_path() -> impl TypedValueParser<Value = PathBuf> {
    OsStringValueParser::new().map(PathBuf::from)
}

/// Looks variables up.
pub type Environment<'a> = &'a dyn Fn(&str) -> Option<OsString>;

/// A valid configuration.
#[derive(Debug)]
pub struct Loaded {
    pub config: Config,
    /// What is allowed but probably not intended; it is logged.
    pub warnings: Vec<String>,
}

/// The variable that names the file, as `--config` does.
pub(super) const FILE: &str = "AQS_CONFIG";
/// Other variables with the keys they set.
pub(super) const VARIABLES: [(&str, &str); 9] = [
    ("AQS_LISTEN", "listen"),
    ("AQS_ADMIN_LISTEN", "admin.listen"),
    ("AQS_STORE", "store.path"),
    ("AQS_STATE", "state"),
    ("AQS_MEMORY", "memory"),
    ("AQS_LOG", "log.filter"),
    ("AQS_LOG_FORMAT", "log.format"),
    ("CASSANDRA_USERNAME", "cassandra.authentication.username"),
    ("CASSANDRA_PASSWORD", "cassandra.authentication.password"),
];
/// The size from which a file is no configuration.
const MAX_FILE: u64 = 1 << 20;
/// More mistakes are not reported.
const MAX_MISTAKES: usize = 50;

/// The environment of this process.
pub fn process_environment(name: &str) -> Option<OsString> {
    std::env::var_os(name)
}

/// Reads file, environment and flags, each over the one before, and checks the result.
pub fn load(flags: &ConfigArgs, variables: Environment<'_>) -> Result<Loaded, ConfigError> {
    let named = || variables(FILE).filter(|path| !path.is_empty());
    let path = flags.config.clone().or_else(|| named().map(PathBuf::from));
    let bytes = match &path {
        Some(path) => {
            read(path).map_err(|source| ConfigError::Unreadable { path: path.clone(), source })?
        }
        None => Vec::new(),
    };
    let mut sources = Sources::default();
    sources.add_file(&bytes);
    let credentials = sources.add_environment(variables);
    sources.add_flags(flags);
    let config = sources.finish(path.as_deref())?;
    Ok(Loaded { warnings: warnings::of(&config, credentials), config })
}

/// Reads the content of a file that errors call `path`, and checks it.
pub fn from_bytes(path: &Path, bytes: &[u8]) -> Result<Config, ConfigError> {
    let mut sources = Sources::default();
    sources.add_file(bytes);
    sources.finish(Some(path))
}

/// Reads a file, which may be a pipe.
fn read(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path)?.take(MAX_FILE + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > MAX_FILE {
        let message = "it is longer than 1 MiB, which no configuration is";
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, message));
    }
    Ok(bytes)
}

/// The sources merged so far.
struct Sources {
    document: Node,
    mistakes: Vec<Mistake>,
}

impl Default for Sources {
    fn default() -> Self {
        Self { document: Node::null(Origin::Default), mistakes: Vec::new() }
    }
}

impl Sources {
    fn add_file(&mut self, bytes: &[u8]) {
        let Ok(text) = std::str::from_utf8(bytes) else {
            return self.mistakes.push(Mistake::new(None, "not UTF-8"));
        };
        match Node::parse(text) {
            Ok(file) => {
                if let Some(Node { origin, value: Value::Null }) = file.get("cassandra") {
                    let message = "cassandra: the section is empty; remove it, or write \
                                   `cassandra: {}` for a cluster with the defaults";
                    self.mistakes.push(Mistake::new(Some(*origin), message));
                }
                self.document = file;
            }
            Err(mistakes) => self.mistakes.extend(mistakes),
        }
    }

    /// Returns the number of variables with credentials. An empty variable counts as absent, since
    /// unfilled templates leave it.
    fn add_environment(&mut self, variables: Environment<'_>) -> usize {
        let mut credentials = 0;
        for (name, key) in VARIABLES {
            let Some(value) = variables(name).filter(|value| !value.is_empty()) else { continue };
            if name.starts_with("CASSANDRA_") {
                credentials += 1;
                if !self.is_given("cassandra") {
                    continue;
                }
            }
            self.set(name, key, [value]);
        }
        credentials
    }

    fn add_flags(&mut self, flags: &ConfigArgs) {
        let ConfigArgs { config: _, listen, admin_listen, store, state, memory } = flags;
        self.set("--listen", "listen", listen);
        self.set("--admin-listen", "admin.listen", admin_listen);
        self.set("--store", "store.path", store);
        self.set("--state", "state", state);
        self.set("--memory", "memory", memory);
    }

    /// Sets a key to what a variable or a flag says; lists are separated by commas.
    fn set(
        &mut self,
        name: &'static str,
        key: &str,
        values: impl IntoIterator<Item = impl Into<OsString>>,
    ) {
        let origin = Origin::Named(name);
        let mut texts = Vec::new();
        for value in values {
            match value.into().into_string() {
                Ok(text) => texts.push(text),
                Err(_) => self.mistakes.push(Mistake::new(Some(origin), "not UTF-8")),
            }
        }
        let node = match texts.as_slice() {
            [] => return,
            texts if key.ends_with("listen") => {
                let items = texts.iter().flat_map(|text| text.split(','));
                let items = items.map(|item| Node::text(item.trim(), origin)).collect();
                Node { origin, value: Value::List(items) }
            }
            [text, ..] => Node::text(text, origin),
        };
        self.document.set(key, node);
    }

    fn is_given(&self, key: &str) -> bool {
        self.document.get(key).is_some_and(|node| !matches!(node.value, Value::Null))
    }

    /// The configuration, if it has no mistakes.
    fn finish(mut self, file: Option<&Path>) -> Result<Config, ConfigError> {
        self.derive_read_deadline();
        if matches!(self.document.value, Value::Null) {
            self.document.value = Value::Map(Vec::new());
        }
        let config = loop {
            match serde_path_to_error::deserialize(&self.document) {
                Ok(config) => break config,
                // The rest is read without the value, to find what else is wrong.
                Err(error) => {
                    let (path, error) = (error.path(), error.inner());
                    let origin = self.document.origin_at(path, error.is_key);
                    self.mistakes.push(Mistake::at(origin, path, error.to_string()));
                    if !self.document.remove(path) || self.mistakes.len() >= MAX_MISTAKES {
                        break Config::default();
                    }
                }
            }
        };
        if !self.mistakes.is_empty() {
            return Err(ConfigError::of(self.mistakes, file));
        }
        let contradictions = checks::contradictions(&config);
        if contradictions.is_empty() {
            Ok(config)
        } else {
            Err(ConfigError::Invalid(contradictions))
        }
    }

    /// Upstream's `context_timeout` is the deadline of reads, unless `read_within` is given.
    fn derive_read_deadline(&mut self) {
        const KEY: &str = "cassandra.read_within";
        if let Some(Node { value: Value::Scalar { text, .. }, origin }) =
            self.document.get("context_timeout")
            && text.bytes().all(|byte| byte.is_ascii_digit())
            && self.is_given("cassandra")
            && !self.is_given(KEY)
        {
            let deadline = Node::text(&format!("{text}ms"), *origin);
            self.document.set(KEY, deadline);
        }
    }
}

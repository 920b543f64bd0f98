//! What commands have in common that speak to a running server: finding its admin listener and
//! its token, asking, and telling what went wrong.

use crate::admin::{Token, TokenError};
use crate::cli::ConfigArgs;
use crate::config::{self, ConfigError, Environment};
use crate::house::{ADDRESS_FILE, StatePlace, TOKEN_FILE};
use crate::place::Place;
use crate::settings::Settings;
use aqs_origin::epochs::StateDirectory;
use clap::Args;
use reqwest::Method;
use serde::de::DeserializeOwned;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;
use thiserror::Error;
use tokio::runtime::Runtime;

/// How long a server may take to answer.
const PATIENCE: Duration = Duration::from_secs(30);
/// How long it may take for what it has to read for.
const LONG_PATIENCE: Duration = Duration::from_secs(600);
/// What to do if no server is found.
const NAME_IT: &str = "name it with --admin, or with --config or --state what it was started with";

/// Which server, and how it knows us.
#[derive(Debug, Default, Args)]
pub struct ServerArgs {
    /// The admin listener, as http://HOST:PORT or unix:PATH [default: that of the server on this
    /// machine]
    #[arg(long, global = true, value_name = "URL")]
    pub admin: Option<String>,
    /// The file with its token [default: that of the server on this machine]
    #[arg(long, global = true, value_name = "FILE")]
    pub token_file: Option<PathBuf>,
    /// The configuration of the server on this machine [env: AQS_CONFIG]
    #[arg(long, global = true, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// The state directory by which the server on this machine is found [env: AQS_STATE]
    /// [default: as its configuration says, else aqs in the user's state folder]
    #[arg(long, global = true, value_name = "DIR")]
    pub state: Option<PathBuf>,
}

/// A server can't be asked, or says no.
#[derive(Debug, Error)]
pub enum AdminError {
    /// No server left word where it listens.
    #[error("no aqs seems to run here ({file}: {source}); {NAME_IT}")]
    Nowhere {
        /// Where it would have left word.
        file: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// A server left word where it listened, and is gone.
    #[error("no aqs seems to run here (nobody uses {0}); {NAME_IT}")]
    Gone(PathBuf),
    /// The server that left word listens elsewhere than the configuration says.
    #[error(
        "the aqs that keeps its state in {state} listens at {place}, where the configuration has no listener; \
         {NAME_IT}"
    )]
    Another {
        /// Where it listens.
        place: String,
        /// Where it left word.
        state: PathBuf,
    },
    /// There is no state directory to look in.
    #[error("there is no state directory to find it by; name it with {0}")]
    Stateless(&'static str),
    /// The admin listener's name is none.
    #[error("`{0}` is no admin listener such as http://127.0.0.1:8081 or unix:/run/aqs/admin")]
    Unclear(String),
    /// The token can't be had.
    #[error("the admin token: {0}; name its file with --token-file")]
    Token(#[from] TokenError),
    /// The configuration is bad.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// Nothing can be sent.
    #[error("nothing can be sent: {0}")]
    Client(String),
    /// The server says something else than it should.
    #[error("what {place} answers can't be understood ({reason}); is it another version of aqs?")]
    Foreign {
        /// Where it was asked.
        place: String,
        /// What was expected.
        reason: serde_json::Error,
    },
    /// Nobody answers.
    #[error("no server answers at {place}: {reason}")]
    Silent {
        /// Where it was asked.
        place: String,
        /// What the system says.
        reason: String,
    },
    /// The server refuses.
    #[error("{place} refused with {status}: {detail}{token}")]
    Refused {
        /// Where it was asked.
        place: String,
        /// The status.
        status: u16,
        /// Why.
        detail: String,
        /// Which token it was shown, if it refuses for that.
        token: String,
    },
}

/// What a server is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Intent {
    /// Only to tell something: it may do so for everybody, so the token is sent if there is one.
    Look,
    /// To do something: it wants the token.
    Act,
}

/// The token for a server and where it is from, or why there is none.
#[derive(Debug)]
enum Shown {
    Token { token: Token, file: PathBuf },
    None { reason: String },
}

impl Shown {
    /// What a refusal for the token is to be understood by.
    fn words(&self) -> String {
        match self {
            Self::Token { file, .. } => {
                format!(" (it was shown that of {}; --token-file names another)", file.display())
            }
            Self::None { reason } => {
                format!(" (it was shown none: {reason}; name the token's file with --token-file)")
            }
        }
    }
}

/// A server's admin listener, and the token for it.
pub struct AdminClient {
    runtime: Runtime,
    client: reqwest::Client,
    /// What stands before a target.
    base: String,
    /// The listener as people call it.
    place: String,
    /// Whether it is this machine's, whatever address it listens on.
    local: bool,
    token: Shown,
}

impl AdminClient {
    /// Finds the server that flags name, or else the one of this machine.
    pub fn find(
        args: &ServerArgs,
        intent: Intent,
        variables: Environment<'_>,
    ) -> Result<Self, AdminError> {
        let found = Found::by(args, variables)?;
        let token = found.token(intent, args.token_file.is_some())?;
        let failed = |error: &dyn std::error::Error| AdminError::Client(error.to_string());
        // The token is for nobody between.
        let mut client = reqwest::Client::builder().connect_timeout(PATIENCE).no_proxy();
        let base = match found.admin.parse() {
            Ok(Place::Unix(path)) => {
                client = client.unix_socket(path);
                "http://localhost".to_owned()
            }
            Ok(Place::Tcp(address)) => format!("http://{address}"),
            Err(_) if found.admin.starts_with("http://") => {
                found.admin.trim_end_matches('/').to_owned()
            }
            Err(_) => return Err(AdminError::Unclear(found.admin)),
        };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|error| failed(&error))?;
        let client = client.build().map_err(|error| failed(&error))?;
        let Found { admin: place, local, .. } = found;
        Ok(Self { runtime, client, base, place, local, token })
    }

    /// Gets a target, and gives the answer's text.
    pub fn get(&self, target: &str) -> Result<String, AdminError> {
        self.run(self.ask(Method::GET, target, PATIENCE))
    }

    /// Posts to a target, and gives the answer's text.
    pub fn post(&self, target: &str) -> Result<String, AdminError> {
        self.run(self.ask(Method::POST, target, PATIENCE))
    }

    /// The same, for what takes longer.
    pub fn post_patiently(&self, target: &str) -> Result<String, AdminError> {
        self.run(self.ask(Method::POST, target, LONG_PATIENCE))
    }

    /// Deletes a target, and gives the answer's text.
    pub fn delete(&self, target: &str) -> Result<String, AdminError> {
        self.run(self.ask(Method::DELETE, target, PATIENCE))
    }

    /// Understands what the server answered.
    pub fn understand<T: DeserializeOwned>(&self, text: &str) -> Result<T, AdminError> {
        let place = || self.place.clone();
        serde_json::from_str(text).map_err(|reason| AdminError::Foreign { place: place(), reason })
    }

    /// Runs what asks more than once, or waits between.
    pub fn run<T>(&self, work: impl Future<Output = T>) -> T {
        self.runtime.block_on(work)
    }

    /// Posts to a target, and gives the answer's text, while something else is awaited too.
    pub async fn start(&self, target: &str) -> Result<String, AdminError> {
        self.ask(Method::POST, target, PATIENCE).await
    }

    /// Gets a target, and gives the answer's text, while something else is awaited too.
    pub async fn look_at(&self, target: &str) -> Result<String, AdminError> {
        self.ask(Method::GET, target, PATIENCE).await
    }

    async fn ask(
        &self,
        method: Method,
        target: &str,
        patience: Duration,
    ) -> Result<String, AdminError> {
        let silent = |error: reqwest::Error| {
            // The innermost reason is the system's.
            let mut reason: &dyn std::error::Error = &error;
            while let Some(source) = reason.source() {
                reason = source;
            }
            AdminError::Silent { place: self.place.clone(), reason: reason.to_string() }
        };
        let mut request = self.client.request(method.clone(), format!("{}{target}", self.base));
        request = request.timeout(patience);
        if let Shown::Token { token, .. } = &self.token {
            request = request.bearer_auth(token.secret());
        }
        if method == Method::POST {
            request = request.header("content-length", "0");
        }
        if self.local {
            // A name that writes are taken for.
            request = request.header("host", "localhost");
        }
        let response = request.send().await.map_err(silent)?;
        let status = response.status();
        let text = response.text().await.map_err(silent)?;
        if status.is_success() {
            return Ok(text);
        }
        let problem: serde_json::Value = serde_json::from_str(&text).unwrap_or_default();
        let detail = problem["detail"].as_str().unwrap_or("the server did not say why");
        Err(AdminError::Refused {
            place: self.place.clone(),
            status: status.as_u16(),
            detail: detail.to_owned(),
            token: if status.as_u16() == 401 { self.token.words() } else { String::new() },
        })
    }
}

/// Appends a value of a query to a target.
pub fn push_value(target: &mut String, value: &str) {
    // Stricter than a path needs it: a query has delimiters of its own.
    for byte in value.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'/' => {
                target.push(char::from(byte));
            }
            other => target.push_str(&format!("%{other:02X}")),
        }
    }
}

/// Where a server is and where its token is.
#[derive(Debug, PartialEq, Eq)]
struct Found {
    admin: String,
    /// `None` if there is no state directory that could have it.
    token_file: Option<PathBuf>,
    local: bool,
}

impl Found {
    fn by(args: &ServerArgs, variables: Environment<'_>) -> Result<Self, AdminError> {
        // A server elsewhere has nothing to do with what is configured here.
        if let (Some(admin), Some(token_file)) = (&args.admin, &args.token_file) {
            let (admin, token_file) = (admin.clone(), Some(token_file.clone()));
            return Ok(Self { admin, token_file, local: false });
        }
        let (state, named) = configured(args, variables)?;
        let admin = match &args.admin {
            Some(admin) => admin.clone(),
            None => {
                let state = state.as_deref().ok_or(AdminError::Stateless("--admin"))?;
                told(state, named.as_deref())?
            }
        };
        let beside = || state.map(|state| state.join(TOKEN_FILE));
        let token_file = args.token_file.clone().or_else(beside);
        Ok(Self { admin, token_file, local: args.admin.is_none() })
    }

    /// The token; or none, if it is only to look and nobody named a file that must have it.
    fn token(&self, intent: Intent, named: bool) -> Result<Shown, AdminError> {
        let read = match &self.token_file {
            Some(file) => match Token::read(file) {
                Ok(token) => Ok(Shown::Token { token, file: file.clone() }),
                Err(error) => Err(AdminError::Token(error)),
            },
            None => Err(AdminError::Stateless("--token-file")),
        };
        match read {
            Err(AdminError::Token(error)) if intent == Intent::Look && !named => {
                Ok(Shown::None { reason: error.to_string() })
            }
            Err(AdminError::Stateless(_)) if intent == Intent::Look => {
                Ok(Shown::None { reason: "there is no state directory".to_owned() })
            }
            read => read,
        }
    }
}

/// The state directory that `serve` would have, were it told the same; and where it would listen,
/// if that has to be looked at: in the folder of who is told nothing, a server may leave word that
/// was told something else.
fn configured(
    args: &ServerArgs,
    variables: Environment<'_>,
) -> Result<(Option<PathBuf>, Option<Vec<Place>>), ConfigError> {
    let (config, state) = (args.config.clone(), args.state.clone());
    let flags = ConfigArgs { config, state, ..ConfigArgs::default() };
    let Settings { state, admin_listen, .. } = config::load(&flags, variables)?.config.settings();
    Ok(match state {
        StatePlace::At(path) => (Some(path), None),
        StatePlace::IfPossible(path) => {
            let named =
                Some(admin_listen).filter(|named| *named != Settings::default().admin_listen);
            (Some(path), named)
        }
        StatePlace::Nowhere => (None, None),
    })
}

/// Whether a listener may have left word of a place: one of any port has another there, and one of
/// any address is told by that of loopback.
fn is(named: &Place, told: &str) -> bool {
    match (named, told.parse()) {
        (Place::Tcp(named), Ok(Place::Tcp(told))) => {
            named.port() == 0 || named.port() == told.port()
        }
        (named, Ok(told)) => *named == told,
        (_, Err(_)) => false,
    }
}

/// Where the server of this machine listens, which it leaves in its state directory.
///
/// One that crashed took nothing back, and somebody else may listen there by now: they must not
/// be shown the token.
fn told(state: &Path, named: Option<&[Place]>) -> Result<String, AdminError> {
    let file = state.join(ADDRESS_FILE);
    let place = match std::fs::read_to_string(&file) {
        Ok(place) => place.trim().to_owned(),
        Err(source) => return Err(AdminError::Nowhere { file, source }),
    };
    match StateDirectory::is_held(state) {
        Ok(true) if named.is_none_or(|named| named.iter().any(|named| is(named, &place))) => {
            Ok(place)
        }
        Ok(true) => Err(AdminError::Another { place, state: state.to_owned() }),
        Ok(false) => Err(AdminError::Gone(state.to_owned())),
        Err(source) => Err(AdminError::Nowhere { file: state.to_owned(), source }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    fn find(args: &ServerArgs, variables: &[(&str, &Path)]) -> Result<Found, String> {
        let look = |name: &str| {
            let found = variables.iter().find(|(known, _)| *known == name);
            found.map(|(_, path)| path.as_os_str().to_owned())
        };
        Found::by(args, &look).map_err(|error| error.to_string())
    }

    #[test]
    fn it_is_found_by_the_state_that_serve_would_have() {
        let folder = tempfile::tempdir().unwrap();
        let mut held = Vec::new();
        let mut state = |name: &str| {
            let path = folder.path().join(name);
            held.push(StateDirectory::open(&path).unwrap());
            fs::write(path.join(ADDRESS_FILE), format!("unix:/{name}\n")).unwrap();
            path
        };
        let (flag, variable, key) = (state("flag"), state("variable"), state("key"));
        let config = folder.path().join("aqs.yaml");
        fs::write(&config, format!("state: {}\n", key.display())).unwrap();
        let found = |place: &str, state: &Path| {
            let (admin, token_file) = (place.to_owned(), Some(state.join(TOKEN_FILE)));
            Ok(Found { local: admin.starts_with("unix:"), admin, token_file })
        };
        let mut args = ServerArgs::default();
        let by_config = [("AQS_CONFIG", config.as_path())];
        assert_eq!(find(&args, &by_config), found("unix:/key", &key));
        let by_both = [by_config[0], ("AQS_STATE", variable.as_path())];
        assert_eq!(find(&args, &by_both), found("unix:/variable", &variable));
        args.config = Some(config.clone());
        assert_eq!(find(&args, &[]), found("unix:/key", &key));
        args.state = Some(flag.clone());
        assert_eq!(find(&args, &by_both), found("unix:/flag", &flag));
        args.admin = Some("http://there:1".to_owned());
        assert_eq!(find(&args, &[]), found("http://there:1", &flag));
        // With both flags nothing of this machine is looked at.
        args.token_file = Some("token".into());
        args.config = Some("/no/such/file".into());
        let admin = "http://there:1".to_owned();
        let there = Found { admin, token_file: Some("token".into()), local: false };
        assert_eq!(find(&args, &[]), Ok(there));
    }

    #[test]
    fn a_server_that_listens_elsewhere_than_is_configured_is_another() {
        let folder = tempfile::tempdir().unwrap();
        let _held = StateDirectory::open(folder.path()).unwrap();
        fs::write(folder.path().join(ADDRESS_FILE), "127.0.0.1:8081\n").unwrap();
        for (listens, found) in [
            (&["127.0.0.1:8097"][..], false),
            (&["127.0.0.1:8097", "unix:/there"], false),
            (&["127.0.0.1:8097", "0.0.0.0:8081"], true),
            (&["127.0.0.1:0"], true),
            (&["127.0.0.1:8081"], true),
        ] {
            let named: Vec<Place> = listens.iter().map(|place| place.parse().unwrap()).collect();
            assert_eq!(told(folder.path(), Some(&named)).is_ok(), found, "{listens:?}");
        }
        let named = [Place::Tcp(([127, 0, 0, 1], 8097).into())];
        let error = told(folder.path(), Some(&named)).unwrap_err().to_string();
        assert!(error.contains("listens at 127.0.0.1:8081") && error.ends_with(NAME_IT), "{error}");
        // Where it is not looked at, and where a state is named: that names the server, too.
        assert!(told(folder.path(), None).is_ok());
        let config = folder.path().join("aqs.yaml");
        fs::write(&config, "admin: {listen: ['127.0.0.1:8097']}\n").unwrap();
        let state = Some(folder.path().to_owned());
        let mut args = ServerArgs { config: Some(config), state, ..ServerArgs::default() };
        assert_eq!(configured(&args, &|_| None).unwrap().1, None);
        args.state = None;
        assert_eq!(configured(&args, &|_| None).unwrap().1, Some(named.to_vec()));
        args.config = None;
        assert_eq!(configured(&args, &|_| None).unwrap().1, None);
    }

    #[test]
    fn what_is_missing_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let mut args =
            ServerArgs { state: Some(folder.path().to_owned()), ..ServerArgs::default() };
        let said = |args: &ServerArgs| match AdminClient::find(args, Intent::Act, &|_| None) {
            Ok(_) => panic!("it was found"),
            Err(error) => error.to_string(),
        };
        let looks = |args: &ServerArgs| AdminClient::find(args, Intent::Look, &|_| None).is_ok();
        assert!(said(&args).starts_with("no aqs seems to run here ("), "{}", said(&args));
        fs::write(folder.path().join(ADDRESS_FILE), "127.0.0.1:1\n").unwrap();
        assert!(said(&args).starts_with("no aqs seems to run here (nobody"), "{}", said(&args));
        assert!(said(&args).ends_with(NAME_IT) && !looks(&args), "{}", said(&args));
        let _held = StateDirectory::open(folder.path()).unwrap();
        assert!(said(&args).contains("admin-token") && said(&args).contains("--token-file"));
        // Who only looks may need none; but one that is named must be there.
        assert!(looks(&args));
        args.token_file = Some(folder.path().join("none"));
        assert!(!looks(&args));
        args.token_file = None;
        Token::read_or_make(&folder.path().join(TOKEN_FILE)).unwrap();
        for wrong in ["there", "https://there", "unix:"] {
            args.admin = Some(wrong.to_owned());
            assert!(said(&args).contains("is no admin listener"), "{}", said(&args));
        }
    }

    #[test]
    fn a_token_is_called_by_its_file() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join(TOKEN_FILE);
        let found = |token_file| Found { admin: String::new(), token_file, local: false };
        let words = |found: Found| found.token(Intent::Look, false).unwrap().words();
        let stateless = words(found(None));
        assert!(stateless.contains("shown none: there is no state directory"), "{stateless}");
        assert!(found(None).token(Intent::Act, false).is_err());
        let path = file.display().to_string();
        let missing = words(found(Some(file.clone())));
        assert!(missing.contains(&format!("shown none: {path}: No such file")), "{missing}");
        Token::read_or_make(&file).unwrap();
        assert!(words(found(Some(file))).contains(&format!("shown that of {path}")));
    }

    #[test]
    fn values_keep_their_delimiters_to_themselves() {
        let mut target = String::from("/a?b=");
        push_value(&mut target, "Ä&c=d /e");
        assert_eq!(target, "/a?b=%C3%84%26c%3Dd%20/e");
    }
}

//! Which server a command means, and with which token: by what its flags name, or by the word that
//! a server of this machine left in its state directory.

use super::{AdminError, Intent, ServerArgs};
use crate::admin::Token;
use crate::cli::ConfigArgs;
use crate::config::{self, ConfigError, Environment};
use crate::listen_addr::ListenAddr;
use crate::server::{ADDRESS_FILE, StatePlace, TOKEN_FILE};
use crate::settings::Settings;
use aqs_origin::epochs::StateDirectory;
use std::path::{Path, PathBuf};

/// The token for a server and where it is from, or why there is none.
#[derive(Debug)]
pub(super) enum Shown {
    Token { token: Token, file: PathBuf },
    None { reason: String },
}

impl Shown {
    /// What a refusal for the token is to be understood by.
    pub(super) fn words(&self) -> String {
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

/// Where a server is and where its token is.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Found {
    pub(super) admin: String,
    /// `None` if there is no state directory that could have it.
    token_file: Option<PathBuf>,
    pub(super) local: bool,
}

impl Found {
    pub(super) fn by(args: &ServerArgs, variables: Environment<'_>) -> Result<Self, AdminError> {
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
    pub(super) fn token(&self, intent: Intent, named: bool) -> Result<Shown, AdminError> {
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
) -> Result<(Option<PathBuf>, Option<Vec<ListenAddr>>), ConfigError> {
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

/// Whether a listener may have left word of a place: one of any port has another there.
fn is(named: &ListenAddr, told: &ListenAddr) -> bool {
    match (named.reached(), told) {
        (ListenAddr::Tcp(named), ListenAddr::Tcp(told)) if named.port() == 0 => {
            named.ip() == told.ip()
        }
        (named, told) => named == *told,
    }
}

/// Where the server of this machine listens, which it leaves in its state directory.
///
/// One that crashed took nothing back, and somebody else may listen there by now: they must not
/// be shown the token.
fn told(state: &Path, named: Option<&[ListenAddr]>) -> Result<String, AdminError> {
    let file = state.join(ADDRESS_FILE);
    let place = match std::fs::read_to_string(&file) {
        Ok(place) => place.trim().to_owned(),
        Err(source) => return Err(AdminError::Nowhere { file, source }),
    };
    match StateDirectory::is_held(state) {
        Ok(true)
            if named.is_none_or(|named| {
                place.parse().is_ok_and(|told| named.iter().any(|named| is(named, &told)))
            }) =>
        {
            Ok(place)
        }
        Ok(true) => Err(AdminError::Another { place, state: state.to_owned() }),
        Ok(false) => Err(AdminError::Gone(state.to_owned())),
        Err(source) => Err(AdminError::Nowhere { file: state.to_owned(), source }),
    }
}

#[cfg(test)]
mod tests {
    use super::super::{AdminClient, NAME_IT};
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
            (&["127.0.0.2:0"], false),
            (&["127.0.0.2:8081"], false),
            (&["127.0.0.1:8081"], true),
        ] {
            let named: Vec<ListenAddr> =
                listens.iter().map(|place| place.parse().unwrap()).collect();
            assert_eq!(told(folder.path(), Some(&named)).is_ok(), found, "{listens:?}");
        }
        let named = [ListenAddr::Tcp(([127, 0, 0, 1], 8097).into())];
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
        Token::read_or_create(&folder.path().join(TOKEN_FILE)).unwrap();
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
        Token::read_or_create(&file).unwrap();
        assert!(words(found(Some(file))).contains(&format!("shown that of {path}")));
    }
}

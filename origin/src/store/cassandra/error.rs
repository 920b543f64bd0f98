//! What went wrong with a cluster, in words that tell what to do about it.

use super::decode::CellError;
use super::options::Options;
use super::read::ReadError;
use super::tls::CaError;
use crate::store::StoreError;
use scylla::errors::{
    ConnectionError, ConnectionPoolError, ConnectionSetupRequestErrorKind, DbError, ExecutionError,
    MetadataError, NewSessionError, PrepareError, RequestAttemptError,
};
use std::io;
use std::time::Duration;
use thiserror::Error;

/// There is no session with a cluster.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ConnectError {
    /// The authority's certificates can't be had.
    #[error(transparent)]
    Ca(#[from] CaError),
    /// It was not opened in time.
    #[error("no session could be opened in {} s: nodes take connections and don't answer", within.as_secs())]
    Slow {
        /// In what time.
        within: Duration,
    },
    /// Nobody is in the data centre that is asked for.
    #[error(
        "no node is in the data centre {asked:?} (cassandra.local_dc); there are: {}",
        there.join(", ")
    )]
    NoSuchCentre {
        /// Which.
        asked: String,
        /// Where nodes are.
        there: Vec<String>,
    },
    /// No contact point would have us.
    #[error("{hint} ({source})")]
    Refused {
        /// What is likely to be wrong.
        hint: String,
        /// What the driver says.
        source: Box<NewSessionError>,
    },
}

impl ConnectError {
    /// The driver's error, with what is likely to be wrong.
    pub(super) fn of(error: NewSessionError, options: &Options) -> Self {
        Self::Refused { hint: hint(&error, options), source: Box::new(error) }
    }
}

fn hint(error: &NewSessionError, options: &Options) -> String {
    let hosts = options.contact_points().join(", ");
    match error {
        NewSessionError::EmptyKnownNodesList => {
            "no host is named; say in cassandra.hosts where Cassandra is".to_owned()
        }
        NewSessionError::FailedToResolveAnyHostname(_) => {
            format!("none of the names in cassandra.hosts can be resolved: {hosts}")
        }
        NewSessionError::MetadataError(MetadataError::ConnectionPoolError(
            ConnectionPoolError::Broken { last_connection_error },
        )) => match last_connection_error {
            ConnectionError::IoError(error) => io_hint(error, &hosts, options),
            ConnectionError::ConnectTimeout => {
                format!(
                    "{hosts}: no answer; is that the address, and does a firewall let us through?"
                )
            }
            ConnectionError::BrokenConnection(_) => broken_hint(&hosts, options),
            ConnectionError::ConnectionSetupRequestError(error) => {
                setup_hint(error.get_error(), &hosts, options)
            }
            _ => format!("{hosts}: no connection"),
        },
        _ => format!("{hosts}: no session"),
    }
}

fn io_hint(error: &io::Error, hosts: &str, options: &Options) -> String {
    let tls = error.get_ref().is_some_and(|inner| inner.is::<rustls::Error>());
    match (&options.ca, error.kind()) {
        (Some(ca), _) if tls => format!(
            "{hosts}: TLS failed; are its certificates signed by the authority in {} \
             (cassandra.tls.ca), and does this port speak TLS?",
            ca.display()
        ),
        (_, io::ErrorKind::ConnectionRefused) => format!(
            "{hosts}: connection refused; does Cassandra run there, and are cassandra.hosts and \
             cassandra.port right?"
        ),
        (Some(_), io::ErrorKind::UnexpectedEof | io::ErrorKind::ConnectionReset) => format!(
            "{hosts}: the connection was closed during the TLS handshake; does this port speak TLS?"
        ),
        _ => format!("{hosts}: no connection"),
    }
}

fn broken_hint(hosts: &str, options: &Options) -> String {
    match options.ca {
        None => format!(
            "{hosts}: the connection was closed before a session was opened; if this port speaks \
             TLS alone, name the authority in cassandra.tls.ca"
        ),
        Some(_) => format!("{hosts}: the connection was closed before a session was opened"),
    }
}

fn setup_hint(error: &ConnectionSetupRequestErrorKind, hosts: &str, options: &Options) -> String {
    let told_in = "cassandra.authentication, or CASSANDRA_USERNAME and CASSANDRA_PASSWORD";
    match (error, &options.credentials) {
        (ConnectionSetupRequestErrorKind::MissingAuthentication, _) => {
            format!(
                "{hosts}: it asks who we are, and nobody told a user and a password ({told_in})"
            )
        }
        (
            ConnectionSetupRequestErrorKind::DbError(DbError::AuthenticationError, _),
            Some(credentials),
        ) => format!(
            "{hosts}: the user {:?} or its password was not taken ({told_in})",
            credentials.username
        ),
        (ConnectionSetupRequestErrorKind::BrokenConnection(_), _) => broken_hint(hosts, options),
        _ => format!("{hosts}: the node refused a session"),
    }
}

/// What a failed read comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Class {
    /// Nobody could answer; trying again later can help.
    Unavailable,
    /// It took too long.
    Timeout,
    /// The tables may be others by now than those that the statements were made for.
    Changed,
    /// It failed.
    Failed,
}

impl Class {
    pub(super) fn of(error: &ReadError) -> Self {
        match error {
            ReadError::Late => Self::Timeout,
            ReadError::Execution(error) => execution(error),
            ReadError::Cell { error, .. } if matches!(**error, CellError::Elsewhere) => {
                Self::Failed
            }
            ReadError::Cell { .. } | ReadError::NoRows(_) | ReadError::Rows(_) => Self::Changed,
            ReadError::TooHeavy | ReadError::Key { .. } | ReadError::NoTimestamps => Self::Failed,
        }
    }

    /// Of what a statement can't be prepared for.
    pub(super) fn of_prepare(error: &PrepareError) -> Self {
        match error {
            PrepareError::ConnectionPoolError(_) => Self::Unavailable,
            PrepareError::AllAttemptsFailed { first_attempt } => attempt(first_attempt),
            _ => Self::Failed,
        }
    }

    /// The error for the asker.
    pub(super) fn error(self, store: &'static str, asked: String, reason: String) -> StoreError {
        match self {
            Self::Unavailable => {
                let reason = format!("{reason} (asked for {asked})");
                StoreError::Unavailable { store, reason }
            }
            Self::Timeout => StoreError::Timeout { store, asked: format!("{asked} ({reason})") },
            Self::Changed | Self::Failed => StoreError::Failed { store, asked, reason },
        }
    }
}

fn execution(error: &ExecutionError) -> Class {
    match error {
        ExecutionError::EmptyPlan | ExecutionError::ConnectionPoolError(_) => Class::Unavailable,
        ExecutionError::RequestTimeout(_) => Class::Timeout,
        ExecutionError::LastAttemptError(error) => attempt(error),
        ExecutionError::PrepareError(error) => Class::of_prepare(error),
        _ => Class::Failed,
    }
}

fn attempt(error: &RequestAttemptError) -> Class {
    match error {
        RequestAttemptError::BrokenConnectionError(_)
        | RequestAttemptError::UnableToAllocStreamId => Class::Unavailable,
        RequestAttemptError::RepreparedIdChanged { .. } => Class::Changed,
        RequestAttemptError::DbError(error, _) => match error {
            DbError::Unavailable { .. }
            | DbError::Overloaded
            | DbError::IsBootstrapping
            | DbError::RateLimitReached { .. }
            | DbError::AuthenticationError => Class::Unavailable,
            DbError::ReadTimeout { .. } | DbError::WriteTimeout { .. } => Class::Timeout,
            DbError::Invalid
            | DbError::SyntaxError
            | DbError::ConfigError
            | DbError::Unprepared { .. }
            | DbError::Unauthorized => Class::Changed,
            _ => Class::Failed,
        },
        _ => Class::Failed,
    }
}

/// What helps if a table may not be read.
pub(super) fn forbidden_hint(options: &Options, keyspace: &str) -> String {
    let user = options.credentials.as_ref().map_or("", |credentials| &credentials.username);
    format!(
        "the user {user:?} may not read it; GRANT SELECT ON KEYSPACE \"{keyspace}\" TO \"{user}\" helps"
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use scylla::statement::Consistency;

    fn class(error: DbError) -> Class {
        let error = RequestAttemptError::DbError(error, String::new());
        Class::of(&ExecutionError::LastAttemptError(error).into())
    }

    #[test]
    fn errors_are_told_apart() {
        let unavailable =
            DbError::Unavailable { consistency: Consistency::Quorum, required: 2, alive: 1 };
        let late = DbError::ReadTimeout {
            consistency: Consistency::Quorum,
            received: 1,
            required: 2,
            data_present: false,
        };
        let failed = DbError::ReadFailure {
            consistency: Consistency::Quorum,
            received: 1,
            required: 2,
            numfailures: 1,
            data_present: false,
        };
        for error in [unavailable, DbError::Overloaded, DbError::IsBootstrapping] {
            assert_eq!(class(error), Class::Unavailable);
        }
        assert_eq!(class(late), Class::Timeout);
        assert_eq!(class(failed), Class::Failed);
        assert_eq!(class(DbError::ServerError), Class::Failed);
        assert_eq!(class(DbError::Invalid), Class::Changed);
        assert_eq!(Class::of(&ReadError::Late), Class::Timeout);
        let execution = |error| Class::of(&ReadError::from(error));
        assert_eq!(execution(ExecutionError::EmptyPlan), Class::Unavailable);
        let waited = Duration::from_secs(5);
        assert_eq!(execution(ExecutionError::RequestTimeout(waited)), Class::Timeout);
        let pool =
            ConnectionPoolError::Broken { last_connection_error: ConnectionError::ConnectTimeout };
        assert_eq!(execution(ExecutionError::ConnectionPoolError(pool)), Class::Unavailable);
    }

    #[test]
    fn what_is_likely_to_be_wrong_is_told() {
        let refused = |error| {
            NewSessionError::MetadataError(MetadataError::ConnectionPoolError(
                ConnectionPoolError::Broken { last_connection_error: error },
            ))
        };
        let options = Options::default();
        let nobody = io::Error::from(io::ErrorKind::ConnectionRefused);
        let told = ConnectError::of(refused(nobody.into()), &options).to_string();
        assert!(told.contains("localhost:9042: connection refused"), "{told}");
        assert!(told.contains("cassandra.port"), "{told}");
        let unknown = NewSessionError::FailedToResolveAnyHostname(vec!["nowhere".to_owned()]);
        let told = ConnectError::of(unknown, &options).to_string();
        assert!(told.contains("cassandra.hosts can be resolved"), "{told}");
    }
}

//! The exit codes of the program.

use super::admin_client::AdminError;
use crate::config::ConfigError;
use std::error::Error;
use std::process::ExitCode;

/// How the program ends; the value is the exit code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    Done = 0,
    Failed = 1,
    /// clap uses this code, too.
    Usage = 2,
    Refused = 3,
    JobFailed = 4,
    Cancelled = 5,
    Differs = 6,
    TooLarge = 7,
    NotCompared = 8,
    /// `EX_USAGE` of sysexits.
    Misconfigured = 64,
    /// As shells report SIGINT.
    Interrupted = 130,
}

impl Exit {
    /// The meaning of each code, for `--help` and OPERATING.md.
    const MEANINGS: [(Self, &str); 11] = [
        (Self::Done, "success"),
        (Self::Failed, "failure; the message says why"),
        (
            Self::Usage,
            "wrong usage of the command line; or --token-file is missing for another machine",
        ),
        (Self::Refused, "warm: the checks refused the build; what is served is unchanged"),
        (Self::JobFailed, "warm: the job failed; what is served is unchanged"),
        (Self::Cancelled, "warm: the job was cancelled; what is served is unchanged"),
        (Self::Differs, "hot-set verify: a check failed"),
        (Self::TooLarge, "warm --dry-run: the plan would take more memory than allowed"),
        (
            Self::NotCompared,
            "hot-set verify: no check failed, but the store was not available to compare with",
        ),
        (Self::Misconfigured, "the configuration is wrong"),
        (Self::Interrupted, "interrupted by SIGINT; a job that was followed goes on"),
    ];

    /// The end of `--help`.
    pub fn help() -> String {
        let line = |(exit, meaning): (Self, &str)| format!("\n  {:>3}  {meaning}", exit as u8);
        let lines: String = Self::MEANINGS.into_iter().map(line).collect();
        format!("Exit codes:{lines}")
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        (exit as u8).into()
    }
}

impl From<&(dyn Error + 'static)> for Exit {
    fn from(error: &(dyn Error + 'static)) -> Self {
        match error.downcast_ref() {
            _ if error.is::<ConfigError>() => Self::Misconfigured,
            Some(AdminError::Config(_)) => Self::Misconfigured,
            Some(AdminError::TokenFileRequired(_)) => Self::Usage,
            _ => Self::Failed,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn operating_md_has_every_exit_code() {
        let page = include_str!("../../../config/OPERATING.md");
        for (exit, meaning) in Exit::MEANINGS {
            let row = format!("| {} | {meaning} |\n", exit as u8);
            assert!(page.contains(&row), "OPERATING.md lacks: {row}");
        }
    }
}

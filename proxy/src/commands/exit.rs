//! The exit codes of the program.

use super::admin_client::AdminError;
use crate::config::ConfigError;
use std::error::Error;
use std::process::ExitCode;

/// How the program ends; the value is the exit code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    Success = 0,
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

/// The meaning of each code, for the end of `--help`.
pub const HELP: &str = "\
Exit codes:
    0  success
    1  failure; the message says why
    2  wrong usage of the command line; or --token-file is missing for another machine
    3  warm: the checks refused the build; what is served is unchanged
    4  warm: the job failed or was skipped; what is served is unchanged
    5  warm: the job was cancelled; what is served is unchanged
    6  hot-set verify: a check failed
    7  warm --dry-run: the plan would take more memory than allowed
    8  hot-set verify: no check failed, but nothing could be compared with the store
   64  the configuration is wrong
  130  interrupted by SIGINT; a job that was followed goes on";

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
        for line in HELP.lines().skip(1) {
            let (code, meaning) = line.trim_start().split_once("  ").unwrap();
            let row = format!("| {code} | {meaning} |\n");
            assert!(page.contains(&row), "OPERATING.md lacks: {row}");
        }
    }
}

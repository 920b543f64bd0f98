//! The exit codes of the program, all of them.

use std::process::ExitCode;

/// How the program ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// It did what it was told.
    Done,
    /// It could not, for a reason that it told.
    Failed,
    /// Its words were not understood: clap ends it so.
    Usage,
    /// The checks refused what was built.
    Refused,
    /// The job failed.
    JobFailed,
    /// The job was cancelled.
    Cancelled,
    /// The hot set is not what it should be.
    Differs,
    /// The plan would take more memory than it may.
    TooLarge,
    /// The hot set could not be compared with the store.
    Uncompared,
    /// The configuration is bad: EX_USAGE of sysexits.
    Misconfigured,
    /// A signal ended it: what the shell says of a program that SIGINT ends.
    Interrupted,
}

impl Exit {
    /// All of them.
    pub const ALL: [Self; 11] = [
        Self::Done,
        Self::Failed,
        Self::Usage,
        Self::Refused,
        Self::JobFailed,
        Self::Cancelled,
        Self::Differs,
        Self::TooLarge,
        Self::Uncompared,
        Self::Misconfigured,
        Self::Interrupted,
    ];

    /// Its number.
    pub const fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Failed => 1,
            Self::Usage => 2,
            Self::Refused => 3,
            Self::JobFailed => 4,
            Self::Cancelled => 5,
            Self::Differs => 6,
            Self::TooLarge => 7,
            Self::Uncompared => 8,
            Self::Misconfigured => 64,
            Self::Interrupted => 130,
        }
    }

    /// What it means, for whoever runs the program.
    pub const fn meaning(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Failed => "something failed, as is told; no server could be asked, for instance",
            Self::Usage => "the words of the command line are not understood",
            Self::Refused => "warm: the checks refused the answers, what was served is served on",
            Self::JobFailed => "warm: the job failed, what was served is served on",
            Self::Cancelled => "warm: the job was cancelled, what was served is served on",
            Self::Differs => "hot-set verify: something is not as it should be",
            Self::TooLarge => "warm --dry-run: the plan would take more memory than it may",
            Self::Uncompared => {
                "hot-set verify: nothing is wrong, but nothing could be compared: the store is away"
            }
            Self::Misconfigured => "the configuration is wrong",
            Self::Interrupted => "interrupted; a job that was waited for goes on",
        }
    }

    /// All of them in words, for the end of `--help`.
    pub fn help() -> String {
        let line = |exit: Self| format!("\n  {:>3}  {}", exit.code(), exit.meaning());
        let lines: String = Self::ALL.into_iter().map(line).collect();
        format!("Exit codes:{lines}")
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        exit.code().into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_for_operators_has_each_of_them() {
        let page = include_str!("../../../config/OPERATING.md");
        for exit in Exit::ALL {
            let row = format!("| {} | {} |\n", exit.code(), exit.meaning());
            assert!(page.contains(&row), "OPERATING.md lacks: {row}");
        }
    }
}

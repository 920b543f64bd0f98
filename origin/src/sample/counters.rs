//! The sixteen counters: access × agent, nine of which determine the other seven.

/// Accesses in the order of keys and of the counters' columns.
pub(super) const ACCESSES: [&str; 4] = ["all-access", "desktop", "mobile-app", "mobile-web"];
/// Agents in the order of keys and of the counters' columns.
pub(super) const AGENTS: [&str; 4] = ["all-agents", "automated", "spider", "user"];
/// The agent among [`AGENTS`] that old rows know nothing of.
pub(super) const AUTOMATED: usize = 1;

/// The counters that no sum gives: desktop, app, web × automated, spider, user.
pub(super) type Basics = [u64; 9];

/// All sixteen, in the order of the columns `aa ab as au da … mwu`.
pub(super) fn roll_up(basics: &Basics) -> [u64; 16] {
    let mut all = [0; 16];
    for (cell, value) in basics.iter().enumerate() {
        let (access, agent) = (cell / 3 + 1, cell % 3 + 1);
        for sum in [access * 4 + agent, access * 4, agent, 0] {
            all[sum] += value;
        }
    }
    all
}

/// Which basics a counter sums.
pub(super) fn covers(counter: usize, basic: usize) -> bool {
    let (access, agent) = (counter / 4, counter % 4);
    (access == 0 || access == basic / 3 + 1) && (agent == 0 || agent == basic % 3 + 1)
}

/// Basics from what each agent has by access.
pub(super) fn basics(automated: [u64; 3], spider: [u64; 3], user: [u64; 3]) -> Basics {
    let mut basics = [0; 9];
    for access in 0..3 {
        basics[access * 3] = automated[access];
        basics[access * 3 + 1] = spider[access];
        basics[access * 3 + 2] = user[access];
    }
    basics
}

/// The users among basics, by access.
pub(super) fn users(basics: &Basics) -> [u64; 3] {
    [basics[2], basics[5], basics[8]]
}

/// Adds other basics to some.
pub(super) fn add(sum: &mut Basics, more: &Basics) {
    for (sum, more) in sum.iter_mut().zip(more) {
        *sum += more;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_are_those_of_the_cells_they_cover() {
        let basics = [1, 20, 300, 4_000, 50_000, 600_000, 7_000_000, 80_000_000, 900_000_000];
        let all = roll_up(&basics);
        for (counter, value) in all.iter().enumerate() {
            let covered = (0..9).filter(|basic| covers(counter, *basic)).map(|basic| basics[basic]);
            assert_eq!(*value, covered.sum::<u64>(), "{counter}");
        }
        assert_eq!(all[3], 900_600_300);
    }
}

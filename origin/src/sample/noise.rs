//! Noise without a state: each figure depends on its own name and period alone, never on what
//! was generated before it.
//!
//! Written out rather than taken from a library, whose stream might change with its version.

/// Changing it changes every generated figure.
const SEED: u64 = 0x6171_732d_7361_6d70;
const GOLDEN: u64 = 0x9e37_79b9_7f4a_7c15;

/// A source of noise for one thing that has a name.
#[derive(Clone, Copy, Debug)]
pub(super) struct Noise(u64);

impl Noise {
    /// The noise of a name in parts (FNV-1a, then scrambled).
    pub(super) fn of(name: &[&str]) -> Self {
        let mut hash = 0xcbf2_9ce4_8422_2325 ^ SEED;
        for part in name {
            for byte in part.bytes().chain([0xff]) {
                hash = (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
            }
        }
        Self(scramble(hash))
    }

    /// The noise of a numbered part of the thing.
    pub(super) fn branch(self, number: u64) -> Self {
        Self(scramble(self.0 ^ scramble(number.wrapping_add(GOLDEN))))
    }

    /// 64 bits for a period.
    pub(super) fn at(self, period: u64) -> u64 {
        self.branch(period).0
    }

    /// A number below a bound (of at most 32 bits).
    pub(super) fn below(self, period: u64, bound: u64) -> u64 {
        ((self.at(period) >> 32) * bound) >> 32
    }

    /// About 1000, at most `spread` away, the middle more often than the edges.
    pub(super) fn around(self, period: u64, spread: u64) -> u64 {
        let bits = self.at(period);
        let half = |bits: u64| ((bits & 0xffff) * (spread + 1)) >> 16;
        1000 - spread.min(1000) + half(bits >> 48) + half(bits >> 32)
    }

    /// As [`Noise::around`], but wandering slowly: straight lines between every `step`-th period.
    pub(super) fn smooth(self, period: u64, step: u64, spread: u64) -> u64 {
        let (knot, way) = (period / step, period % step);
        let (from, to) = (self.around(knot, spread), self.around(knot + 1, spread));
        (from * (step - way) + to * way) / step
    }
}

/// The finaliser of splitmix64.
fn scramble(mut bits: u64) -> u64 {
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    bits ^ (bits >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_and_spreads_are_kept_and_used() {
        let noise = Noise::of(&["a", "test"]);
        let below: Vec<u64> = (0..2000).map(|n| noise.below(n, 7)).collect();
        assert!((0..7).all(|wanted| below.contains(&wanted)) && below.iter().all(|n| *n < 7));
        let around: Vec<u64> = (0..4000).map(|n| noise.around(n, 100)).collect();
        assert!(around.iter().all(|n| (900..=1100).contains(n)));
        assert!(around.iter().any(|n| *n < 920) && around.iter().any(|n| *n > 1080));
        let mean = around.iter().sum::<u64>() / 4000;
        assert!((995..=1005).contains(&mean), "{mean}");
    }

    #[test]
    fn slow_noise_makes_no_leaps() {
        let noise = Noise::of(&["slow"]);
        for day in 0..1000 {
            let (now, next) = (noise.smooth(day, 100, 300), noise.smooth(day + 1, 100, 300));
            assert!(now.abs_diff(next) <= 7, "{now} {next}");
        }
    }

    #[test]
    fn names_are_told_apart_by_their_parts() {
        assert_ne!(Noise::of(&["ab", "c"]).at(0), Noise::of(&["a", "bc"]).at(0));
        // Pinned: the same on every machine and in every version of this code.
        assert_eq!(Noise::of(&["en.wikipedia", "Banana"]).at(7), 9_328_392_220_064_920_014);
    }
}

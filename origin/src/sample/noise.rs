//! Noise without state: a value depends on its name and number only, never on what was generated
//! before it.
//!
//! It is written out here because a library's stream may change with its version. From integers
//! on, only + − × ÷ of `f64` are used, which IEEE 754 defines exactly, so that the output is the
//! same on every machine.

/// Changing the seed changes every generated value.
const SEED: u64 = 0x6171_732d_7361_6d70;

/// The noise of one named thing.
#[derive(Clone, Copy, Debug)]
pub(super) struct Noise(u64);

impl Noise {
    /// The noise of a name in parts: their FNV-1a hash, mixed.
    pub(super) fn of(parts: &[&str]) -> Self {
        let mut hash = 0xcbf2_9ce4_8422_2325 ^ SEED;
        for byte in parts.iter().flat_map(|part| part.bytes().chain([0xff])) {
            hash = (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
        }
        Self(mix(hash))
    }

    /// The noise of a numbered part.
    pub(super) fn branch(self, number: u64) -> Self {
        Self(mix(self.0 ^ mix(number.wrapping_add(0x9e37_79b9_7f4a_7c15))))
    }

    /// A value in `0.0..1.0`.
    pub(super) fn unit(self, number: u64) -> f64 {
        (self.branch(number).0 >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// A value in `0.0..1.0` that changes slowly: straight lines between every `step`-th value.
    pub(super) fn smooth(self, number: u64, step: u64) -> f64 {
        let (knot, way) = (number / step, (number % step) as f64 / step as f64);
        self.unit(knot) * (1.0 - way) + self.unit(knot + 1) * way
    }

    /// A whole number of about `mean`. Small means are not lost in the long run.
    pub(super) fn count(self, number: u64, mean: f64) -> u64 {
        let spread = 0.9 + 0.2 * self.branch(0).unit(number);
        (mean * spread + self.branch(1).unit(number)) as u64
    }
}

/// The finaliser of splitmix64.
fn mix(mut bits: u64) -> u64 {
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    bits ^ (bits >> 31)
}

//! Numbers at random that are the same in every run.

/// A small generator (xorshift64*), so that a run does not depend on a crate's version.
pub(crate) struct Random(u64);

impl Random {
    /// The fixed seed, or for a longer look that of `TOPOC_FUZZ_SEED`.
    pub(crate) fn new() -> Self {
        Self(number("TOPOC_FUZZ_SEED").unwrap_or(0x5eed_0000_7090_c0de).max(1))
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    pub(crate) fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.next() >> 33).unwrap_or(0) % bound.max(1)
    }

    pub(crate) fn of<'a>(&mut self, list: &[&'a str]) -> &'a str {
        list[self.below(list.len())]
    }

    /// A word of several.
    pub(crate) fn word<'a>(&mut self, words: &'a str) -> &'a str {
        let words: Vec<&str> = words.split_whitespace().collect();
        self.of(&words)
    }
}

/// A number that the process's environment gives.
pub(crate) fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

//! Chance: for names that nothing else has, for waiting a little longer or shorter, for faults.

use std::{
    hash::{BuildHasher as _, Hasher as _, RandomState},
    sync::atomic::{AtomicU64, Ordering},
};

/// A source of numbers that repeats itself when it begins with the same one (`SplitMix64`).
#[derive(Debug)]
pub(super) struct Dice(AtomicU64);

impl Dice {
    pub(super) const fn seeded(seed: u64) -> Self {
        Self(AtomicU64::new(seed))
    }

    pub(super) fn unknown() -> Self {
        Self::seeded(random())
    }

    fn next(&self) -> u64 {
        const STEP: u64 = 0x9e37_79b9_7f4a_7c15;
        let mut mixed = self.0.fetch_add(STEP, Ordering::Relaxed).wrapping_add(STEP);
        mixed = (mixed ^ mixed >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ mixed >> 31
    }

    /// A number from 0 up to and without 1.
    pub(super) fn fraction(&self) -> f64 {
        let bits = u32::try_from(self.next() >> 32).unwrap_or_default();
        f64::from(bits) / (f64::from(u32::MAX) + 1.0)
    }
}

/// A number that nobody knows: the standard library keys its hashes with the randomness of the system.
fn random() -> u64 {
    RandomState::new().build_hasher().finish()
}

/// A name that nothing else has, in the form of a random UUID (RFC 9562).
pub(super) fn uuid() -> String {
    let (high, low) = (random(), random());
    format!(
        "{:08x}-{:04x}-4{:03x}-{:04x}-{:012x}",
        high >> 32,
        high >> 16 & 0xffff,
        high & 0xfff,
        low >> 48 & 0x3fff | 0x8000,
        low & 0xffff_ffff_ffff
    )
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn names_are_all_different_and_look_as_they_should() {
        let names: BTreeSet<_> = (0..10_000).map(|_| uuid()).collect();
        assert_eq!(names.len(), 10_000);
        for name in names {
            let parts: Vec<_> = name.split('-').map(str::len).collect();
            assert_eq!(parts, [8, 4, 4, 4, 12], "{name}");
            assert!(name[14..].starts_with('4') && "89ab".contains(&name[19..20]), "{name}");
        }
    }

    #[test]
    fn fractions_are_spread_and_repeat_with_their_seed() {
        let draw = |dice: &Dice| (0..1000).map(|_| dice.fraction()).collect::<Vec<_>>();
        let first = draw(&Dice::seeded(7));
        assert_eq!(first, draw(&Dice::seeded(7)));
        assert!(first.iter().all(|fraction| (0.0..1.0).contains(fraction)));
        let low = first.iter().filter(|fraction| **fraction < 0.25).count();
        assert!((180..320).contains(&low), "{low}");
    }
}

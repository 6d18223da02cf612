//! The 512-point real transform, in the reference's order of operations.
//!
//! The reference transforms frames in f32. In a quiet band beside a loud tone its rounding is larger
//! than the offset inside the logarithm, so an exact transform, or one with other butterflies, differs
//! from it by up to 1e-3 in log-mel. This one does the same sums in the same order as the classic
//! real transform of FFTPACK, which the reference's library follows: decimation in time, radix 4 four
//! times, radix 2 last, no fused multiply-adds. It agrees to 5e-7 (tests/parity.rs).
//!
//! Several frames are transformed side by side, one in each lane of a vector.
//!
//! Invariant: plain safe code whose result in a lane depends on that lane's input alone, never on the
//! machine or the other lanes.

use std::f64::consts::{FRAC_1_SQRT_2, PI};

use crate::yamnet::lanes::Values;

/// Points of the transform.
pub const LENGTH: usize = 512;
/// Bins of a spectrum, from DC to Nyquist.
pub const BINS: usize = LENGTH / 2 + 1;
/// A bin: real and imaginary part.
#[derive(Debug, Clone, Copy)]
pub struct Bin<V> {
    pub re: V,
    pub im: V,
}

#[inline(always)]
fn bin<V>(re: V, im: V) -> Bin<V> {
    Bin { re, im }
}

/// A bin that has no imaginary part.
#[inline(always)]
fn real<V: Values>(re: V) -> Bin<V> {
    bin(re, V::splat(0.0))
}

impl<V: Values> Bin<V> {
    #[inline(always)]
    fn plus(self, other: Self) -> Self {
        bin(self.re + other.re, self.im + other.im)
    }

    #[inline(always)]
    fn minus(self, other: Self) -> Self {
        bin(self.re - other.re, self.im - other.im)
    }

    /// Times the conjugate of a twiddle factor.
    #[inline(always)]
    fn turned(self, Twiddle { re, im }: Twiddle) -> Self {
        bin(self.re * re + self.im * im, self.im * re - self.re * im)
    }

    #[inline(always)]
    pub fn magnitude(self) -> V {
        (self.re * self.re + self.im * self.im).sqrt()
    }
}

/// The same for all lanes.
#[derive(Debug, Clone, Copy)]
struct Twiddle {
    re: f32,
    im: f32,
}

/// The plan: twiddle factors of every stage but the first, which has none.
pub struct Fft {
    sixteens: Quarters<4>,
    sixty_fours: Quarters<16>,
    halves: Quarters<64>,
    whole: Halves,
}

/// Bins that spectra of 512 points in all take: of n points n / 2, for both ends of a spectrum are real
/// and share the first.
const PLACES: usize = LENGTH / 2;

/// Two rows of spectra to go back and forth between.
pub struct Spectra<V>([Row<V>; 2]);

/// Spectra of as many points each, one after the other.
type Row<V> = [Bin<V>; PLACES];

impl<V: Values> Default for Spectra<V> {
    #[inline(always)]
    fn default() -> Self {
        Spectra([[real(V::splat(0.0)); PLACES]; 2])
    }
}

/// Joins each four spectra of so many points into one.
struct Quarters<const POINTS: usize> {
    /// Of parts 1 to 3, for each bin.
    twiddles: Vec<[Twiddle; 3]>,
}

/// Joins the last two spectra.
struct Halves {
    /// Of the second, for each bin.
    twiddles: Vec<Twiddle>,
}

impl Default for Fft {
    fn default() -> Self {
        Self::new()
    }
}

impl Fft {
    pub fn new() -> Self {
        Fft { sixteens: Quarters::new(), sixty_fours: Quarters::new(), halves: Quarters::new(), whole: Halves::new() }
    }

    /// Hands out the 257 bins of 512 real samples, in no order.
    #[inline(always)]
    pub fn transform<V: Values>(
        &self,
        samples: &[V; LENGTH],
        Spectra([one, other]): &mut Spectra<V>,
        each: impl FnMut(usize, Bin<V>),
    ) {
        fours(samples, one);
        self.sixteens.run(one, other);
        self.sixty_fours.run(other, one);
        self.halves.run(one, other);
        self.whole.run(other, each);
    }
}

/// `exp(2 pi i turns)`.
fn twiddle(turns: f64) -> Twiddle {
    let angle = 2.0 * PI * turns;
    Twiddle { re: angle.cos() as f32, im: angle.sin() as f32 }
}

/// Spectra of four samples each, a quarter of the whole apart.
#[inline(always)]
fn fours<V: Values>(samples: &[V; LENGTH], to: &mut Row<V>) {
    const GROUPS: usize = LENGTH / 4;
    for (group, joined) in to.as_chunks_mut().0.iter_mut().enumerate() {
        let part = |j: usize| samples[group + GROUPS * j];
        *joined = joined_ends([part(0), part(1), part(2), part(3)]);
    }
}

/// The first bins of four spectra of n points, to bins 0, with the Nyquist bin, and n.
#[inline(always)]
fn joined_ends<V: Values>([a, b, c, d]: [V; 4]) -> [Bin<V>; 2] {
    let (odd, even) = (d + b, a + c);
    [bin(even + odd, even - odd), bin(a - c, d - b)]
}

/// The Nyquist bins of four spectra of n points, to bins n / 2 and n + n / 2. Their twiddles are odd
/// eighths of a turn.
#[inline(always)]
fn joined_nyquists<V: Values>([a, b, c, d]: [V; 4]) -> [Bin<V>; 2] {
    let half = FRAC_1_SQRT_2 as f32;
    let (re, im) = ((b - d) * half, (b + d) * -half);
    [bin(a + re, im - c), bin(a - re, im + c)]
}

impl<const POINTS: usize> Quarters<POINTS> {
    fn new() -> Self {
        let turns = |j: usize, k: usize| (j * k) as f64 / (4 * POINTS) as f64;
        Quarters { twiddles: (0..POINTS / 2).map(|k| [1, 2, 3].map(|j| twiddle(turns(j, k)))).collect() }
    }

    /// Part j of group g is number `g + groups * j`.
    #[inline(always)]
    fn run<V: Values>(&self, from: &Row<V>, to: &mut Row<V>) {
        let (width, groups) = (POINTS / 2, LENGTH / (4 * POINTS));
        for (group, joined) in to.chunks_exact_mut(4 * width).enumerate() {
            let part = |j: usize| &from[(group + groups * j) * width..][..width];
            self.join([part(0), part(1), part(2), part(3)], joined);
        }
    }

    /// Four spectra of n points to one of 4n.
    #[inline(always)]
    fn join<V: Values>(&self, parts: [&[Bin<V>]; 4], joined: &mut [Bin<V>]) {
        let n = POINTS;
        let twiddles = &self.twiddles[..n / 2];
        let [a, b, c, d] = parts;
        [joined[0], joined[n]] = joined_ends([a[0].re, b[0].re, c[0].re, d[0].re]);
        [joined[n / 2], joined[n + n / 2]] = joined_nyquists([a[0].im, b[0].im, c[0].im, d[0].im]);
        for k in 1..n / 2 {
            let [of_b, of_c, of_d] = twiddles[k];
            let (a, b, c, d) = (a[k], b[k].turned(of_b), c[k].turned(of_c), d[k].turned(of_d));
            let (odd, even) = (d.plus(b), a.plus(c));
            let (odd_difference, even_difference) = (bin(d.re - b.re, b.im - d.im), a.minus(c));
            joined[k] = bin(even.re + odd.re, odd.im + even.im);
            joined[2 * n - k] = bin(even.re - odd.re, odd.im - even.im);
            joined[n + k] = bin(even_difference.re + odd_difference.im, odd_difference.re + even_difference.im);
            joined[n - k] = bin(even_difference.re - odd_difference.im, odd_difference.re - even_difference.im);
        }
    }
}

impl Halves {
    fn new() -> Self {
        Halves { twiddles: (0..LENGTH / 4).map(|k| twiddle(k as f64 / LENGTH as f64)).collect() }
    }

    /// Two spectra of n points to one of 2n, bin by bin.
    #[inline(always)]
    fn run<V: Values>(&self, from: &Row<V>, mut each: impl FnMut(usize, Bin<V>)) {
        let n = LENGTH / 2;
        let (even, odd) = from.split_at(n / 2);
        let twiddles = &self.twiddles[..n / 2];
        each(0, real(even[0].re + odd[0].re));
        each(n, real(even[0].re - odd[0].re));
        each(n / 2, bin(even[0].im, odd[0].im * -1.0));
        for k in 1..n / 2 {
            let (even, odd) = (even[k], odd[k].turned(twiddles[k]));
            each(k, even.plus(odd));
            each(n - k, bin(even.re - odd.re, odd.im - even.im));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::yamnet::lanes::{Lanes, Plain};

    const LANES: usize = 4;

    /// The definition, in f64.
    fn naive(samples: &[f32]) -> Vec<(f64, f64)> {
        let term = |k: usize, n: usize| -2.0 * PI * (k * n % LENGTH) as f64 / LENGTH as f64;
        let sum = |k: usize, part: fn(f64) -> f64| -> f64 {
            samples.iter().enumerate().map(|(n, &x)| f64::from(x) * part(term(k, n))).sum()
        };
        (0..BINS).map(|k| (sum(k, f64::cos), sum(k, f64::sin))).collect()
    }

    /// A different signal in each lane.
    fn signal(seed: usize, lane: usize) -> Vec<f32> {
        let seed = seed + 20 * lane;
        (0..LENGTH).map(|i| ((i * i * seed + 31 * i) % 997) as f32 / 498.5 - 1.0).collect()
    }

    #[test]
    fn the_transform_is_the_definition_in_every_lane() {
        let (fft, mut spectra) = (Fft::new(), Spectra::default());
        for seed in 1..20 {
            let signals: [Vec<f32>; LANES] = std::array::from_fn(|lane| signal(seed, lane));
            let samples: [Plain<LANES>; LENGTH] =
                std::array::from_fn(|i| Plain::load(&std::array::from_fn(|lane| signals[lane][i])));
            let mut bins = vec![None; BINS];
            fft.transform(&samples, &mut spectra, |k, bin| bins[k] = Some(bin));
            for (lane, signal) in signals.iter().enumerate() {
                for (k, (ours, theirs)) in bins.iter().zip(naive(signal)).enumerate() {
                    let ours = ours.expect("every bin is handed out");
                    let error = (f64::from(ours.re.values()[lane]) - theirs.0)
                        .hypot(f64::from(ours.im.values()[lane]) - theirs.1);
                    assert!(error < 2e-5, "bin {k} of lane {lane}: {error:e}");
                }
            }
        }
    }
}

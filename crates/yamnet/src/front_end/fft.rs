//! The 512-point real FFT, in the reference's order of operations.
//!
//! ```text
//! X[k] = sum over n of x[n] exp(-2 pi i k n / 512),   k = 0..=256
//!
//! x:  128 groups of 4 samples, 128 apart
//! 4-point spectra  -- radix 4 -->  16  -- radix 4 -->  64  -- radix 4 -->  256  -- radix 2 -->  512
//! ```
//!
//! Decimation in time, radix 4 four times, radix 2 last, no fused multiply-adds: the sums and the order of FFTPACK's
//! `rfftf` (`radf4`, `radf2`; P. N. Swarztrauber), which the reference's library (pocketfft) follows. The order
//! matters: the reference computes in f32, and in a quiet band beside a loud tone its rounding errors are larger than
//! the offset inside the logarithm. An exact FFT, or one with other butterflies, differs from it by up to 1e-3 in
//! log-mel; this one by 5e-7 (tests/parity.rs).
//!
//! Several frames are transformed together, one in each lane of a vector.
//!
//! Invariant: safe code; the result in a lane depends on that lane's input alone, not on the machine or other lanes.

use std::f64::consts::{FRAC_1_SQRT_2, PI};

use crate::kernels::Lanes;
use crate::params::FFT_LENGTH;

/// A complex number for each lane: a bin of a spectrum.
#[derive(Debug, Clone, Copy)]
pub(super) struct Complex<V> {
    pub(super) re: V,
    pub(super) im: V,
}

#[inline(always)]
fn complex<V>(re: V, im: V) -> Complex<V> {
    Complex { re, im }
}

#[inline(always)]
fn real<V: Lanes>(re: V) -> Complex<V> {
    complex(re, V::splat(0.0))
}

impl<V: Lanes> Complex<V> {
    #[inline(always)]
    fn plus(self, other: Self) -> Self {
        complex(self.re + other.re, self.im + other.im)
    }

    #[inline(always)]
    fn minus(self, other: Self) -> Self {
        complex(self.re - other.re, self.im - other.im)
    }

    /// Product with the conjugate of a twiddle factor.
    #[inline(always)]
    fn times_conjugate(self, Twiddle { re, im }: Twiddle) -> Self {
        complex(self.re * re + self.im * im, self.im * re - self.re * im)
    }

    #[inline(always)]
    pub(super) fn magnitude(self) -> V {
        (self.re * self.re + self.im * self.im).sqrt()
    }
}

/// A root of unity, the same for all lanes.
#[derive(Debug, Clone, Copy)]
struct Twiddle {
    re: f32,
    im: f32,
}

/// The plan: twiddle factors of every stage but the first, which has none. A stage is named by the points of its input.
pub(super) struct Fft {
    radix4_of_4: Radix4<4>,
    radix4_of_16: Radix4<16>,
    radix4_of_64: Radix4<64>,
    radix2_of_256: Radix2,
}

/// Bins in a row of spectra. A real spectrum of n points takes n / 2: its DC and Nyquist bins are real and share the
/// first.
const ROW_BINS: usize = FFT_LENGTH / 2;

/// Spectra of equal length, one after the other, of 512 points in total.
type SpectraRow<V> = [Complex<V>; ROW_BINS];

/// Two rows of spectra: a stage reads one and writes the other.
pub(super) struct Spectra<V>([SpectraRow<V>; 2]);

impl<V: Lanes> Default for Spectra<V> {
    #[inline(always)]
    fn default() -> Self {
        Spectra([[real(V::splat(0.0)); ROW_BINS]; 2])
    }
}

/// A radix-4 stage: joins four spectra of `POINTS` points into one.
struct Radix4<const POINTS: usize> {
    /// Of parts 1 to 3, for each bin.
    twiddles: Vec<[Twiddle; 3]>,
}

/// The last stage, of radix 2: joins two spectra of 256 points.
struct Radix2 {
    /// Of the second spectrum, for each bin.
    twiddles: Vec<Twiddle>,
}

impl Fft {
    pub(super) fn new() -> Self {
        Fft {
            radix4_of_4: Radix4::new(),
            radix4_of_16: Radix4::new(),
            radix4_of_64: Radix4::new(),
            radix2_of_256: Radix2::new(),
        }
    }

    /// Calls `each` with the index and value of the 257 bins of 512 real samples, in no particular order.
    #[inline(always)]
    pub(super) fn transform<V: Lanes>(
        &self,
        samples: &[V; FFT_LENGTH],
        Spectra([one, other]): &mut Spectra<V>,
        each: impl FnMut(usize, Complex<V>),
    ) {
        radix4_of_samples(samples, one);
        self.radix4_of_4.run(one, other);
        self.radix4_of_16.run(other, one);
        self.radix4_of_64.run(one, other);
        self.radix2_of_256.run(other, each);
    }
}

/// `exp(2 pi i turns)`, rounded to f32.
fn twiddle(turns: f64) -> Twiddle {
    let angle = 2.0 * PI * turns;
    Twiddle { re: angle.cos() as f32, im: angle.sin() as f32 }
}

/// The first stage: spectra of four samples each, 128 apart.
#[inline(always)]
fn radix4_of_samples<V: Lanes>(samples: &[V; FFT_LENGTH], to: &mut SpectraRow<V>) {
    const GROUPS: usize = FFT_LENGTH / 4;
    for (group, joined) in to.as_chunks_mut().0.iter_mut().enumerate() {
        let part = |j: usize| samples[group + GROUPS * j];
        *joined = join_dc([part(0), part(1), part(2), part(3)]);
    }
}

/// The DC bins of four spectra of n points to bins 0 (with the Nyquist bin) and n.
#[inline(always)]
fn join_dc<V: Lanes>([a, b, c, d]: [V; 4]) -> [Complex<V>; 2] {
    let (odd, even) = (d + b, a + c);
    [complex(even + odd, even - odd), complex(a - c, d - b)]
}

/// The Nyquist bins of four spectra of n points to bins n / 2 and n + n / 2. Their twiddles are odd multiples of an
/// eighth of a turn.
#[inline(always)]
fn join_nyquist<V: Lanes>([a, b, c, d]: [V; 4]) -> [Complex<V>; 2] {
    let half = FRAC_1_SQRT_2 as f32;
    let (re, im) = ((b - d) * half, (b + d) * -half);
    [complex(a + re, im - c), complex(a - re, im + c)]
}

impl<const POINTS: usize> Radix4<POINTS> {
    fn new() -> Self {
        let turns = |j: usize, k: usize| (j * k) as f64 / (4 * POINTS) as f64;
        Radix4 { twiddles: (0..POINTS / 2).map(|k| [1, 2, 3].map(|j| twiddle(turns(j, k)))).collect() }
    }

    /// Part j of group g is spectrum `g + groups * j`.
    #[inline(always)]
    fn run<V: Lanes>(&self, from: &SpectraRow<V>, to: &mut SpectraRow<V>) {
        let (width, groups) = (POINTS / 2, FFT_LENGTH / (4 * POINTS));
        for (group, joined) in to.chunks_exact_mut(4 * width).enumerate() {
            let part = |j: usize| &from[(group + groups * j) * width..][..width];
            self.join([part(0), part(1), part(2), part(3)], joined);
        }
    }

    /// Four spectra of n points to one of 4n.
    #[inline(always)]
    fn join<V: Lanes>(&self, parts: [&[Complex<V>]; 4], joined: &mut [Complex<V>]) {
        let n = POINTS;
        let twiddles = &self.twiddles[..n / 2];
        let [a, b, c, d] = parts;
        [joined[0], joined[n]] = join_dc([a[0].re, b[0].re, c[0].re, d[0].re]);
        [joined[n / 2], joined[n + n / 2]] = join_nyquist([a[0].im, b[0].im, c[0].im, d[0].im]);
        for k in 1..n / 2 {
            let [of_b, of_c, of_d] = twiddles[k];
            let (a, b) = (a[k], b[k].times_conjugate(of_b));
            let (c, d) = (c[k].times_conjugate(of_c), d[k].times_conjugate(of_d));
            let (odd, even) = (d.plus(b), a.plus(c));
            let (odd_difference, even_difference) = (complex(d.re - b.re, b.im - d.im), a.minus(c));
            joined[k] = complex(even.re + odd.re, odd.im + even.im);
            joined[2 * n - k] = complex(even.re - odd.re, odd.im - even.im);
            joined[n + k] = complex(even_difference.re + odd_difference.im, odd_difference.re + even_difference.im);
            joined[n - k] = complex(even_difference.re - odd_difference.im, odd_difference.re - even_difference.im);
        }
    }
}

impl Radix2 {
    fn new() -> Self {
        Radix2 { twiddles: (0..FFT_LENGTH / 4).map(|k| twiddle(k as f64 / FFT_LENGTH as f64)).collect() }
    }

    /// Two spectra of n points to one of 2n, bin by bin.
    #[inline(always)]
    fn run<V: Lanes>(&self, from: &SpectraRow<V>, mut each: impl FnMut(usize, Complex<V>)) {
        let n = FFT_LENGTH / 2;
        let (even, odd) = from.split_at(n / 2);
        let twiddles = &self.twiddles[..n / 2];
        each(0, real(even[0].re + odd[0].re));
        each(n, real(even[0].re - odd[0].re));
        each(n / 2, complex(even[0].im, odd[0].im * -1.0));
        for k in 1..n / 2 {
            let (even, odd) = (even[k], odd[k].times_conjugate(twiddles[k]));
            each(k, even.plus(odd));
            each(n - k, complex(even.re - odd.re, odd.im - even.im));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::{PortableLanes, Transpose};
    use crate::params::SPECTRUM_BINS;

    const LANES: usize = 4;

    /// The definition, in f64.
    fn naive(samples: &[f32]) -> Vec<(f64, f64)> {
        let term = |k: usize, n: usize| -2.0 * PI * (k * n % FFT_LENGTH) as f64 / FFT_LENGTH as f64;
        let sum = |k: usize, part: fn(f64) -> f64| -> f64 {
            samples.iter().enumerate().map(|(n, &x)| f64::from(x) * part(term(k, n))).sum()
        };
        (0..SPECTRUM_BINS).map(|k| (sum(k, f64::cos), sum(k, f64::sin))).collect()
    }

    /// A different signal in each lane.
    fn signal(seed: usize, lane: usize) -> Vec<f32> {
        let seed = seed + 20 * lane;
        (0..FFT_LENGTH).map(|i| ((i * i * seed + 31 * i) % 997) as f32 / 498.5 - 1.0).collect()
    }

    #[test]
    fn the_transform_is_the_definition_in_every_lane() {
        let (fft, mut spectra) = (Fft::new(), Spectra::default());
        for seed in 1..20 {
            let signals: [Vec<f32>; LANES] = std::array::from_fn(|lane| signal(seed, lane));
            let samples: [PortableLanes<LANES>; FFT_LENGTH] =
                std::array::from_fn(|i| PortableLanes::load(&std::array::from_fn(|lane| signals[lane][i])));
            let mut bins = vec![None; SPECTRUM_BINS];
            fft.transform(&samples, &mut spectra, |k, bin| bins[k] = Some(bin));
            for (lane, signal) in signals.iter().enumerate() {
                for (k, (ours, theirs)) in bins.iter().zip(naive(signal)).enumerate() {
                    let ours = ours.expect("every bin is computed");
                    let error = (f64::from(ours.re.to_array()[lane]) - theirs.0)
                        .hypot(f64::from(ours.im.to_array()[lane]) - theirs.1);
                    assert!(error < 2e-5, "bin {k} of lane {lane}: {error:e}");
                }
            }
        }
    }
}

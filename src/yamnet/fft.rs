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

use crate::yamnet::lanes::Lanes;

/// Points of the transform.
pub const LENGTH: usize = 512;
/// Bins of a spectrum, from DC to Nyquist.
pub const BINS: usize = LENGTH / 2 + 1;
/// A bin: real and imaginary part.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Bin {
    pub re: Lanes,
    pub im: Lanes,
}

fn bin(re: Lanes, im: Lanes) -> Bin {
    Bin { re, im }
}

/// A bin that has no imaginary part.
fn real(re: Lanes) -> Bin {
    bin(re, Lanes::default())
}

impl Bin {
    #[inline(always)]
    fn plus(self, other: Bin) -> Bin {
        bin(self.re + other.re, self.im + other.im)
    }

    #[inline(always)]
    fn minus(self, other: Bin) -> Bin {
        bin(self.re - other.re, self.im - other.im)
    }

    /// Times the conjugate of a twiddle factor.
    #[inline(always)]
    fn turned(self, Twiddle { re, im }: Twiddle) -> Bin {
        bin(self.re * re + self.im * im, self.im * re - self.re * im)
    }

    #[inline(always)]
    pub fn magnitude(self) -> Lanes {
        (self.re.square() + self.im.square()).sqrt()
    }
}

/// The same for all lanes.
#[derive(Debug, Clone, Copy)]
struct Twiddle {
    re: f32,
    im: f32,
}

/// The plan: twiddle factors of every stage.
pub struct Fft {
    /// Sub-spectra of 4, 16, 64 and 256 points from four of a quarter each.
    quarters: [Stage; 4],
    halves: Stage,
}

/// Two spectra to go back and forth between.
pub struct Spectra([Vec<Bin>; 2]);

impl Default for Spectra {
    fn default() -> Self {
        Spectra(std::array::from_fn(|_| vec![Bin::default(); LENGTH]))
    }
}

/// One stage: joins `parts` spectra of `points` real points into one.
struct Stage {
    parts: usize,
    points: usize,
    /// `exp(2 pi i j k / (parts * points))` for part j = 1.. and bin k, at `(j - 1) * bins + k`.
    twiddles: Vec<Twiddle>,
}

impl Default for Fft {
    fn default() -> Self {
        Self::new()
    }
}

impl Fft {
    pub fn new() -> Self {
        Fft { quarters: [1, 4, 16, 64].map(|points| Stage::new(4, points)), halves: Stage::new(2, LENGTH / 2) }
    }

    /// The spectra of 512 real samples: 257 bins.
    pub fn transform<'a>(&self, samples: &[Lanes; LENGTH], Spectra([from, to]): &'a mut Spectra) -> &'a [Bin] {
        for (place, &samples) in from.iter_mut().zip(samples) {
            *place = real(samples);
        }
        for stage in &self.quarters {
            stage.run(from, to);
            std::mem::swap(from, to);
        }
        self.halves.run(from, to);
        &to[..BINS]
    }
}

/// Bins of a spectrum of so many real points; a single point is its own spectrum.
const fn bins(points: usize) -> usize {
    points / 2 + 1
}

impl Stage {
    fn new(parts: usize, points: usize) -> Self {
        let angle = |j: usize, k: usize| 2.0 * PI * (j * k) as f64 / (parts * points) as f64;
        let twiddle = |j, k| Twiddle { re: angle(j, k).cos() as f32, im: angle(j, k).sin() as f32 };
        let twiddles = (1..parts).flat_map(|j| (0..bins(points)).map(move |k| twiddle(j, k))).collect();
        Stage { parts, points, twiddles }
    }

    /// Spectra lie one after the other; part j of group g is number `g + groups * j`.
    fn run(&self, from: &[Bin], to: &mut [Bin]) {
        let groups = LENGTH / (self.parts * self.points);
        let width = bins(self.points);
        let part = |number: usize| &from[number * width..][..width];
        for (group, joined) in to.chunks_exact_mut(bins(self.parts * self.points)).take(groups).enumerate() {
            match self.parts {
                4 => self.join_4(std::array::from_fn(|j| part(group + groups * j)), joined),
                _ => self.join_2(std::array::from_fn(|j| part(group + groups * j)), joined),
            }
        }
    }

    #[inline(always)]
    fn turned(&self, part: &[Bin], j: usize, k: usize) -> Bin {
        part[k].turned(self.twiddles[(j - 1) * bins(self.points) + k])
    }

    /// Four spectra of n points to one of 4n.
    fn join_4(&self, parts: [&[Bin]; 4], joined: &mut [Bin]) {
        let n = self.points;
        let [a, b, c, d] = parts.map(|part| part[0].re);
        let (odd, even) = (d + b, a + c);
        joined[0] = real(even + odd);
        joined[2 * n] = real(even - odd);
        joined[n] = bin(a - c, d - b);
        if n > 1 {
            // The parts' Nyquist bins are real; their twiddles are odd eighths of a turn.
            let [a, b, c, d] = parts.map(|part| part[n / 2].re);
            let half = FRAC_1_SQRT_2 as f32;
            let (re, im) = ((b - d) * half, (b + d) * -half);
            joined[n / 2] = bin(a + re, im - c);
            joined[n + n / 2] = bin(a - re, im + c);
        }
        for k in 1..n.div_ceil(2) {
            let a = parts[0][k];
            let (b, c, d) = (self.turned(parts[1], 1, k), self.turned(parts[2], 2, k), self.turned(parts[3], 3, k));
            let (odd, even) = (d.plus(b), a.plus(c));
            let (odd_difference, even_difference) = (bin(d.re - b.re, b.im - d.im), a.minus(c));
            joined[k] = bin(even.re + odd.re, odd.im + even.im);
            joined[2 * n - k] = bin(even.re - odd.re, odd.im - even.im);
            joined[n + k] = bin(even_difference.re + odd_difference.im, odd_difference.re + even_difference.im);
            joined[n - k] = bin(even_difference.re - odd_difference.im, odd_difference.re - even_difference.im);
        }
    }

    /// Two spectra of n points to one of 2n.
    fn join_2(&self, parts: [&[Bin]; 2], joined: &mut [Bin]) {
        let n = self.points;
        let [even, odd] = parts;
        joined[0] = real(even[0].re + odd[0].re);
        joined[n] = real(even[0].re - odd[0].re);
        joined[n / 2] = bin(even[n / 2].re, -odd[n / 2].re);
        for k in 1..n / 2 {
            let turned = self.turned(odd, 1, k);
            joined[k] = even[k].plus(turned);
            joined[n - k] = bin(even[k].re - turned.re, turned.im - even[k].im);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::yamnet::lanes::LANES;

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
            let samples = std::array::from_fn(|i| Lanes(std::array::from_fn(|lane| signals[lane][i])));
            let bins = fft.transform(&samples, &mut spectra);
            for (lane, signal) in signals.iter().enumerate() {
                for (k, (ours, theirs)) in bins.iter().zip(naive(signal)).enumerate() {
                    let error = (f64::from(ours.re.0[lane]) - theirs.0).hypot(f64::from(ours.im.0[lane]) - theirs.1);
                    assert!(error < 2e-5, "bin {k} of lane {lane}: {error:e}");
                }
            }
        }
    }
}

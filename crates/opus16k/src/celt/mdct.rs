//! The inverse transform of CELT (RFC 6716, 4.3.7): spectra to samples, each block overlapping the last.
//!
//! A rotation, a Fourier transform of half as many points as bins, and another rotation. Of a spectrum only
//! the first third is ever filled: what goes into a point is then one bin, or none, never two.
//!
//! Invariant: finite spectra give finite samples, and nothing is allocated once it exists.

use std::f64::consts::TAU;
use std::sync::{Arc, LazyLock};

use ruopus::celt::tables::WINDOW120;
use rustfft::num_complex::{Complex, Complex64};
use rustfft::{Fft, FftPlanner};

use super::synthesis::{BLOCK, LONGEST};

type Point = Complex<f32>;

/// Half of the overlap of two blocks.
const HALF: usize = BLOCK / 2;

/// What is worked out once for blocks of one length.
struct Length {
    fourier: Arc<dyn Fft<f32>>,
    /// For each point of the first third what turns its bin, and for its mirror image in the last third.
    inwards: Vec<[Point; 2]>,
    /// What each point's real part and its imaginary part are to the sample of its place, and its mirror
    /// image's to the sample behind.
    outwards: [Vec<f32>; 4],
}

/// By how often the longest block is halved.
static LENGTHS: LazyLock<[Length; 4]> = LazyLock::new(|| [0, 1, 2, 3].map(|halved| Length::new(LONGEST >> halved)));

impl Length {
    fn new(bins: usize) -> Length {
        let points = bins / 2;
        // As in the reference, an eighth of a step is made of its sine alone, which is longer by a little.
        let step = TAU / (2 * bins) as f64;
        let turn = |i: usize| Complex64::cis(step * i as f64) * Complex64::new(1.0, step / 8.0);
        let narrow = |z: Complex64| Point::new(z.re as f32, z.im as f32);
        let mirror = |i: usize| turn(points - 1 - i);
        Length {
            fourier: FftPlanner::new().plan_fft_inverse(points),
            inwards: (0..points / 3).map(|i| [turn(i) * -Complex64::I, -mirror(i)].map(narrow)).collect(),
            outwards: [
                (0..points).map(|i| -turn(i).re as f32).collect(),
                (0..points).map(|i| turn(i).im as f32).collect(),
                (0..points).map(|i| mirror(i).im as f32).collect(),
                (0..points).map(|i| mirror(i).re as f32).collect(),
            ],
        }
    }
}

pub struct Mdct {
    points: Box<[Point; LONGEST / 2]>,
    scratch: Vec<Point>,
}

impl Mdct {
    pub fn new() -> Mdct {
        let scratch = LENGTHS.iter().map(|length| length.fourier.get_inplace_scratch_len()).max();
        let nothing = Point::new(0.0, 0.0);
        Mdct { points: Box::new([nothing; LONGEST / 2]), scratch: vec![nothing; scratch.unwrap_or(0)] }
    }

    /// Turns the interleaved spectra of `blocks` blocks of `each` bins into samples.
    ///
    /// `to` begins with half an overlap that the block before has left, and is left as much by the last.
    pub fn backward(&mut self, spectrum: &[f32; LONGEST], blocks: usize, each: usize, to: &mut [f32]) {
        let length = &LENGTHS[(LONGEST / each).ilog2() as usize];
        let points = &mut self.points[..blocks * each / 2];
        for (block, points) in points.chunks_exact_mut(each / 2).enumerate() {
            turn_in(&spectrum[block..], blocks, &length.inwards, points);
        }
        length.fourier.process_with_scratch(points, &mut self.scratch);
        for (block, points) in points.chunks_exact(each / 2).enumerate() {
            let to = &mut to[block * each..][..HALF + each];
            turn_out(points, &length.outwards, &mut to[HALF..]);
            overlap(to);
        }
    }
}

/// Even bins go to the first third of the points, odd ones to the last, backwards.
fn turn_in(spectrum: &[f32], stride: usize, inwards: &[[Point; 2]], points: &mut [Point]) {
    let (first, rest) = points.split_at_mut(inwards.len());
    let (between, last) = rest.split_at_mut(inwards.len());
    between.fill(Point::new(0.0, 0.0));
    let places = first.iter_mut().zip(last.iter_mut().rev());
    for ((bins, [even, odd]), (first, last)) in spectrum.chunks_exact(2 * stride).zip(inwards).zip(places) {
        (*first, *last) = (even * bins[0], odd * bins[stride]);
    }
}

/// Each point gives the sample of its place, and its mirror image the one behind it.
fn turn_out(points: &[Point], [a, b, c, d]: &[Vec<f32>; 4], to: &mut [f32]) {
    let (pairs, mirrored) = (to.as_chunks_mut().0, points.iter().zip(points.iter().rev()));
    let turns = a.iter().zip(b).zip(c.iter().zip(d));
    for (([sample, behind], ((a, b), (c, d))), (here, there)) in pairs.iter_mut().zip(turns).zip(mirrored) {
        (*sample, *behind) = (a * here.re + b * here.im, c * there.re + d * there.im);
    }
}

/// Fades what the last block has left into the half overlap behind it, each folded over the other.
fn overlap(to: &mut [f32]) {
    let (left, new) = to[..BLOCK].split_at_mut(HALF);
    let (rise, fall) = WINDOW120.split_at(HALF);
    let pairs = left.iter_mut().zip(new.iter_mut().rev());
    for ((old, new), (rise, fall)) in pairs.zip(rise.iter().zip(fall.iter().rev())) {
        (*old, *new) = (fall * *old - rise * *new, rise * *old + fall * *new);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ruopus::celt::mdct::MdctLookup;

    /// Frames of every length, in one block and in short ones.
    #[test]
    fn samples_are_those_of_the_twin() {
        let (twin, mut mdct, mut state) = (MdctLookup::new(2 * LONGEST), Mdct::new(), 1u32);
        let mut random = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            f64::from(state as i32) as f32 / 65_536.0
        };
        for (blocks, each) in [(1, 960), (1, 480), (1, 240), (1, 120), (2, 120), (4, 120), (8, 120)] {
            let mut spectrum = [0.0; LONGEST];
            spectrum[..blocks * each / 3].fill_with(&mut random);
            let mut ours: Vec<f32> = (0..blocks * each + HALF).map(|_| random()).collect();
            let mut theirs = ours.clone();
            mdct.backward(&spectrum, blocks, each, &mut ours);
            let shift = (LONGEST / each).ilog2() as usize;
            for block in 0..blocks {
                twin.backward(&spectrum[block..], &mut theirs[block * each..], &WINDOW120, BLOCK, shift, blocks);
            }
            let most = theirs.iter().fold(0.0f32, |most, x| most.max(x.abs()));
            let far = ours.iter().zip(&theirs).fold(0.0f32, |far, (a, b)| far.max((a - b).abs()));
            assert!(far < 1e-6 * most, "{blocks} blocks of {each}: {far} of {most}");
        }
    }
}

//! The inverse MDCT and the overlap of blocks (RFC 6716, 4.3.7).
//!
//! ```text
//! pre-rotation, an FFT of N / 2 points, post-rotation; window and add the half overlap of the block before
//! ```
//!
//! Only the first third of a spectrum is not 0, so each point of the FFT depends on one bin or none, not on two. Finite
//! spectra give finite samples; nothing is allocated after the construction.

use std::f64::consts::TAU;
use std::sync::{Arc, LazyLock};

use rustfft::num_complex::{Complex, Complex64};
use rustfft::{Fft, FftPlanner};

use super::tables::{MAX_FRAME, SHORT_BLOCK, WINDOW};

type Point = Complex<f32>;

/// Half of the overlap of two blocks.
const HALF: usize = SHORT_BLOCK / 2;

/// The precomputed part of blocks of one length.
struct Length {
    fft: Arc<dyn Fft<f32>>,
    /// The pre-rotation of each point of the first third, and of its mirror image in the last third.
    pre_rotation: Vec<[Point; 2]>,
    /// The post-rotation: factors of each point's real and imaginary parts for the even sample, and of its mirror
    /// image's for the odd one.
    post_rotation: [Vec<f32>; 4],
}

/// By how often the longest block is halved.
static LENGTHS: LazyLock<[Length; 4]> = LazyLock::new(|| [0, 1, 2, 3].map(|halved| Length::new(MAX_FRAME >> halved)));

impl Length {
    fn new(bins: usize) -> Length {
        let points = bins / 2;
        // As in the reference code, an eighth of a step is added by its sine alone, which makes the vector a little
        // longer.
        let step = TAU / (2 * bins) as f64;
        let twiddle = |i: usize| Complex64::cis(step * i as f64) * Complex64::new(1.0, step / 8.0);
        let narrow = |z: Complex64| Point::new(z.re as f32, z.im as f32);
        let mirror = |i: usize| twiddle(points - 1 - i);
        Length {
            fft: FftPlanner::new().plan_fft_inverse(points),
            pre_rotation: (0..points / 3).map(|i| [twiddle(i) * -Complex64::I, -mirror(i)].map(narrow)).collect(),
            post_rotation: [
                (0..points).map(|i| -twiddle(i).re as f32).collect(),
                (0..points).map(|i| twiddle(i).im as f32).collect(),
                (0..points).map(|i| mirror(i).im as f32).collect(),
                (0..points).map(|i| mirror(i).re as f32).collect(),
            ],
        }
    }
}

pub(super) struct Mdct {
    points: Box<[Point; MAX_FRAME / 2]>,
    scratch: Vec<Point>,
}

impl Mdct {
    pub(super) fn new() -> Mdct {
        let scratch = LENGTHS.iter().map(|length| length.fft.get_inplace_scratch_len()).max();
        let zero = Point::new(0.0, 0.0);
        Mdct { points: Box::new([zero; MAX_FRAME / 2]), scratch: vec![zero; scratch.unwrap_or(0)] }
    }

    /// Turns the interleaved spectra of `blocks` blocks of `each` bins into samples.
    ///
    /// `to` begins with half an overlap that the block before has left, and is left as much by the last.
    pub(super) fn backward(&mut self, spectrum: &[f32; MAX_FRAME], blocks: usize, each: usize, to: &mut [f32]) {
        let length = &LENGTHS[(MAX_FRAME / each).ilog2() as usize];
        let points = &mut self.points[..blocks * each / 2];
        for (block, points) in points.chunks_exact_mut(each / 2).enumerate() {
            pre_rotate(&spectrum[block..], blocks, &length.pre_rotation, points);
        }
        length.fft.process_with_scratch(points, &mut self.scratch);
        for (block, points) in points.chunks_exact(each / 2).enumerate() {
            let to = &mut to[block * each..][..HALF + each];
            post_rotate(points, &length.post_rotation, &mut to[HALF..]);
            overlap_add(to);
        }
    }
}

/// Even bins go to the first third of the points, odd ones to the last, in reverse order.
fn pre_rotate(spectrum: &[f32], stride: usize, rotation: &[[Point; 2]], points: &mut [Point]) {
    let (first, rest) = points.split_at_mut(rotation.len());
    let (between, last) = rest.split_at_mut(rotation.len());
    between.fill(Point::new(0.0, 0.0));
    let places = first.iter_mut().zip(last.iter_mut().rev());
    for ((bins, [even, odd]), (first, last)) in spectrum.chunks_exact(2 * stride).zip(rotation).zip(places) {
        (*first, *last) = (even * bins[0], odd * bins[stride]);
    }
}

/// Each point gives an even sample, and its mirror image the odd one behind it.
fn post_rotate(points: &[Point], [a, b, c, d]: &[Vec<f32>; 4], to: &mut [f32]) {
    let (pairs, mirrored) = (to.as_chunks_mut().0, points.iter().zip(points.iter().rev()));
    let turns = a.iter().zip(b).zip(c.iter().zip(d));
    for (([sample, behind], ((a, b), (c, d))), (here, there)) in pairs.iter_mut().zip(turns).zip(mirrored) {
        (*sample, *behind) = (a * here.re + b * here.im, c * there.re + d * there.im);
    }
}

/// Windows and adds what the last block has left and the first half overlap of this one, each of which contains the
/// other time-reversed.
fn overlap_add(to: &mut [f32]) {
    let (left, new) = to[..SHORT_BLOCK].split_at_mut(HALF);
    let (rise, fall) = WINDOW.split_at(HALF);
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
    fn samples_are_those_of_the_reference() {
        let (reference, mut mdct, mut state) = (MdctLookup::new(2 * MAX_FRAME), Mdct::new(), 1u32);
        let mut random = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            f64::from(state as i32) as f32 / 65_536.0
        };
        for (blocks, each) in [(1, 960), (1, 480), (1, 240), (1, 120), (2, 120), (4, 120), (8, 120)] {
            let mut spectrum = [0.0; MAX_FRAME];
            spectrum[..blocks * each / 3].fill_with(&mut random);
            let mut ours: Vec<f32> = (0..blocks * each + HALF).map(|_| random()).collect();
            let mut theirs = ours.clone();
            mdct.backward(&spectrum, blocks, each, &mut ours);
            let shift = (MAX_FRAME / each).ilog2() as usize;
            for block in 0..blocks {
                reference.backward(
                    &spectrum[block..],
                    &mut theirs[block * each..],
                    &WINDOW,
                    SHORT_BLOCK,
                    shift,
                    blocks,
                );
            }
            let most = theirs.iter().fold(0.0f32, |most, x| most.max(x.abs()));
            let far = ours.iter().zip(&theirs).fold(0.0f32, |far, (a, b)| far.max((a - b).abs()));
            assert!(far < 1e-6 * most, "{blocks} blocks of {each}: {far} of {most}");
        }
    }
}

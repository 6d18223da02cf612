//! The arithmetic of the network, for the CPU at hand: first convolution, depthwise, pointwise, pool.
//!
//! Activations are f32, row-major, channels last: `[height, width, channels]`. Kernels have ReLU at
//! the store where their layer says so, and those in floats the bias as the first summand.
//!
//! `pointwise` is the layer that takes nearly all of the time: in floats (`panels`, and what is left out as
//! `grouping` says) or, where a CPU multiplies tiles of bytes (`amx`), in whole numbers (`digits`).
//! `portable` is plain safe code and the twin that the others are tested against; `simd` and `product` are
//! written once for a vector of any width, `x86` names the vectors. Each output is one sum in one order, or of integers, so
//! a result depends on the path but never on how many patches are computed together.
//!
//! For the front end `Cpu::run` has lanes as wide as the CPU's, `eight` or plain ones: the same bits on every path.
//!
//! Invariant: the only room with unsafe code; its interface is safe and checks every length.

#[cfg(target_arch = "x86_64")]
mod amx;
#[cfg(target_arch = "x86_64")]
mod digits;
#[cfg(target_arch = "x86_64")]
mod eight;
mod grouping;
mod panels;
mod portable;
#[cfg(target_arch = "x86_64")]
mod product;
#[cfg(target_arch = "x86_64")]
mod simd;
#[cfg(target_arch = "x86_64")]
mod x86;

use crate::yamnet::aligned::Aligned;
use crate::yamnet::lanes::{Lanes, Plain};
use crate::yamnet::{BANDS, PATCH};
pub use grouping::Grouping;
pub use pointwise::{Pointwise, Workspace};

/// Row counts of pointwise layers are multiples of this; the rows that a kernel computes together divide it.
pub const ROWS: usize = 6;
/// Output channels of a pointwise layer are padded to a multiple of this.
pub const COLUMNS: usize = 64;

/// Which instructions the kernels use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cpu {
    /// x86-64 with AVX-512 and AMX for bytes: layers of 128 to 512 inputs in whole numbers.
    Amx,
    /// x86-64 with AVX-512F.
    Avx512,
    /// x86-64 with AVX2 and FMA.
    Avx2,
    /// Anything else, in safe code that the compiler vectorises as the target allows.
    Portable,
}

impl Cpu {
    const ALL: [Cpu; 4] = [Cpu::Amx, Cpu::Avx512, Cpu::Avx2, Cpu::Portable];

    /// The fastest path this machine has.
    pub fn detect() -> Cpu {
        *Cpu::available().first().expect("the portable path is always there")
    }

    /// All paths this machine has, fastest first. The first call asks Linux for what it gives to those who ask.
    pub fn available() -> Vec<Cpu> {
        Cpu::ALL.into_iter().filter(|cpu| cpu.is_available()).collect()
    }

    /// The path of that name, if this machine has it.
    pub fn named(name: &str) -> Option<Cpu> {
        Cpu::available().into_iter().find(|cpu| cpu.name() == name)
    }

    pub fn name(self) -> &'static str {
        match self {
            Cpu::Amx => "amx",
            Cpu::Avx512 => "avx512",
            Cpu::Avx2 => "avx2",
            Cpu::Portable => "portable",
        }
    }

    /// The same path. Panics where this machine has not got it: what keeps a path asks here first, and the kernels rely on it.
    fn checked(self) -> Cpu {
        assert!(self.is_available(), "this machine has no {}", self.name());
        self
    }

    #[cfg(target_arch = "x86_64")]
    fn is_available(self) -> bool {
        let counts = is_x86_feature_detected!("popcnt");
        match self {
            Cpu::Amx => Cpu::Avx512.is_available() && amx::is_available(),
            Cpu::Avx512 => is_x86_feature_detected!("avx512f") && Cpu::Avx2.is_available(),
            Cpu::Avx2 => is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") && counts,
            Cpu::Portable => true,
        }
    }

    #[cfg(not(target_arch = "x86_64"))]
    fn is_available(self) -> bool {
        self == Cpu::Portable
    }
}

/// Work that is the same bits however many lanes it is done in. Whatever is to be fast is `inline(always)`: what
/// is not inlined is compiled for the oldest CPU.
pub(super) trait Task {
    type Output;
    fn run<L: Lanes<N>, const N: usize>(self) -> Self::Output;
}

impl Cpu {
    /// Does a task in as many lanes as a path has.
    pub(super) fn run<T: Task>(self, task: T) -> T::Output {
        match self.checked() {
            #[cfg(target_arch = "x86_64")]
            Cpu::Amx | Cpu::Avx512 | Cpu::Avx2 => eight::run(task),
            _ => task.run::<Plain<4>, 4>(),
        }
    }
}

/// Calls the kernel of a path. Layers keep a [`Cpu::checked`] one alone, so the machine has the instructions.
macro_rules! dispatch {
    ($cpu:expr, $kernel:ident($($argument:expr),*)) => {
        match $cpu {
            #[cfg(target_arch = "x86_64")]
            Cpu::Amx | Cpu::Avx512 => x86::avx512::$kernel($($argument),*),
            #[cfg(target_arch = "x86_64")]
            Cpu::Avx2 => x86::avx2::$kernel($($argument),*),
            _ => portable::$kernel($($argument),*),
        }
    };
}

// Below `dispatch`, which it uses.
mod pointwise;

/// The first layer: 3x3, stride 2, one channel to many, ReLU. Padding 0 at top and left, 1 at
/// bottom and right (SAME on even sizes).
pub struct FirstConvolution {
    cpu: Cpu,
    channels: usize,
    /// [9, channels], row `ky * 3 + kx`.
    weights: Aligned,
    bias: Aligned,
}

/// A log-mel patch with a frame of zeros below and zeros at the right, so that no tap is outside.
type Padded = [f32; (PATCH + 1) * PADDED_WIDTH];
const PADDED_WIDTH: usize = BANDS + 1;

impl FirstConvolution {
    pub fn new(cpu: Cpu, channels: usize, weights: &[f32], bias: &[f32]) -> Self {
        assert_eq!((weights.len(), bias.len()), (9 * channels, channels));
        assert_eq!(channels % 16, 0, "whole vectors of channels");
        FirstConvolution { cpu: cpu.checked(), channels, weights: weights.into(), bias: bias.into() }
    }

    pub fn channels(&self) -> usize {
        self.channels
    }

    /// `patch` [96, 64] to `output` [rows, 32, channels]: the output's rows from `first_row` on, of 48.
    pub fn run(&self, patch: &[f32], first_row: usize, output: &mut [f32]) {
        let length = BANDS / 2 * self.channels;
        assert_eq!((patch.len(), output.len() % length), (PATCH * BANDS, 0));
        assert!(first_row + output.len() / length <= PATCH / 2);
        let mut padded: Padded = [0.0; (PATCH + 1) * PADDED_WIDTH];
        for (row, frame) in padded.chunks_exact_mut(PADDED_WIDTH).zip(patch.chunks_exact(BANDS)) {
            row[..BANDS].copy_from_slice(frame);
        }
        dispatch!(self.cpu, first_convolution(self, &padded, first_row, output));
    }
}

/// A 3x3 convolution of each channel by itself, ReLU, SAME padding on even sizes.
pub struct Depthwise {
    cpu: Cpu,
    /// Size of the input.
    height: usize,
    width: usize,
    channels: usize,
    /// 1 or 2. At 1 the padding is one on all sides, at 2 only at bottom and right.
    stride: usize,
    /// [9, channels], row `ky * 3 + kx`.
    weights: Aligned,
    bias: Aligned,
    /// Stands in for the rows outside the input.
    zeros: Aligned,
}

impl Depthwise {
    pub fn new(cpu: Cpu, [height, width, channels]: [usize; 3], stride: usize, weights: &[f32], bias: &[f32]) -> Self {
        assert_eq!((weights.len(), bias.len()), (9 * channels, channels));
        assert!(channels.is_multiple_of(16), "whole vectors of channels");
        assert!(stride == 1 || stride == 2 && height.is_multiple_of(2) && width.is_multiple_of(2));
        let (weights, bias) = (weights.into(), bias.into());
        Depthwise {
            cpu: cpu.checked(),
            height,
            width,
            channels,
            stride,
            weights,
            bias,
            zeros: Aligned::zeros(width * channels),
        }
    }

    /// `[height, width, channels]` of the input.
    pub fn input_shape(&self) -> [usize; 3] {
        [self.height, self.width, self.channels]
    }

    /// `[height, width, channels]` of the output.
    pub fn output_shape(&self) -> [usize; 3] {
        [self.height / self.stride, self.width / self.stride, self.channels]
    }

    /// The whole picture.
    pub fn run(&self, input: &[f32], output: &mut [f32]) {
        assert_eq!(input.len(), self.height * self.width * self.channels);
        assert_eq!(output.len(), self.output_shape().iter().product::<usize>());
        let [before, after] = self.row_lengths();
        for (y, output) in output.chunks_exact_mut(after).enumerate() {
            self.run_row(self.rows_under(y).map(|row| row.map(|row| &input[row * before..][..before])), output);
        }
    }

    /// One row of the output from the three rows of the input under it; none stands for zeros.
    pub fn run_row(&self, rows: [Option<&[f32]>; 3], output: &mut [f32]) {
        let [before, after] = self.row_lengths();
        let rows = rows.map(|row| row.unwrap_or(&self.zeros));
        assert!(rows.iter().all(|row| row.len() == before) && output.len() == after);
        dispatch!(self.cpu, depthwise(self, rows, output));
    }

    /// The rows of the input that a row of the output looks at; none where that is outside.
    pub fn rows_under(&self, output_row: usize) -> [Option<usize>; 3] {
        [0, 1, 2].map(|tap| {
            let row = (output_row * self.stride + tap).checked_sub(self.padding());
            row.filter(|&row| row < self.height)
        })
    }

    /// Values in a row of the input, and of the output.
    pub fn row_lengths(&self) -> [usize; 2] {
        [self.width * self.channels, self.width / self.stride * self.channels]
    }

    /// Zeros before the first row and column.
    fn padding(&self) -> usize {
        if self.stride == 1 { 1 } else { 0 }
    }
}

/// Mean over height and width: `[places, channels]` to `[channels]`.
pub fn pool(input: &[f32], output: &mut [f32]) {
    output.fill(0.0);
    for place in input.chunks_exact(output.len()) {
        output.iter_mut().zip(place).for_each(|(sum, value)| *sum += value);
    }
    let places = (input.len() / output.len()) as f32;
    output.iter_mut().for_each(|sum| *sum /= places);
}

#[cfg(test)]
mod tests;

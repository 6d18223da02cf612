//! Which of two tiles the matrix products use, where a path has two.
//!
//! In layers of more than 128 inputs a tile of three rows skips more zeros than one of six, and loads each weight twice
//! as often. Which is faster depends on how many multiply-adds and loads a core begins in a cycle, so it is known for
//! some families of processors, and measured on the others. Every output is the same sum in the same order with either:
//! the choice changes no bit of it.
//!
//! Invariant: nothing here but a choice; any is right.

use std::hint::black_box;
use std::time::{Duration, Instant};

use super::{Cpu, Gemm, GemmScratch, MR, RowGroups};

/// Rows of a tile in layers of more than 128 inputs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TileRows {
    /// Three.
    Three,
    /// Six.
    Six,
}

impl TileRows {
    /// Both.
    pub const ALL: [TileRows; 2] = [TileRows::Three, TileRows::Six];

    /// 3 or 6.
    pub fn number(self) -> usize {
        match self {
            TileRows::Three => MR / 2,
            TileRows::Six => MR,
        }
    }

    /// The tile with a [`TileRows::number`].
    pub fn from_number(number: usize) -> Option<TileRows> {
        TileRows::ALL.into_iter().find(|rows| rows.number() == number)
    }
}

/// What the kernels are compiled for, and which of their tiles are used. From a [`Cpu`] alone: the tile that is known to
/// suit the processor, else six rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KernelChoice {
    /// The path.
    pub cpu: Cpu,
    /// Ignored by a path with one tile.
    pub tile_rows: TileRows,
}

impl From<Cpu> for KernelChoice {
    fn from(cpu: Cpu) -> KernelChoice {
        KernelChoice { cpu, tile_rows: cpu.known_tile_rows().unwrap_or(TileRows::Six) }
    }
}

/// How fast a matrix product was with each tile.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TileSpeeds {
    /// Multiply-adds a second with three rows, those with zeros among them.
    pub three: f64,
    /// The same with six rows.
    pub six: f64,
}

impl TileSpeeds {
    /// The faster one. Six rows if they are equal, within what a measurement varies.
    pub fn fastest(self) -> TileRows {
        if self.three > self.six * 1.01 { TileRows::Three } else { TileRows::Six }
    }

    /// Of the tile.
    pub fn of(self, rows: TileRows) -> f64 {
        match rows {
            TileRows::Three => self.three,
            TileRows::Six => self.six,
        }
    }
}

/// Inputs and outputs of the layer that is measured: five of the network's thirteen blocks have one of this size.
const CHANNELS: usize = 512;
/// Rows of its input.
const ROWS: usize = 6 * MR;
/// How often each tile is measured, in turns: the least time of each is what nothing else disturbed.
const TURNS: usize = 5;

impl Cpu {
    /// Whether the path has both tiles.
    pub fn has_two_tiles(self) -> bool {
        matches!(self, Cpu::Amx | Cpu::Avx512 | Cpu::Neon)
    }

    /// The tile that is known to be the faster one on this processor; None if it must be measured, or if the path has one.
    pub fn known_tile_rows(self) -> Option<TileRows> {
        match self {
            // Only Xeons have AMX.
            Cpu::Amx => Some(TileRows::Six),
            #[cfg(target_arch = "x86_64")]
            Cpu::Avx512 => super::x86::tile_rows_of_avx512(),
            _ => None,
        }
    }

    /// Measures both tiles, in a few milliseconds. Panics if this machine does not have the path.
    pub fn measure_tiles(self) -> TileSpeeds {
        let weights = values(CHANNELS * CHANNELS, |_| false);
        let input = values(ROWS * CHANNELS, |index| is_zero(index / CHANNELS, index % CHANNELS));
        let bias = vec![0.1; CHANNELS];
        let mut output = vec![0.0; ROWS * CHANNELS];
        let layers = TileRows::ALL.map(|tile_rows| {
            let rows = weights.chunks_exact(CHANNELS).map(|row| row.iter().copied());
            Gemm::in_f32(KernelChoice { cpu: self, tile_rows }, CHANNELS, rows, &bias, true)
        });
        let (mut scratch, mut least) = (GemmScratch::default(), [Duration::MAX; 2]);
        // A first turn brings weights and buffers into the caches.
        for turn in 0..=TURNS {
            for (layer, least) in layers.iter().zip(&mut least) {
                let begun = Instant::now();
                layer.run(&input, black_box(&mut output), RowGroups::CONSECUTIVE, &mut scratch);
                if turn > 0 {
                    *least = begun.elapsed().min(*least);
                }
            }
        }
        let speed = |least: Duration| (ROWS * CHANNELS * CHANNELS) as f64 / least.as_secs_f64().max(1e-9);
        TileSpeeds { three: speed(least[0]), six: speed(least[1]) }
    }
}

/// Reproducible values, zero where `is_zero` says so of their index.
fn values(length: usize, is_zero: impl Fn(usize) -> bool) -> Vec<f32> {
    let value = |index: usize| ((index * 7919) % 2001) as f32 / 2000.0 + 0.1;
    (0..length).map(|index| if is_zero(index) { 0.0 } else { value(index) }).collect()
}

/// Zeros that groups have in common, as often as in real sounds in layers of this size: 29 of 100 columns are zero in all
/// six rows of a group, and 38 in three of them.
fn is_zero(row: usize, column: usize) -> bool {
    match (row / MR * 31 + column * 17) % 100 {
        0..29 => true,
        29..38 => row % MR < MR / 2,
        38..47 => row % MR >= MR / 2,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tiles_have_numbers() {
        assert_eq!(TileRows::ALL.map(TileRows::number), [3, 6]);
        assert_eq!(
            [0, 1, 3, 6, 9].map(TileRows::from_number),
            [None, None, Some(TileRows::Three), Some(TileRows::Six), None]
        );
    }

    #[test]
    fn the_faster_tile_is_taken_and_six_rows_where_there_is_no_difference() {
        let fastest = |three: f64, six: f64| TileSpeeds { three, six }.fastest();
        assert_eq!(
            [fastest(2.0, 1.0), fastest(1.005, 1.0), fastest(1.0, 1.0), fastest(1.0, 2.0)].map(TileRows::number),
            [3, 6, 6, 6]
        );
    }

    #[test]
    fn measured_inputs_have_the_zeros_of_real_sounds() {
        let share = |rows: usize| {
            let groups = (0..ROWS / rows).flat_map(|group| (0..CHANNELS).map(move |column| (group * rows, column)));
            let zero = groups.filter(|&(first, column)| (first..first + rows).all(|row| is_zero(row, column))).count();
            zero as f64 / (ROWS / rows * CHANNELS) as f64
        };
        assert!((share(6) - 0.29).abs() < 0.02 && (share(3) - 0.38).abs() < 0.02, "{} {}", share(6), share(3));
    }

    #[test]
    fn both_tiles_can_be_measured_on_every_path() {
        for cpu in Cpu::available() {
            let speeds = cpu.measure_tiles();
            assert!(speeds.three > 1e6 && speeds.six > 1e6, "{}: {speeds:?}", cpu.name());
        }
    }
}

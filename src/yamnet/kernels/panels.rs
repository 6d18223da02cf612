//! The weights of a matrix product in floats, whose inputs of zero are left out.
//!
//! Inputs come from a ReLU: half of them are zero. One that is zero in all rows of a group adds nothing to any of
//! their sums, so a kernel first lists the inputs that are alive in a group and then sums over the list. The sums
//! are the same numbers: they keep their order, and what is left out is `0 * weight`. (Adding that could turn
//! a sum of -0 into 0, no more.)
//!
//! Invariant: knows no instructions; the paths do.

use super::pointwise::Rows;
use super::{COLUMNS, Cpu, portable};
use crate::yamnet::aligned::Aligned;

/// A list costs more than it saves where a sum has fewer terms.
const WORTH_A_LIST: usize = 64;
/// Rows of a panel that are asked for before they are needed. A panel is larger than the nearest cache:
/// without this a single patch waits for its weights a fifth of its time.
pub(super) const AHEAD: usize = 32;

pub(super) struct Panels {
    pub(super) tile: Tile,
    /// Whether inputs of zero are left out.
    pub(super) sparse: bool,
    /// [outputs / columns of a tile, inputs, columns of a tile]: what the kernel reads in order.
    pub(super) values: Aligned,
}

impl Panels {
    pub(super) fn pack(cpu: Cpu, rows: Rows<impl Iterator<Item = impl Iterator<Item = f32>>>) -> Panels {
        let inputs = rows.count;
        assert!((1..usize::from(u16::MAX) / 2).contains(&inputs), "inputs are listed in sixteen bits");
        let tile = Tile::of(cpu, inputs);
        let mut values = Aligned::zeros(inputs * rows.width.next_multiple_of(COLUMNS));
        let mut finite = true;
        rows.each(|k, row| {
            finite &= row.iter().all(|weight| weight.is_finite());
            for (panel, columns) in row.chunks_exact(tile.columns).enumerate() {
                values[(panel * inputs + k) * tile.columns..][..tile.columns].copy_from_slice(columns);
            }
        });
        // Zero times infinity is no zero.
        Panels { tile, sparse: inputs >= WORTH_A_LIST && finite, values }
    }
}

/// What a kernel computes at a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Tile {
    /// A divisor of [`ROWS`].
    pub(super) rows: usize,
    /// A panel's.
    pub(super) columns: usize,
}

impl Tile {
    /// The fewer rows, the more inputs are zero in all of them, as long as the weights come fast enough.
    fn of(cpu: Cpu, inputs: usize) -> Tile {
        match cpu {
            // The whole panel stays in the nearest cache.
            Cpu::Amx | Cpu::Avx512 if inputs <= 128 => Tile { rows: 3, columns: 64 },
            Cpu::Amx | Cpu::Avx512 => Tile { rows: 6, columns: 64 },
            Cpu::Avx2 => Tile { rows: 3, columns: 32 },
            Cpu::Portable => Tile { rows: 1, columns: portable::PANEL },
        }
    }
}

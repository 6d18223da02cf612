//! `B` packed for the f32 kernels.
//!
//! ```text
//! B [k, n]  ->  [n / nr, k, nr]     one panel of nr columns after the other, rows in order
//! ```
//!
//! The inputs come from a ReLU: half of them are zero. A column of `A` that is zero in all rows of a group adds nothing
//! to their sums, so a kernel first lists the columns that are not, and then sums over the list. The sums are the same
//! numbers: they keep their order, and what is skipped is `0 * weight`. (Adding that could turn a sum of -0 into 0,
//! nothing else.)
//!
//! Invariant: no instructions here.

use super::{NR, WeightRows};
use crate::aligned::AlignedBuffer;
use crate::kernels::{Cpu, KernelChoice, TileRows};

/// Smallest `k` for which a list of nonzero columns costs less than it saves.
const MIN_SPARSE_K: usize = 64;
/// How many rows of a panel ahead a kernel prefetches. A panel is larger than the first-level cache: without this a
/// single patch waits for its weights a fifth of its time.
pub(super) const PREFETCH_DISTANCE: usize = 32;

pub(in crate::kernels) struct Panels {
    pub(in crate::kernels) tile: MicroTile,
    /// Whether zeros are skipped.
    pub(super) sparse: bool,
    /// `[n / nr, k, nr]`
    pub(super) values: AlignedBuffer,
}

impl Panels {
    pub(super) fn pack(
        choice: KernelChoice,
        rows: WeightRows<impl Iterator<Item = impl Iterator<Item = f32>>>,
    ) -> Panels {
        let k = rows.k;
        assert!((1..usize::from(u16::MAX) / 2).contains(&k), "columns are listed in 16 bits");
        let tile = MicroTile::for_layer(choice, k);
        let mut values = AlignedBuffer::zeros(k * rows.width.next_multiple_of(NR));
        let mut is_finite = true;
        rows.for_each(|p, row| {
            is_finite &= row.iter().all(|weight| weight.is_finite());
            for (panel, columns) in row.chunks_exact(tile.nr).enumerate() {
                values[(panel * k + p) * tile.nr..][..tile.nr].copy_from_slice(columns);
            }
        });
        // Zero times infinity is NaN, which must not be skipped.
        Panels { tile, sparse: k >= MIN_SPARSE_K && is_finite, values }
    }
}

/// The block of `C` that a micro-kernel computes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::kernels) struct MicroTile {
    /// Rows: a divisor of [`super::MR`].
    pub(in crate::kernels) mr: usize,
    /// Columns: a divisor of [`NR`].
    pub(super) nr: usize,
}

impl MicroTile {
    /// Fewer rows have more zeros in common; but they load each weight more often, so that the weights must be in a
    /// cache.
    fn for_layer(KernelChoice { cpu, tile_rows }: KernelChoice, k: usize) -> MicroTile {
        // With so few inputs the panel fits the first-level cache.
        let tile_rows = if k <= 128 { TileRows::Three } else { tile_rows };
        match (cpu, tile_rows) {
            (Cpu::Amx | Cpu::Avx512, _) => MicroTile { mr: tile_rows.number(), nr: 64 },
            (Cpu::Avx2, _) => MicroTile { mr: 3, nr: 32 },
            (Cpu::Neon, TileRows::Three) => MicroTile { mr: 3, nr: 32 },
            (Cpu::Neon, TileRows::Six) => MicroTile { mr: 6, nr: 16 },
            (Cpu::Portable, _) => MicroTile { mr: 1, nr: super::portable::PANEL_NR },
        }
    }
}

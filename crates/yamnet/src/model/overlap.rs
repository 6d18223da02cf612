//! The first layers, for patches that overlap by half.
//!
//! ```text
//! patch t - 1   rows  0 ............ h/2 ............ h
//! patch t                            0 ............ h/2 ............ h
//! computed for patch t:              |head|  (shared)  |foot + h/2 rows|
//! ```
//!
//! In these layers most rows in the upper half of a patch's feature map are rows in the lower half of the patch before:
//! all but the `head` and the `foot`, those that depend on the zeros outside of their own patch. A patch that follows
//! its neighbour computes only the others. `head` and `foot` grow by a row with each 3x3 convolution and halve with
//! each stride of 2. At six rows no row is shared any more.
//!
//! Invariant: a row has the same bits whether it is computed or shared.

use super::block::{Block, BlockScratch};
use crate::aligned::AlignedBuffer;
use crate::kernels::FirstConvolution;
use crate::params::{MEL_BANDS, PATCH_FRAMES};

/// The first convolution and the blocks behind it, one patch at a time.
pub(super) struct OverlappingLayers {
    first: FirstConvolution,
    blocks: Vec<Block>,
    /// Of the feature maps of the first convolution and of each block but the last: the rows that a following patch
    /// computes.
    following: Vec<ComputedRows>,
}

/// The rows of a feature map that a patch computes: `0..head` and `tail..height`. Those between are rows of the patch
/// before, half a feature map further down.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
struct ComputedRows {
    height: usize,
    head: usize,
    tail: usize,
}

impl ComputedRows {
    fn all(height: usize) -> ComputedRows {
        ComputedRows { height, head: 0, tail: 0 }
    }

    /// Of a patch that follows another: `head` rows depend on its upper edge, `foot` rows of the patch before on its
    /// lower one.
    fn following(height: usize, head: usize, foot: usize) -> ComputedRows {
        ComputedRows { height, head, tail: height / 2 - foot }
    }

    fn rows(self) -> impl Iterator<Item = usize> {
        (0..self.head).chain(self.tail..self.height)
    }

    fn count(self) -> usize {
        self.head + self.height - self.tail
    }

    /// Index of a row among the computed ones.
    fn index(self, row: usize) -> Option<usize> {
        match row {
            _ if row < self.head => Some(row),
            _ if row < self.tail => None,
            _ => Some(self.head + row - self.tail),
        }
    }
}

/// The computed rows of a feature map.
#[derive(Default)]
struct FeatureMap {
    computed: ComputedRows,
    row_length: usize,
    values: AlignedBuffer,
}

impl FeatureMap {
    /// The buffer for the computed rows, and for what a kernel writes beyond them.
    fn prepare(&mut self, computed: ComputedRows, row_length: usize, buffer_length: usize) -> &mut [f32] {
        (self.computed, self.row_length) = (computed, row_length);
        self.values.grow(buffer_length);
        &mut self.values[..buffer_length]
    }

    /// A row of this patch, if need be from the feature map of the patch before.
    fn row<'a>(&'a self, before: &'a FeatureMap, row: usize) -> &'a [f32] {
        match self.computed.index(row) {
            Some(index) => &self.values[index * self.row_length..][..self.row_length],
            None => before.row(before, row + self.computed.height / 2),
        }
    }
}

/// What a thread keeps of a patch for the next one: a feature map for each layer.
#[derive(Default)]
pub(super) struct FeatureMaps {
    current: Vec<FeatureMap>,
    before: Vec<FeatureMap>,
    scratch: BlockScratch,
}

impl OverlappingLayers {
    /// `blocks` follow the first convolution.
    pub(super) fn new(first: FirstConvolution, blocks: Vec<Block>) -> Self {
        // No row of the first feature map depends on zeros above: SAME padding has none there at stride 2.
        let (mut head, mut foot, mut height) = (0, 1, PATCH_FRAMES / 2);
        let mut following = vec![ComputedRows::following(height, head, foot)];
        for block in &blocks[..blocks.len() - 1] {
            let [output_height, _, _] = block.output_shape();
            // At stride 1 a row depends on one more row on either side; at stride 2 on two more below.
            (head, foot) =
                if output_height == height { (head + 1, foot + 1) } else { (head.div_ceil(2), (foot + 2) / 2) };
            height = output_height;
            following.push(ComputedRows::following(height, head, foot));
        }
        OverlappingLayers { first, blocks, following }
    }

    /// Values in the output of a patch.
    pub(super) fn output_length(&self) -> usize {
        self.blocks[self.blocks.len() - 1].output_length()
    }

    /// A patch `[96, 64]` to the output of the last block. `follows` says that `feature_maps` were last used for the
    /// patch before this one.
    pub(super) fn run(&self, patch: &[f32], follows: bool, feature_maps: &mut FeatureMaps, output: &mut [f32]) {
        feature_maps.advance(self.following.len());
        let computed = |layer: usize| {
            if follows { self.following[layer] } else { ComputedRows::all(self.following[layer].height) }
        };
        let FeatureMaps { current, before, scratch } = feature_maps;
        let row_length = MEL_BANDS / 2 * self.first.channels();
        let first = current[0].prepare(computed(0), row_length, computed(0).count() * row_length);
        self.first.run(patch, computed(0).tail, first);
        let (last, blocks) = self.blocks.split_last().expect("there is a block");
        for (layer, block) in blocks.iter().enumerate() {
            let (done, next) = current.split_at_mut(layer + 1);
            let computed = computed(layer + 1);
            let buffer_length = block.buffer_length(computed.count());
            let output = next[0].prepare(computed, block.output_row_length(), buffer_length);
            block.run_rows(computed.rows(), |row| done[layer].row(&before[layer], row), scratch, output);
        }
        let input = |row| current[blocks.len()].row(&before[blocks.len()], row);
        last.run_rows(0..last.output_shape()[0], input, scratch, output);
    }

    /// For each feature map the rows that a following patch computes, and all.
    #[cfg(test)]
    pub(super) fn computed_rows(&self) -> impl Iterator<Item = (usize, usize)> {
        self.following.iter().map(|rows| (rows.count(), rows.height))
    }
}

impl FeatureMaps {
    /// What was computed last becomes the patch before.
    fn advance(&mut self, layers: usize) {
        std::mem::swap(&mut self.current, &mut self.before);
        for feature_maps in [&mut self.current, &mut self.before] {
            feature_maps.resize_with(layers, FeatureMap::default);
        }
    }
}

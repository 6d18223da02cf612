//! The network: log-mel patches to logits and embeddings, as one candle operation over packed weights.
//!
//! ```text
//! patch [96, 64] -> first convolution [48, 32, 32]
//!   -> blocks 1 to 13 (depthwise 3x3, pointwise; BLOCKS)  [3, 2, 1024]
//!   -> global average pool [1024], the embedding -> dense [521]
//! ```
//!
//! Blocks 1 to 6, on large feature maps, run one patch at a time, so that its data stay in the core's cache, and share
//! rows with the patch before (`overlap`). The others run on some patches together (`block`).
//!
//! Invariant: no tensor and no allocation per layer; the logits of a patch do not depend on its batch.

use std::cell::RefCell;
use std::ops::Range;
use std::panic::resume_unwind;
use std::thread::ScopedJoinHandle;

use candle_core::{CpuStorage, CustomOp1, Device, Layout, Result, Shape, Tensor};

use super::Outputs;
use super::block::{Block, BlockScratch};
use super::overlap::{FeatureMaps, OverlappingLayers};
use super::weights::{ModelError, Weights};
use crate::aligned::AlignedBuffer;
use crate::kernels::{FirstConvolution, Gemm, KernelChoice, MR, RowGroups, global_average_pool};
use crate::params::{EMBEDDING_SIZE, MEL_BANDS, NUM_CLASSES, PATCH_FRAMES, PATCH_HOP_FRAMES};

/// Output channels of the first convolution.
const FIRST_CHANNELS: usize = 32;
/// Stride and output channels of blocks 1 to 13 (layers 2 to 14).
const BLOCKS: [(usize, usize); 13] = [
    (1, 64),
    (2, 128),
    (1, 128),
    (2, 256),
    (1, 256),
    (2, 512),
    (1, 512),
    (1, 512),
    (1, 512),
    (1, 512),
    (1, 512),
    (2, 1024),
    (1, 1024),
];
/// Blocks that run patch by patch.
const OVERLAPPING_BLOCKS: usize = 6;
/// Of the others, those whose GEMM takes one band at six times together. In those after them a position resembles
/// itself in the next patch more than its neighbours in time: the zeros outside the patch have reached all of it.
const BLOCKS_GROUPED_BY_BAND: usize = 3;
/// The blocks from here on have half of the weights.
const SECOND_HALF: usize = 11;
/// Patches worth computing together: more gain nothing, fewer lose a little.
pub const PREFERRED_BATCH: usize = 36;
/// A number of patches that is a multiple of this leaves no lanes of the kernels idle.
pub const PREFERRED_BATCH_MULTIPLE: usize = MR;

const _: () = assert!(PREFERRED_BATCH.is_multiple_of(PREFERRED_BATCH_MULTIPLE));

/// How patches lie in frames.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum PatchHop {
    /// Each begins in the middle of the one before.
    Half,
    /// Each begins at the end of the one before.
    Whole,
}

impl PatchHop {
    fn frames(self) -> usize {
        match self {
            PatchHop::Half => PATCH_HOP_FRAMES,
            PatchHop::Whole => PATCH_FRAMES,
        }
    }
}

/// Whole patches in frames `[frames, 64]`.
pub(super) fn patches_in(frames: &[f32], hop: PatchHop) -> usize {
    let frames = frames.len() / MEL_BANDS;
    if frames < PATCH_FRAMES { 0 } else { (frames - PATCH_FRAMES) / hop.frames() + 1 }
}

pub(super) struct Network {
    /// The first convolution and blocks 1 to 6.
    overlapping: OverlappingLayers,
    /// Blocks 7 to 13.
    blocks: Vec<Block>,
    dense: Gemm,
}

/// Activations of one thread.
#[derive(Default)]
struct Scratch {
    feature_maps: FeatureMaps,
    /// `[patches, height, width, channels]`: input and output of a block.
    batch: AlignedBuffer,
    block: BlockScratch,
}

thread_local! {
    static SCRATCH: RefCell<Scratch> = RefCell::default();
}

impl Network {
    pub(super) fn new(weights: &Weights<'_>, kernels: KernelChoice) -> std::result::Result<Network, ModelError> {
        // Half of the weights are in the last two blocks and the dense layer. A second thread reads them meanwhile, if
        // one can be started.
        let second_half =
            || Ok((read_blocks(weights, kernels, SECOND_HALF..BLOCKS.len())?, read_dense(weights, kernels)?));
        let (blocks, second_half) = std::thread::scope(|scope| {
            let thread = std::thread::Builder::new().spawn_scoped(scope, second_half);
            let blocks = read_blocks(weights, kernels, 0..SECOND_HALF);
            let join = |thread: ScopedJoinHandle<'_, _>| thread.join().unwrap_or_else(|panic| resume_unwind(panic));
            (blocks, thread.map_or_else(|_| second_half(), join))
        });
        let (mut blocks, (last_blocks, dense)) = (blocks?, second_half?);
        blocks.extend(last_blocks);
        let batched = blocks.split_off(OVERLAPPING_BLOCKS).into_iter().enumerate().map(|(index, block)| {
            if index < BLOCKS_GROUPED_BY_BAND { block.grouped_by_band() } else { block.grouped_by_position() }
        });
        let first = weights.folded_convolution("layer1.conv", 9, FIRST_CHANNELS)?;
        let first = FirstConvolution::new(kernels.cpu, FIRST_CHANNELS, &first.to_vec(), first.bias());
        Ok(Network { overlapping: OverlappingLayers::new(first, blocks), blocks: batched.collect(), dense })
    }

    /// Logits `[patches, 521]` of whole patches of frames.
    pub(super) fn logits(&self, frames: &[f32], hop: PatchHop) -> Vec<f32> {
        self.rows(frames, hop, Columns::Logits)
    }

    /// Logits and embeddings of whole patches of frames.
    pub(super) fn outputs(&self, frames: &[f32], hop: PatchHop) -> Outputs {
        let rows = self.rows(frames, hop, Columns::LogitsAndEmbedding);
        let patches = rows.len() / Columns::LogitsAndEmbedding.count();
        let mut outputs = Outputs {
            logits: Vec::with_capacity(patches * NUM_CLASSES),
            embeddings: Vec::with_capacity(patches * EMBEDDING_SIZE),
        };
        for row in rows.chunks_exact(Columns::LogitsAndEmbedding.count()) {
            let (logits, embedding) = row.split_at(NUM_CLASSES);
            outputs.logits.extend_from_slice(logits);
            outputs.embeddings.extend_from_slice(embedding);
        }
        outputs
    }

    fn rows(&self, frames: &[f32], hop: PatchHop, columns: Columns) -> Vec<f32> {
        let shape = match hop {
            PatchHop::Half => Shape::from((frames.len() / MEL_BANDS, MEL_BANDS)),
            PatchHop::Whole => Shape::from((frames.len() / (PATCH_FRAMES * MEL_BANDS), PATCH_FRAMES, MEL_BANDS)),
        };
        Tensor::from_slice(frames, shape, &Device::Cpu)
            .and_then(|frames| frames.apply_op1_no_bwd(&Operation { network: self, columns }))
            .and_then(|rows| rows.flatten_all()?.to_vec1())
            .expect("whole patches of frames always have logits")
    }

    fn forward(&self, frames: &[f32], hop: PatchHop, columns: Columns, scratch: &mut Scratch) -> Vec<f32> {
        let patches = patches_in(frames, hop);
        let Scratch { feature_maps, batch, block: block_scratch } = scratch;
        // For a whole batch at once, since growing leaves holes; what is not written takes no memory.
        let most = patches.next_multiple_of(MR).max(PREFERRED_BATCH);
        batch.grow(self.longest_output() * most);
        let scratch_lengths = self.blocks.iter().map(|block| block.scratch_length(most));
        block_scratch.depthwise_output.grow(scratch_lengths.fold(most * EMBEDDING_SIZE, usize::max));
        for (patch, output) in batch.chunks_exact_mut(self.overlapping.output_length()).take(patches).enumerate() {
            let start = patch * hop.frames() * MEL_BANDS;
            let follows = patch > 0 && hop == PatchHop::Half;
            self.overlapping.run(&frames[start..][..PATCH_FRAMES * MEL_BANDS], follows, feature_maps, output);
        }
        for block in &self.blocks {
            block.run(patches, batch, block_scratch);
        }
        self.classify(patches, columns, batch, block_scratch)
    }

    /// The mean over each patch's positions, then the dense layer.
    fn classify(&self, patches: usize, columns: Columns, batch: &mut [f32], scratch: &mut BlockScratch) -> Vec<f32> {
        let rows = patches.next_multiple_of(MR);
        let BlockScratch { depthwise_output, gemm } = scratch;
        depthwise_output.grow(rows * EMBEDDING_SIZE);
        let embeddings = &mut depthwise_output[..rows * EMBEDDING_SIZE];
        let length = self.blocks[self.blocks.len() - 1].output_length();
        let pairs = batch.chunks_exact(length).zip(embeddings.chunks_exact_mut(EMBEDDING_SIZE));
        for (feature_map, embedding) in pairs.take(patches) {
            global_average_pool(feature_map, embedding);
        }
        let n = self.dense.n();
        let logits = &mut batch[..rows * n];
        self.dense.run(embeddings, logits, RowGroups::CONSECUTIVE, gemm);
        let mut values = Vec::with_capacity(patches * columns.count());
        for (logits, embedding) in logits.chunks_exact(n).zip(embeddings.chunks_exact(EMBEDDING_SIZE)).take(patches) {
            values.extend_from_slice(&logits[..NUM_CLASSES]);
            match columns {
                Columns::Logits => (),
                Columns::LogitsAndEmbedding => values.extend_from_slice(embedding),
            }
        }
        values
    }

    /// Values of the largest feature map in a batch, or of a row of logits.
    fn longest_output(&self) -> usize {
        let outputs = self.blocks.iter().map(Block::output_length);
        outputs.chain([self.overlapping.output_length(), self.dense.n()]).max().unwrap_or(0)
    }
}

fn read_blocks(
    weights: &Weights<'_>,
    kernels: KernelChoice,
    indices: Range<usize>,
) -> std::result::Result<Vec<Block>, ModelError> {
    let read = |index: usize| {
        let (stride, outputs) = BLOCKS[index];
        Block::read(weights, kernels, index + 2, input_shape(index), stride, outputs)
    };
    indices.map(read).collect()
}

fn read_dense(weights: &Weights<'_>, kernels: KernelChoice) -> std::result::Result<Gemm, ModelError> {
    let dense = weights.dense("dense", EMBEDDING_SIZE, NUM_CLASSES)?;
    Ok(Gemm::new(kernels, EMBEDDING_SIZE, dense.rows(), dense.bias(), false))
}

/// `[height, width, channels]` of a block's input.
fn input_shape(block: usize) -> [usize; 3] {
    let output_shape = |[height, width, _]: [usize; 3], &(stride, outputs): &(usize, usize)| {
        [height / stride, width / stride, outputs]
    };
    BLOCKS[..block].iter().fold([PATCH_FRAMES / 2, MEL_BANDS / 2, FIRST_CHANNELS], output_shape)
}

/// What is returned of each patch.
#[derive(Debug, Clone, Copy)]
enum Columns {
    /// `[521]`
    Logits,
    /// `[521 + 1024]`
    LogitsAndEmbedding,
}

impl Columns {
    fn count(self) -> usize {
        match self {
            Columns::Logits => NUM_CLASSES,
            Columns::LogitsAndEmbedding => NUM_CLASSES + EMBEDDING_SIZE,
        }
    }
}

/// The network as a candle operation.
struct Operation<'a> {
    network: &'a Network,
    columns: Columns,
}

/// Takes half-overlapping patches as `[frames, 64]`, separate ones as `[patches, 96, 64]`.
impl CustomOp1 for Operation<'_> {
    fn name(&self) -> &'static str {
        "yamnet"
    }

    fn cpu_fwd(&self, storage: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let frames = match layout.contiguous_offsets() {
            Some((start, end)) => &storage.as_slice::<f32>()?[start..end],
            None => candle_core::bail!("yamnet needs contiguous frames"),
        };
        let hop = if layout.dims().len() == 2 { PatchHop::Half } else { PatchHop::Whole };
        let patches = patches_in(frames, hop);
        if patches == 0 || frames.len() != (PATCH_FRAMES + (patches - 1) * hop.frames()) * MEL_BANDS {
            candle_core::bail!("{} values are not whole patches", frames.len());
        }
        let rows = SCRATCH.with_borrow_mut(|scratch| self.network.forward(frames, hop, self.columns, scratch));
        Ok((CpuStorage::F32(rows), Shape::from((patches, self.columns.count()))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::Cpu;
    use crate::test_model;

    #[test]
    fn a_following_patch_computes_about_half_of_its_early_rows() {
        let network = Network::new(&test_model::weights(), Cpu::detect().into()).unwrap();
        let expected = [(25, 48), (27, 48), (15, 24), (17, 24), (9, 12), (11, 12)];
        assert_eq!(network.overlapping.computed_rows().collect::<Vec<_>>(), expected);
    }

    #[test]
    fn the_last_layer_turns_an_embedding_into_the_logits() {
        let weights = test_model::weights();
        let dense = weights.dense("dense", EMBEDDING_SIZE, NUM_CLASSES).unwrap();
        let (rows, bias) = (dense.to_vec(), dense.bias());
        let frames: Vec<f32> =
            (0..2 * PATCH_FRAMES * MEL_BANDS).map(|i| (i * 7919 % 1000) as f32 / 100.0 - 7.0).collect();
        let Outputs { logits, embeddings } =
            Network::new(&weights, Cpu::detect().into()).unwrap().outputs(&frames, PatchHop::Whole);
        for (logits, embedding) in logits.chunks_exact(NUM_CLASSES).zip(embeddings.chunks_exact(EMBEDDING_SIZE)) {
            assert!(embedding.iter().any(|value| *value > 0.1));
            for (class, logit) in logits.iter().enumerate() {
                let products = embedding.iter().enumerate().map(|(i, value)| value * rows[i * NUM_CLASSES + class]);
                let expected = bias[class] + products.sum::<f32>();
                assert!((logit - expected).abs() < 1e-4, "class {class}: {logit} and {expected}");
            }
        }
    }
}

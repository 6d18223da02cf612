//! The network: one candle op over packed weights.
//!
//! Read [`Network::forward`] top to bottom for the layers. Blocks on large pictures run one patch at
//! a time, so that a patch stays in the core's cache; the rest run on the whole batch.
//!
//! Invariant: no tensor and no allocation per layer; the logits of a patch do not depend on its batch.

use std::cell::RefCell;
use std::sync::Arc;

use candle_core::{CpuStorage, CustomOp1, Device, Layout, Result, Shape, Tensor};

use crate::yamnet::kernels::{Cpu, Depthwise, FirstConvolution, Pointwise, ROWS, pool};
use crate::yamnet::mel::{FrontEnd, Tables};
use crate::yamnet::weights::{ModelFile, Tensors};
use crate::yamnet::{BANDS, CLASSES, ModelError, PATCH, PATCH_HOP, Scorer, frames_of};

/// Channels that the first convolution makes.
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
const SINGLE: usize = 5;
/// Length of the embedding: the mean over time and mel of the last block.
const EMBEDDING: usize = 1024;
/// Patches worth scoring together: more gain nothing, fewer lose a little.
pub const BATCH: usize = 16;

/// YAMNet with its weights, ready to score. Shared by all threads.
pub struct Model {
    network: Network,
    front_end: Arc<Tables>,
    /// SHA-256 of the model file, hexadecimal.
    pub sha256: String,
    /// The instructions in use.
    pub cpu: Cpu,
}

impl Model {
    /// Folds and packs the weights of a model file for a CPU path.
    pub fn new(file: &ModelFile, cpu: Cpu) -> std::result::Result<Model, ModelError> {
        {
            let tensors = file.tensors()?;
            let front_end = Arc::new(tensors.front_end()?);
            Ok(Model { network: Network::new(&tensors, cpu)?, front_end, sha256: file.sha256.clone(), cpu })
        }
    }
}

impl Scorer for Model {
    fn front_end(&self) -> FrontEnd {
        FrontEnd::new(self.front_end.clone())
    }

    fn logits(&self, frames: &[f32]) -> Vec<f32> {
        let shape = (frames.len() / BANDS, BANDS);
        Tensor::from_slice(frames, shape, &Device::Cpu)
            .and_then(|frames| frames.apply_op1_no_bwd(&self.network))
            .and_then(|logits| logits.flatten_all()?.to_vec1())
            .expect("whole patches of frames always have logits")
    }
}

struct Block {
    depthwise: Depthwise,
    pointwise: Pointwise,
}

impl Block {
    fn input_length(&self) -> usize {
        let [height, width, channels] = self.depthwise.input_shape();
        height * width * channels
    }

    fn middle_length(&self) -> usize {
        self.depthwise.output_shape().iter().product()
    }

    fn output_length(&self) -> usize {
        let [height, width, _] = self.depthwise.output_shape();
        height * width * self.pointwise.outputs()
    }
}

struct Network {
    first: FirstConvolution,
    blocks: Vec<Block>,
    dense: Pointwise,
}

/// Activations of one worker: they go back and forth between the two.
#[derive(Default)]
struct Scratch {
    input: Vec<f32>,
    middle: Vec<f32>,
}

thread_local! {
    static SCRATCH: RefCell<Scratch> = RefCell::default();
}

impl Network {
    fn new(tensors: &Tensors, cpu: Cpu) -> std::result::Result<Network, ModelError> {
        let first = tensors.folded("layer1.conv", 9, FIRST_CHANNELS)?;
        let mut shape = [PATCH / 2, BANDS / 2, FIRST_CHANNELS];
        let mut blocks = Vec::new();
        for (index, (stride, outputs)) in BLOCKS.into_iter().enumerate() {
            let block = read_block(tensors, cpu, index + 2, shape, stride, outputs)?;
            let [height, width, _] = block.depthwise.output_shape();
            shape = [height, width, outputs];
            blocks.push(block);
        }
        let dense = tensors.plain("dense", EMBEDDING, CLASSES)?;
        Ok(Network {
            first: FirstConvolution::new(cpu, FIRST_CHANNELS, first.weights, first.bias),
            blocks,
            dense: Pointwise::new(cpu, EMBEDDING, CLASSES, &dense.weights, &dense.bias, false),
        })
    }

    /// Half-overlapping patches of `frames` [frames, 64] to logits [patches, 521].
    fn forward(&self, frames: &[f32], scratch: &mut Scratch) -> Vec<f32> {
        let patches = patches_in(frames);
        let batched = self.blocks[SINGLE].input_length();
        scratch.reserve(self, patches);
        for patch in 0..patches {
            let from = patch * PATCH_HOP * BANDS;
            let single = &frames[from..from + PATCH * BANDS];
            self.single(single, &mut scratch.middle, &mut scratch.input[patch * batched..]);
        }
        for block in &self.blocks[SINGLE..] {
            block.run(patches, &mut scratch.input, &mut scratch.middle);
        }
        self.classify(patches, scratch)
    }

    /// The first convolution and blocks 1 to 5 of one patch, into the head of `output`.
    fn single(&self, patch: &[f32], middle: &mut [f32], output: &mut [f32]) {
        self.first.run(patch, &mut output[..self.blocks[0].input_length()]);
        for block in &self.blocks[..SINGLE] {
            block.run(1, output, middle);
        }
    }

    /// Mean over each patch's places, then the dense layer.
    fn classify(&self, patches: usize, scratch: &mut Scratch) -> Vec<f32> {
        let places = self.blocks[BLOCKS.len() - 1].output_length();
        let rows = patches.next_multiple_of(ROWS);
        let embeddings = &mut scratch.middle[..rows * EMBEDDING];
        for patch in 0..patches {
            let picture = &scratch.input[patch * places..(patch + 1) * places];
            pool(picture, &mut embeddings[patch * EMBEDDING..(patch + 1) * EMBEDDING]);
        }
        let width = self.dense.outputs();
        let logits = &mut scratch.input[..rows * width];
        self.dense.run(embeddings, logits);
        logits.chunks_exact(width).take(patches).flat_map(|row| &row[..CLASSES]).copied().collect()
    }
}

fn read_block(
    tensors: &Tensors,
    cpu: Cpu,
    layer: usize,
    shape: [usize; 3],
    stride: usize,
    outputs: usize,
) -> std::result::Result<Block, ModelError> {
    let inputs = shape[2];
    let depthwise = tensors.folded(&format!("layer{layer}.depthwise"), 9, inputs)?;
    let pointwise = tensors.folded(&format!("layer{layer}.pointwise"), inputs, outputs)?;
    Ok(Block {
        depthwise: Depthwise::new(cpu, shape, stride, depthwise.weights, depthwise.bias),
        pointwise: Pointwise::new(cpu, inputs, outputs, &pointwise.weights, &pointwise.bias, true),
    })
}

impl Block {
    /// Takes `patches` pictures from the head of `input` and leaves theirs there.
    fn run(&self, patches: usize, input: &mut [f32], middle: &mut [f32]) {
        let (before, between, after) = (self.input_length(), self.middle_length(), self.output_length());
        for patch in 0..patches {
            let picture = &input[patch * before..(patch + 1) * before];
            self.depthwise.run(picture, &mut middle[patch * between..(patch + 1) * between]);
        }
        self.pointwise.run(&middle[..patches * between], &mut input[..patches * after]);
    }
}

impl Scratch {
    /// Room for the largest pictures: one patch in the single blocks beside a batch before the others.
    fn reserve(&mut self, network: &Network, patches: usize) {
        let largest = |blocks: &[Block], length: fn(&Block) -> usize| blocks.iter().map(length).max().unwrap_or(0);
        let (single, batched) = network.blocks.split_at(SINGLE);
        let waiting = (patches - 1) * batched[0].input_length();
        let one = largest(single, Block::input_length).max(largest(single, Block::output_length));
        let all = largest(batched, Block::input_length).max(largest(batched, Block::output_length)) * patches;
        let rows = patches.next_multiple_of(ROWS);
        grow(&mut self.input, (waiting + one).max(all).max(rows * network.dense.outputs()));
        let middle = largest(single, Block::middle_length).max(patches * largest(batched, Block::middle_length));
        grow(&mut self.middle, middle.max(rows * EMBEDDING));
    }
}

fn grow(buffer: &mut Vec<f32>, length: usize) {
    if buffer.len() < length {
        buffer.resize(length, 0.0);
    }
}

/// Patches in a strip of frames; none if it is too short for one.
fn patches_in(frames: &[f32]) -> usize {
    let frames = frames.len() / BANDS;
    if frames < PATCH { 0 } else { (frames - PATCH) / PATCH_HOP + 1 }
}

impl CustomOp1 for Network {
    fn name(&self) -> &'static str {
        "yamnet"
    }

    fn cpu_fwd(&self, storage: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let frames = match layout.contiguous_offsets() {
            Some((start, end)) => &storage.as_slice::<f32>()?[start..end],
            None => candle_core::bail!("yamnet wants contiguous frames"),
        };
        let patches = patches_in(frames);
        if patches == 0 || frames.len() != frames_of(patches) * BANDS {
            candle_core::bail!("{} values are no whole patches", frames.len());
        }
        let logits = SCRATCH.with_borrow_mut(|scratch| self.forward(frames, scratch));
        Ok((CpuStorage::F32(logits), Shape::from((patches, CLASSES))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_patch_scores_the_same_in_every_batch() {
        let frames: Vec<f32> =
            (0..frames_of(BATCH) * BANDS).map(|i| ((i * 2_654_435_761) % 1000) as f32 / 100.0 - 7.0).collect();
        for cpu in Cpu::available() {
            let model = Model::new(&ModelFile::embedded(), cpu).unwrap();
            let together = model.logits(&frames);
            assert_eq!(together.len(), BATCH * CLASSES);
            for patch in 0..BATCH {
                let alone = model.logits(&frames[patch * PATCH_HOP * BANDS..][..PATCH * BANDS]);
                assert_eq!(alone, together[patch * CLASSES..][..CLASSES], "{} patch {patch}", cpu.name());
            }
        }
    }
}

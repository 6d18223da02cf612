//! The network: one candle op over packed weights.
//!
//! Read `BLOCKS` and `Network::forward` top to bottom for the layers. Blocks on large pictures run
//! one patch at a time, so that a patch stays in the core's cache, and share rows with the patch before
//! (`overlap`); the rest run on some patches together.
//!
//! Invariant: no tensor and no allocation per layer; the logits of a patch do not depend on its batch.

use std::cell::RefCell;
use std::ops::Range;
use std::panic::resume_unwind;
use std::sync::OnceLock;
use std::thread::ScopedJoinHandle;

use candle_core::{CpuStorage, CustomOp1, Device, Layout, Result, Shape, Tensor};

use crate::yamnet::aligned::Aligned;
use crate::yamnet::block::{Block, Middle};
use crate::yamnet::kernels::{Cpu, FirstConvolution, Grouping, Pointwise, ROWS, pool};
use crate::yamnet::mel::{FrontEnd, silence};
use crate::yamnet::overlap::{Overlapping, Pictures};
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
const SINGLE: usize = 6;
/// Of the others, how many go by bands. In those after them a place is more like itself in the next patch than like
/// its neighbours in time: what lies outside the patch has reached all of it.
const BY_BAND: usize = 3;
/// The last blocks, from which on half of the weights are.
const DEEP: usize = 11;
/// Length of the embedding: the mean over time and mel of the last block.
const EMBEDDING: usize = 1024;
/// Patches worth scoring together: more gain nothing, fewer lose a little.
pub const BATCH: usize = 36;

/// YAMNet with its weights, ready to score. Shared by all threads.
pub struct Model {
    network: Network,
    front_end: FrontEnd,
    /// Logits of a patch of digital silence, once one has been met.
    silence: OnceLock<Vec<f32>>,
    /// SHA-256 of the model file, hexadecimal.
    pub sha256: String,
    /// The instructions in use.
    pub cpu: Cpu,
}

impl Model {
    /// Folds and packs the weights of a model file for a CPU path.
    pub fn new(file: &ModelFile, cpu: Cpu) -> std::result::Result<Model, ModelError> {
        let tensors = file.tensors()?;
        let (network, front_end) = (Network::new(&tensors, cpu)?, tensors.front_end(cpu)?);
        Ok(Model { network, front_end, silence: OnceLock::new(), sha256: file.sha256.clone(), cpu })
    }
}

impl Model {
    /// Log-mel frames [n, 64] of 16 kHz samples.
    pub fn log_mel(&self, samples: &[f32]) -> Vec<f32> {
        self.front_end.log_mel(samples)
    }

    /// Logits [n, 521] of the half-overlapping patches of log-mel frames [48 n + 48, 64]. Patches of
    /// digital silence are computed once and for all.
    pub fn logits_of_frames(&self, frames: &[f32]) -> Vec<f32> {
        let hop = PATCH_HOP * BANDS;
        let silent = |patch: usize| is_silent(&frames[patch * hop..][..PATCH * BANDS]);
        let patches: Vec<usize> = (0..patches_in(frames, PATCH_HOP)).collect();
        let runs = patches.chunk_by(|&a, &b| silent(a) == silent(b));
        let logits = runs.flat_map(|run| match silent(run[0]) {
            true => self.silence().repeat(run.len()),
            false => {
                let strip = &frames[run[0] * hop..][..frames_of(run.len()) * BANDS];
                self.apply(strip, (strip.len() / BANDS, BANDS))
            }
        });
        logits.collect()
    }

    /// Logits [n, 521] of patches [n, 96, 64] that have nothing to do with each other. Bit-equal to
    /// [`Model::logits_of_frames`] of the same patches; slower, since nothing is shared.
    pub fn logits_of_patches(&self, patches: &[f32]) -> Vec<f32> {
        self.apply(patches, (patches.len() / (PATCH * BANDS), PATCH, BANDS))
    }

    fn silence(&self) -> &[f32] {
        self.silence.get_or_init(|| self.logits_of_patches(&[silence(); PATCH * BANDS]))
    }

    fn apply(&self, values: &[f32], shape: impl Into<Shape>) -> Vec<f32> {
        Tensor::from_slice(values, shape.into(), &Device::Cpu)
            .and_then(|values| values.apply_op1_no_bwd(&self.network))
            .and_then(|logits| logits.flatten_all()?.to_vec1())
            .expect("whole patches of frames always have logits")
    }
}

/// Whether every band of a patch is that of digital silence.
fn is_silent(patch: &[f32]) -> bool {
    let silence = silence();
    patch.iter().all(|&band| band == silence)
}

impl Scorer for Model {
    fn logits(&self, samples: &[f32]) -> Vec<f32> {
        self.logits_of_frames(&self.log_mel(samples))
    }
}

pub(super) struct Network {
    /// The first convolution and blocks 1 to 6, patch by patch.
    pub(super) overlapping: Overlapping,
    /// Blocks 7 to 13, a batch at a time.
    blocks: Vec<Block>,
    dense: Pointwise,
}

/// Activations of one worker.
#[derive(Default)]
struct Scratch {
    pictures: Pictures,
    /// [patches, height, width, channels]: what a block takes and leaves.
    batch: Aligned,
    /// Between the two convolutions of a block; and the embeddings.
    middle: Middle,
}

thread_local! {
    static SCRATCH: RefCell<Scratch> = RefCell::default();
}

impl Network {
    pub(super) fn new(tensors: &Tensors, cpu: Cpu) -> std::result::Result<Network, ModelError> {
        // Half of the weights are in the last two blocks and the dense layer, which another core reads meanwhile, if
        // there may be another thread.
        let deep = || Ok((read_blocks(tensors, cpu, DEEP..BLOCKS.len())?, Network::dense(tensors, cpu)?));
        let (blocks, deep) = std::thread::scope(|scope| {
            let started = std::thread::Builder::new().spawn_scoped(scope, deep);
            let blocks = read_blocks(tensors, cpu, 0..DEEP);
            let joined = |thread: ScopedJoinHandle<'_, _>| thread.join().unwrap_or_else(|panic| resume_unwind(panic));
            (blocks, started.map_or_else(|_| deep(), joined))
        });
        let (mut blocks, (deep, dense)) = (blocks?, deep?);
        blocks.extend(deep);
        let batched = blocks.split_off(SINGLE).into_iter().enumerate();
        let batched = batched.map(|(index, block)| match index < BY_BAND {
            true => block.grouped_by_band(),
            false => block.grouped_by_place(),
        });
        let first = tensors.folded("layer1.conv", 9, FIRST_CHANNELS)?;
        let first = FirstConvolution::new(cpu, FIRST_CHANNELS, &first.weights(), &first.bias);
        Ok(Network { overlapping: Overlapping::new(first, blocks), blocks: batched.collect(), dense })
    }

    fn dense(tensors: &Tensors, cpu: Cpu) -> std::result::Result<Pointwise, ModelError> {
        let dense = tensors.plain("dense", EMBEDDING, CLASSES)?;
        Ok(Pointwise::new(cpu, EMBEDDING, dense.rows(), &dense.bias, false))
    }

    /// Patches of `frames` [frames, 64], one each `hop` frames, to logits [patches, 521].
    fn forward(&self, frames: &[f32], hop: usize, scratch: &mut Scratch) -> Vec<f32> {
        let patches = patches_in(frames, hop);
        let Scratch { pictures, batch, middle } = scratch;
        batch.grow(self.longest() * patches.next_multiple_of(ROWS));
        for (patch, output) in batch.chunks_exact_mut(self.overlapping.output_length()).take(patches).enumerate() {
            let from = patch * hop * BANDS;
            let follows = patch > 0 && hop == PATCH_HOP;
            self.overlapping.run(&frames[from..from + PATCH * BANDS], follows, pictures, output);
        }
        for block in &self.blocks {
            block.run(patches, batch, middle);
        }
        self.classify(patches, batch, middle)
    }

    /// Mean over each patch's places, then the dense layer.
    fn classify(&self, patches: usize, batch: &mut [f32], middle: &mut Middle) -> Vec<f32> {
        let rows = patches.next_multiple_of(ROWS);
        let Middle { values, workspace } = middle;
        values.grow(rows * EMBEDDING);
        let embeddings = &mut values[..rows * EMBEDDING];
        let places = self.blocks[self.blocks.len() - 1].output_length();
        for (picture, embedding) in batch.chunks_exact(places).zip(embeddings.chunks_exact_mut(EMBEDDING)).take(patches)
        {
            pool(picture, embedding);
        }
        let width = self.dense.outputs();
        let logits = &mut batch[..rows * width];
        self.dense.run(embeddings, logits, Grouping::NEIGHBOURS, workspace);
        logits.chunks_exact(width).take(patches).flat_map(|row| &row[..CLASSES]).copied().collect()
    }

    /// Values of the largest picture in a batch, or of a row of logits.
    fn longest(&self) -> usize {
        let outputs = self.blocks.iter().map(Block::output_length);
        outputs.chain([self.overlapping.output_length(), self.dense.outputs()]).max().unwrap_or(0)
    }
}

fn read_blocks(tensors: &Tensors, cpu: Cpu, indices: Range<usize>) -> std::result::Result<Vec<Block>, ModelError> {
    let read = |index: usize| {
        let (stride, outputs) = BLOCKS[index];
        Block::read(tensors, cpu, index + 2, input_shape(index), stride, outputs)
    };
    indices.map(read).collect()
}

/// `[height, width, channels]` of what a block takes.
fn input_shape(block: usize) -> [usize; 3] {
    let after = |[height, width, _]: [usize; 3], &(stride, outputs): &(usize, usize)| {
        [height / stride, width / stride, outputs]
    };
    BLOCKS[..block].iter().fold([PATCH / 2, BANDS / 2, FIRST_CHANNELS], after)
}

/// Patches in a strip of frames, one each `hop` frames; none if it is too short for one.
fn patches_in(frames: &[f32], hop: usize) -> usize {
    let frames = frames.len() / BANDS;
    if frames < PATCH { 0 } else { (frames - PATCH) / hop + 1 }
}

/// Takes half-overlapping patches as [frames, 64], separate ones as [patches, 96, 64].
impl CustomOp1 for Network {
    fn name(&self) -> &'static str {
        "yamnet"
    }

    fn cpu_fwd(&self, storage: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let frames = match layout.contiguous_offsets() {
            Some((start, end)) => &storage.as_slice::<f32>()?[start..end],
            None => candle_core::bail!("yamnet wants contiguous frames"),
        };
        let hop = if layout.dims().len() == 2 { PATCH_HOP } else { PATCH };
        let patches = patches_in(frames, hop);
        if patches == 0 || frames.len() != (PATCH + (patches - 1) * hop) * BANDS {
            candle_core::bail!("{} values are no whole patches", frames.len());
        }
        let logits = SCRATCH.with_borrow_mut(|scratch| self.forward(frames, hop, scratch));
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
            let together = model.logits_of_frames(&frames);
            assert_eq!(together.len(), BATCH * CLASSES);
            for patch in 0..BATCH {
                let alone = model.logits_of_frames(&frames[patch * PATCH_HOP * BANDS..][..PATCH * BANDS]);
                assert_eq!(alone, together[patch * CLASSES..][..CLASSES], "{} patch {patch}", cpu.name());
            }
            assert_eq!(model.logits_of_patches(&apart(&frames)), together, "{}", cpu.name());
            // With and without patches left over from sixes.
            for patches in [2, 5, 6, 7, 11, 13] {
                let strip = model.logits_of_frames(&frames[..frames_of(patches) * BANDS]);
                assert_eq!(strip, together[..patches * CLASSES], "{} {patches}", cpu.name());
            }
        }
    }

    /// Half-overlapping patches, one after the other.
    fn apart(frames: &[f32]) -> Vec<f32> {
        let starts = (0..patches_in(frames, PATCH_HOP)).map(|patch| patch * PATCH_HOP * BANDS);
        starts.flat_map(|start| frames[start..start + PATCH * BANDS].to_vec()).collect()
    }

    #[test]
    fn silence_between_sounds_has_the_logits_that_the_network_gives_it() {
        let model = Model::new(&ModelFile::embedded(), Cpu::detect()).unwrap();
        let mut samples: Vec<f32> = (0..SAMPLES).map(|i| ((i * 7919) % 2001) as f32 / 1000.0 - 1.0).collect();
        samples[SAMPLES / 4..SAMPLES / 2].fill(0.0);
        samples[SAMPLES * 7 / 8..].fill(0.0);
        let frames = model.log_mel(&samples);
        let patches = apart(&frames);
        let silent = patches.chunks_exact(PATCH * BANDS).filter(|patch| is_silent(patch)).count();
        assert!((5..15).contains(&silent), "{silent} silent patches");
        assert_eq!(model.logits_of_frames(&frames), model.logits_of_patches(&patches));
    }

    const SAMPLES: usize = crate::yamnet::samples_of(BATCH);
}

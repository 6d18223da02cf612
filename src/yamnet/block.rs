//! A separable convolution: each channel by itself over space, then all channels at each place.
//!
//! Invariant: knows neither patches nor how they overlap; it is told which rows to compute.

use crate::yamnet::ModelError;
use crate::yamnet::aligned::Aligned;
use crate::yamnet::kernels::{Cpu, Depthwise, Grouping, Pointwise, ROWS, Workspace};
use crate::yamnet::weights::Tensors;

/// Places that are worked on together, about: their values stay in the core's cache from the depthwise to
/// the pointwise convolution, and enough of them share each load of the weights.
const TOGETHER: usize = 216;

pub struct Block {
    depthwise: Depthwise,
    pointwise: Pointwise,
    /// Of the places of six pictures, where pictures go together.
    grouping: Grouping,
}

/// What lies between the two convolutions, and what the second makes of it for itself.
#[derive(Default)]
pub struct Middle {
    pub values: Aligned,
    pub workspace: Workspace,
}

impl Block {
    /// Reads a layer. `shape` is its input's, `[height, width, channels]`.
    pub fn read(
        tensors: &Tensors,
        cpu: Cpu,
        layer: usize,
        shape: [usize; 3],
        stride: usize,
        outputs: usize,
    ) -> Result<Block, ModelError> {
        let inputs = shape[2];
        let depthwise = tensors.folded(&format!("layer{layer}.depthwise"), 9, inputs)?;
        let pointwise = tensors.folded(&format!("layer{layer}.pointwise"), inputs, outputs)?;
        let depthwise = Depthwise::new(cpu, shape, stride, &depthwise.weights(), &depthwise.bias);
        let pointwise = Pointwise::new(cpu, inputs, pointwise.rows(), &pointwise.bias, true);
        let grouping = Grouping::NEIGHBOURS;
        Ok(Block { depthwise, pointwise, grouping })
    }

    /// Groups the places of one band at times that follow each other. Six of them are the later half of a picture
    /// and the earlier half of the next: of half-overlapping patches the same times, seen twice.
    pub fn grouped_by_band(self) -> Block {
        let [height, width, _] = self.depthwise.output_shape();
        Block { grouping: Grouping::apart(width).shifted(height / 2), ..self }
    }

    /// Groups one place of pictures that follow each other.
    pub fn grouped_by_place(self) -> Block {
        let [height, width, _] = self.depthwise.output_shape();
        Block { grouping: Grouping::apart(height * width), ..self }
    }

    /// Of one picture's places. A picture of six rows goes in groups of a column each: one band at six times
    /// has more zeros in common than neighbouring bands have.
    fn grouping_of_one(&self) -> Grouping {
        let [height, width, _] = self.depthwise.output_shape();
        if height == ROWS { Grouping::apart(width) } else { Grouping::NEIGHBOURS }
    }

    pub fn input_length(&self) -> usize {
        self.depthwise.input_shape().iter().product()
    }

    /// `[height, width, channels]` of the output.
    pub fn output_shape(&self) -> [usize; 3] {
        let [height, width, _] = self.depthwise.output_shape();
        [height, width, self.pointwise.outputs()]
    }

    pub fn output_length(&self) -> usize {
        self.output_shape().iter().product()
    }

    /// Values in a row of the output.
    pub fn row_length(&self) -> usize {
        let [_, width, channels] = self.output_shape();
        width * channels
    }

    /// Values that computing so many rows of the output writes: whole groups of places.
    pub fn room(&self, rows: usize) -> usize {
        self.places(rows) * self.pointwise.outputs()
    }

    /// Takes `patches` pictures [patches, input] and leaves theirs, [patches, output], in the same place.
    pub fn run(&self, patches: usize, pictures: &mut [f32], middle: &mut Middle) {
        assert!(self.output_length() <= self.input_length(), "pictures are replaced one after the other");
        let [height, width, channels] = self.depthwise.output_shape();
        let (places, between) = (height * width, height * width * channels);
        let most = (TOGETHER / places / ROWS).max(1) * ROWS;
        let Middle { values, workspace } = middle;
        values.grow(patches.min(most) * between);
        let mut first = 0;
        while first < patches {
            // What is left over from whole sixes is grouped picture by picture.
            let (count, grouping) = match patches - first {
                left @ ROWS.. => (most.min(left / ROWS * ROWS), self.grouping),
                left => (left, self.grouping_of_one()),
            };
            let inputs = pictures[first * self.input_length()..].chunks_exact(self.input_length());
            for (input, middle) in inputs.zip(values.chunks_exact_mut(between)).take(count) {
                self.depthwise.run(input, middle);
            }
            // An output is no longer than an input: it lies where all that was read is done with.
            let output = &mut pictures[first * self.output_length()..][..count * self.output_length()];
            self.pointwise.run(&values[..count * between], output, grouping, workspace);
            first += count;
        }
    }

    /// Some rows of one picture's output, one after the other, from its input's rows as `input` gives
    /// them. `output` is as long as [`Self::room`] says.
    pub fn run_rows<'a>(
        &self,
        rows: impl Iterator<Item = usize>,
        input: impl Fn(usize) -> &'a [f32],
        middle: &mut Middle,
        output: &mut [f32],
    ) {
        let between = self.depthwise.row_lengths()[1];
        let length = output.len() / self.pointwise.outputs() * self.pointwise.inputs();
        let Middle { values, workspace } = middle;
        values.grow(length);
        for (row, middle) in rows.zip(values.chunks_exact_mut(between)) {
            let under = self.depthwise.rows_under(row).map(|row| row.map(&input));
            self.depthwise.run_row(under, middle);
        }
        let whole = length == self.depthwise.output_shape().iter().product::<usize>();
        let grouping = if whole { self.grouping_of_one() } else { Grouping::NEIGHBOURS };
        self.pointwise.run(&values[..length], output, grouping, workspace);
    }

    /// Places in so many rows of the output, up to what the pointwise kernel computes together.
    fn places(&self, rows: usize) -> usize {
        (rows * self.depthwise.output_shape()[1]).next_multiple_of(ROWS)
    }
}

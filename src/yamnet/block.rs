//! A separable convolution: each channel by itself over space, then all channels at each place.
//!
//! Invariant: knows neither patches nor how they overlap; it is told which rows to compute.

use crate::yamnet::ModelError;
use crate::yamnet::aligned::Aligned;
use crate::yamnet::kernels::{Cpu, Depthwise, Live, Pointwise, ROWS};
use crate::yamnet::weights::Tensors;

pub struct Block {
    depthwise: Depthwise,
    pointwise: Pointwise,
}

/// What lies between the two convolutions: values, and which of them are not zero.
#[derive(Default)]
pub struct Middle {
    pub values: Aligned,
    pub live: Live,
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
        let depthwise = Depthwise::new(cpu, shape, stride, &depthwise.weights, &depthwise.bias);
        let pointwise = Pointwise::new(cpu, inputs, outputs, &pointwise.weights, &pointwise.bias, true);
        // A picture of six rows goes in groups of a column each. One band at six times has more zeros in
        // common than neighbouring bands have.
        let [height, width, _] = depthwise.output_shape();
        let pointwise = pointwise.grouping(if height == ROWS { width } else { 1 });
        Ok(Block { depthwise, pointwise })
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
        let between = self.depthwise.output_shape().iter().product();
        let Middle { values, live } = middle;
        values.grow(patches * between);
        let inputs = pictures.chunks_exact(self.input_length());
        for (input, middle) in inputs.zip(values.chunks_exact_mut(between)).take(patches) {
            self.depthwise.run(input, middle);
        }
        self.pointwise.run(&values[..patches * between], &mut pictures[..patches * self.output_length()], live);
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
        let Middle { values, live } = middle;
        values.grow(length);
        for (row, middle) in rows.zip(values.chunks_exact_mut(between)) {
            let under = self.depthwise.rows_under(row).map(|row| row.map(&input));
            self.depthwise.run_row(under, middle);
        }
        self.pointwise.run(&values[..length], output, live);
    }

    /// Places in so many rows of the output, up to what the pointwise kernel computes together.
    fn places(&self, rows: usize) -> usize {
        (rows * self.depthwise.output_shape()[1]).next_multiple_of(ROWS)
    }
}

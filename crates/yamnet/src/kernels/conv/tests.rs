//! The convolutions of every path of this machine against the naive loops.

use proptest::prelude::*;

use super::*;
use crate::kernels::reference::{self, assert_close, noise};

fn depthwise(cpu: Cpu, shape: [usize; 3], stride: usize, seed: u64) -> Vec<f32> {
    let layer = DepthwiseConvolution::new(cpu, shape, stride, &noise(seed, 9 * shape[2]), &noise(seed + 1, shape[2]));
    let mut output = vec![f32::NAN; layer.output_shape().iter().product()];
    layer.run(&noise(seed + 2, shape.iter().product()), &mut output);
    output
}

const CHANNELS: usize = 32;

fn first_convolution(cpu: Cpu, seed: u64) -> Vec<f32> {
    let layer = FirstConvolution::new(cpu, CHANNELS, &noise(seed, 9 * CHANNELS), &noise(seed + 1, CHANNELS));
    let mut output = vec![f32::NAN; 48 * 32 * CHANNELS];
    layer.run(&noise(seed + 2, PATCH_FRAMES * MEL_BANDS), 0, &mut output);
    output
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn depthwise_agrees_on_every_path(half_height in 1..5usize, half_width in 1..5usize, sixteens in 1..4usize, stride in 1..3usize, seed in 0..1000u64) {
        let shape = [half_height * 2, half_width * 2, sixteens * 16];
        let (weights, bias) = (noise(seed, 9 * shape[2]), noise(seed + 1, shape[2]));
        let naive = reference::depthwise(&noise(seed + 2, shape.iter().product()), shape, stride, &weights, &bias);
        for cpu in Cpu::available() {
            assert_close(&depthwise(cpu, shape, stride, seed), &naive);
        }
    }

    #[test]
    fn first_convolution_agrees_on_every_path(seed in 0..1000u64) {
        let input = noise(seed + 2, PATCH_FRAMES * MEL_BANDS);
        let (weights, bias) = (noise(seed, 9 * CHANNELS), noise(seed + 1, CHANNELS));
        let naive = reference::first_convolution(&input, [PATCH_FRAMES, MEL_BANDS], &weights, &bias);
        for cpu in Cpu::available() {
            assert_close(&first_convolution(cpu, seed), &naive);
        }
    }
}

#[test]
fn some_rows_of_the_first_convolution_are_those_of_all() {
    for cpu in Cpu::available() {
        let layer = FirstConvolution::new(cpu, CHANNELS, &noise(1, 9 * CHANNELS), &noise(2, CHANNELS));
        let mut output = vec![f32::NAN; 7 * 32 * CHANNELS];
        layer.run(&noise(3, PATCH_FRAMES * MEL_BANDS), 41, &mut output);
        assert_eq!(output, first_convolution(cpu, 1)[41 * 32 * CHANNELS..]);
    }
}

#[test]
fn global_average_pool_is_the_mean() {
    let mut output = [f32::NAN; 2];
    global_average_pool(&[1.0, 2.0, 3.0, 4.0, 5.0, 9.0], &mut output);
    assert_eq!(output, [3.0, 5.0]);
}

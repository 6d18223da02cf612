//! The GEMM of every path of this machine against the naive loops.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;
use crate::kernels::TileRows;
use crate::kernels::reference::{self, assert_close, noise};

/// Zeros in an input.
#[derive(Debug, Clone, Copy)]
enum Zeros {
    None,
    /// Of either sign, so often that whole groups have some in common.
    Many,
    All,
}

fn input_with(zeros: Zeros, seed: u64, length: usize) -> Vec<f32> {
    let zero = |chance: f32| match zeros {
        Zeros::None => None,
        Zeros::Many => (chance < 0.6).then_some(if chance < -0.2 { -0.0 } else { 0.0 }),
        Zeros::All => Some(0.0),
    };
    noise(seed, length).into_iter().zip(noise(seed + 7, length)).map(|(v, chance)| zero(chance).unwrap_or(v)).collect()
}

fn zeros() -> impl Strategy<Value = Zeros> {
    prop_oneof![Just(Zeros::None), Just(Zeros::Many), Just(Zeros::All)]
}

fn layer(cpu: Cpu, [_, k, n]: [usize; 3], relu: bool, seed: u64) -> Gemm {
    let weights = noise(seed, k * n);
    Gemm::new(cpu, k, weights.chunks_exact(n).map(|row| row.iter().copied()), &noise(seed + 1, n), relu)
}

fn run(layer: &Gemm, input: &[f32], row_groups: RowGroups) -> Vec<f32> {
    let mut output = vec![f32::NAN; input.len() / layer.k() * layer.n()];
    layer.run(input, &mut output, row_groups, &mut GemmScratch::default());
    output
}

/// `k` of layers that every path has in f32, as tiles of three rows and of six.
fn f32_k() -> impl Strategy<Value = usize> {
    prop_oneof![1..128usize, 129..150usize]
}

fn panels(layer: &mut Gemm) -> &mut Panels {
    match &mut layer.weights {
        PackedWeights::F32(panels) => panels,
        #[cfg(target_arch = "x86_64")]
        PackedWeights::Int8(_) => panic!("a layer in integers"),
    }
}

fn with_sparse(sparse: bool, mut layer: Gemm) -> Gemm {
    panels(&mut layer).sparse = sparse;
    layer
}

/// Groups and their stride.
fn row_groups() -> impl Strategy<Value = (RowGroups, usize)> {
    (1..4usize, 0..MR).prop_map(|(stride, offset)| (RowGroups::strided(stride).with_offset(offset), stride))
}

fn naive([_, k, n]: [usize; 3], relu: bool, seed: u64, input: &[f32]) -> Vec<f32> {
    reference::gemm(input, &noise(seed, k * n), &noise(seed + 1, n), relu)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn every_path_agrees_with_the_naive_loops(blocks in 1..5usize, (row_groups, stride) in row_groups(), k in 1..150usize, panels in 1..3usize, relu: bool, zeros in zeros(), seed in 0..1000u64) {
        let shape = [blocks * MR * stride, k, panels * NR];
        let input = input_with(zeros, seed + 2, shape[0] * k);
        let naive = naive(shape, relu, seed, &input);
        for cpu in Cpu::available() {
            assert_close(&run(&layer(cpu, shape, relu, seed), &input, row_groups), &naive);
        }
    }

    #[test]
    fn every_path_agrees_for_large_k(blocks in 1..7usize, k in prop_oneof![Just(128usize), Just(300), Just(512)], relu: bool, zeros in zeros(), seed in 0..1000u64) {
        let shape = [blocks * MR, k, NR];
        let input = input_with(zeros, seed + 2, shape[0] * k);
        let naive = naive(shape, relu, seed, &input);
        for cpu in Cpu::available() {
            assert_close(&run(&layer(cpu, shape, relu, seed), &input, RowGroups::CONSECUTIVE), &naive);
        }
    }

    #[test]
    fn skipping_zeros_changes_no_sum(blocks in 1..5usize, (row_groups, stride) in row_groups(), k in f32_k(), relu: bool, zeros in zeros(), seed in 0..1000u64) {
        let shape = [blocks * MR * stride, k, NR];
        let input = input_with(zeros, seed + 2, shape[0] * k);
        for cpu in Cpu::available() {
            let [dense, sparse] = [false, true].map(|sparse| run(&with_sparse(sparse, layer(cpu, shape, relu, seed)), &input, row_groups));
            prop_assert_eq!(dense, sparse);
        }
    }

    #[test]
    fn every_tile_has_the_same_bits(blocks in 1..5usize, (row_groups, stride) in row_groups(), k in prop_oneof![1..150usize, Just(256), Just(513), Just(1024)], panels in 1..3usize, relu: bool, zeros in zeros(), seed in 0..1000u64) {
        let shape = [blocks * MR * stride, k, panels * NR];
        let input = input_with(zeros, seed + 2, shape[0] * k);
        let weights = noise(seed, k * shape[2]);
        for cpu in Cpu::available() {
            let [three, six] = TileRows::ALL.map(|tile_rows| {
                let rows = weights.chunks_exact(shape[2]).map(|row| row.iter().copied());
                let layer = Gemm::new(KernelChoice { cpu, tile_rows }, k, rows, &noise(seed + 1, shape[2]), relu);
                let bits = |value: f32| value.to_bits();
                run(&layer, &input, row_groups).into_iter().map(bits).collect::<Vec<u32>>()
            });
            prop_assert!(three == six, "{}", cpu.name());
        }
    }

    #[test]
    fn a_list_has_the_columns_that_are_not_zero_in_all_rows_of_the_group(blocks in 1..5usize, (row_groups, stride) in row_groups(), k in f32_k(), zeros in zeros(), seed in 0..1000u64) {
        let shape @ [m, _, _] = [blocks * MR * stride, k, NR];
        let input = input_with(zeros, seed + 2, m * k);
        for cpu in Cpu::available() {
            let mut layer = with_sparse(true, layer(cpu, shape, true, seed));
            let (mut output, mut scratch) = (vec![0.0; m * NR], GemmScratch::default());
            layer.run(&input, &mut output, row_groups, &mut scratch);
            let groups: Vec<Vec<usize>> = match panels(&mut layer).tile.mr {
                1 => (0..m).map(|row| vec![row]).collect(),
                3 => row_groups.groups::<3>(m).map(Vec::from).collect(),
                rows => {
                    prop_assert_eq!(rows, MR);
                    row_groups.groups::<MR>(m).map(Vec::from).collect()
                }
            };
            for (group, rows) in groups.iter().enumerate() {
                let nonzero = |&p: &u16| rows.iter().any(|row| input[row * k + usize::from(p)] != 0.0);
                prop_assert_eq!(scratch.nonzero.list(group), (0..k as u16).filter(nonzero).collect::<Vec<_>>());
            }
        }
    }

    #[test]
    fn every_row_is_in_one_group(blocks in 1..5usize, (row_groups, stride) in row_groups()) {
        let m = blocks * MR * stride;
        row_groups.check(m);
        let all: BTreeSet<usize> = row_groups.groups::<MR>(m).flatten().collect();
        let mut halves: Vec<usize> = row_groups.groups::<{ MR / 2 }>(m).flatten().collect();
        prop_assert_eq!(all.len(), m);
        halves.sort();
        prop_assert_eq!(halves, (0..m).collect::<Vec<_>>());
    }
}

#[test]
fn outputs_are_padded_with_zeros_to_whole_panels() {
    for cpu in Cpu::available() {
        let output = run(&layer(cpu, [6, 8, 521], false, 1), &noise(3, 6 * 8), RowGroups::CONSECUTIVE);
        assert_eq!(output.len(), 6 * 576);
        assert!(output.chunks(576).all(|row| row[521..].iter().all(|&value| value == 0.0)));
    }
}

#[test]
fn zero_times_infinity_is_not_skipped() {
    for (cpu, k) in Cpu::available().into_iter().flat_map(|cpu| [(cpu, 64), (cpu, 512)]) {
        let mut weights = noise(1, k * 64);
        weights[100] = f32::INFINITY;
        let rows = weights.chunks_exact(64).map(|row| row.iter().copied());
        let layer = Gemm::new(cpu, k, rows, &noise(2, 64), false);
        let output = run(&layer, &vec![0.0; 6 * k], RowGroups::CONSECUTIVE);
        assert!(output[100 % 64].is_nan(), "{} {k}", cpu.name());
    }
}

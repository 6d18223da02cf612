//! The path of every CPU: kernels in safe code, and the scalar operations they share.

use super::{KernelTable, conv, gemm};

/// The kernels in safe code.
pub(super) static KERNELS: KernelTable = KernelTable {
    first_convolution: conv::portable::first_convolution,
    depthwise: conv::portable::depthwise,
    gemm: gemm::portable::gemm,
};

/// `a * b + c`: one rounding where the target has the instruction, two elsewhere. A call of libm's fma would be a
/// hundred times slower than either.
#[inline(always)]
pub(super) fn multiply_add(a: f32, b: f32, c: f32) -> f32 {
    if cfg!(any(target_feature = "fma", target_arch = "aarch64")) { a.mul_add(b, c) } else { a * b + c }
}

pub(super) fn relu(values: &mut [f32]) {
    values.iter_mut().for_each(|value| *value = value.max(0.0));
}

//! The sum of products of two slices.

/// Sums that are computed independently: vectors of any width can hold them.
const LANES: usize = 16;

/// The sum of `a[i] * b[i]`, as 16 sums that are added pairwise: the same bits on every machine, and fast on most.
///
/// # Panics
///
/// The slices have not the same length, or it is no multiple of 16.
pub fn dot(a: &[f32], b: &[f32]) -> f32 {
    let ((a, rest), (b, _)) = (a.as_chunks::<LANES>(), b.as_chunks::<LANES>());
    assert!(a.len() == b.len() && rest.is_empty(), "two slices of the same length, a multiple of {LANES}");
    let mut sums = [0f32; LANES];
    for (a, b) in a.iter().zip(b) {
        for ((sum, a), b) in sums.iter_mut().zip(a).zip(b) {
            *sum += a * b;
        }
    }
    let eight: [f32; 8] = std::array::from_fn(|i| sums[i] + sums[i + 8]);
    let four: [f32; 4] = std::array::from_fn(|i| eight[i] + eight[i + 4]);
    (four[0] + four[2]) + (four[1] + four[3])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_the_sum_of_the_products() {
        let a: [f32; 48] = std::array::from_fn(|i| i as f32);
        let b: [f32; 48] = std::array::from_fn(|i| (i % 5) as f32 - 2.0);
        // All numbers are small integers, so that every order gives the same sum.
        assert_eq!(dot(&a, &b), a.iter().zip(&b).map(|(a, b)| a * b).sum::<f32>());
        assert_eq!(dot(&[], &[]), 0.0);
    }

    #[test]
    #[should_panic = "a multiple of 16"]
    fn other_lengths_are_refused() {
        dot(&[1.0; 17], &[1.0; 17]);
    }
}

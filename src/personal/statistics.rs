//! Mean and standard deviation of sqrt(e), value by value, over embeddings e.
//!
//! ```text
//! new:       sums of x and of x^2 in integers, x = floor(sqrt(e) * 2^20); mean = S1 / n, deviation = sqrt(S2 / n - mean^2)
//! divisor:   deviation + 0.05 * mean of all deviations + 0.001, so that values that hardly vary do not weigh most
//! file:      1024 means, then 1024 deviations, float32, little-endian
//! ```
//!
//! Integers have the same sum in any order.

use yamnet::params::EMBEDDING_SIZE;

use crate::domain::Embedding;

/// Computed from the fixtures; models/README.md says how.
const SHIPPED: &[u8; 2 * EMBEDDING_SIZE * WIDTH] = include_bytes!("../../models/embedding_statistics.bin");

/// Bytes of a float32.
const WIDTH: usize = size_of::<f32>();
/// Steps of a fixed-point number. sqrt of the largest float16 is 256: 28 bits, and 56 bits for its square.
const ONE: f64 = (1 << 20) as f64;
/// Added to every deviation: this part of their mean ...
const FLOOR_SHARE: f64 = 0.05;
/// ... and this.
const FLOOR: f64 = 0.001;

/// The largest float16.
const LARGEST: f32 = 65_504.0;

type Values = [f64; EMBEDDING_SIZE];

/// Mean and standard deviation of the square root of each of the 1024 values.
#[derive(Debug, Clone, PartialEq)]
pub struct EmbeddingStatistics {
    mean: Values,
    deviation: Values,
    divisor: Values,
}

impl EmbeddingStatistics {
    /// Those of some embeddings; all zeros of none.
    pub fn new(embeddings: &[Embedding]) -> EmbeddingStatistics {
        let (mut sums, mut squares) = ([0u64; EMBEDDING_SIZE], [0u128; EMBEDDING_SIZE]);
        for embedding in embeddings {
            for ((sum, square), root) in sums.iter_mut().zip(&mut squares).zip(roots(embedding)) {
                let x = u64::from((root * ONE) as u32);
                *sum += x;
                *square += u128::from(x * x);
            }
        }
        let (n, sums) = (embeddings.len().max(1) as u128, sums.map(u128::from));
        let mean = sums.map(|sum| sum as f64 / n as f64 / ONE);
        // n times the sum of squares is at least the square of the sum: the difference is exact.
        let deviation = std::array::from_fn(|i| ((n * squares[i] - sums[i] * sums[i]) as f64).sqrt() / n as f64 / ONE);
        EmbeddingStatistics::with(mean, deviation)
    }

    /// Those that come with the embedded model.
    pub fn shipped() -> EmbeddingStatistics {
        let (floats, _) = SHIPPED.as_chunks();
        let value = |i: usize| f64::from(f32::from_le_bytes(floats[i]));
        EmbeddingStatistics::with(std::array::from_fn(value), std::array::from_fn(|i| value(EMBEDDING_SIZE + i)))
    }

    fn with(mean: Values, deviation: Values) -> EmbeddingStatistics {
        let floor = FLOOR_SHARE * deviation.iter().sum::<f64>() / EMBEDDING_SIZE as f64 + FLOOR;
        EmbeddingStatistics { mean, deviation, divisor: deviation.map(|deviation| deviation + floor) }
    }

    /// As `shipped` reads it.
    pub fn to_bytes(&self) -> Vec<u8> {
        self.mean.iter().chain(&self.deviation).flat_map(|&value| (value as f32).to_le_bytes()).collect()
    }

    /// (sqrt(e) - mean) / divisor.
    pub fn standardize(&self, embedding: &Embedding) -> Values {
        let mut z = roots(embedding);
        let scales = self.mean.iter().zip(&self.divisor);
        z.iter_mut().zip(scales).for_each(|(z, (mean, divisor))| *z = (*z - mean) / divisor);
        z
    }
}

/// sqrt(e). The network's values are numbers and not negative; all others count as 0, and infinity as the largest float16.
fn roots(embedding: &Embedding) -> Values {
    let mut roots = [0.0; EMBEDDING_SIZE];
    for (root, e) in roots.iter_mut().zip(embedding.values()) {
        *root = if e > 0.0 { f64::from(e.min(LARGEST)).sqrt() } else { 0.0 };
    }
    roots
}

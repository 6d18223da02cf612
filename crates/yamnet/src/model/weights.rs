//! The weights: tensors read from a safetensors file, checked, batch normalization folded.
//!
//! ```text
//! conv:        y = W x
//! batch norm:  z = gamma (y - mean) / sqrt(variance + epsilon) + beta,   gamma = 1 in YAMNet
//! folded:      z = (s W) x + (beta - s mean),   s = 1 / sqrt(variance + epsilon), by output channel, in f64
//! ```
//!
//! | tensor | shape |
//! |---|---|
//! | `layerL.conv.weight`, `layerL.depthwise.weight` | `[9, channels]`, row `3 ky + kx` |
//! | `layerL.pointwise.weight` | `[inputs, outputs]` |
//! | `NAME.bn.beta`, `NAME.bn.mean`, `NAME.bn.variance` | `[channels]` |
//! | `dense.weight`, `dense.bias` | `[1024, 521]`, `[521]` |
//! | `mel.weight`, `mel.window` | `[257, 64]`, `[400]` |
//!
//! Invariant: nothing is guessed. A tensor that is missing or has another shape is an error that names it.

use std::path::PathBuf;

use candle_core::DType;
use candle_core::safetensors::SliceSafetensors;

use crate::front_end::FrontEnd;
use crate::kernels::Cpu;
use crate::params::{BATCH_NORM_EPSILON, MEL_BANDS, SPECTRUM_BINS, STFT_WINDOW};

/// Why a model cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ModelError {
    /// The file cannot be read.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// The bytes are not a safetensors file.
    #[error("not a safetensors file: {0}")]
    Format(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// A tensor is missing or cannot be read.
    #[error("{name}: {source}")]
    Tensor {
        /// Name of the tensor.
        name: String,
        /// What the reader says.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// A tensor is not that of YAMNet.
    #[error("{name} {problem}")]
    Mismatch {
        /// Name of the tensor.
        name: String,
        /// What it is instead of what it should be.
        problem: String,
    },
}

/// The tensors of a safetensors file, by name. Matrices are read where they lie: copies of them would take a third of
/// the time of a short run.
pub struct Weights<'a> {
    tensors: SliceSafetensors<'a>,
}

/// The weights `[rows, columns]` and bias `[columns]` of a layer. Weights are scaled by column as they are read.
pub(super) struct Layer<'a> {
    values: &'a [[u8; 4]],
    /// `[columns]`
    scale: Vec<f64>,
    bias: Vec<f32>,
}

impl Layer<'_> {
    pub(super) fn rows(&self) -> impl Iterator<Item = impl Iterator<Item = f32>> + Clone {
        let scaled = |(bytes, scale): (&[u8; 4], &f64)| (f64::from(f32::from_le_bytes(*bytes)) * scale) as f32;
        self.values.chunks_exact(self.scale.len()).map(move |row| row.iter().zip(&self.scale).map(scaled))
    }

    /// `[rows, columns]`, row-major.
    pub(super) fn to_vec(&self) -> Vec<f32> {
        self.rows().flatten().collect()
    }

    pub(super) fn bias(&self) -> &[f32] {
        &self.bias
    }
}

impl<'a> Weights<'a> {
    /// The tensors in the bytes of a safetensors file. Which ones there must be is checked where they are read.
    ///
    /// # Errors
    ///
    /// [`ModelError::Format`]: the bytes are not a safetensors file.
    pub fn from_safetensors(bytes: &'a [u8]) -> Result<Weights<'a>, ModelError> {
        let format = |error: candle_core::Error| ModelError::Format(error.into());
        Ok(Weights { tensors: SliceSafetensors::new(bytes).map_err(format)? })
    }

    /// The front end by itself, for a path.
    ///
    /// # Errors
    ///
    /// A table is missing, has another shape, or has values that are not those of a window or filter.
    ///
    /// # Panics
    ///
    /// When it is used, if this machine does not have the path.
    pub fn front_end(&self, cpu: Cpu) -> Result<FrontEnd, ModelError> {
        let mel: Vec<f32> = self
            .matrix("mel.weight", [SPECTRUM_BINS, MEL_BANDS])?
            .iter()
            .map(|bytes| f32::from_le_bytes(*bytes))
            .collect();
        let window = self.vector("mel.window", STFT_WINDOW)?;
        for (name, values) in [("mel.weight", &mel), ("mel.window", &window)] {
            // The logarithm relies on energies that are numbers and not negative.
            if !values.iter().all(|value| value.is_finite() && *value >= 0.0) {
                return Err(mismatch(name, "has values that are negative, infinite or NaN".to_owned()));
            }
        }
        Ok(FrontEnd::new(cpu, window, &mel))
    }

    /// `name.weight` `[rows, columns]` with `name.bn` folded into it.
    pub(super) fn folded_convolution(&self, name: &str, rows: usize, columns: usize) -> Result<Layer<'_>, ModelError> {
        let values = self.matrix(&format!("{name}.weight"), [rows, columns])?;
        let beta = self.vector(&format!("{name}.bn.beta"), columns)?;
        let mean = self.vector(&format!("{name}.bn.mean"), columns)?;
        let variance = self.vector(&format!("{name}.bn.variance"), columns)?;
        let scale: Vec<f64> = variance.iter().map(|&v| 1.0 / (f64::from(v) + BATCH_NORM_EPSILON).sqrt()).collect();
        let bias = (0..columns).map(|c| (f64::from(beta[c]) - f64::from(mean[c]) * scale[c]) as f32).collect();
        Ok(Layer { values, scale, bias })
    }

    /// `name.weight` `[rows, columns]` and `name.bias` `[columns]`.
    pub(super) fn dense(&self, name: &str, rows: usize, columns: usize) -> Result<Layer<'_>, ModelError> {
        let values = self.matrix(&format!("{name}.weight"), [rows, columns])?;
        Ok(Layer { values, scale: vec![1.0; columns], bias: self.vector(&format!("{name}.bias"), columns)? })
    }

    fn matrix(&self, name: &str, shape: [usize; 2]) -> Result<&[[u8; 4]], ModelError> {
        self.values(name, &shape)
    }

    fn vector(&self, name: &str, length: usize) -> Result<Vec<f32>, ModelError> {
        Ok(self.values(name, &[length])?.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect())
    }

    /// The bytes of the values, in the order of the file.
    fn values(&self, name: &str, shape: &[usize]) -> Result<&[[u8; 4]], ModelError> {
        let tensor = self.tensors.get(name).map_err(|error| unreadable(name, error))?;
        if tensor.shape() != shape || !matches!(DType::try_from(tensor.dtype()), Ok(DType::F32)) {
            let (found, dtype) = (tensor.shape(), tensor.dtype());
            return Err(mismatch(name, format!("is {found:?} of {dtype:?}, not {shape:?} of F32")));
        }
        Ok(tensor.data().as_chunks().0)
    }
}

fn unreadable(name: &str, error: candle_core::Error) -> ModelError {
    ModelError::Tensor { name: name.to_owned(), source: error.into() }
}

fn mismatch(name: &str, problem: String) -> ModelError {
    ModelError::Mismatch { name: name.to_owned(), problem }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_model;

    /// A safetensors file without tensors.
    const EMPTY: &[u8] = b"\x02\0\0\0\0\0\0\0{}";

    #[test]
    fn bytes_of_another_format_are_refused() {
        assert!(matches!(Weights::from_safetensors(b"not a model"), Err(ModelError::Format(_))));
    }

    #[test]
    fn a_missing_tensor_is_named() {
        let weights = Weights::from_safetensors(EMPTY).unwrap();
        let error = weights.folded_convolution("layer1.conv", 9, 32).err().unwrap().to_string();
        assert!(error.starts_with("layer1.conv.weight: "), "{error}");
    }

    #[test]
    fn a_tensor_of_another_shape_is_refused() {
        let error = test_model::weights().folded_convolution("layer1.conv", 32, 9).err().unwrap().to_string();
        assert_eq!(error, "layer1.conv.weight is [9, 32] of F32, not [32, 9] of F32");
    }

    #[test]
    fn mel_tables_that_are_not_filters_are_refused() {
        let model = test_model::bytes();
        let header = u64::from_le_bytes(*model.first_chunk().unwrap()) as usize + 8;
        let tensors: serde_json::Value = serde_json::from_slice(&model[8..header]).unwrap();
        for (name, value) in [("mel.weight", f32::NAN), ("mel.weight", -1e-3), ("mel.window", f32::INFINITY)] {
            let at = header + tensors[name]["data_offsets"][0].as_u64().unwrap() as usize;
            let mut bytes = model.to_vec();
            bytes[at..at + 4].copy_from_slice(&value.to_le_bytes());
            let weights = Weights::from_safetensors(&bytes).unwrap();
            let error = weights.front_end(Cpu::Portable).err().unwrap().to_string();
            assert_eq!(error, format!("{name} has values that are negative, infinite or NaN"));
        }
    }
}

//! The model file: read, checked, batch norm folded.
//!
//! Invariant: nothing is guessed. A tensor that is missing or of another shape, or a file whose
//! checksum is not the one beside it, is an error that names it.

use std::path::{Path, PathBuf};

use candle_core::safetensors::SliceSafetensors;
use candle_core::{DType, Device};
use candle_nn::VarBuilder;
use sha2::{Digest, Sha256};

use crate::yamnet::fft::BINS;
use crate::yamnet::kernels::Cpu;
use crate::yamnet::mel::FrontEnd;
use crate::yamnet::{BANDS, FRAME};

/// The published weights, in the binary: a fresh machine needs no download.
const EMBEDDED: &[u8] = include_bytes!("../../models/yamnet.safetensors");
/// `sha256sum`'s line for [`EMBEDDED`]; a test keeps them together.
const EMBEDDED_SUM: &str = include_str!("../../models/yamnet.safetensors.sha256");
/// Added to each variance of batch norm. Not negligible: a fifth of the variances are below it.
const EPSILON: f64 = 1e-4;

/// Why a model cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ModelError {
    #[error("model {}: cannot be read: {reason}; check the path given with --model", path.display())]
    Unreadable { path: PathBuf, reason: String },
    #[error(
        "model {}: has no checksum beside it; if you trust it, write one with\n  sha256sum {} > {}.sha256",
        path.display(), path.display(), path.display()
    )]
    NoChecksum { path: PathBuf },
    #[error("model {}: its SHA-256 is {found}, but {}.sha256 says {expected}; copy it again", path.display(), path.display())]
    WrongChecksum { path: PathBuf, found: String, expected: String },
    #[error("the model is not YAMNet as giggles knows it ({0}); without --model the one in the program is used")]
    WrongShape(String),
}

/// The bytes of a model and what they hash to.
pub struct ModelFile {
    bytes: std::borrow::Cow<'static, [u8]>,
    /// SHA-256, 64 hexadecimal digits.
    pub sha256: String,
}

impl ModelFile {
    /// The model in the binary.
    pub fn embedded() -> ModelFile {
        ModelFile { bytes: EMBEDDED.into(), sha256: first_word(EMBEDDED_SUM) }
    }

    /// Another file with the same tensors. Its checksum must stand beside it, in `FILE.sha256`.
    pub fn open(path: &Path) -> Result<ModelFile, ModelError> {
        let unreadable =
            |error: std::io::Error| ModelError::Unreadable { path: path.into(), reason: error.to_string() };
        let bytes = std::fs::read(path).map_err(unreadable)?;
        let found = hex(&bytes);
        let expected = expected_sum(path, &found)?;
        if found != expected {
            return Err(ModelError::WrongChecksum { path: path.into(), found, expected });
        }
        Ok(ModelFile { bytes: bytes.into(), sha256: found })
    }

    /// The file's tensors by name.
    pub fn tensors(&self) -> Result<Tensors<'_>, ModelError> {
        let matrices = SliceSafetensors::new(&self.bytes).map_err(wrong_shape)?;
        let vectors = VarBuilder::from_slice_safetensors(&self.bytes, DType::F32, &Device::Cpu).map_err(wrong_shape)?;
        Ok(Tensors { matrices, vectors })
    }
}

/// The published model needs no sum beside it: it is known.
fn expected_sum(path: &Path, found: &str) -> Result<String, ModelError> {
    let mut sum = path.as_os_str().to_owned();
    sum.push(".sha256");
    match std::fs::read_to_string(&sum) {
        Ok(line) => Ok(first_word(&line).to_lowercase()),
        Err(_) if found == first_word(EMBEDDED_SUM) => Ok(found.to_owned()),
        Err(_) => Err(ModelError::NoChecksum { path: path.into() }),
    }
}

fn first_word(line: &str) -> String {
    line.split_whitespace().next().unwrap_or_default().to_owned()
}

fn hex(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

fn wrong_shape(error: candle_core::Error) -> ModelError {
    ModelError::WrongShape(error.to_string())
}

/// Tensors of a model file, as published: batch norm apart, rows of a 3x3 kernel as `ky * 3 + kx`.
///
/// Matrices are read where they lie: a builder's copies of them would be a third of a short run's time.
pub struct Tensors<'a> {
    matrices: SliceSafetensors<'a>,
    vectors: VarBuilder<'a>,
}

/// A convolution, `[rows, columns]`, whose batch norm is folded into it as it is read from where it lies.
pub struct Folded<'a> {
    values: &'a [[u8; 4]],
    /// What each column is multiplied by.
    scale: Vec<f64>,
    /// `[columns]`
    pub bias: Vec<f32>,
}

impl Folded<'_> {
    /// Row after row.
    pub fn rows(&self) -> impl Iterator<Item = impl Iterator<Item = f32>> + Clone {
        let scaled = |(bytes, scale): (&[u8; 4], &f64)| (f64::from(f32::from_le_bytes(*bytes)) * scale) as f32;
        self.values.chunks_exact(self.scale.len()).map(move |row| row.iter().zip(&self.scale).map(scaled))
    }

    /// `[rows, columns]`, row-major.
    pub fn weights(&self) -> Vec<f32> {
        self.rows().flatten().collect()
    }
}

impl Tensors<'_> {
    /// `name.weight` [rows, columns] with `name.bn` folded into it. The scale gamma is 1.
    pub fn folded(&self, name: &str, rows: usize, columns: usize) -> Result<Folded<'_>, ModelError> {
        let values = self.matrix(&format!("{name}.weight"), [rows, columns])?;
        let beta = self.vector(&format!("{name}.bn.beta"), columns)?;
        let mean = self.vector(&format!("{name}.bn.mean"), columns)?;
        let variance = self.vector(&format!("{name}.bn.variance"), columns)?;
        let scale: Vec<f64> = variance.iter().map(|&v| 1.0 / (f64::from(v) + EPSILON).sqrt()).collect();
        let bias = (0..columns).map(|c| (f64::from(beta[c]) - f64::from(mean[c]) * scale[c]) as f32).collect();
        Ok(Folded { values, scale, bias })
    }

    /// `name.weight` `[rows, columns]` and `name.bias` `[columns]`, as they are.
    pub fn plain(&self, name: &str, rows: usize, columns: usize) -> Result<Folded<'_>, ModelError> {
        let values = self.matrix(&format!("{name}.weight"), [rows, columns])?;
        Ok(Folded { values, scale: vec![1.0; columns], bias: self.vector(&format!("{name}.bias"), columns)? })
    }

    /// The front end with its tables, for a CPU path.
    ///
    /// Errors: a table that is missing, of another shape, or no window or filter.
    pub fn front_end(&self, cpu: Cpu) -> Result<FrontEnd, ModelError> {
        let matrix: Vec<f32> =
            self.matrix("mel.weight", [BINS, BANDS])?.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect();
        let window = self.vector("mel.window", FRAME)?;
        // The logarithm counts on energies that are numbers, and no less than nothing.
        if !matrix.iter().chain(&window).all(|value| value.is_finite() && *value >= 0.0) {
            return Err(ModelError::WrongShape("mel.weight or mel.window has values that are no filter's".into()));
        }
        Ok(FrontEnd::new(cpu, window, &matrix))
    }

    /// The bytes of its values, in the order of the file.
    fn matrix(&self, name: &str, shape: [usize; 2]) -> Result<&[[u8; 4]], ModelError> {
        let tensor = self.matrices.get(name).map_err(wrong_shape)?;
        if tensor.shape() != shape || !matches!(DType::try_from(tensor.dtype()), Ok(DType::F32)) {
            let (found, values) = (tensor.shape(), tensor.dtype());
            return Err(ModelError::WrongShape(format!("{name} is {found:?} of {values:?}, not {shape:?} of F32")));
        }
        Ok(tensor.data().as_chunks().0)
    }

    fn vector(&self, name: &str, length: usize) -> Result<Vec<f32>, ModelError> {
        self.vectors.get(length, name).and_then(|tensor| tensor.to_vec1()).map_err(wrong_shape)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_embedded_model_is_the_one_its_checksum_names() {
        assert_eq!(hex(EMBEDDED), ModelFile::embedded().sha256);
    }

    #[test]
    fn a_file_with_another_checksum_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("m.safetensors");
        std::fs::write(&path, b"not a model").unwrap();
        assert!(matches!(ModelFile::open(&path), Err(ModelError::NoChecksum { .. })));
        std::fs::write(folder.path().join("m.safetensors.sha256"), "00  m.safetensors\n").unwrap();
        assert!(matches!(ModelFile::open(&path), Err(ModelError::WrongChecksum { .. })));
    }

    #[test]
    fn a_file_without_the_tensors_is_refused_by_name() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("m.safetensors");
        let empty = b"\x02\0\0\0\0\0\0\0{}";
        std::fs::write(&path, empty).unwrap();
        std::fs::write(folder.path().join("m.safetensors.sha256"), hex(empty)).unwrap();
        let file = ModelFile::open(&path).unwrap();
        let error = file.tensors().unwrap().folded("layer1.conv", 9, 32).err().unwrap().to_string();
        assert!(error.contains("layer1.conv.weight"), "{error}");
    }

    #[test]
    fn a_tensor_of_another_shape_is_refused() {
        let model = ModelFile::embedded();
        let error = model.tensors().unwrap().folded("layer1.conv", 32, 9).err().unwrap().to_string();
        assert!(error.contains("layer1.conv.weight is [9, 32] of F32, not [32, 9]"), "{error}");
    }

    #[test]
    fn a_mel_table_that_is_no_filter_is_refused() {
        let header = u64::from_le_bytes(*EMBEDDED.first_chunk().unwrap()) as usize + 8;
        let tensors: serde_json::Value = serde_json::from_slice(&EMBEDDED[8..header]).unwrap();
        for (name, value) in [("mel.weight", f32::NAN), ("mel.weight", -1e-3), ("mel.window", f32::INFINITY)] {
            let at = header + tensors[name]["data_offsets"][0].as_u64().unwrap() as usize;
            let mut bytes = EMBEDDED.to_vec();
            bytes[at..at + 4].copy_from_slice(&value.to_le_bytes());
            let model = ModelFile { bytes: bytes.into(), sha256: String::new() };
            let error = model.tensors().unwrap().front_end(Cpu::Portable).err().unwrap().to_string();
            assert!(error.contains("mel.weight or mel.window"), "{name}: {error}");
        }
    }
}

//! Loads the model: the published weights embedded in the binary, or a file with its checksum in `FILE.sha256`.
//!
//! Invariant: every model is checked against a known checksum. Does not depend on recordings or databases.

use std::borrow::Cow;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};
use yamnet::kernels::KernelChoice;
use yamnet::{Cpu, FrontEnd, Model, Weights};

/// The published weights, embedded so that no download is needed.
static EMBEDDED: &[u8] = yamnet_weights::SAFETENSORS;
/// SHA-256 of [`EMBEDDED`]; a test compares them.
const EMBEDDED_SUM: &str = yamnet_weights::SHA256;

/// Why a model cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ModelError {
    #[error("model {}: cannot be read: {source}; check the path given with --model", path.display())]
    Unreadable { path: PathBuf, source: std::io::Error },
    #[error(
        "model {}: has no checksum file; if you trust it, write one with\n  sha256sum {} > {}.sha256",
        path.display(), path.display(), path.display()
    )]
    NoChecksum { path: PathBuf },
    #[error("model {}: its SHA-256 is {found}, but {}.sha256 says {expected}; copy it again", path.display(), path.display())]
    WrongChecksum { path: PathBuf, found: String, expected: String },
    #[error("the model is not the YAMNet that giggles supports ({0}); without --model the built-in model is used")]
    NotYamnet(#[from] yamnet::ModelError),
}

/// The bytes of a model and their checksum.
pub struct ModelFile {
    bytes: Cow<'static, [u8]>,
    /// SHA-256, 64 hexadecimal digits.
    pub sha256: String,
}

/// A loaded model and the checksum of its file.
pub struct LoadedModel {
    pub yamnet: Model,
    /// SHA-256, 64 hexadecimal digits.
    pub sha256: String,
}

impl ModelFile {
    /// The model that is embedded in the binary.
    pub fn embedded() -> ModelFile {
        ModelFile { bytes: EMBEDDED.into(), sha256: EMBEDDED_SUM.to_owned() }
    }

    /// Reads a model file with the same tensors and checks it against `FILE.sha256`.
    pub fn open(path: &Path) -> Result<ModelFile, ModelError> {
        let bytes = std::fs::read(path).map_err(|source| ModelError::Unreadable { path: path.into(), source })?;
        let found = hex(&bytes);
        let expected = expected_sum(path, &found)?;
        if found != expected {
            return Err(ModelError::WrongChecksum { path: path.into(), found, expected });
        }
        Ok(ModelFile { bytes: bytes.into(), sha256: found })
    }

    /// Loads the model for a CPU path, or for a path and its tiles.
    pub fn load(&self, kernels: impl Into<KernelChoice>) -> Result<LoadedModel, ModelError> {
        Ok(LoadedModel { yamnet: Model::from_safetensors(&self.bytes, kernels)?, sha256: self.sha256.clone() })
    }

    /// Loads the front end alone, for a CPU path.
    pub fn front_end(&self, cpu: Cpu) -> Result<FrontEnd, ModelError> {
        Ok(Weights::from_safetensors(&self.bytes)?.front_end(cpu)?)
    }
}

/// The checksum in `FILE.sha256`. The published model needs no such file because its checksum is known.
fn expected_sum(path: &Path, found: &str) -> Result<String, ModelError> {
    let mut sum = path.as_os_str().to_owned();
    sum.push(".sha256");
    match std::fs::read_to_string(&sum) {
        Ok(line) => Ok(first_word(&line).to_lowercase()),
        Err(_) if found == EMBEDDED_SUM => Ok(found.to_owned()),
        Err(_) => Err(ModelError::NoChecksum { path: path.into() }),
    }
}

fn first_word(line: &str) -> String {
    line.split_whitespace().next().unwrap_or_default().to_owned()
}

fn hex(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_embedded_model_has_its_checksum() {
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
    fn a_file_of_another_format_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("m.safetensors");
        std::fs::write(&path, b"not a model").unwrap();
        std::fs::write(folder.path().join("m.safetensors.sha256"), hex(b"not a model")).unwrap();
        let file = ModelFile::open(&path).unwrap();
        assert!(matches!(file.load(Cpu::Portable), Err(ModelError::NotYamnet(_))));
        assert!(matches!(file.front_end(Cpu::Portable), Err(ModelError::NotYamnet(_))));
    }
}

//! Safetensors files for tests: a header in JSON behind its length, then the values.

use std::fs;
use std::path::Path;

use serde_json::Value;

/// The header and where the values begin.
fn header(bytes: &[u8]) -> (Value, usize) {
    let start = 8 + u64::from_le_bytes(*bytes.first_chunk().unwrap()) as usize;
    (serde_json::from_slice(&bytes[8..start]).unwrap(), start)
}

/// The f32 values of a tensor.
pub fn values(path: &Path, name: &str) -> Vec<f32> {
    let bytes = fs::read(path).unwrap();
    let (header, start) = header(&bytes);
    let [from, to] = [0, 1].map(|i| start + header[name]["data_offsets"][i].as_u64().unwrap() as usize);
    bytes[from..to].as_chunks().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect()
}

/// The bytes of a file with rows and columns of a matrix exchanged in the header.
pub fn with_turned_shape(bytes: &[u8], name: &str) -> Vec<u8> {
    let (mut header, start) = header(bytes);
    header[name]["shape"].as_array_mut().unwrap().reverse();
    let mut text = serde_json::to_vec(&header).unwrap();
    text.resize(text.len().next_multiple_of(8), b' ');
    [&(text.len() as u64).to_le_bytes(), &text[..], &bytes[start..]].concat()
}

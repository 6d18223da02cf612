//! Random access to a file through a buffer.
//!
//! Invariant: allocates at most the size of the file.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::sync::Arc;

/// A buffered view of a file. Several views of one file are independent.
pub struct View {
    file: Arc<File>,
    length: u64,
    /// Bytes per read.
    window: usize,
    buffer: Vec<u8>,
    /// Offset of the buffer's first byte.
    at: u64,
}

impl View {
    pub fn new(file: Arc<File>, length: u64, window: usize) -> View {
        View { file, length, window, buffer: Vec::new(), at: 0 }
    }

    /// Another view of the same file.
    pub fn another(&self, window: usize) -> View {
        View::new(Arc::clone(&self.file), self.length, window)
    }

    /// Length of the file when it was opened.
    pub fn length(&self) -> u64 {
        self.length
    }

    /// The bytes at an offset. Errors: `UnexpectedEof` if the file has fewer.
    pub fn bytes(&mut self, at: u64, length: usize) -> io::Result<&[u8]> {
        let left = self.length.checked_sub(at).filter(|left| *left >= length as u64);
        let left = left.ok_or(io::ErrorKind::UnexpectedEof)?;
        let end = self.at + self.buffer.len() as u64;
        if at < self.at || at + length as u64 > end {
            let wanted = self.window.max(length).min(usize::try_from(left).unwrap_or(usize::MAX));
            self.buffer.resize(wanted, 0);
            self.at = at;
            if let Err(error) = self.file.read_exact_at(&mut self.buffer, at) {
                self.buffer.clear();
                return Err(error);
            }
        }
        let start = (at - self.at) as usize;
        Ok(&self.buffer[start..start + length])
    }

    pub fn array<const N: usize>(&mut self, at: u64) -> io::Result<[u8; N]> {
        let bytes = self.bytes(at, N)?;
        Ok(std::array::from_fn(|i| bytes[i]))
    }

    pub fn u32(&mut self, at: u64) -> io::Result<u32> {
        self.array(at).map(u32::from_be_bytes)
    }

    pub fn u64(&mut self, at: u64) -> io::Result<u64> {
        self.array(at).map(u64::from_be_bytes)
    }

    /// The first offset of `mark` between `at` and `end`.
    pub fn find(&mut self, mark: &[u8], mut at: u64, end: u64) -> io::Result<Option<u64>> {
        let end = end.min(self.length);
        while at + mark.len() as u64 <= end {
            let piece = (1u64 << 16).min(end - at) as usize;
            let bytes = self.bytes(at, piece)?;
            if let Some(found) = bytes.windows(mark.len()).position(|window| window == mark) {
                return Ok(Some(at + found as u64));
            }
            at += (piece - mark.len() + 1) as u64;
        }
        Ok(None)
    }

    /// Whether all bytes from an offset to the end are zero: space that a recorder reserved and did not write.
    pub fn is_zero_from(&mut self, mut at: u64) -> io::Result<bool> {
        let mut piece = 16;
        while at < self.length {
            let length = piece.min(self.length - at);
            if self.bytes(at, length as usize)?.iter().any(|byte| *byte != 0) {
                return Ok(false);
            }
            (at, piece) = (at + length, 1 << 16);
        }
        Ok(true)
    }
}

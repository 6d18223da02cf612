//! Computes the content hash of a recording: the SHA-256 of its bytes.
//!
//! Invariant: reads in pieces of fixed size, so memory does not depend on the size of the file.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use sha2::{Digest, Sha256};

use super::decode::error_map;
use crate::domain::{ContentHash, RecordingError};

/// Bytes read at a time.
const PIECE: usize = 1 << 18;

/// The content's hash and its length in bytes. Errors: `Vanished`, `Unreadable`, `Empty`.
pub fn hash(path: &Path) -> Result<(ContentHash, u64), RecordingError> {
    let mut file = File::open(path).map_err(error_map::io)?;
    let (mut sha, mut bytes, mut piece) = (Sha256::new(), 0, vec![0; PIECE]);
    loop {
        match file.read(&mut piece).map_err(error_map::io)? {
            0 if bytes == 0 => return Err(RecordingError::Empty),
            0 => return Ok((ContentHash(sha.finalize().into()), bytes)),
            read => {
                sha.update(&piece[..read]);
                bytes += read as u64;
            }
        }
    }
}

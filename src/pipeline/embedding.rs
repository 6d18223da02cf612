//! The embedding of a part of a recording that a person has named, such as a laugh that was missed.
//!
//! ```text
//! decode and normalize from the start, as a scan does; score only batches with patches of the part and their neighbours
//! v of each patch (at speed 1) -> embedding as of a candidate of these patches
//! ```
//!
//! Invariant: the patches, v and embeddings are those of a scan.

use std::path::Path;
use std::time::Duration;

use yamnet::params::{EMBEDDING_SIZE, NUM_CLASSES, PATCH_HOP_SAMPLES, PATCH_SAMPLES};

use super::{AnalyzeError, Analyzer, Scorer};
use crate::detect::{LogitSmoother, embedding_of, patches_of};
use crate::domain::Embedding;

impl<S: Scorer> Analyzer<'_, S> {
    /// Decodes the recording up to the end of the part. None: the recording ends before it.
    pub fn embedding(&self, path: &Path, start: Duration, end: Duration) -> Result<Option<Embedding>, AnalyzeError> {
        let patches = patches_of(start, end);
        // v is averaged over three patches.
        let needed = patches.start.saturating_sub(1)..patches.end + 1;
        let mut smoother = LogitSmoother::new(self.parameters);
        let (mut values, mut embeddings) = (Vec::new(), Vec::new());
        let (mut next, mut scored_from) = (0, None);
        for batch in self.open(path)? {
            let batch = batch?;
            let first = next;
            next += patch_count(batch.patches.len());
            if first >= needed.end {
                break;
            }
            if next > needed.start {
                let outputs = self.scorer.outputs(&batch.patches);
                scored_from.get_or_insert(first);
                values.extend(outputs.logits.chunks_exact(NUM_CLASSES).filter_map(|logits| smoother.push(logits)));
                embeddings.extend(outputs.embeddings);
            }
        }
        values.extend(smoother.last_score());
        let Some(from) = scored_from else { return Ok(None) };
        let index = |patch: u64| usize::try_from(patch - from).unwrap_or(usize::MAX);
        let embedding = |index: usize| embeddings.chunks_exact(EMBEDDING_SIZE).nth(index);
        let patches = patches.map(index).filter_map(|index| Some((values.get(index)?.v, embedding(index))));
        Ok(embedding_of(patches))
    }
}

/// Number of patches in the samples of a batch.
fn patch_count(samples: usize) -> u64 {
    (samples.saturating_sub(PATCH_SAMPLES) / PATCH_HOP_SAMPLES + 1) as u64
}

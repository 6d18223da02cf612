//! Reads a database that is not UTF-8: names are escaped in queries and unescaped in results.
//!
//! Invariant: contains no SQL.

use std::collections::HashSet;

use jiff::Timestamp;

use super::encoding::Encoding;
use super::reader::PostgresReader;
use crate::domain::{Coverage, PastRun, StoredDetection, StoredRecording, StoredStatus, Window};
use crate::error::Fatal;
use crate::store::StoreError;
use crate::store::reader::{Reader, Selection};

pub struct Escaped {
    reader: PostgresReader,
    encoding: Encoding,
}

impl Escaped {
    pub fn new(reader: PostgresReader, encoding: Encoding) -> Escaped {
        Escaped { reader, encoding }
    }

    fn written(&mut self, source: Option<&str>) -> Result<Option<String>, StoreError> {
        let encoding = &self.encoding;
        source.map(|source| self.reader.read(|client| encoding.escaped(client, source))).transpose()
    }
}

impl Reader for Escaped {
    fn sources(&mut self) -> Result<Vec<String>, StoreError> {
        let mut sources: Vec<String> =
            self.reader.sources()?.into_iter().map(|source| self.encoding.read(source)).collect();
        sources.sort();
        Ok(sources)
    }

    fn runs(&mut self, source: Option<&str>, limit: u32) -> Result<Vec<PastRun>, StoreError> {
        let source = self.written(source)?;
        let runs = self.reader.runs(source.as_deref(), limit)?;
        let read = |run: PastRun| PastRun {
            source: self.encoding.read(run.source),
            zone: self.encoding.read(run.zone),
            ..run
        };
        Ok(runs.into_iter().map(read).collect())
    }

    fn each_coverage(
        &mut self,
        source: Option<&str>,
        window: &Window,
        since: Timestamp,
        each: &mut dyn FnMut(Coverage),
    ) -> Result<(), StoreError> {
        let (source, encoding) = (self.written(source)?, self.encoding.clone());
        self.reader.each_coverage(source.as_deref(), window, since, &mut |coverage| {
            each(Coverage { source: encoding.read(coverage.source), ..coverage });
        })
    }

    fn each_recording(
        &mut self,
        wanted: &Selection,
        each: &mut dyn FnMut(StoredRecording) -> Result<(), Fatal>,
    ) -> Result<(), Fatal> {
        let (source, encoding) = (self.written(wanted.source)?, self.encoding.clone());
        let wanted = Selection { source: source.as_deref(), ..*wanted };
        self.reader.each_recording(&wanted, &mut |recording| each(read(recording, &encoding)))
    }

    fn named_clips(&mut self, clips: &[String]) -> Result<HashSet<String>, StoreError> {
        let encoding = &self.encoding;
        let escapes = self.reader.read(|client| encoding.escapes(client, clips.iter().map(String::as_str)))?;
        let named = self.reader.named_clips(&escapes.texts(clips))?;
        Ok(named.into_iter().map(|clip| self.encoding.read(clip)).collect())
    }
}

fn read(mut recording: StoredRecording, encoding: &Encoding) -> StoredRecording {
    let again = |text: &mut String| *text = encoding.read(std::mem::take(text));
    again(&mut recording.source);
    again(&mut recording.name);
    match &mut recording.status {
        StoredStatus::Failed(failure) => again(&mut failure.reason),
        StoredStatus::Analyzed(sound) => {
            again(&mut sound.codec);
            sound.missing.ranges.iter_mut().for_each(|range| again(&mut range.reason));
            for StoredDetection { detection, review, .. } in &mut sound.laughs {
                detection.clip.iter_mut().for_each(again);
                review.iter_mut().filter_map(|review| review.comment.as_mut()).for_each(again);
            }
        }
    }
    recording
}

//! Looking back into a database that is not UTF-8: names are asked for as they are stored, and given as they were.
//!
//! Invariant: knows no SQL.

use std::collections::HashSet;

use jiff::Timestamp;

use super::encoding::Encoding;
use super::reading::Past;
use crate::exit::Fatal;
use crate::record::{Coverage, Laugh, PastRun, StoredFate, StoredRecording, Window};
use crate::store::StoreError;
use crate::store::reading::{Reader, Selection};

pub struct Escaped {
    past: Past,
    encoding: Encoding,
}

impl Escaped {
    pub fn new(past: Past, encoding: Encoding) -> Escaped {
        Escaped { past, encoding }
    }

    fn written(&mut self, source: Option<&str>) -> Result<Option<String>, StoreError> {
        let encoding = &self.encoding;
        source.map(|source| self.past.look(|client| encoding.escaped(client, source))).transpose()
    }
}

impl Reader for Escaped {
    fn sources(&mut self) -> Result<Vec<String>, StoreError> {
        let mut sources: Vec<String> =
            self.past.sources()?.into_iter().map(|source| self.encoding.read(source)).collect();
        sources.sort();
        Ok(sources)
    }

    fn runs(&mut self, source: Option<&str>, limit: u32) -> Result<Vec<PastRun>, StoreError> {
        let source = self.written(source)?;
        let runs = self.past.runs(source.as_deref(), limit)?;
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
        self.past.each_coverage(source.as_deref(), window, since, &mut |coverage| {
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
        self.past.each_recording(&wanted, &mut |recording| each(read(recording, &encoding)))
    }

    fn named_clips(&mut self, clips: &[String]) -> Result<HashSet<String>, StoreError> {
        let encoding = &self.encoding;
        let escapes = self.past.look(|client| encoding.escapes(client, clips.iter().map(String::as_str)))?;
        let named = self.past.named_clips(&escapes.texts(clips))?;
        Ok(named.into_iter().map(|clip| self.encoding.read(clip)).collect())
    }
}

fn read(mut recording: StoredRecording, encoding: &Encoding) -> StoredRecording {
    let again = |text: &mut String| *text = encoding.read(std::mem::take(text));
    again(&mut recording.source);
    again(&mut recording.name);
    match &mut recording.fate {
        StoredFate::Failed(failure) => again(&mut failure.reason),
        StoredFate::Heard(sound) => {
            again(&mut sound.codec);
            sound.missing.ranges.iter_mut().for_each(|range| again(&mut range.reason));
            for Laugh { event, note, .. } in &mut sound.laughs {
                event.clip.iter_mut().for_each(again);
                note.iter_mut().filter_map(|note| note.words.as_mut()).for_each(again);
            }
        }
    }
    recording
}

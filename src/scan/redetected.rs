//! Recordings whose stored scores are enough: they are decided anew, and clips that are missing are cut.

use std::collections::HashMap;

use jiff::{SignedDuration, Timestamp};

use super::Session;
use super::plan::Plan;
use crate::domain::{ContentHash, Outcome, Redetected, Status};
use crate::error::Fatal;
use crate::redetect::{cut_clips, decide};
use crate::store::{ScoredSelection, Store};

impl Session<'_> {
    /// Decides what can be decided from what is stored; what cannot is to be analyzed.
    pub(super) fn redetect(
        &self,
        store: Option<&mut (dyn Store + 'static)>,
        plans: Vec<Plan>,
    ) -> Result<Vec<Plan>, Fatal> {
        let contents: Vec<ContentHash> = plans.iter().filter_map(Plan::to_redetect).collect();
        let Some(store) = store.filter(|_| !contents.is_empty()) else { return Ok(plans) };
        let mut decided = self.decide(store, contents)?;
        let plans = plans.into_iter().map(|plan| match plan {
            Plan::Redetect(recording) => match recording.content.and_then(|content| decided.remove(&content)) {
                Some(redetected) => {
                    Plan::Known(Outcome { recording, status: Status::Redetected(Box::new(redetected)) })
                }
                None => Plan::Analyze(recording),
            },
            other => other,
        });
        let mut plans = self.cut_missing_clips(plans.collect())?;
        for plan in &mut plans {
            if let Plan::Known(Outcome { status: Status::Redetected(redetected), .. }) = plan {
                redetected.keep_earlier_clips();
            }
        }
        Ok(plans)
    }

    fn decide(
        &self,
        store: &mut (dyn Store + 'static),
        contents: Vec<ContentHash>,
    ) -> Result<HashMap<ContentHash, Redetected>, Fatal> {
        let (analysis, zone) = (&self.settings.analysis, &self.settings.zone);
        let source = Some(self.settings.source.clone());
        let with_embeddings = self.personal.is_some();
        let wanted =
            ScoredSelection { source, contents: Some(contents), with_embeddings, ..ScoredSelection::default() };
        let mut decided = HashMap::new();
        store.each_scored(&wanted, &mut |scored| {
            if let Some(content) = scored.recording.content.filter(|_| scored.is_readable) {
                decided.insert(content, decide(scored, analysis.clone(), zone.clone(), self.personal.as_ref()));
            }
            self.check_stop()
        })?;
        Ok(decided)
    }

    /// Cuts the clips that are missing, if clips are requested.
    fn cut_missing_clips(&self, mut plans: Vec<Plan>) -> Result<Vec<Plan>, Fatal> {
        let Some(clip_writer) = &self.clip_writer else { return Ok(plans) };
        let mut incomplete = Vec::new();
        for plan in &mut plans {
            if let Plan::Known(Outcome { recording, status: Status::Redetected(redetected) }) = plan
                && redetected.lacks_clips()
            {
                incomplete.push((&*recording, redetected.as_mut()));
            }
        }
        cut_clips(incomplete, clip_writer, &self.pool, self.settings.ffmpeg.as_ref(), self.stop);
        self.check_stop()?;
        Ok(plans)
    }

    /// Recordings that started earlier lose the embeddings of candidates without a review.
    pub(super) fn embeddings_from(&self) -> Option<Timestamp> {
        let days = self.settings.keep_embeddings?;
        Some(self.started.saturating_sub(SignedDuration::from_hours(24 * i64::from(days))).unwrap_or(Timestamp::MIN))
    }
}

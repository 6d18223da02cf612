//! The data types that all modules share: a recording, its outcome, and the run that contains them.
//!
//! Invariant: plain data only. This module does not depend on codecs, the network, databases or terminals, so every
//! other module may import it.

mod candidate;
mod detection;
mod error;
mod field;
mod laugh;
mod missing;
mod not_audio;
mod outcome;
mod parameters;
mod recording;
mod review;
mod run;
mod step;
mod stored;

pub use candidate::{CANDIDATE_FLOOR, Candidate, Embedding, Neighbour, PersonalScore, SENSITIVE, ScoreTrack, reaches};
pub use detection::{Detection, FIRST_LAUGHTER, LAUGHTER_CLASSES, LAUGHTER_NAMES};
pub use error::{Reason, RecordingError};
pub use field::{Described, Field, field};
pub use laugh::{
    DayCount, Laugh, LaughCursor, LaughFilter, LaughOrder, LaughPage, RecordingCounts, VerdictFilter, WrongCursor,
};
pub use missing::{LEAST_ANALYZED, MissingKind, MissingRange, MissingRanges};
pub use not_audio::NotAudio;
pub use outcome::{Analyzed, ClipsFailed, Damage, Decided, Outcome, Redetected, Skip, Status, Unsure};
pub use parameters::{ANALYSIS_VERSION, Analysis, DetectionParameters};
pub use recording::{ContentHash, Recording, StartSource, StartTime};
pub use review::{Evidence, Review, ReviewedSpan, RowSpan, ShownVerdicts, SpanId, StoredReview, Verdict};
pub use run::{Counts, Replaced, Run, RunCommand, StartTimes, Unresolved, Window};
pub use step::{Stage, Step};
pub use stored::{
    Coverage, PastRun, ScoreTotals, ScoredCandidate, ScoredRecording, StoredCandidate, StoredDetection, StoredFailure,
    StoredMissing, StoredRecording, StoredSound, StoredStatus,
};

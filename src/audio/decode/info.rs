//! What a header says about a recording, before its audio is decoded.

use std::time::Duration;

use symphonia::core::formats::FormatReader;
use symphonia::core::units::TimeBase;

use crate::audio::timestamps::Inside;

/// Properties of a recording according to its header.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Info {
    /// The file's own rate in Hz (48,000 for Opus, which has none).
    pub sample_rate: u32,
    /// 0 if unknown before decoding.
    pub channels: u32,
    /// Number of audio tracks, which are mixed.
    pub tracks: u32,
    /// Short name, e.g. `opus`, `flac`, `pcm_s16le`.
    pub codec: String,
    /// None if the header contains no duration.
    pub duration: Option<Duration>,
    /// When it was recorded: the text of a tag or of a date in the header, in any form.
    pub recorded: Option<String>,
    /// Whether `recorded` may be the end of the recording.
    pub recorded_may_be_end: bool,
}

impl Info {
    /// The date inside the file, to be parsed by `timestamps`.
    pub fn date(&self) -> Option<Inside<'_>> {
        self.recorded.as_deref().map(|text| Inside { text, may_be_end: self.recorded_may_be_end })
    }
}

/// The duration that the header announces.
pub(super) fn announced(reader: &dyn FormatReader, track: u32) -> Option<Duration> {
    let found = reader.tracks().iter().find(|candidate| candidate.id == track)?;
    let by_track =
        found.duration.or(found.num_frames.map(Into::into)).map(|ticks| ticks.get()).filter(|&ticks| ticks > 0);
    match by_track {
        Some(ticks) => ticks_to_time(time_base(reader, track), ticks),
        None => {
            let media = reader.media_info();
            let time = media.time_base?.calc_duration(media.duration.filter(|ticks| ticks.get() > 0)?)?;
            u64::try_from(time.as_nanos()).ok().map(Duration::from_nanos)
        }
    }
}

pub(super) fn time_base(reader: &dyn FormatReader, track: u32) -> Option<TimeBase> {
    reader.tracks().iter().find(|candidate| candidate.id == track)?.time_base
}

pub(super) fn ticks_to_time(base: Option<TimeBase>, ticks: u64) -> Option<Duration> {
    let base = base?;
    let nanos = u128::from(ticks) * u128::from(base.numer.get()) * 1_000_000_000 / u128::from(base.denom.get());
    u64::try_from(nanos).ok().map(Duration::from_nanos)
}

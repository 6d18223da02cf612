//! What a track is by its header: its decoder, and how far the words of its container can be trusted.
//!
//! Invariant: no parameter reaches a decoder that has not been checked.

use symphonia::core::codecs::audio::well_known::{
    CODEC_ID_FLAC, CODEC_ID_MP1, CODEC_ID_MP2, CODEC_ID_MP3, CODEC_ID_OPUS,
};
use symphonia::core::codecs::audio::{AudioCodecParameters, AudioDecoder, AudioDecoderOptions};
use symphonia::core::formats::well_known::{
    FORMAT_ID_ADTS, FORMAT_ID_AIFF, FORMAT_ID_CAF, FORMAT_ID_FLAC, FORMAT_ID_ISOMP4, FORMAT_ID_MKV, FORMAT_ID_MP3,
    FORMAT_ID_OGG, FORMAT_ID_WAVE,
};
use symphonia::core::formats::{FormatId, Track};

use super::{aac, codecs, faults, flac, foreign, mpeg};
use crate::audio::resample;
use crate::record::RecordingError;

/// The most channels that are heard.
const MOST_CHANNELS: usize = 8;

/// What a jump of the timestamps means.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Jump {
    /// The container has no timestamps of its own.
    Nothing,
    /// Nothing was recorded: silence.
    Pause,
    /// Something was lost.
    Loss,
    /// The reader says how much silence stands before a packet: `dts` is where the packet before it ended.
    Told,
}

/// The two kinds of decoders: ours, which gives mono, and symphonia's.
pub enum Decoder {
    Opus(Box<opus16k::Decoder>),
    Other(Box<dyn AudioDecoder>),
}

/// A decoder for a track, the rate at which it gives samples, and its channels.
pub fn decoder(parameters: &AudioCodecParameters) -> Result<(Decoder, u32, u32), RecordingError> {
    if parameters.codec == CODEC_ID_OPUS {
        let head = opus16k::Head::parse(parameters.extra_data.as_deref().unwrap_or_default());
        let head = head.map_err(faults::unsupported)?;
        let channels = u32::from(head.channels);
        return Ok((Decoder::Opus(Box::new(opus16k::Decoder::new(head))), opus16k::RATE, channels));
    }
    let (parameters, _) = &aac::core(parameters);
    let channels = parameters.channels.as_ref().map_or(0, |channels| channels.count());
    if channels > MOST_CHANNELS {
        return Err(faults::unsupported(format!("it has {channels} channels; {MOST_CHANNELS} at most can be heard")));
    }
    // What encoders add is cut off here and not by the decoders, so that samples can be counted first.
    let options = AudioDecoderOptions::default().gapless(false);
    let decoder = foreign::call(|| match parameters.codec {
        CODEC_ID_MP1 | CODEC_ID_MP2 | CODEC_ID_MP3 => Ok(mpeg::decoder(parameters)),
        CODEC_ID_FLAC => flac::decoder(parameters, &options),
        _ => symphonia::default::get_codecs().make_audio_decoder(parameters, &options),
    });
    let decoder = decoder.map_err(|error| codecs::undecodable(parameters, &error))?;
    let rate = decoder.codec_params().sample_rate.or(parameters.sample_rate);
    Ok((Decoder::Other(decoder), checked(rate.unwrap_or(0))?, channels as u32))
}

pub fn checked(rate: u32) -> Result<u32, RecordingError> {
    match resample::RATES.contains(&rate) {
        true => Ok(rate),
        false => Err(faults::unsupported(resample::RateError(rate).to_string())),
    }
}

/// AAC without a container that says what the encoder put in front.
pub fn bare_aac(format: FormatId) -> bool {
    matches!(format, FORMAT_ID_ADTS | FORMAT_ID_MKV)
}

pub fn jump(format: FormatId) -> Jump {
    match format {
        FORMAT_ID_OGG | FORMAT_ID_FLAC | FORMAT_ID_MP3 | FORMAT_ID_ADTS => Jump::Loss,
        FORMAT_ID_MKV => Jump::Pause,
        FORMAT_ID_ISOMP4 => Jump::Told,
        _ => Jump::Nothing,
    }
}

/// Whether the timestamps count from the first sample that should be there, whichever is the first that is.
pub fn starts_at_zero(format: FormatId) -> bool {
    matches!(format, FORMAT_ID_FLAC | FORMAT_ID_MP3 | FORMAT_ID_ADTS)
}

/// The timestamp at which a stream ends by its header, in the formats whose word can be trusted.
pub fn announced_end(track: &Track, format: FormatId) -> Option<i64> {
    let trusted = match format {
        FORMAT_ID_OGG | FORMAT_ID_FLAC | FORMAT_ID_AIFF | FORMAT_ID_CAF | FORMAT_ID_WAVE => true,
        FORMAT_ID_MP3 => track.padding.is_some(), // else it was guessed from the file's length
        _ => false,
    };
    track.num_frames.filter(|_| trusted).and_then(|frames| i64::try_from(frames).ok())
}

/// `count` units of `unit` (a fraction of a second) in samples at `rate`, to the nearest.
pub fn rescale(count: u64, unit: (u32, u32), rate: u32) -> u64 {
    let (numerator, denominator) = (u128::from(unit.0) * u128::from(rate), u128::from(unit.1.max(1)));
    u64::try_from((u128::from(count) * numerator + denominator / 2) / denominator).unwrap_or(u64::MAX)
}

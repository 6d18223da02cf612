//! Creates the decoder of a track, and knows which properties each container provides reliably.
//!
//! Invariant: every parameter is checked before it is passed to a decoder.

use symphonia::core::codecs::audio::well_known::{
    CODEC_ID_AAC, CODEC_ID_FLAC, CODEC_ID_MP1, CODEC_ID_MP2, CODEC_ID_MP3, CODEC_ID_OPUS,
};
use symphonia::core::codecs::audio::{AudioCodecId, AudioCodecParameters, AudioDecoder, AudioDecoderOptions};
use symphonia::core::formats::well_known::{
    FORMAT_ID_ADTS, FORMAT_ID_AIFF, FORMAT_ID_CAF, FORMAT_ID_FLAC, FORMAT_ID_ISOMP4, FORMAT_ID_MKV, FORMAT_ID_MP3,
    FORMAT_ID_OGG, FORMAT_ID_WAVE,
};
use symphonia::core::formats::{FormatId, Track};

use super::pcm::Pcm;
use super::{aac, codecs, error_map, flac, mpeg, panic_guard};
use crate::audio::resample;
use crate::domain::{Reason, RecordingError};

/// Maximum number of channels.
const MOST_CHANNELS: usize = 8;

/// The meaning of a jump in the timestamps.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Jump {
    /// The container has no timestamps of its own.
    Nothing,
    /// A pause in the recording: silence.
    Pause,
    /// Lost packets.
    Loss,
    /// The reader sets the silence before each packet: `dts` is the end of the previous packet.
    Explicit,
}

/// A decoder: our own, which return mono, or one of symphonia's.
pub enum Decoder {
    Opus(Box<opus16k::Decoder>),
    Pcm(Pcm),
    Other(Box<dyn AudioDecoder>),
}

/// Creates the decoder for a track; returns also its output rate and its number of channels.
pub fn decoder(parameters: &AudioCodecParameters) -> Result<(Decoder, u32, u32), RecordingError> {
    if parameters.codec == CODEC_ID_OPUS {
        let head = opus16k::Head::parse(parameters.extra_data.as_deref().unwrap_or_default());
        let head = head.map_err(|error| error_map::unsupported(Reason::wrap(error)))?;
        let channels = u32::from(head.channels);
        return Ok((Decoder::Opus(Box::new(opus16k::Decoder::new(head))), opus16k::RATE, channels));
    }
    let (parameters, _) = &aac::core(parameters);
    let channels = parameters.channels.as_ref().map_or(0, |channels| channels.count());
    if channels > MOST_CHANNELS {
        return Err(error_map::unsupported(format!(
            "it has {channels} channels; at most {MOST_CHANNELS} are supported"
        )));
    }
    if let (Some(pcm), Some(rate)) = (Pcm::new(parameters), parameters.sample_rate) {
        return Ok((Decoder::Pcm(pcm), checked(rate)?, channels as u32));
    }
    // Encoder delay and padding are trimmed in `stream` and not by the decoders, so that samples can be counted first.
    let options = AudioDecoderOptions::default().gapless(false);
    let decoder = panic_guard::call(|| match parameters.codec {
        CODEC_ID_MP1 | CODEC_ID_MP2 | CODEC_ID_MP3 => Ok(mpeg::decoder(parameters)),
        CODEC_ID_FLAC => flac::decoder(parameters, &options),
        _ => symphonia::default::get_codecs().make_audio_decoder(parameters, &options),
    });
    let decoder = decoder.map_err(|error| codecs::undecodable(parameters, error))?;
    let rate = decoder.codec_params().sample_rate.or(parameters.sample_rate);
    Ok((Decoder::Other(decoder), checked(rate.unwrap_or(0))?, channels as u32))
}

pub fn checked(rate: u32) -> Result<u32, RecordingError> {
    if !resample::RATES.contains(&rate) {
        return Err(error_map::unsupported(Reason::wrap(resample::RateError(rate))));
    }
    Ok(rate)
}

/// Whether the container does not store AAC's encoder delay.
pub fn bare_aac(format: FormatId) -> bool {
    matches!(format, FORMAT_ID_ADTS | FORMAT_ID_MKV)
}

pub fn jump(format: FormatId) -> Jump {
    match format {
        FORMAT_ID_OGG | FORMAT_ID_FLAC | FORMAT_ID_MP3 | FORMAT_ID_ADTS => Jump::Loss,
        FORMAT_ID_MKV => Jump::Pause,
        FORMAT_ID_ISOMP4 => Jump::Explicit,
        _ => Jump::Nothing,
    }
}

/// Samples per frame of codecs with a fixed frame length; otherwise 0.
pub fn frame_samples(codec: AudioCodecId, rate: u32) -> u64 {
    match codec {
        CODEC_ID_AAC => 1024,
        CODEC_ID_MP3 if rate < 32_000 => 576,
        CODEC_ID_MP3 | CODEC_ID_MP2 => 1152,
        _ => 0,
    }
}

/// Whether timestamps count from the start of the stream, even if its first packets are missing.
pub fn starts_at_zero(format: FormatId) -> bool {
    matches!(format, FORMAT_ID_FLAC | FORMAT_ID_MP3 | FORMAT_ID_ADTS)
}

/// The timestamp of the end of the stream according to the header, in formats whose header is reliable.
pub fn announced_end(track: &Track, format: FormatId) -> Option<i64> {
    let trusted = match format {
        FORMAT_ID_OGG | FORMAT_ID_FLAC | FORMAT_ID_AIFF | FORMAT_ID_CAF | FORMAT_ID_WAVE => true,
        FORMAT_ID_MP3 => track.padding.is_some(), // otherwise estimated from the file size
        _ => false,
    };
    track.num_frames.filter(|_| trusted).and_then(|frames| i64::try_from(frames).ok())
}

/// Converts `count` units of `unit` (a fraction of a second) to samples at `rate`, rounded to the nearest.
pub fn rescale(count: u64, unit: (u32, u32), rate: u32) -> u64 {
    let (numerator, denominator) = (u128::from(unit.0) * u128::from(rate), u128::from(unit.1.max(1)));
    u64::try_from((u128::from(count) * numerator + denominator / 2) / denominator).unwrap_or(u64::MAX)
}

//! Names of codecs, for the database and for people.
//!
//! Invariant: every codec that symphonia can identify has a name here, supported or not.

use symphonia::core::codecs::CodecParameters;
use symphonia::core::codecs::audio::well_known::*;
use symphonia::core::codecs::audio::{AudioCodecId, AudioCodecParameters};
use symphonia::core::errors::Error;
use symphonia::core::formats::FormatReader;

use super::{aac, error_map};
use crate::domain::{Reason, RecordingError};

/// Codecs that containers can contain and that are not supported.
const UNSUPPORTED: [(AudioCodecId, &str); 16] = [
    (CODEC_ID_AC3, "AC-3 (Dolby Digital)"),
    (CODEC_ID_EAC3, "E-AC-3 (Dolby Digital Plus)"),
    (CODEC_ID_AC4, "AC-4 (Dolby)"),
    (CODEC_ID_DCA, "DTS"),
    (CODEC_ID_TRUEHD, "Dolby TrueHD"),
    (CODEC_ID_SPEEX, "Speex"),
    (CODEC_ID_MUSEPACK, "Musepack"),
    (CODEC_ID_WAVPACK, "WavPack"),
    (CODEC_ID_MONKEYS_AUDIO, "Monkey's Audio"),
    (CODEC_ID_TTA, "TrueAudio"),
    (CODEC_ID_WMA, "Windows Media Audio"),
    (CODEC_ID_ADPCM_G722, "G.722"),
    (CODEC_ID_ADPCM_G726, "G.726"),
    (CODEC_ID_ADPCM_G726LE, "G.726"),
    (CODEC_ID_ATRAC3, "ATRAC3"),
    (CODEC_ID_ATRAC3PLUS, "ATRAC3+"),
];

/// Name of the decoded codec of a track, e.g. `opus`, `flac`, `HE-AAC (core)`.
pub fn decoded_name(parameters: &AudioCodecParameters) -> String {
    if aac::core(parameters).1 { aac::HE_AAC.to_owned() } else { name(parameters.codec) }
}

/// Short name of a codec, e.g. `opus`, `flac`, `pcm_s16le`.
pub fn name(codec: AudioCodecId) -> String {
    let known = symphonia::default::get_codecs().get_audio_decoder(codec).map(|decoder| decoder.codec.info.short_name);
    let opus = (codec == CODEC_ID_OPUS).then_some("opus");
    opus.or(known).map_or_else(|| unsupported_name(codec), str::to_string)
}

fn unsupported_name(codec: AudioCodecId) -> String {
    let named = UNSUPPORTED.iter().find(|(id, _)| *id == codec).map(|(_, name)| name.to_string());
    named.unwrap_or_else(|| format!("an unknown codec ({codec})"))
}

/// The error for a track whose decoder could not be created.
pub fn undecodable(parameters: &AudioCodecParameters, error: Error) -> RecordingError {
    let codec = parameters.codec;
    let known = symphonia::default::get_codecs().get_audio_decoder(codec).is_some();
    match error {
        _ if !known => error_map::unsupported(error_map::foreign(format!("it is {}", name(codec)))),
        Error::Unsupported(_) if codec == CODEC_ID_AAC => {
            let kind = aac::object_type_name(parameters)
                .unwrap_or("AAC of an unsupported type (more than two channels, or short frames)");
            error_map::unsupported(error_map::foreign(format!("it is {kind}")))
        }
        error => {
            let reason = format!("its {} header is invalid ({error})", name(codec));
            error_map::unsupported(Reason::new(reason).caused_by(error))
        }
    }
}

/// The message for a file without a decodable audio track.
pub fn no_audio(reader: &dyn FormatReader) -> String {
    let container = reader.format_info().long_name;
    let video = reader.tracks().iter().any(|track| matches!(track.codec_params, Some(CodecParameters::Video(_))));
    if reader.tracks().is_empty() {
        format!("it is {container} without any track")
    } else if video {
        format!("it is {container} with video, but without an audio track of a known codec")
    } else {
        format!("it is {container}, but none of its tracks has a known codec")
    }
}

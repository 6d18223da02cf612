//! symphonia's decoder, created again when the stream parameters of the frames change.

use symphonia::core::audio::GenericAudioBufferRef;
use symphonia::core::codecs::CodecInfo;
use symphonia::core::codecs::audio::{AudioCodecParameters, AudioDecoder, AudioDecoderOptions, FinalizeResult};
use symphonia::core::errors::{Error, Result};
use symphonia::core::packet::PacketRef;

use super::header::{Header, Kind, StreamInfo};

struct Decoder {
    parameters: AudioCodecParameters,
    options: AudioDecoderOptions,
    /// Defaults from STREAMINFO for values that frames omit.
    default: Option<Kind>,
    /// The parameters of the current decoder.
    kind: Option<Kind>,
    inner: Box<dyn AudioDecoder>,
}

/// Creates a decoder for FLAC in any container. Errors: as symphonia's.
pub fn decoder(parameters: &AudioCodecParameters, options: &AudioDecoderOptions) -> Result<Box<dyn AudioDecoder>> {
    let inner = symphonia::default::get_codecs().make_audio_decoder(parameters, options)?;
    let info = parameters.extra_data.as_deref().and_then(StreamInfo::parse);
    let (parameters, options) = (parameters.clone(), *options);
    let kind = info.map(|info| info.kind);
    Ok(Box::new(Decoder { parameters, options, default: kind, kind, inner }))
}

impl Decoder {
    fn adapt(&mut self, frame: &[u8]) -> Result<()> {
        let header =
            Header::parse(frame, self.default).ok_or(Error::DecodeError("flac: a frame's header is damaged"))?;
        if self.kind != Some(header.kind) {
            self.parameters.with_extra_data(StreamInfo::for_kind(header.kind).into());
            self.inner = symphonia::default::get_codecs().make_audio_decoder(&self.parameters, &self.options)?;
            self.kind = Some(header.kind);
        }
        Ok(())
    }
}

impl AudioDecoder for Decoder {
    fn reset(&mut self) {
        self.inner.reset();
    }

    fn codec_info(&self) -> &CodecInfo {
        self.inner.codec_info()
    }

    fn codec_params(&self) -> &AudioCodecParameters {
        self.inner.codec_params()
    }

    fn decode_ref(&mut self, packet: &PacketRef<'_>) -> Result<GenericAudioBufferRef<'_>> {
        self.adapt(packet.data)?;
        self.inner.decode_ref(packet)
    }

    fn finalize(&mut self) -> FinalizeResult {
        self.inner.finalize()
    }

    fn last_decoded(&self) -> GenericAudioBufferRef<'_> {
        self.inner.last_decoded()
    }
}

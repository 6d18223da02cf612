//! Adapts nanomp3 to symphonia's decoder trait. Channels and sampling rate are taken from each frame's header.

use nanomp3_core::{Channels as Layout, DecodeError, FrameInfo, MAX_SAMPLES_PER_FRAME};
use symphonia::core::audio::{
    AsGenericAudioBufferRef, Audio, AudioBuffer, AudioMut, AudioSpec, GenericAudioBufferRef, layouts,
};
use symphonia::core::codecs::CodecInfo;
use symphonia::core::codecs::audio::{AudioCodecParameters, AudioDecoder, FinalizeResult};
use symphonia::core::errors::{Error, Result};
use symphonia::core::packet::PacketRef;

/// Maximum number of samples per frame and channel.
const MAX_SAMPLES: usize = MAX_SAMPLES_PER_FRAME / 2;

const INFO: CodecInfo = CodecInfo { short_name: "mp3", long_name: "MPEG audio", profiles: &[] };

struct Decoder {
    parameters: AudioCodecParameters,
    inner: nanomp3_core::Decoder,
    pcm: Box<[f32]>,
    buffer: AudioBuffer<f32>,
}

/// Creates a decoder for all layers.
pub fn decoder(parameters: &AudioCodecParameters) -> Box<dyn AudioDecoder> {
    Box::new(Decoder {
        parameters: parameters.clone(),
        inner: nanomp3_core::Decoder::new(),
        pcm: vec![0.0; MAX_SAMPLES_PER_FRAME].into(),
        buffer: AudioBuffer::default(),
    })
}

impl Decoder {
    /// Decodes the packet's first frame. A frame that depends on a missing previous frame becomes silence, as at the
    /// start of a stream that was cut out of another one.
    fn frame(&mut self, bytes: &[u8]) -> Result<()> {
        let (_, result) = self.inner.decode(bytes, &mut self.pcm[..]);
        match result {
            Ok(info) => self.fill(&info, info.samples_produced),
            Err(DecodeError::ReservoirUnavailable(info)) => {
                self.pcm.fill(0.0);
                self.fill(&info, samples(&info))
            }
            Err(_) => Err(Error::DecodeError("mpa: a frame's contents are invalid")),
        }
    }

    /// Copies the decoded samples.
    fn fill(&mut self, info: &FrameInfo, samples: usize) -> Result<()> {
        let channels = match info.channels {
            Layout::Mono => layouts::CHANNEL_LAYOUT_MONO,
            Layout::Stereo => layouts::CHANNEL_LAYOUT_STEREO,
        };
        let spec = AudioSpec::new(info.sample_rate, channels);
        if self.buffer.is_unused() || self.buffer.spec() != &spec {
            self.buffer = AudioBuffer::new(spec, MAX_SAMPLES);
        }
        self.buffer.clear();
        self.buffer.render_silence(Some(samples.min(MAX_SAMPLES)));
        let count = usize::from(info.channels.num());
        for channel in 0..count {
            let plane = self.buffer.plane_mut(channel).ok_or(Error::DecodeError("mpa: no such channel"))?;
            plane.iter_mut().zip(self.pcm[channel..].iter().step_by(count)).for_each(|(to, from)| *to = *from);
        }
        Ok(())
    }
}

/// Samples per channel of such a frame.
fn samples(info: &FrameInfo) -> usize {
    match info.layer {
        1 => 384,
        3 if info.sample_rate < 32_000 => 576,
        _ => 1152,
    }
}

impl AudioDecoder for Decoder {
    fn reset(&mut self) {
        self.inner = nanomp3_core::Decoder::new();
    }

    fn codec_info(&self) -> &CodecInfo {
        &INFO
    }

    fn codec_params(&self) -> &AudioCodecParameters {
        &self.parameters
    }

    fn decode_ref(&mut self, packet: &PacketRef<'_>) -> Result<GenericAudioBufferRef<'_>> {
        self.frame(packet.data)?;
        Ok(self.buffer.as_generic_audio_buffer_ref())
    }

    fn finalize(&mut self) -> FinalizeResult {
        FinalizeResult::default()
    }

    fn last_decoded(&self) -> GenericAudioBufferRef<'_> {
        self.buffer.as_generic_audio_buffer_ref()
    }
}

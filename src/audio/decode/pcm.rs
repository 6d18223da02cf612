//! Decodes PCM to mono in one pass over the bytes of a packet. symphonia's decoder of PCM reads sample by sample into
//! planes, which takes more time than everything else that a WAV file needs before it is resampled.
//!
//! Invariant: the samples have the same bits as those of symphonia's decoder, mixed by `mix`.

use symphonia::core::codecs::audio::well_known::*;
use symphonia::core::codecs::audio::{AudioCodecId, AudioCodecParameters};

use super::mix::{clipped, lfe_channels, share};

/// Full scale of integer samples.
const FULL_16: f32 = 32_768.0;
const FULL_24: f32 = 8_388_608.0;
const FULL_32: f32 = 2_147_483_648.0;

/// The decoder of one track.
pub struct Pcm {
    codec: AudioCodecId,
    channels: usize,
    lfe: Vec<usize>,
}

impl Pcm {
    /// None if this codec is left to symphonia: rare kinds, and samples that do not fill their bytes.
    pub fn new(parameters: &AudioCodecParameters) -> Option<Pcm> {
        let channels = parameters.channels.as_ref()?;
        let decoder = Pcm { codec: parameters.codec, channels: channels.count(), lfe: lfe_channels(channels) };
        let is_whole = parameters.bits_per_coded_sample.is_none() && parameters.bits_per_sample.is_none();
        (is_whole && decoder.channels > 0 && decoder.decode(&[], &mut Vec::new())).then_some(decoder)
    }

    /// Appends the mono mix of all whole frames in `bytes` to `mono`. False if the codec is none of these.
    pub fn decode(&self, bytes: &[u8], mono: &mut Vec<f32>) -> bool {
        match self.codec {
            CODEC_ID_PCM_U8 => self.mix(bytes, mono, |[byte]| f32::from(byte) / 128.0 - 1.0),
            CODEC_ID_PCM_S16LE => self.mix(bytes, mono, |bytes| f32::from(i16::from_le_bytes(bytes)) / FULL_16),
            CODEC_ID_PCM_S16BE => self.mix(bytes, mono, |bytes| f32::from(i16::from_be_bytes(bytes)) / FULL_16),
            CODEC_ID_PCM_S24LE => self.mix(bytes, mono, |[low, middle, high]| from_24([low, middle, high])),
            CODEC_ID_PCM_S24BE => self.mix(bytes, mono, |[high, middle, low]| from_24([low, middle, high])),
            CODEC_ID_PCM_S32LE => self.mix(bytes, mono, |bytes| i32::from_le_bytes(bytes) as f32 / FULL_32),
            CODEC_ID_PCM_S32BE => self.mix(bytes, mono, |bytes| i32::from_be_bytes(bytes) as f32 / FULL_32),
            CODEC_ID_PCM_F32LE => self.mix(bytes, mono, f32::from_le_bytes),
            CODEC_ID_PCM_F32BE => self.mix(bytes, mono, f32::from_be_bytes),
            CODEC_ID_PCM_F64LE => self.mix(bytes, mono, |bytes| f64::from_le_bytes(bytes) as f32),
            CODEC_ID_PCM_F64BE => self.mix(bytes, mono, |bytes| f64::from_be_bytes(bytes) as f32),
            _ => return false,
        }
        true
    }

    fn mix<const WIDTH: usize>(&self, bytes: &[u8], mono: &mut Vec<f32>, read: impl Fn([u8; WIDTH]) -> f32) {
        let (samples, _) = bytes.as_chunks::<WIDTH>();
        let read = |sample: &[u8; WIDTH]| clipped(read(*sample));
        match self.channels {
            1 => mono.extend(samples.iter().map(read)),
            2 if self.lfe.is_empty() => {
                let (frames, _) = samples.as_chunks::<2>();
                mono.extend(frames.iter().map(|[left, right]| 0.5 * (read(left) + read(right))));
            }
            channels => {
                let share = share(channels, &self.lfe);
                mono.extend(samples.chunks_exact(channels).map(|frame| {
                    let mixed = frame.iter().enumerate().filter(|(channel, _)| !self.lfe.contains(channel));
                    share * mixed.map(|(_, sample)| read(sample)).fold(0.0, |sum, sample| sum + sample)
                }));
            }
        }
    }
}

/// The lowest byte first.
fn from_24([low, middle, high]: [u8; 3]) -> f32 {
    (i32::from_le_bytes([0, low, middle, high]) >> 8) as f32 / FULL_24
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use symphonia::core::audio::{Channels, Position};
    use symphonia::core::codecs::audio::AudioDecoderOptions;

    use super::super::mix::mix;
    use super::super::packets::packet;
    use super::*;

    const CODECS: [AudioCodecId; 11] = [
        CODEC_ID_PCM_U8,
        CODEC_ID_PCM_S16LE,
        CODEC_ID_PCM_S16BE,
        CODEC_ID_PCM_S24LE,
        CODEC_ID_PCM_S24BE,
        CODEC_ID_PCM_S32LE,
        CODEC_ID_PCM_S32BE,
        CODEC_ID_PCM_F32LE,
        CODEC_ID_PCM_F32BE,
        CODEC_ID_PCM_F64LE,
        CODEC_ID_PCM_F64BE,
    ];

    fn channels() -> impl Strategy<Value = Channels> {
        let surround = Position::FRONT_LEFT | Position::FRONT_RIGHT | Position::FRONT_CENTER | Position::LFE1;
        prop_oneof![
            Just(Channels::Positioned(Position::FRONT_LEFT)),
            Just(Channels::Positioned(Position::FRONT_LEFT | Position::FRONT_RIGHT)),
            Just(Channels::Positioned(surround)),
            Just(Channels::Positioned(surround | Position::REAR_LEFT | Position::REAR_RIGHT)),
            (1_u16..8).prop_map(Channels::Discrete),
        ]
    }

    fn parameters(codec: AudioCodecId, channels: Channels) -> AudioCodecParameters {
        let mut parameters = AudioCodecParameters::new();
        parameters.for_codec(codec).with_sample_rate(16_000).with_channels(channels);
        parameters
    }

    proptest! {
        #[test]
        fn samples_are_those_of_symphonias_decoder(
            codec in proptest::sample::select(&CODECS[..]),
            channels in channels(),
            bytes in proptest::collection::vec(any::<u8>(), 0..400),
        ) {
            let parameters = parameters(codec, channels);
            let (mut ours, mut theirs) = (Vec::new(), Vec::new());
            prop_assert!(Pcm::new(&parameters).unwrap().decode(&bytes, &mut ours));
            let options = AudioDecoderOptions::default();
            let mut decoder = symphonia::default::get_codecs().make_audio_decoder(&parameters, &options).unwrap();
            mix(&decoder.decode(&packet(0, 0, bytes)).unwrap(), &mut theirs);
            let bits = |samples: &[f32]| samples.iter().map(|sample| sample.to_bits()).collect::<Vec<_>>();
            prop_assert_eq!(bits(&ours), bits(&theirs));
        }
    }

    #[test]
    fn other_kinds_are_left_to_symphonia() {
        let left = Channels::Positioned(Position::FRONT_LEFT);
        assert!(Pcm::new(&parameters(CODEC_ID_PCM_ALAW, left.clone())).is_none());
        let mut short = parameters(CODEC_ID_PCM_S32LE, left);
        short.with_bits_per_coded_sample(24);
        assert!(Pcm::new(&short).is_none());
    }
}

//! One logical stream of a file: decodes packets, trims samples, and fills gaps.
//!
//! Encoders add samples at the start and the end; containers say how many. Timestamps show whether packets are missing.
//! Both are handled here, in samples:
//!
//! ```text
//! push(packet):  gap before the packet (timestamps)  -> silence, and a missing range if packets were lost
//!                decode, mix to mono                 -> `ready`; silence and a missing range if that fails
//!                drop the samples that the container trims
//! take(out):     concealed samples, silence, recovered samples, `ready`; minus `skip`, up to `limit`
//! ```
//!
//! Invariant: the number of samples returned so far is the position in the recording.

mod loss;
mod short_packet;

use std::time::Duration;

use symphonia::core::codecs::audio::AudioCodecParameters;
use symphonia::core::codecs::audio::well_known::{CODEC_ID_AAC, CODEC_ID_OPUS, CODEC_ID_VORBIS};
use symphonia::core::formats::well_known::{
    FORMAT_ID_ADTS, FORMAT_ID_CAF, FORMAT_ID_ISOMP4, FORMAT_ID_MKV, FORMAT_ID_MP3, FORMAT_ID_OGG,
};
use symphonia::core::formats::{FormatId, FormatReader, Track, TrackType};
use symphonia::core::packet::Packet;
use symphonia::core::units::TimeBase;

use self::loss::Loss;
use super::mix::mix;
use super::open::Outline;
use super::track::{
    Decoder, Jump, announced_end, bare_aac, checked, decoder, frame_samples, jump, rescale, starts_at_zero,
};
use super::{aac, codecs, error_map, panic_guard};
use crate::domain::{MissingRange, Reason, RecordingError};

/// AAC's transform needs one block of this many samples before its output is valid; every encoder has at least this
/// delay.
const AAC_BLOCK: u64 = 1024;

/// A header that announces more than this is wrong.
const LONGEST: Duration = Duration::from_secs(30 * 24 * 3600);

/// Samples of silence per call.
const SILENCE: u64 = 4096;

pub struct Stream {
    pub id: u32,
    pub codec: String,
    pub channels: u32,
    /// Sampling rate of the returned samples, Hz.
    pub rate: u32,
    format: FormatId,
    decoder: Decoder,
    time_base: Option<TimeBase>,
    /// Timestamp of the first packet.
    origin: Option<i64>,
    jump: Jump,
    trims_end: bool,
    /// The first block of Vorbis has nothing to overlap with and gives no samples; only Ogg's trims include it.
    drops_first_block: bool,
    /// Timestamp at which the stream should end.
    announced_end: Option<i64>,
    /// Decoded samples, before any trimming.
    produced: u64,
    /// Samples still to be dropped at the start.
    skip: u64,
    /// Samples still to be returned, if the container limits them.
    limit: Option<u64>,
    /// Concealment of lost packets; returned before any silence.
    concealed: Vec<f32>,
    /// Silence before `recovered` and `ready`, samples.
    pause: u64,
    /// Total of `pause` so far, samples.
    paused: u64,
    /// The end of a loss, recovered from the packet behind it.
    recovered: Vec<f32>,
    ready: Vec<f32>,
    given: u64,
    /// Length of the samples returned at previous rates.
    earlier: Duration,
    /// Missing ranges that the caller has not taken yet.
    missing: Vec<MissingRange>,
    /// The loss before the next packet, if there is one.
    lost: Option<Loss>,
    /// Samples to be dropped after the silence at the start of the stream.
    late_skip: u64,
    /// The length of every packet is a multiple of this, samples.
    unit: u64,
    /// Whether `skip` is known from the container or the codec.
    knows_delay: bool,
    /// Length of the previous intact packet, samples; in MP4 only.
    usual_length: u64,
    /// Samples that the previous packet lacks, in MP4 only.
    short: u64,
}

impl Stream {
    /// The default audio stream of a reader.
    pub fn new(reader: &dyn FormatReader, outline: &Outline) -> Result<Stream, RecordingError> {
        let track = reader.default_track(TrackType::Audio);
        let track = track.ok_or_else(|| error_map::unsupported(codecs::no_audio(reader)))?;
        let parameters = track.codec_params.as_ref().and_then(|parameters| parameters.audio());
        let parameters = parameters.ok_or_else(|| error_map::unsupported("its audio track names no codec"))?;
        let format = reader.format_info().format;
        let mut stream = Stream::decoding(track, parameters, format)?;
        stream.trim(track, parameters, outline);
        Ok(stream)
    }

    /// The stream with its decoder, without trimming.
    fn decoding(track: &Track, parameters: &AudioCodecParameters, format: FormatId) -> Result<Stream, RecordingError> {
        let (decoder, rate, channels) = decoder(parameters)?;
        Ok(Stream {
            id: track.id,
            codec: codecs::decoded_name(parameters),
            channels,
            rate,
            format,
            decoder,
            time_base: track.time_base,
            origin: match format {
                FORMAT_ID_MKV => Some(track.start_ts.get()),
                _ => starts_at_zero(format).then_some(0),
            },
            jump: jump(format),
            trims_end: format != FORMAT_ID_MP3 || track.padding.is_some(),
            drops_first_block: parameters.codec == CODEC_ID_VORBIS && format != FORMAT_ID_OGG,
            announced_end: None,
            produced: 0,
            skip: 0,
            limit: None,
            concealed: Vec::new(),
            pause: 0,
            paused: 0,
            recovered: Vec::new(),
            ready: Vec::new(),
            given: 0,
            earlier: Duration::ZERO,
            missing: Vec::new(),
            lost: None,
            late_skip: 0,
            unit: match parameters.codec {
                CODEC_ID_OPUS => u64::from(rate / 400),
                codec => frame_samples(codec, rate),
            },
            knows_delay: parameters.codec == CODEC_ID_OPUS,
            usual_length: 0,
            short: 0,
        })
    }

    /// Determines which samples were added by the encoder.
    fn trim(&mut self, track: &Track, parameters: &AudioCodecParameters, outline: &Outline) {
        let pre_skip = match &self.decoder {
            // The reader sets the trims of each packet.
            _ if self.jump == Jump::Explicit => 0,
            Decoder::Opus(decoder) => rescale(u64::from(decoder.pre_skip()), (1, opus16k::CLOCK), self.rate),
            _ if parameters.codec == CODEC_ID_AAC && bare_aac(self.format) => AAC_BLOCK,
            _ => 0,
        };
        self.skip = pre_skip;
        self.announced_end = announced_end(track, self.format);
        if let Outline::Mkv(_) = outline {
            self.lead(track.start_ts.get());
        }
    }

    /// Decodes one packet; `take` returns its samples. A packet that cannot be decoded becomes silence of its length.
    ///
    /// Errors: only those that affect all later packets.
    pub fn push(&mut self, packet: &Packet) -> Result<(), RecordingError> {
        self.ready.clear();
        let short = self.take_short();
        self.fill_gap(packet)?;
        self.pause += short;
        match self.decode(packet) {
            Ok(()) => {
                self.check_length(packet);
                self.finish_packet(packet);
            }
            Err(RecordingError::Corrupt { reason, .. }) => self.replace_by_silence(packet, reason.to_string()),
            Err(other) => return Err(other),
        }
        Ok(())
    }

    /// Appends the packet's samples to `ready`.
    fn decode(&mut self, packet: &Packet) -> Result<(), RecordingError> {
        let at = self.position();
        match &mut self.decoder {
            // The readers of Matroska and MP4 mark damaged packets as empty.
            _ if packet.data.is_empty() && matches!(self.format, FORMAT_ID_MKV | FORMAT_ID_ISOMP4) => {
                Err(error_map::corrupt("a packet is damaged", at))
            }
            Decoder::Other(_) if packet.data.is_empty() && self.format == FORMAT_ID_MP3 => {
                Err(error_map::corrupt("a frame is cut", at))
            }
            Decoder::Other(_) if packet.data.is_empty() && self.format == FORMAT_ID_ADTS => {
                Err(error_map::corrupt("a frame is cut, or does not contain the position of its second block", at))
            }
            Decoder::Other(_) if matches!(&*self.codec, "aac" | aac::HE_AAC) && is_erased(&packet.data) => {
                Err(error_map::corrupt("a frame is erased", at))
            }
            Decoder::Opus(decoder) => decoder
                .decode(&packet.data, &mut self.ready)
                .map_err(|error| error_map::corrupt(Reason::wrap(error), at)),
            Decoder::Pcm(decoder) => {
                decoder.decode(&packet.data, &mut self.ready);
                Ok(())
            }
            Decoder::Other(decoder) => {
                let codec = decoder.codec_params().codec;
                let buffer = panic_guard::call(|| decoder.decode(packet));
                let buffer = buffer.map_err(|error| error_map::decoding(error, codec, at))?;
                self.channels = buffer.num_planes() as u32;
                let rate = buffer.spec().rate();
                mix(&buffer, &mut self.ready);
                self.set_rate(rate)
            }
        }
    }

    /// The missing ranges since the last call, in time of this stream.
    pub fn take_missing(&mut self) -> Vec<MissingRange> {
        std::mem::take(&mut self.missing)
    }

    /// Changes the sampling rate if the decoder returns another one than the header or than before.
    fn set_rate(&mut self, rate: u32) -> Result<(), RecordingError> {
        if rate == self.rate {
            return Ok(());
        }
        let rate = checked(rate)?;
        let rescaled = |samples: u64| rescale(samples, (1, self.rate), rate);
        (self.produced, self.skip) = (rescaled(self.produced), rescaled(self.skip));
        (self.pause, self.paused) = (rescaled(self.pause), rescaled(self.paused));
        self.late_skip = rescaled(self.late_skip);
        self.limit = self.limit.map(rescaled);
        self.earlier = self.position();
        self.given = 0;
        self.rate = rate;
        Ok(())
    }

    /// Counts the decoded samples and trims them.
    fn finish_packet(&mut self, packet: &Packet) {
        self.produced += self.ready.len() as u64;
        self.trim_packet(packet);
    }

    /// Drops samples according to the packet's trims.
    fn trim_packet(&mut self, packet: &Packet) {
        let end = if self.trims_end { self.samples(packet.trim_end.get()) } else { 0 };
        // Some decoders omit the samples at the end of the last packet that the container would trim.
        let short = match self.format {
            FORMAT_ID_CAF => self.samples(packet.block_dur().get()).saturating_sub(self.ready.len() as u64),
            _ => 0,
        };
        let end = end.saturating_sub(short);
        let start = self.samples(packet.trim_start.get()).min(self.ready.len() as u64) as usize;
        let left = (self.ready.len() as u64).saturating_sub(end) as usize;
        self.ready.truncate(left);
        self.ready.drain(..start.min(left));
        if std::mem::take(&mut self.drops_first_block) {
            self.produced = 0;
            self.ready.clear();
        }
    }

    /// Appends the next samples: concealment, silence in small pieces, recovered and decoded audio. False if there are
    /// none.
    pub fn take(&mut self, out: &mut Vec<f32>) -> bool {
        if !self.concealed.is_empty() {
            let given = self.admit(self.concealed.len());
            out.extend_from_slice(self.concealed.get(given).unwrap_or_default());
            self.concealed.clear();
            return true;
        }
        if self.pause > 0 {
            let piece = self.pause.min(SILENCE);
            self.pause -= piece;
            let given = self.admit(piece as usize);
            out.resize(out.len() + given.len(), 0.0);
            return true;
        }
        if !self.recovered.is_empty() {
            let given = self.admit(self.recovered.len());
            out.extend_from_slice(self.recovered.get(given).unwrap_or_default());
            self.recovered.clear();
            return true;
        }
        self.skip += std::mem::take(&mut self.late_skip);
        let given = self.admit(self.ready.len());
        out.extend_from_slice(self.ready.get(given.clone()).unwrap_or_default());
        self.ready.clear();
        !given.is_empty()
    }

    /// The range of the next `samples` that is returned, after `skip` and `limit`.
    fn admit(&mut self, samples: usize) -> std::ops::Range<usize> {
        let start = self.skip.min(samples as u64);
        self.skip -= start;
        let most = self.limit.unwrap_or(u64::MAX);
        let length = (samples as u64 - start).min(most);
        self.limit = self.limit.map(|limit| limit - length);
        self.given += length;
        start as usize..(start + length) as usize
    }

    /// Checks that the stream has its announced length. Errors: truncated, with the missing length.
    pub fn complete(&self) -> Result<(), RecordingError> {
        let missing = self.announced_end.map_or(0, |end| self.gap_from(end));
        if missing <= self.tolerance() {
            return Ok(());
        }
        if self.time(missing) > LONGEST {
            return Err(error_map::corrupt("its header announces an impossible duration", self.position()));
        }
        let missing = error_map::span(self.time(missing));
        Err(error_map::truncated(format!("{missing} of sound that its header announces are missing"), self.position()))
    }

    /// The duration that is still to be dropped at the start.
    pub fn dropped(&self) -> Duration {
        self.time(self.skip)
    }

    /// The duration of the stream returned so far.
    pub fn position(&self) -> Duration {
        self.earlier + self.time(self.given)
    }

    fn time(&self, samples: u64) -> Duration {
        crate::audio::duration(samples, self.rate)
    }

    fn samples(&self, ticks: u64) -> u64 {
        self.time_base.map_or(0, |base| rescale(ticks, (base.numer.get(), base.denom.get()), self.rate))
    }
}

/// Whether a packet consists of erased storage only: all bytes are 0x00 or all are 0xFF. No valid AAC frame does: it
/// starts with an element that is not the end marker, and ends with the end marker `111` (ISO 14496-3, table 4.85). The
/// decoder would silently return silence.
fn is_erased(packet: &[u8]) -> bool {
    packet.len() >= 16 && (packet.iter().all(|&byte| byte == 0) || packet.iter().all(|&byte| byte == 0xFF))
}

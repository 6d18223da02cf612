//! One logical stream of a file: its decoder, its clock, and which of its samples are meant to be heard.
//!
//! Encoders put silence in front and behind; containers say how much. Timestamps say whether packets
//! are missing. Both are settled here, in samples.
//!
//! Invariant: what was given so far, and nothing else, is the position in the recording.

mod loss;

use std::time::Duration;

use symphonia::core::codecs::audio::AudioCodecParameters;
use symphonia::core::codecs::audio::well_known::{CODEC_ID_AAC, CODEC_ID_VORBIS};
use symphonia::core::formats::well_known::{FORMAT_ID_CAF, FORMAT_ID_MKV, FORMAT_ID_MP3, FORMAT_ID_OGG};
use symphonia::core::formats::{FormatId, FormatReader, Track, TrackType};
use symphonia::core::packet::Packet;
use symphonia::core::units::TimeBase;

use super::mix::Mix;
use super::open::Outline;
use super::track::{Decoder, Jump, announced_end, bare_aac, checked, decoder, jump, rescale, starts_at_zero};
use super::{codecs, faults, foreign};
use crate::record::{MissingRange, RecordingError};

/// AAC's transform needs one block of this many samples before its output is sound: no encoder has less delay.
const AAC_BLOCK: u64 = 1024;

/// A header that announces more than this lies, too.
const LONGEST: Duration = Duration::from_secs(30 * 24 * 3600);

/// Samples of silence given at once.
const SILENCE: u64 = 4096;

pub struct Stream {
    pub id: u32,
    pub codec: String,
    pub channels: u32,
    /// Of the samples given, Hz.
    pub rate: u32,
    format: FormatId,
    decoder: Decoder,
    mix: Mix,
    time_base: Option<TimeBase>,
    /// Timestamp of the first packet.
    origin: Option<i64>,
    jump: Jump,
    trims_end: bool,
    /// The first block of Vorbis has nothing to overlap with; only Ogg's trims say so themselves.
    deaf_start: bool,
    /// Timestamp at which the stream should end.
    announced_end: Option<i64>,
    /// Decoded samples, before any trimming.
    produced: u64,
    /// Samples still to be dropped, as the container wants it.
    skip: u64,
    /// Samples still to be given, where the container limits them.
    limit: Option<u64>,
    /// What stands for lost packets, before all other silence.
    concealed: Vec<f32>,
    /// Silence that stands before `ready`, samples.
    pause: u64,
    /// All silence of this kind so far, samples.
    paused: u64,
    ready: Vec<f32>,
    given: u64,
    /// Length of what was given at other rates.
    earlier: Duration,
    /// Found missing and not yet taken over.
    missing: Vec<MissingRange>,
    /// Why the next gap is a loss.
    lost: Option<String>,
}

impl Stream {
    /// The stream that a reader would play.
    pub fn new(reader: &dyn FormatReader, outline: &Outline) -> Result<Stream, RecordingError> {
        let track = reader.default_track(TrackType::Audio);
        let track = track.ok_or_else(|| faults::unsupported(codecs::no_audio(reader)))?;
        let parameters = track.codec_params.as_ref().and_then(|parameters| parameters.audio());
        let parameters = parameters.ok_or_else(|| faults::unsupported("its audio track names no codec"))?;
        let format = reader.format_info().format;
        let mut stream = Stream::decoding(track, parameters, format)?;
        stream.trim(track, parameters, outline);
        Ok(stream)
    }

    /// The stream with its decoder, nothing trimmed.
    fn decoding(track: &Track, parameters: &AudioCodecParameters, format: FormatId) -> Result<Stream, RecordingError> {
        let (decoder, rate, channels) = decoder(parameters)?;
        Ok(Stream {
            id: track.id,
            codec: codecs::of(parameters),
            channels,
            rate,
            format,
            decoder,
            mix: Mix::default(),
            time_base: track.time_base,
            origin: match format {
                FORMAT_ID_MKV => Some(track.start_ts.get()),
                _ => starts_at_zero(format).then_some(0),
            },
            jump: jump(format),
            trims_end: format != FORMAT_ID_MP3 || track.padding.is_some(),
            deaf_start: parameters.codec == CODEC_ID_VORBIS && format != FORMAT_ID_OGG,
            announced_end: None,
            produced: 0,
            skip: 0,
            limit: None,
            concealed: Vec::new(),
            pause: 0,
            paused: 0,
            ready: Vec::new(),
            given: 0,
            earlier: Duration::ZERO,
            missing: Vec::new(),
            lost: None,
        })
    }

    /// Settles which samples are the encoder's and which are the recording's.
    fn trim(&mut self, track: &Track, parameters: &AudioCodecParameters, outline: &Outline) {
        let pre_skip = match &self.decoder {
            // The reader's packets say what is to be trimmed.
            _ if self.jump == Jump::Told => 0,
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

    /// Decodes one packet; its samples wait to be taken. One that cannot be decoded is silence of its length.
    ///
    /// Errors: what no later packet can mend.
    pub fn hear(&mut self, packet: &Packet) -> Result<(), RecordingError> {
        self.ready.clear();
        self.bridge(packet)?;
        match self.decode(packet) {
            Ok(()) => self.settle(packet),
            Err(RecordingError::Corrupt { reason, .. }) => self.pass_over(packet, reason),
            Err(other) => return Err(other),
        }
        Ok(())
    }

    /// Appends the packet's samples to `ready`.
    fn decode(&mut self, packet: &Packet) -> Result<(), RecordingError> {
        let at = self.position();
        match &mut self.decoder {
            // Only a frame that could not be unpacked is without a byte there.
            Decoder::Opus(_) if packet.data.is_empty() && self.format == FORMAT_ID_MKV => {
                Err(faults::corrupt("a frame cannot be unpacked", at))
            }
            Decoder::Opus(decoder) => {
                decoder.decode(&packet.data, &mut self.ready).map_err(|words| faults::corrupt(words, at))
            }
            Decoder::Other(decoder) => {
                let buffer = foreign::call(|| decoder.decode(packet));
                let buffer = buffer.map_err(|error| faults::decoding(&error, at))?;
                self.channels = buffer.num_planes() as u32;
                let rate = buffer.spec().rate();
                self.mix.mix(&buffer, &mut self.ready);
                self.turn(rate)
            }
        }
    }

    /// The reader passed over something: what is missing until the next packet is a loss.
    pub fn lose(&mut self, reason: String) {
        self.lost = Some(reason);
    }

    /// What was found missing since the last call, in time of this stream.
    pub fn take_missing(&mut self) -> Vec<MissingRange> {
        std::mem::take(&mut self.missing)
    }

    /// Follows a decoder that finds another rate: than the header said, or than before.
    fn turn(&mut self, rate: u32) -> Result<(), RecordingError> {
        if rate == self.rate {
            return Ok(());
        }
        let rate = checked(rate)?;
        let rescaled = |samples: u64| rescale(samples, (1, self.rate), rate);
        (self.produced, self.skip) = (rescaled(self.produced), rescaled(self.skip));
        (self.pause, self.paused) = (rescaled(self.pause), rescaled(self.paused));
        self.limit = self.limit.map(rescaled);
        self.earlier = self.position();
        self.given = 0;
        self.rate = rate;
        Ok(())
    }

    /// Counts the decoded samples and cuts off what is not meant to be heard.
    fn settle(&mut self, packet: &Packet) {
        self.produced += self.ready.len() as u64;
        self.cut(packet);
    }

    /// Drops the samples that the packet's trims name.
    fn cut(&mut self, packet: &Packet) {
        let end = if self.trims_end { self.samples(packet.trim_end.get()) } else { 0 };
        // Some decoders leave out of the last packet what the container would have cut off.
        let short = match self.format {
            FORMAT_ID_CAF => self.samples(packet.block_dur().get()).saturating_sub(self.ready.len() as u64),
            _ => 0,
        };
        let end = end.saturating_sub(short);
        let start = self.samples(packet.trim_start.get()).min(self.ready.len() as u64) as usize;
        let left = (self.ready.len() as u64).saturating_sub(end) as usize;
        self.ready.truncate(left);
        self.ready.drain(..start.min(left));
        if std::mem::take(&mut self.deaf_start) {
            self.produced = 0;
            self.ready.clear();
        }
    }

    /// Gives what is decoded: silence in small pieces, then sound. False if nothing waits.
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
        let given = self.admit(self.ready.len());
        out.extend_from_slice(self.ready.get(given.clone()).unwrap_or_default());
        self.ready.clear();
        !given.is_empty()
    }

    /// Which of the next `samples` may be given.
    fn admit(&mut self, samples: usize) -> std::ops::Range<usize> {
        let start = self.skip.min(samples as u64);
        self.skip -= start;
        let room = self.limit.unwrap_or(u64::MAX);
        let length = (samples as u64 - start).min(room);
        self.limit = self.limit.map(|limit| limit - length);
        self.given += length;
        start as usize..(start + length) as usize
    }

    /// Whether the stream ended where it was announced to. Errors: truncated, and by how much.
    pub fn complete(&self) -> Result<(), RecordingError> {
        let missing = self.announced_end.map_or(0, |end| self.gap_from(end));
        if missing <= self.tolerance() {
            return Ok(());
        }
        if self.time(missing) > LONGEST {
            return Err(faults::corrupt("its header announces more than any recording has", self.position()));
        }
        let missing = faults::span(self.time(missing));
        Err(faults::truncated(format!("{missing} of sound that its header announces are missing"), self.position()))
    }

    /// What is dropped at the start, and was not yet.
    pub fn dropped(&self) -> Duration {
        self.time(self.skip)
    }

    /// How much of the stream has been given.
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

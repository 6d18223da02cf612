//! Parses AAC's configuration (ISO 14496-3, 1.6.2.1): extracts the core of HE-AAC and names unsupported object types.
//!
//! HE-AAC is AAC-LC at half the sampling rate plus a description of the upper half of the band (SBR). symphonia decodes
//! the core if its configuration does not mention SBR. Below 8 kHz, SBR adds nothing except at the lowest rates.
//!
//! Invariant: a configuration without HE-AAC is unchanged.

use symphonia::core::codecs::audio::AudioCodecParameters;
use symphonia::core::codecs::audio::well_known::CODEC_ID_AAC;

/// The name of the core of HE-AAC for people.
pub const HE_AAC: &str = "HE-AAC (core)";

const LC: u32 = 2;
const SBR: u32 = 5;
const PS: u32 = 29;

/// Sync extension: the configuration continues with data that older decoders may ignore (1.6.5.2).
const SYNC_EXTENSION: u32 = 0x2B7;

/// Sampling rates by their index (ISO 14496-3, table 1.18; ADTS has the same).
pub const SAMPLING_FREQUENCIES: [u32; 13] =
    [96_000, 88_200, 64_000, 48_000, 44_100, 32_000, 24_000, 22_050, 16_000, 12_000, 11_025, 8_000, 7_350];

/// Unsupported AAC object types.
const OTHERS: [(u32, &str); 9] = [
    (1, "AAC Main"),
    (3, "AAC SSR"),
    (4, "AAC LTP"),
    (17, "ER AAC LC"),
    (19, "ER AAC LTP"),
    (23, "AAC-LD"),
    (36, "MPEG-4 ALS"),
    (39, "AAC-ELD"),
    (42, "xHE-AAC (USAC)"),
];

/// A configuration's first fields.
struct Config {
    object: u32,
    /// The encoded bits of the core's sampling rate and channels.
    rate: (u32, u32),
    channels: u32,
    short_frames: bool,
    /// Spectral band replication, signalled explicitly or backward-compatibly.
    has_sbr: bool,
    /// Signalled explicitly, which older decoders reject.
    is_explicit: bool,
}

impl Config {
    fn parse(bytes: &[u8]) -> Option<Config> {
        let mut bits = Bits { bytes, at: 0 };
        let object = bits.object()?;
        let rate = bits.rate()?;
        let channels = bits.read(4)?;
        let is_explicit = object == SBR || object == PS;
        let mut core = object;
        if is_explicit {
            bits.rate()?;
            core = bits.object()?;
        }
        let short_frames = bits.read(1)? == 1;
        bits.read(2)?;
        let has_sbr = is_explicit || bits.announces_sbr();
        Some(Config { object: core, rate, channels, short_frames, has_sbr, is_explicit })
    }

    /// The configuration of the core alone.
    fn core(&self) -> Vec<u8> {
        let (index, rate) = self.rate;
        let mut bits: Vec<(u32, u32)> = vec![(LC, 5), (index, 4)];
        if index == 15 {
            bits.push((rate, 24));
        }
        bits.extend([(self.channels, 4), (u32::from(self.short_frames), 1), (0, 2)]);
        let all =
            bits.iter().fold((0u64, 0), |(all, width), (value, bits)| (all << bits | u64::from(*value), width + bits));
        let bytes = all.1.div_ceil(8);
        (all.0 << (bytes * 8 - all.1)).to_be_bytes()[8 - bytes as usize..].to_vec()
    }
}

struct Bits<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Bits<'_> {
    fn read(&mut self, count: usize) -> Option<u32> {
        let mut value = 0;
        for _ in 0..count {
            let byte = self.bytes.get(self.at / 8)?;
            value = value << 1 | u32::from(byte >> (7 - self.at % 8) & 1);
            self.at += 1;
        }
        Some(value)
    }

    fn object(&mut self) -> Option<u32> {
        match self.read(5)? {
            31 => Some(32 + self.read(6)?),
            short => Some(short),
        }
    }

    /// The index of a rate, and the rate itself.
    fn rate(&mut self) -> Option<(u32, u32)> {
        match self.read(4)? {
            15 => Some((15, self.read(24)?)),
            index => Some((index, *SAMPLING_FREQUENCIES.get(index as usize)?)),
        }
    }

    fn announces_sbr(&mut self) -> bool {
        let sync = self.read(11) == Some(SYNC_EXTENSION);
        sync && self.object() == Some(SBR) && self.read(1) == Some(1)
    }
}

/// The parameters for symphonia, reduced to the core for HE-AAC; returns also whether they were reduced.
pub fn core(parameters: &AudioCodecParameters) -> (AudioCodecParameters, bool) {
    let mut core = parameters.clone();
    let config = parameters.extra_data.as_deref().and_then(Config::parse);
    let Some(config) = config.filter(|config| parameters.codec == CODEC_ID_AAC && config.has_sbr) else {
        return (core, false);
    };
    if config.is_explicit && config.object == LC {
        core.with_extra_data(config.core().into()).with_sample_rate(config.rate.1);
    }
    (core, config.object == LC)
}

/// The name of an unsupported AAC object type.
pub fn object_type_name(parameters: &AudioCodecParameters) -> Option<&'static str> {
    let object = parameters.extra_data.as_deref().and_then(|bytes| Bits { bytes, at: 0 }.object())?;
    OTHERS.iter().find(|(other, _)| *other == object).map(|(_, name)| *name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn core_of(config: &[u8]) -> (Option<Vec<u8>>, bool) {
        let mut parameters = AudioCodecParameters::new();
        parameters.for_codec(CODEC_ID_AAC).with_extra_data(config.into());
        let (core, is_he) = core(&parameters);
        (core.extra_data.map(Vec::from), is_he)
    }

    #[test]
    fn the_core_of_he_aac_is_lc_at_half_the_rate() {
        // AOT 5, 24,000 Hz, mono, 48,000 Hz, AOT 2; then parametric stereo (AOT 29).
        assert_eq!(core_of(&[0x2B, 0x09, 0x88, 0x00]), (Some(vec![0x13, 0x08]), true));
        assert_eq!(core_of(&[0xEB, 0x09, 0x88, 0x00]), (Some(vec![0x13, 0x08]), true));
    }

    #[test]
    fn lc_is_unchanged() {
        assert_eq!(core_of(&[0x12, 0x10]), (Some(vec![0x12, 0x10]), false));
        // LC at 24,000 Hz with a sync extension.
        let extended = [0x13, 0x08, 0x56, 0xE5, 0x98];
        assert_eq!(core_of(&extended), (Some(extended.to_vec()), true));
        assert_eq!(core_of(&[0x2B]), (Some(vec![0x2B]), false));
    }
}

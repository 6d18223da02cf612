//! WAV and its relatives, AU and AIFF: lengths that lie, and every way to write samples.

use std::time::Duration;

use super::{decode, decoded, find, fixture, refusal};
use giggles::domain::MissingKind;

/// Four seconds at 8 kHz.
const SAMPLES: usize = 32_000;
const BYTES: u32 = 64_000;

fn tone() -> impl Iterator<Item = f32> {
    (0..SAMPLES).map(|i| (i as f32 * 0.3).sin() * 0.5)
}

fn little() -> Vec<u8> {
    tone().flat_map(|sample| ((sample * 32_767.0) as i16).to_le_bytes()).collect()
}

fn big() -> Vec<u8> {
    tone().flat_map(|sample| ((sample * 32_767.0) as i16).to_be_bytes()).collect()
}

fn format_chunk(tag: u16, bytes: u16) -> Vec<u8> {
    let rate = 8_000u32;
    let fields = [tag.to_le_bytes(), 1u16.to_le_bytes()].concat();
    let rates = [rate.to_le_bytes(), (rate * u32::from(bytes)).to_le_bytes()].concat();
    [b"fmt \x10\0\0\0", &fields[..], &rates, &bytes.to_le_bytes(), &(bytes * 8).to_le_bytes()].concat()
}

/// A WAV with any lengths in its header.
fn wav(magic: &[u8; 4], riff: u32, chunks: &[u8], data: u32) -> Vec<u8> {
    let (riff, data) = (riff.to_le_bytes(), data.to_le_bytes());
    [&magic[..], &riff, b"WAVE", chunks, &format_chunk(1, 2), b"data", &data, &little()].concat()
}

/// The two lengths of RF64.
fn ds64(riff: u64, data: u64) -> Vec<u8> {
    [&b"ds64\x1c\0\0\0"[..], &riff.to_le_bytes(), &data.to_le_bytes(), &[0; 12]].concat()
}

#[test]
fn lengths_that_were_not_written_are_read_to_the_end() {
    for (riff, data) in [
        (0xFFFF_FFBF, 0xFFFF_FF9B),
        (0xFFFF_FFFF, 0xFFFF_FFFF),
        (0x7FFF_0024, 0x7FFF_0000),
        (0x7FFF_F024, 0x7FFF_F000),
        (0x8000_0024, 0x8000_0000),
        (0, 0),
        (36, 0),
        (BYTES + 36, 0),
    ] {
        let file = decoded(&wav(b"RIFF", riff, &[], data));
        file.is_whole(64_000, 0);
        assert!(file.missing.is_empty(), "{riff:#x} {data:#x}: {:?}", file.missing);
    }
}

#[test]
fn lengths_that_the_file_contradicts_are_read_to_the_end() {
    for over in [1, 44, 4_096, 65_535] {
        decoded(&wav(b"RIFF", BYTES + 36, &[], BYTES + over)).is_whole(64_000, 0);
        decoded(&wav(b"RIFF", u32::MAX, &[], BYTES + over)).is_whole(64_000, 0);
        decoded(&wav(b"RIFF", 0, &[], BYTES + over)).is_whole(64_000, 0);
    }
    // Both lengths are of the file, which the header is a part of.
    decoded(&wav(b"RIFF", BYTES + 44, &[], BYTES + 44)).is_whole(64_000, 0);
}

#[test]
fn a_copy_that_broke_off_is_partial_up_to_its_announced_end() {
    let file = decoded(&wav(b"RIFF", 160_036, &[], 160_000));
    file.is_partial_in(4.0, 10.0);
    assert_eq!(file.missing[0].kind, MissingKind::Truncated);
    assert_eq!(file.info.duration, Some(Duration::from_secs(10)));
}

/// Both lengths agree, and extend beyond the end of the file: it is read to its end, and what is missing counts by its time.
#[test]
fn lengths_beyond_the_end_of_the_file_are_missing_for_as_long_as_they_last() {
    for over in [2, 512, 32_000, 65_536] {
        let size = BYTES + over;
        let long = wav(b"RF64", u32::MAX, &ds64(u64::from(size) + 72, u64::from(size)), u32::MAX);
        for file in [wav(b"RIFF", size + 36, &[], size), long, wave64(u64::from(size) + 24), au(3, size, &big())] {
            let file = decoded(&file);
            assert_eq!((file.samples.len(), file.is_partial), (64_000, over > 512), "{over}: {:?}", file.missing);
        }
    }
    decoded(&wav(b"RIFF", BYTES + 65_574, &[], BYTES + 65_538)).is_partial_in(4.0, 8.096);
}

#[test]
fn an_empty_data_chunk_hides_no_other() {
    for (between, riff) in [(&b""[..], BYTES + 44), (b"LIST\x04\0\0\0INFO", BYTES + 56)] {
        let mut file = wav(b"RIFF", riff, &[], BYTES);
        let at = find(&file, b"data");
        file.splice(at..at, [b"data\0\0\0\0", between].concat());
        let file = decoded(&file);
        assert!(file.missing.is_empty(), "{:?}", file.missing);
        assert_eq!(file.is_whole(64_000, 0).samples, decoded(&wav(b"RIFF", BYTES + 36, &[], BYTES)).samples);
    }
}

#[test]
fn a_whole_header_ends_the_sound_where_it_says() {
    decoded(&wav(b"RIFF", 32_036, &[], 32_000)).is_whole(32_000, 0);
    // Chunks behind the sound, and a second sound.
    let mut more = wav(b"RIFF", BYTES + 36 + 16, &[], BYTES);
    more.extend(b"LIST\x04\0\0\0INFO");
    decoded(&more).is_whole(64_000, 0);
    more.extend(b"data\x04\0\0\0\x01\0\x01\0");
    decoded(&more).is_whole(64_000, 0);
}

/// A data chunk of silence, 16,000 bytes a second.
fn silence(bytes: u32) -> Vec<u8> {
    [&b"data"[..], &bytes.to_le_bytes(), &vec![0; bytes as usize]].concat()
}

#[test]
fn what_another_data_chunk_holds_is_not_analyzed() {
    let reference = decoded(&wav(b"RIFF", BYTES + 36, &[], BYTES)).samples;
    let followed_by = |more: &[u8]| {
        let mut file = wav(b"RIFF", BYTES + 36 + more.len() as u32, &[], BYTES);
        file.extend(more);
        decoded(&file)
    };
    for more in [silence(32_000), [silence(16_000), silence(16_000)].concat()] {
        let file = followed_by(&more);
        file.is_partial_in(4.0, 6.0);
        assert_eq!((file.missing[0].kind, &file.samples), (MissingKind::Unsupported, &reference));
    }
    // Less than a second.
    assert_eq!(followed_by(&silence(15_998)).is_whole(64_000, 0).missing, []);
}

#[test]
fn a_length_from_earlier_is_read_on() {
    // The outermost header knows better than the inner one.
    decoded(&wav(b"RIFF", BYTES + 36, &[], 16_000)).is_whole(64_000, 0);
}

#[test]
fn long_wav_has_its_lengths_elsewhere() {
    for magic in [b"RF64", b"BW64"] {
        for (riff, data) in [(u64::from(BYTES) + 72, u64::from(BYTES)), (u64::MAX, u64::MAX), (0, 0)] {
            decoded(&wav(magic, u32::MAX, &ds64(riff, data), u32::MAX)).is_whole(64_000, 0);
        }
        decoded(&wav(magic, u32::MAX, &ds64(160_072, 160_000), u32::MAX)).is_partial_in(4.0, 10.0);
    }
}

#[test]
fn big_endian_wav_sounds_alike() {
    let reference = decoded(&wav(b"RIFF", BYTES + 36, &[], BYTES));
    let format = b"fmt \0\0\0\x10\0\x01\0\x01\0\0\x1F\x40\0\0\x3E\x80\0\x02\0\x10data";
    let file = [&b"RIFX"[..], &(BYTES + 36).to_be_bytes(), b"WAVE", format, &BYTES.to_be_bytes(), &big()].concat();
    let file = decoded(&file);
    file.is_whole(64_000, 0);
    assert_eq!(file.samples, reference.samples);
    assert_eq!(file.info.codec, "pcm_s16be");
}

/// A Wave64 whose data chunk says that it has so many bytes, with its header of 24.
fn wave64(size: u64) -> Vec<u8> {
    let tail = *b"\xF3\xAC\xD3\x11\x8C\xD1\x00\xC0\x4F\x8E\xDB\x8A";
    let chunk = |name: &[u8; 4], size: u64, contents: &[u8]| [&name[..], &tail, &size.to_le_bytes(), contents].concat();
    let riff = b"riff\x2E\x91\xCF\x11\xA5\xD6\x28\xDB\x04\xC1\x00\x00";
    let format = chunk(b"fmt ", 40, &format_chunk(1, 2)[8..]);
    let whole = 80 + size.min(1 << 20);
    [&riff[..], &whole.to_le_bytes(), b"wave", &tail, &format, &chunk(b"data", size, &little())].concat()
}

#[test]
fn wave64_sounds_alike() {
    let reference = decoded(&wav(b"RIFF", BYTES + 36, &[], BYTES));
    for (size, seconds) in [(u64::from(BYTES) + 24, 4), (u64::MAX, 4), (u64::from(BYTES) + 24 + 96_000, 10)] {
        let file = decoded(&wave64(size));
        assert_eq!(file.samples, reference.samples, "{size:#x}");
        assert_eq!(file.is_partial, seconds == 10, "{:?}", file.missing);
    }
}

#[test]
fn codecs_in_wav_are_decoded_or_named() {
    let mp3 = fixture("mp3_48000.mp3");
    let fields = b"fmt \x10\0\0\0\x55\0\x01\0\x80\xBB\0\0\x40\x1F\0\0\x01\0\0\0data";
    let length = (mp3.len() as u32).to_le_bytes();
    let file = [&b"RIFF"[..], &(mp3.len() as u32 + 36).to_le_bytes(), b"WAVE", fields, &length, &mp3].concat();
    let file = decoded(&file);
    file.is_whole(64_000, 0);
    assert_eq!((&file.info.codec[..], file.samples), ("mp3", decoded(&mp3).samples));
    for (tag, name) in
        [(0x31, "GSM 06.10"), (0x45, "G.726"), (0x64, "G.726"), (0x40, "G.721"), (0x14, "G.723"), (0x10, "OKI")]
    {
        let mut file = wav(b"RIFF", BYTES + 36, &[], BYTES);
        file[20..22].copy_from_slice(&(tag as u16).to_le_bytes());
        assert!(refusal(&file).contains(name), "{}", refusal(&file));
    }
}

fn au(encoding: u32, length: u32, sound: &[u8]) -> Vec<u8> {
    let numbers = [28, length, encoding, 8_000, 1].map(u32::to_be_bytes).concat();
    [&b".snd"[..], &numbers, b"ann\0", sound].concat()
}

#[test]
fn au_in_all_its_encodings_sounds_alike() {
    let reference = decoded(&wav(b"RIFF", BYTES + 36, &[], BYTES)).samples;
    let wide = |bytes: usize| tone().flat_map(move |x| ((x * 2e9) as i32).to_be_bytes()[..bytes].to_vec()).collect();
    let float = tone().flat_map(f32::to_be_bytes).collect::<Vec<u8>>();
    let double = tone().flat_map(|sample| f64::from(sample).to_be_bytes()).collect::<Vec<u8>>();
    let sounds: [(u32, Vec<u8>); 6] = [(2, wide(1)), (3, wide(2)), (4, wide(3)), (5, wide(4)), (6, float), (7, double)];
    for (encoding, sound) in sounds {
        for length in [sound.len() as u32, u32::MAX] {
            let file = decoded(&au(encoding, length, &sound));
            file.is_whole(64_000, 0);
            assert!(file.likeness(&reference, 0.5, 3.5) > 0.999, "encoding {encoding}");
        }
    }
    // One byte a sample, of which loud ones are near the ends of the scale.
    for (encoding, codec) in [(1, "pcm_mulaw"), (27, "pcm_alaw")] {
        let file = decoded(&au(encoding, u32::MAX, &[0x80; SAMPLES]));
        assert_eq!(file.is_whole(64_000, 0).info.codec, codec);
    }
    assert!(refusal(&au(23, u32::MAX, &[0; 100])).contains("G.721"));
    assert!(refusal(&[&b"dns."[..], &[0; 100]].concat()).contains("reverse"));
    decoded(&au(3, BYTES + 96_000, &big())).is_partial_in(4.0, 10.0);
}

#[test]
fn aiff_that_is_cut_is_partial() {
    let whole = fixture("aiff_s16_8000.aiff");
    let sound = find(&whole, b"SSND") + 16;
    decoded(&whole[..sound + 32_000]).is_partial_in(2.0, 4.0);
    decoded(&whole[..sound + 32_001]).is_partial_in(2.0, 4.0);
    assert!(decode(&whole[..sound + 8_000]).is_err(), "less than a second");
    // A length that only the inner header has.
    let mut file = whole.clone();
    file[sound - 12..sound - 8].copy_from_slice(&0x7F00_0000u32.to_be_bytes());
    decoded(&file).is_whole(64_000, 0);
}

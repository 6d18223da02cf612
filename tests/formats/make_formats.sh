#!/bin/sh
# Make the files of this folder: one laugh, in every container, codec, width, rate and layout that giggles reads.
# Needs ffmpeg with libopus, libvorbis and libmp3lame; opus-tools; libopus and Python with numpy for the decodes.
#
#   sh tests/formats/make_formats.sh
#
# Every file holds the same four seconds, so that a test can ask the same of all: a little over a second of a
# quiet room, 1.9 s of a laugh, a second of the room again.
set -eu
cd "$(dirname "$0")"
clip=../../fixtures/clips/laugh_male_scratch2.flac
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# Without these, ffmpeg writes its version into the files and they differ from machine to machine.
quiet="-hide_banner -loglevel error -y"
exact="-fflags +bitexact -flags:a +bitexact -map_metadata -1"

# The source: 48 kHz mono float. The noise reaches up to 24 kHz, where the clip, once 11 kHz, has nothing.
ffmpeg $quiet -i "$clip" -f lavfi -i "anoisesrc=color=pink:seed=1:amplitude=0.0003:sample_rate=48000:duration=4" \
  -filter_complex "[0]aresample=48000,atrim=0:1.9,asetpts=PTS-STARTPTS,afade=in:d=0.02,afade=out:st=1.88:d=0.02,adelay=1100,apad=whole_dur=4[laugh];
                   [laugh][1]amix=normalize=0,atrim=0:4" \
  -ar 48000 -ac 1 -c:a pcm_f32le "$work/mono.wav"
# Stereo: the right channel 0.4 ms later and softer. 5.1: mostly in the centre, a little in the other speakers, none in the bass.
ffmpeg $quiet -i "$work/mono.wav" -af "pan=stereo|c0=c0|c1=0.7*c0,adelay=0|0.4" -t 4 -c:a pcm_f32le "$work/stereo.wav"
ffmpeg $quiet -i "$work/mono.wav" -af "pan=5.1|FL=0.3*c0|FR=0.2*c0|FC=c0|LFE=0*c0|BL=0.1*c0|BR=0.05*c0" -t 4 -c:a pcm_f32le "$work/surround.wav"

# convert SOURCE TARGET OPTIONS...
convert() {
  source=$1 target=$2
  shift 2
  ffmpeg $quiet -i "$work/$source.wav" $exact "$@" "$target"
}

# Sample widths, in WAV.
convert mono wav_u8_16000.wav -ar 16000 -c:a pcm_u8
convert mono wav_s16_16000.wav -ar 16000 -c:a pcm_s16le
convert mono wav_s24_8000.wav -ar 8000 -c:a pcm_s24le
convert mono wav_s32_8000.wav -ar 8000 -c:a pcm_s32le
convert mono wav_f32_8000.wav -ar 8000 -c:a pcm_f32le
convert mono wav_f64_8000.wav -ar 8000 -c:a pcm_f64le

# Layouts, in WAV. ffmpeg writes WAVE_FORMAT_EXTENSIBLE for more than two channels only; sox for 24 bits as well.
convert stereo wav_s16_stereo_8000.wav -ar 8000 -c:a pcm_s16le
convert surround wav_extensible_s16_5.1_8000.wav -ar 8000 -c:a pcm_s16le
sox -D wav_s24_8000.wav -b 24 -e signed-integer "$work/extensible.wav"
mv "$work/extensible.wav" wav_extensible_s24_8000.wav
convert mono wav_adpcm_ms_16000.wav -ar 16000 -c:a adpcm_ms
convert mono wav_adpcm_ima_16000.wav -ar 16000 -c:a adpcm_ima_wav

# Rates. WAV while small, FLAC from 22.05 kHz on.
convert mono rate_8000.wav -ar 8000 -c:a pcm_s16le
convert mono rate_11025.wav -ar 11025 -c:a pcm_s16le
for rate in 16000 22050 44100 48000 96000 192000; do
  convert mono "rate_$rate.flac" -ar "$rate" -c:a flac -sample_fmt s16 -compression_level 12
done

# Other containers of PCM and lossless codecs.
convert mono aiff_s16_8000.aiff -ar 8000 -c:a pcm_s16be
convert mono aifc_sowt_8000.aifc -ar 8000 -c:a pcm_s16le -f aiff
convert mono caf_s16_8000.caf -ar 8000 -c:a pcm_s16le
convert mono caf_alac_16000.caf -ar 16000 -c:a alac -sample_fmt s16p
convert mono m4a_alac_16000.m4a -ar 16000 -c:a alac -sample_fmt s16p
convert stereo flac_stereo_16000.flac -ar 16000 -c:a flac -sample_fmt s16 -compression_level 12
convert mono flac_s24_8000.flac -ar 8000 -c:a flac -sample_fmt s32 -bits_per_raw_sample 24 -compression_level 12

# Lossy codecs.
convert mono mp3_48000.mp3 -c:a libmp3lame -b:a 64k
# MP3 in MP4: its header names no channels.
ffmpeg -v error -y -i mp3_48000.mp3 -map_metadata -1 -fflags +bitexact -flags:a +bitexact -c:a copy -f mp4 mp4_mp3_48000.mp4
convert stereo mp3_stereo_44100.mp3 -ar 44100 -c:a libmp3lame -q:a 5
convert mono m4a_aac_44100.m4a -ar 44100 -c:a aac -b:a 64k
convert mono adts_aac_48000.aac -c:a aac -b:a 64k
convert mono ogg_vorbis_44100.ogg -ar 44100 -c:a libvorbis -q:a 3 -serial_offset 1
convert mono webm_vorbis_48000.webm -c:a libvorbis -q:a 3

# Opus: each of its three layers, then layouts. Fixed serial numbers, or each run's file would differ.
opus() {
  source=$1 target=$2
  shift 2
  ffmpeg $quiet -i "$work/$source.wav" -c:a pcm_s16le "$work/opus_in.wav"
  opusenc --quiet --discard-comments "$@" "$work/opus_in.wav" "$target"
}
opus mono opus_silk_12k.ogg --serial 1 --bitrate 12 --speech
opus mono opus_hybrid_24k.ogg --serial 2 --bitrate 24 --speech
opus mono opus_celt_64k.ogg --serial 3 --bitrate 64 --music
opus stereo opus_celt_stereo_96k.ogg --serial 4 --bitrate 96 --music
opus surround opus_surround_5.1.ogg --serial 5 --bitrate 96
# The same packets in other containers: their decodes are that of opus_hybrid_24k.ogg.
ffmpeg $quiet -i opus_hybrid_24k.ogg $exact -c copy opus_hybrid_24k.webm
ffmpeg $quiet -i opus_hybrid_24k.ogg $exact -c copy opus_hybrid_24k.mkv
# A recorder that was stopped and started again: two streams in one file. The second one has other channels.
cat opus_silk_12k.ogg opus_hybrid_24k.ogg > opus_chained.ogg
cat opus_hybrid_24k.ogg opus_celt_stereo_96k.ogg > opus_chained_mono_stereo.ogg

# What libopus makes of them. A chained file's decode is that of its parts, one after the other.
rm -rf opus_16k
mkdir opus_16k
for file in opus_silk_12k opus_hybrid_24k opus_celt_64k opus_celt_stereo_96k opus_surround_5.1; do
  python3 decode_libopus.py "$file.ogg" "opus_16k/$file.libopus.flac"
done
# And one at 48 kHz, by opusdec.
opusdec --quiet --no-dither --rate 48000 opus_hybrid_24k.ogg "$work/decoded.wav" 2>/dev/null
ffmpeg $quiet -i "$work/decoded.wav" $exact -c:a flac -compression_level 12 opus_16k/opus_hybrid_24k.libopus48k.flac

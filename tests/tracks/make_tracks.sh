#!/bin/sh
# Make the files of this folder: containers with several tracks, edit lists, fragments, compression and late starts; and
# codecs that only ffmpeg decodes.
# Needs ffmpeg 5.1 (Debian's, with libgsm and libopus), mkvtoolnix 74, and sox 14.4 with its AMR.
#
#   sh tests/tracks/make_tracks.sh
#
# The sound is from Scratch 1.4, (c) 2011 Massachusetts Institute of Technology, CC BY-SA 3.0; so are these files (see
# tests/formats/README.md).
#
# Every file holds the four seconds of tests/formats/rate_48000.flac; those called `late` from 1.5 s on.
set -eu
cd "$(dirname "$0")"
source=../formats/rate_48000.flac
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

make() {
  ffmpeg -hide_banner -loglevel error -y "$@"
}

silence="anullsrc=sample_rate=16000:channel_layout=mono:duration=6"
video="color=black:size=16x16:rate=2:duration=6"
# Without these, ffmpeg writes its version into the files.
exact="-fflags +bitexact -flags:a +bitexact -flags:v +bitexact -map_metadata -1"
aac="-c:a aac -b:a 64k -ar 48000"
opus="-c:a libopus -b:a 48k"

# MP4: silence in the first audio track and the sound in the second; a late start beside a video, and alone.
make -f lavfi -i "$silence" -itsoffset 1.5 -i $source -map 0 -map 1 $exact -c:a aac -b:a:0 16k -b:a:1 64k late_second_track.mp4
make -f lavfi -i "$video" -itsoffset 1.5 -i $source -map 0 -map 1 $exact -c:v mpeg4 $aac late_beside_video.mp4
make -itsoffset 1.5 -i $source $exact $aac late_alone.m4a
make -f lavfi -i "$silence" -itsoffset 1.5 -i $source -map 0 -map 1 $exact -c:a aac -b:a:0 16k -b:a:1 64k \
  -movflags empty_moov+default_base_moof -frag_duration 500000 late_second_track_in_fragments.mp4
make -i $source $exact $aac -movflags empty_moov+default_base_moof -frag_duration 500000 fragments.mp4
make -i $source $exact $aac -movflags faststart index_first.m4a
make -i $source $exact -c:a pcm_s16le -ar 8000 pcm.mov
make -i $source $exact $opus opus.mp4
make -i $source -i $source -map 0 -map 1 $exact -c:a:0 ac3 -b:a:0 64k -c:a:1 aac -b:a:1 64k ac3_beside_aac.mp4

# Matroska.
make -i $source $exact $opus "$work/opus.mka"
make -i $source $exact -c:a libmp3lame -b:a 64k "$work/mono.mp3"
merge() {
  mkvmerge --quiet --deterministic 1 "$@"
}
merge -o zlib.mka --compression 0:zlib "$work/opus.mka"
merge -o laced.mka "$work/mono.mp3"
make -f lavfi -i "$video" -itsoffset 1.5 -i $source -map 0 -map 1 $exact -c:v mpeg4 $opus late_beside_video.mkv
make -f lavfi -i "$silence" -itsoffset 1.5 -i $source -map 0 -map 1 $exact $opus late_second_track.mkv
make -i $source $exact $opus -f webm -live 1 -cluster_time_limit 500 live.webm
make -i $source $exact $aac -cluster_time_limit 500 clusters.mkv
make -i $source -i $source -map 0 -map 1 $exact -c:a:0 flac -c:a:1 ac3 -b:a:1 64k flac_beside_ac3.mka

# For ffmpeg.
make -i $source $exact -c:a ac3 -b:a 64k sound.ac3
make -i $source $exact -c:a wmav2 -b:a 64k -ar 44100 sound.wma
make -i $source $exact -c:a libgsm -ar 8000 -ac 1 sound.gsm
# Debian's ffmpeg has no encoder of AMR; this one drops what does not fill its buffer at the end.
sox ../formats/rate_8000.wav -t amr-nb -C 7 sound.amr

#!/bin/sh
# Make the files of this folder: the four seconds of ../formats in layers and versions of MPEG audio that are rare.
# Needs ffmpeg with libmp3lame.
#
#   sh tests/containers/make.sh
#
# The laugh in it is from the Scratch library, CC BY-SA 3.0, as said in ../formats/README.md.
set -eu
cd "$(dirname "$0")"
convert() {
  target=$1
  shift
  ffmpeg -hide_banner -loglevel error -y -i ../formats/rate_48000.flac -fflags +bitexact -flags:a +bitexact \
    -map_metadata -1 "$@" "$target"
}
convert mp2_16000.mp2 -ar 16000 -c:a mp2 -b:a 32k
convert mp2_48000.mp2 -c:a mp2 -b:a 64k
convert mp3_8000.mp3 -ar 8000 -c:a libmp3lame -b:a 16k -id3v2_version 0

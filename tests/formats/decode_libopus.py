"""Decode an Ogg Opus file with libopus itself, asked for 16 kHz: the oracle for giggles' own Opus decoding.

    python3 decode_libopus.py IN.ogg OUT.flac

opusdec always decodes at 48 kHz and then resamples; giggles asks its decoder for 16 kHz, as libopus can be asked too, and
that differs by more than rounding. So this calls the library: per packet, no gain, pre-skip and end trim by granule
position, scaled by 16/48. Output is f32 rounded to i16, without dither, channels in the order of Vorbis.
"""

import ctypes
import ctypes.util
import subprocess
import sys
from pathlib import Path

import numpy as np

from ogg_packets import packets_of

RATE = 16_000
SCALE = 48_000 // RATE
LONGEST_PACKET = RATE * 120 // 1000


def mapping(head: bytes) -> tuple[int, int, bytes]:
    """Streams, coupled streams and channel table of an OpusHead."""
    channels, family = head[9], head[18]
    if family == 0:
        return 1, channels - 1, bytes(range(channels))
    return head[19], head[20], head[21 : 21 + channels]


def decode(packets: list[bytes], last_granule: int) -> np.ndarray:
    opus = ctypes.CDLL(ctypes.util.find_library("opus"))
    opus.opus_multistream_decoder_create.restype = ctypes.c_void_p
    head, channels, error = packets[0], packets[0][9], ctypes.c_int()
    assert head[:8] == b"OpusHead" and packets[1][:8] == b"OpusTags"
    count, coupled, table = mapping(head)
    decoder = ctypes.c_void_p(
        opus.opus_multistream_decoder_create(RATE, channels, count, coupled, table, ctypes.byref(error))
    )
    assert error.value == 0, error.value
    block, parts = np.zeros((LONGEST_PACKET, channels), np.float32), []
    for packet in packets[2:]:
        samples = opus.opus_multistream_decode_float(
            decoder, packet, len(packet), block.ctypes.data_as(ctypes.c_void_p), LONGEST_PACKET, 0
        )
        assert samples > 0, samples
        parts.append(block[:samples].copy())
    opus.opus_multistream_decoder_destroy(decoder)
    pre_skip = struct.unpack_from("<H", head, 10)[0]
    return np.concatenate(parts)[pre_skip // SCALE : last_granule // SCALE]


def write_flac(path: Path, samples: np.ndarray) -> None:
    integers = np.clip(np.rint(samples * 32_768), -32_768, 32_767).astype("<i2")
    subprocess.run(
        ["ffmpeg", "-v", "error", "-y", "-f", "s16le", "-ar", str(RATE), "-ac", str(samples.shape[1]), "-i", "-",
         "-fflags", "+bitexact", "-flags:a", "+bitexact", "-compression_level", "12", str(path)],
        input=integers.tobytes(), check=True,
    )


def main() -> None:
    source, target = Path(sys.argv[1]), Path(sys.argv[2])
    write_flac(target, decode(*packets_of(source.read_bytes())))


if __name__ == "__main__":
    main()

"""Decode an Ogg Opus file of one stream with libopus to raw f32 mono on standard output.

    python3 libopus_mono.py IN.opus RATE > OUT.f32

Decoded to one channel, without pre-skip, up to the last granule position.
"""

import ctypes
import ctypes.util
import sys
from array import array
from pathlib import Path

from ogg_packets import packets_of


def main() -> None:
    rate = int(sys.argv[2])
    scale, longest = 48_000 // rate, rate * 120 // 1000
    opus = ctypes.CDLL(ctypes.util.find_library("opus"))
    (head, _, *packets), last = packets_of(Path(sys.argv[1]).read_bytes())
    state = ctypes.create_string_buffer(opus.opus_decoder_get_size(1))
    assert opus.opus_decoder_init(state, rate, 1) == 0
    buffer, samples = (ctypes.c_float * longest)(), array("f")
    for packet in packets:
        got = opus.opus_decode_float(state, packet, len(packet), buffer, longest, 0)
        assert got > 0, got
        samples.extend(buffer[:got])
    skip = int.from_bytes(head[10:12], "little")
    samples[skip // scale : last // scale].tofile(sys.stdout.buffer)


if __name__ == "__main__":
    main()

"""Level of libopus' concealment in gaps, at 16 kHz: what giggles' own concealment is compared with.

    python3 conceal_libopus.py [FILE...] > opus_16k/concealment.json

Of each file, or of the streams here, single packets and runs of three are withheld from libopus, which is asked to conceal them (a decode
without data). A gap's level is its root mean square in dB below full scale, of the mean of the channels.
"""

import ctypes
import ctypes.util
import json
import math
import sys
from pathlib import Path

from ogg_packets import packets_of

RATE = 16_000
LONGEST_PACKET = RATE * 120 // 1000
STREAMS = ["opus_celt_64k.ogg", "opus_celt_stereo_96k.ogg", "opus_hybrid_24k.ogg", "opus_silk_12k.ogg"]


def withheld(count: int) -> list[int]:
    """Every 25th packet from the 20th on, and runs of three between them."""
    single = list(range(20, count, 25))
    return sorted(single + [first + more for first in range(32, count - 3, 25) for more in range(3)])


def main() -> None:
    opus = ctypes.CDLL(ctypes.util.find_library("opus"))
    table = []
    for name in sys.argv[1:] or STREAMS:
        head, _, *packets = packets_of((Path(__file__).parent / name).read_bytes())[0]
        # Two where any packet has two, whatever the header says: libopus would conceal the left one alone.
        channels = 2 if any(packet[0] & 4 for packet in packets) else head[9]
        lost = withheld(len(packets))
        state = ctypes.create_string_buffer(opus.opus_decoder_get_size(channels))
        assert opus.opus_decoder_init(state, RATE, channels) == 0
        buffer, length, total, gaps = (ctypes.c_float * (LONGEST_PACKET * channels))(), 320, 0, []
        for index, packet in enumerate(packets):
            if index in lost:
                got = opus.opus_decode_float(state, None, 0, buffer, length, 0)
                mono = [sum(buffer[at * channels : (at + 1) * channels]) / channels for at in range(got)]
                power = sum(sample * sample for sample in mono) / got
                gaps.append([index, round(10 * math.log10(max(power, 1e-12)), 2)])
            else:
                got = opus.opus_decode_float(state, packet, len(packet), buffer, LONGEST_PACKET, 0)
                length = got
            assert got > 0, (name, index, got)
            total += got
        table.append({"stream": name, "samples": total, "gaps": gaps})
    print(json.dumps(table))


if __name__ == "__main__":
    main()

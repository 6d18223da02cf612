"""Decode an Ogg Opus file of one packet a page, some of which are lost, with libopus at 16 kHz to raw f32 mono on standard output.

    python3 fec_libopus.py IN.ogg > OUT.f32

Pages are lost where the page sequence numbers jump. As opus_demo does, the packet behind a gap is first decoded for its forward error
correction, to the length of the gap; all packets are of one length. Without pre-skip.
"""

import ctypes
import ctypes.util
import struct
import sys
from array import array
from pathlib import Path

RATE = 16_000
LONGEST = RATE


def pages(data: bytes):
    """Sequence number and body of each page."""
    at = 0
    while at < len(data):
        table = data[at + 27 : at + 27 + data[at + 26]]
        body = at + 27 + len(table)
        yield struct.unpack_from("<I", data, at + 18)[0], data[body : body + sum(table)]
        at = body + sum(table)


def main() -> None:
    opus = ctypes.CDLL(ctypes.util.find_library("opus"))
    (_, head), (last, _), *audio = pages(Path(sys.argv[1]).read_bytes())
    state = ctypes.create_string_buffer(opus.opus_decoder_get_size(1))
    assert opus.opus_decoder_init(state, RATE, 1) == 0
    buffer, samples, length = (ctypes.c_float * LONGEST)(), array("f"), 0
    for number, packet in audio:
        lost = number - last - 1
        for gap, fec in ((lost * length, 1), (LONGEST, 0)):
            if gap:
                got = opus.opus_decode_float(state, packet, len(packet), buffer, gap, fec)
                assert got > 0, got
                samples.extend(buffer[:got])
        length, last = got, number
    samples[int.from_bytes(head[10:12], "little") * RATE // 48_000 :].tofile(sys.stdout.buffer)


if __name__ == "__main__":
    main()

"""Streams of every kind from libopus' encoder, and what libopus' decoder makes of them at 16 kHz, mono: on standard output.

    python3 libopus_streams.py > STREAMS

First the length of libopus' version (u16) and the version. Of each stream: the length of its name (u16) and the name, the number of its steps (u32); of each step what is done (u8: 0
decode a packet, 1 conceal, 2 conceal by the forward error correction of a packet), the length of the packet (u16) and the packet, and the number of
samples (u16); then the samples of all steps (f32). Numbers are little-endian. LIBOPUS=FILE names another libopus than the
installed one.
"""

import ctypes
import ctypes.util
import math
import os
import struct
import sys
from array import array

VOIP, AUDIO = 2048, 2049
SILK, HYBRID, CELT = 1000, 1001, 1002
BANDWIDTHS = {"nb": 1101, "mb": 1102, "wb": 1103, "swb": 1104, "fb": 1105}
SET_BITRATE, SET_BANDWIDTH, SET_VBR, SET_FEC, SET_LOSS, SET_DTX, SET_FORCE_MODE, SET_FORCE_CHANNELS = (
    4002, 4008, 4006, 4012, 4014, 4016, 11002, 4022,
)
SECONDS = 1.2
DECODE, CONCEAL, FEC = 0, 1, 2

opus = ctypes.CDLL(os.environ.get("LIBOPUS") or ctypes.util.find_library("opus") or "libopus.so.0")
opus.opus_get_version_string.restype = ctypes.c_char_p
opus.opus_encoder_create.restype = ctypes.c_void_p


def sound(channels: int) -> array:
    """48 kHz, interleaved: harmonics that glide and pause, noise, clicks; the last quarter is silent."""
    samples, state, low, phase = array("f"), 1, 0.0, 0.0
    for i in range(int(SECONDS * 48_000)):
        t = i / 48_000
        state = (1_664_525 * state + 1_013_904_223) & 0xFFFFFFFF
        white = state / 2**31 - 1.0
        low += 0.1 * (white - low)
        phase += (140 + 60 * math.sin(5 * t)) * 2 * math.pi / 48_000
        harmonics = sum(math.sin(k * phase) / k for k in (1, 2, 3, 5, 8, 13))
        envelope = max(0.0, math.sin(9 * t)) if t < 0.75 * SECONDS else 0.0
        noise = (0.3 * low + 0.1 * white * (i % 24_000 > 16_000)) if t < 0.75 * SECONDS else 0.0
        click = 0.5 * white if i % 9_601 < 90 and t < 0.75 * SECONDS else 0.0
        samples.append(max(-0.9, min(0.9, 0.3 * harmonics * envelope + noise + click)))
        if channels == 2:
            samples.append(max(-0.9, min(0.9, 0.2 * harmonics * envelope - noise + 0.1 * white * envelope)))
    return samples


SOUNDS = {channels: sound(channels) for channels in (1, 2)}


class Encoder:
    def __init__(self, channels: int, **settings: int):
        error = ctypes.c_int()
        application = settings.pop("application", AUDIO)
        self.channels = channels
        self.state = ctypes.c_void_p(opus.opus_encoder_create(48_000, channels, application, ctypes.byref(error)))
        assert error.value == 0, error.value
        for name, value in settings.items():
            self.set(globals()["SET_" + name.upper()], value)

    def set(self, request: int, value: int) -> None:
        assert opus.opus_encoder_ctl(self.state, request, ctypes.c_int(value)) == 0, (request, value)

    def encode(self, at: int, length: int) -> bytes:
        pcm = (ctypes.c_float * (length * self.channels)).from_buffer(SOUNDS[self.channels], 4 * at * self.channels)
        out = ctypes.create_string_buffer(4000)
        got = opus.opus_encode_float(self.state, pcm, length, out, len(out))
        assert got > 0, got
        return out.raw[:got]


def text(name: bytes) -> bytes:
    return struct.pack("<H", len(name)) + name


class Decoder:
    def __init__(self, name: str):
        self.name, self.steps, self.samples, self.length = name, [], array("f"), 320
        self.state, self.buffer = ctypes.create_string_buffer(opus.opus_decoder_get_size(1)), (ctypes.c_float * 9600)()
        assert opus.opus_decoder_init(self.state, 16_000, 1) == 0

    def step(self, kind: int, packet: bytes, length: int) -> int:
        data = packet if kind != CONCEAL else None
        got = opus.opus_decode_float(self.state, data, len(packet), self.buffer, length, int(kind == FEC))
        assert got > 0, (self.name, len(self.steps), got)
        self.steps.append(struct.pack("<BH", kind, len(packet)) + packet + struct.pack("<H", got))
        self.samples.extend(self.buffer[:got])
        return got

    def write(self) -> None:
        out = sys.stdout.buffer
        out.write(text(self.name.encode()) + struct.pack("<I", len(self.steps)) + b"".join(self.steps))
        self.samples.tofile(out)


def decode(name: str, packets: list[bytes], lost=lambda index: False, fec: bool = False) -> None:
    """Lost packets are concealed one by one, or with `fec` at once when the next packet is there."""
    decoder, gap = Decoder(name), 0
    for index, packet in enumerate(packets):
        if not lost(index):
            if gap:
                decoder.step(FEC, packet, gap)
            decoder.length, gap = decoder.step(DECODE, packet, 1920), 0
        elif fec:
            gap += decoder.length
        else:
            decoder.step(CONCEAL, b"", decoder.length)
    decoder.write()


def encode(channels: int, milliseconds: float, change=lambda encoder, index: None, **settings: int) -> list[bytes]:
    encoder, length = Encoder(channels, **settings), int(48 * milliseconds)
    packets = []
    for index in range(len(SOUNDS[channels]) // channels // length):
        change(encoder, index)
        packets.append(encoder.encode(index * length, length))
    return packets


def single(index: int) -> bool:
    return index % 7 == 5


def runs(index: int) -> bool:
    return index % 16 in (8, 12, 13, 14)


def every_mode() -> None:
    """All modes, bandwidths, frame sizes, mono and stereo, variable and constant bitrate."""
    kinds = [
        (SILK, ("nb", "mb", "wb"), (10, 20, 40, 60), 16_000),
        (HYBRID, ("swb", "fb"), (10, 20), 28_000),
        (CELT, ("nb", "wb", "swb", "fb"), (2.5, 5, 10, 20), 64_000),
    ]
    for mode, bandwidths, lengths, bitrate in kinds:
        for bandwidth in bandwidths:
            for milliseconds in lengths:
                for channels in (1, 2):
                    name = f"{ {SILK: 'silk', HYBRID: 'hybrid', CELT: 'celt'}[mode]} {bandwidth} {milliseconds} ms {channels} ch"
                    packets = encode(
                        channels, milliseconds, force_mode=mode, bandwidth=BANDWIDTHS[bandwidth],
                        bitrate=bitrate * channels, vbr=channels - 1,
                    )
                    decode(name, packets)
                    if channels == 1 and milliseconds in (5, 20, 60):
                        decode(f"loss {name}", packets, runs)


def bandwidth_changes() -> None:
    def change(encoder: Encoder, index: int) -> None:
        encoder.set(SET_BANDWIDTH, BANDWIDTHS[("nb", "wb", "mb", "wb", "nb", "mb")[index // 6 % 6]])

    for milliseconds in (10, 20):
        packets = encode(1, milliseconds, change, force_mode=SILK, bitrate=16_000)
        decode(f"changes of bandwidth, {milliseconds} ms", packets)
        decode(f"loss changes of bandwidth, {milliseconds} ms", packets, runs)


def mode_changes() -> None:
    """Transitions with redundant frames."""
    modes = ((SILK, "wb"), (CELT, "fb"), (HYBRID, "fb"), (CELT, "wb"), (SILK, "nb"), (CELT, "fb"))

    def change(encoder: Encoder, index: int) -> None:
        mode, bandwidth = modes[index // 5 % 6]
        encoder.set(SET_FORCE_MODE, mode)
        encoder.set(SET_BANDWIDTH, BANDWIDTHS[bandwidth])

    for channels in (1, 2):
        for milliseconds in (10, 20):
            packets = encode(channels, milliseconds, change, bitrate=40_000)
            decode(f"changes of mode, {milliseconds} ms {channels} ch", packets)
            decode(f"loss changes of mode, {milliseconds} ms {channels} ch", packets, runs)


def channel_changes() -> None:
    def change(encoder: Encoder, index: int) -> None:
        encoder.set(SET_FORCE_CHANNELS, 1 + index // 8 % 2)

    for mode, bandwidth, bitrate in ((SILK, "wb", 30_000), (HYBRID, "fb", 48_000), (CELT, "fb", 96_000)):
        settings = {"force_mode": mode, "bandwidth": BANDWIDTHS[bandwidth], "bitrate": bitrate}
        decode(f"changes of channels, {bandwidth} {mode}", encode(2, 20, change, **settings))


def error_correction() -> None:
    kinds = [(SILK, "nb"), (SILK, "mb"), (SILK, "wb"), (HYBRID, "fb")]
    for mode, bandwidth in kinds:
        for milliseconds in (10, 20, 40, 60):
            for channels in (1, 2):
                if mode == HYBRID and milliseconds > 20:
                    continue
                packets = encode(
                    channels, milliseconds, application=VOIP, force_mode=mode, bandwidth=BANDWIDTHS[bandwidth],
                    bitrate=channels * (24_000 if mode == SILK else 40_000), fec=1, loss=25,
                )
                name = f"{mode} {bandwidth} {milliseconds} ms {channels} ch"
                decode(f"with redundancy, {name}", packets)
                decode(f"fec {name}", packets, single, fec=True)
                decode(f"fec of gaps {name}", packets, runs, fec=True)


def discontinuous() -> None:
    for mode, bandwidth in ((SILK, "nb"), (SILK, "wb"), (HYBRID, "fb"), (CELT, "fb")):
        packets = encode(
            1, 20, application=VOIP, force_mode=mode, bandwidth=BANDWIDTHS[bandwidth], bitrate=24_000, dtx=1,
        )
        assert mode == CELT or min(map(len, packets)) <= 2, "no frame was left out"
        decode(f"dtx {mode} {bandwidth}", packets)


sys.stdout.buffer.write(text(opus.opus_get_version_string()))
for streams in (every_mode, bandwidth_changes, mode_changes, channel_changes, error_correction, discontinuous):
    streams()

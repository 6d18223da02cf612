"""The packets of an Ogg file of one stream."""

import struct


def pages(data: bytes):
    """Granule position, segment table and body of each Ogg page."""
    at = 0
    while at < len(data):
        assert data[at : at + 4] == b"OggS", at
        granule = struct.unpack_from("<q", data, at + 6)[0]
        table = data[at + 27 : at + 27 + data[at + 26]]
        body = at + 27 + len(table)
        yield granule, table, data[body : body + sum(table)]
        at = body + sum(table)


def packets_of(data: bytes) -> tuple[list[bytes], int]:
    """The packets of a file of one stream, and its last granule position."""
    packets, partial, last = [], b"", 0
    for granule, table, body in pages(data):
        at = 0
        for lace in table:
            partial += body[at : at + lace]
            at += lace
            if lace < 255:
                packets.append(partial)
                partial = b""
        last = granule if granule >= 0 else last
    return packets, last

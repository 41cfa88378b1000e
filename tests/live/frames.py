"""Captures rewritten: frames with VLAN tags, in fragments. Ethernet pcaps in, pcaps out."""
import struct

FRAGMENT_BYTES = 512  # of payload; a multiple of 8
HEADER_BYTES, RECORD_BYTES, ETHERNET_BYTES = 24, 16, 14


def read(path):
    """Header of the file; (seconds, fraction, frame) of each record. Little-endian only."""
    data = path.read_bytes()
    assert data[:4] in (b"\xd4\xc3\xb2\xa1", b"\x4d\x3c\xb2\xa1"), f"{path} is no such pcap"
    records, at = [], HEADER_BYTES
    while at + RECORD_BYTES <= len(data):
        seconds, fraction, length, _ = struct.unpack_from("<IIII", data, at)
        at += RECORD_BYTES
        records.append((seconds, fraction, data[at:at + length]))
        at += length
    return data[:HEADER_BYTES], records


def write(path, header, records):
    with path.open("wb") as out:
        out.write(header)
        for seconds, fraction, frame in records:
            out.write(struct.pack("<IIII", seconds, fraction, len(frame), len(frame)) + frame)
    return path


def tagged(frame, types):
    """One VLAN tag of each type, the outermost first (IEEE 802.1Q 9.3)."""
    tags = b"".join(struct.pack("!HH", kind, 100 + at) for at, kind in enumerate(types))
    return [frame[:12] + tags + frame[12:]]


def checksum(header):
    total = sum(struct.unpack(f"!{len(header) // 2}H", header))
    while total > 0xffff:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


def fragmented(frame, number):
    """IPv4 in pieces of FRAGMENT_BYTES (RFC 791 3.2); what is small or another protocol stays."""
    if frame[12:14] != b"\x08\x00" or len(frame) < ETHERNET_BYTES + 20:
        return [frame]
    header_len = (frame[ETHERNET_BYTES] & 15) * 4
    total = struct.unpack_from("!H", frame, ETHERNET_BYTES + 2)[0]
    start, end = ETHERNET_BYTES + header_len, ETHERNET_BYTES + total
    if header_len != 20 or total - header_len <= FRAGMENT_BYTES or end > len(frame):
        return [frame]
    pieces = []
    for at in range(start, end, FRAGMENT_BYTES):
        payload = frame[at:min(at + FRAGMENT_BYTES, end)]
        more = 0x2000 if at + FRAGMENT_BYTES < end else 0
        header = bytearray(frame[ETHERNET_BYTES:start])
        struct.pack_into("!HHH", header, 2, header_len + len(payload), number & 0xffff,
                         more | (at - start) // 8)
        struct.pack_into("!H", header, 10, 0)
        struct.pack_into("!H", header, 10, checksum(bytes(header)))
        pieces.append(frame[:ETHERNET_BYTES] + bytes(header) + payload)
    return pieces


def rewrite(source, target, change):
    """change(frame, number) gives the frames that take its place, number from 1."""
    header, records = read(source)
    out = [(seconds, fraction, new) for number, (seconds, fraction, frame) in enumerate(records, 1)
           for new in change(frame, number)]
    return write(target, header, out), len(out) - len(records)

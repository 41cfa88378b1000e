#!/usr/bin/env python3
"""Cases that no server of the lab can be brought to make: real captures with one answer changed.

    craft.py krb-error IN OUT CODE [NTSTATUS]   every KRB-ERROR over UDP but 25 and 52 gets that
                                                code; with an NTSTATUS also KERB-ERROR-DATA
                                                (MS-KILE 2.2.1)
    craft.py server-side IN OUT CLIENT SERVER   only the frames between these two addresses
    craft.py token-error IN OUT OLD NEW         the error code of the KRB-ERROR in a Negotiate token
    craft.py swap-segments IN OUT PIECE         TCP payload in segments of PIECE bytes; those of one
                                                direction that nothing of the other comes between
                                                arrive in reverse order
    craft.py late-segment IN OUT PIECE          the same, but only the first of them comes last,
                                                0.3 s later: lost, and sent again

Lengths and checksums are made right. pcap with Ethernet and IPv4 only.
"""
import base64
import re
import struct
import sys


def frames_of(path):
    data = open(path, "rb").read()
    at = 24
    out = []
    while at < len(data):
        sec, frac, caplen, _ = struct.unpack_from("<IIII", data, at)
        out.append([sec, frac, data[at + 16 : at + 16 + caplen]])
        at += 16 + caplen
    return data[:24], out


def save(path, head, frames):
    with open(path, "wb") as f:
        f.write(head)
        for sec, frac, frame in frames:
            f.write(struct.pack("<IIII", sec, frac, len(frame), len(frame)) + frame)


def checksum(data):
    data += b"\0" * (len(data) % 2)
    total = sum(struct.unpack("!%dH" % (len(data) // 2), data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def ipv4(frame):
    """(header length, protocol) of an IPv4 frame, or (0, 0)."""
    if frame[12:14] != b"\x08\x00":
        return 0, 0
    return (frame[14] & 15) * 4, frame[23]


def mended(frame):
    """The frame with lengths and checksums that fit its content."""
    size, protocol = ipv4(frame)
    head = bytearray(frame[14 : 14 + size])
    body = bytearray(frame[14 + size :])
    struct.pack_into("!H", head, 2, len(head) + len(body))
    head[10:12] = b"\0\0"
    struct.pack_into("!H", head, 10, checksum(bytes(head)))
    at = 6 if protocol == 17 else 16
    if protocol == 17:
        struct.pack_into("!H", body, 4, len(body))
    body[at : at + 2] = b"\0\0"
    pseudo = bytes(head[12:20]) + struct.pack("!BBH", 0, protocol, len(body))
    struct.pack_into("!H", body, at, checksum(pseudo + bytes(body)))
    return frame[:14] + bytes(head) + bytes(body)


def der(tag, content):
    size = len(content)
    length = bytes([size]) if size < 128 else b"\x82" + struct.pack("!H", size)
    return bytes([tag]) + length + content


def items(content):
    out = []
    while content:
        tag, size, at = content[0], content[1], 2
        if size & 0x80:
            at += size & 0x7F
            size = int.from_bytes(content[2:at], "big")
        out.append((tag, content[at : at + size]))
        content = content[at + size :]
    return out


def krb_error(message, code, ntstatus):
    """The KRB-ERROR with another code; no e-text, and e-data only for an NTSTATUS."""
    fields = items(items(items(message)[0][1])[0][1])
    out = b""
    for tag, content in fields:
        if tag == 0xA6:
            content = der(2, bytes([code]))
        if tag < 0xAB:
            out += der(tag, content)
    if ntstatus:
        value = struct.pack("<III", ntstatus, 0, 1)
        data = der(0x30, der(0xA1, der(2, b"\x03")) + der(0xA2, der(4, value)))
        out += der(0xAC, der(4, data))
    return der(0x7E, der(0x30, out))


def change_errors(frame, code, ntstatus):
    size, protocol = ipv4(frame)
    at = 14 + size + 8
    if protocol != 17 or frame[at : at + 1] != b"\x7e":
        return frame
    fields = dict(items(items(items(frame[at:])[0][1])[0][1]))
    if items(fields[0xA6])[0][1] in (bytes([25]), bytes([52])):
        return frame
    return mended(frame[:at] + krb_error(frame[at:], code, ntstatus))


def change_token(frame, old, new):
    match = re.search(rb"WWW-Authenticate: Negotiate ([A-Za-z0-9+/=]+)\r\n", frame)
    if match is None:
        return frame
    token = base64.b64decode(match.group(1))
    mark = b"\xa6\x03\x02\x01"
    token = token.replace(mark + bytes([old]), mark + bytes([new]))
    return mended(frame.replace(match.group(1), base64.b64encode(token)))


RETRANSMISSION_US = 300000  # what a segment that is sent again comes later by


def tcp_payload(frame):
    """(start, end) of a data segment's payload; (0, 0) when it is none."""
    size, protocol = ipv4(frame)
    if protocol != 6:
        return 0, 0
    start = 14 + size + (frame[14 + size + 12] >> 4) * 4
    end = 14 + struct.unpack_from("!H", frame, 16)[0]
    return (start, end) if end > start else (0, 0)


def pieces_of(frame, piece):
    """The segment as segments of at most `piece` bytes."""
    start, end = tcp_payload(frame)
    if start == 0:
        return [frame]
    tcp = 14 + ipv4(frame)[0]
    sequence = struct.unpack_from("!I", frame, tcp + 4)[0]
    out = []
    for at in range(start, end, piece):
        head = bytearray(frame[:start])
        struct.pack_into("!I", head, tcp + 4, (sequence + at - start) & 0xFFFFFFFF)
        if at + piece < end:
            head[tcp + 13] &= ~0x09 & 0xFF  # neither FIN nor PSH amid it
        out.append(mended(bytes(head) + frame[at : min(at + piece, end)]))
    return out


def ends_of(frame):
    size, _ = ipv4(frame)
    return frame[26:34] + frame[14 + size : 18 + size]


def runs_of(frames, piece):
    """Frames in pieces; lists of places whose data goes one way, nothing of its flow between."""
    cut = [[s, n, f] for s, n, whole in frames for f in pieces_of(whole, piece)]
    open_runs, done = {}, []
    for place, (_, _, frame) in enumerate(cut):
        if ipv4(frame)[1] != 6:
            continue
        ends = ends_of(frame)
        back = ends[4:8] + ends[0:4] + ends[10:12] + ends[8:10]
        done += [r for r in (open_runs.pop(back, None),) if r]
        if tcp_payload(frame)[0]:
            open_runs.setdefault(ends, []).append(place)
        else:
            done += [r for r in (open_runs.pop(ends, None),) if r]
    return cut, done + list(open_runs.values())


def swapped(frames, piece):
    cut, runs = runs_of(frames, piece)
    out = [list(x) for x in cut]
    for run in runs:
        for place, other in zip(run, reversed(run)):
            out[place][2] = cut[other][2]
    return out


def late(frames, piece):
    cut, runs = runs_of(frames, piece)
    order, later = list(range(len(cut))), set()
    for run in runs:
        if len(run) > 1:
            for place, other in zip(run, run[1:] + run[:1]):
                order[place] = other
            later.add(run[-1])
    out, added = [], 0
    for place, other in enumerate(order):
        added += RETRANSMISSION_US if place in later else 0
        sec, usec = divmod(cut[place][0] * 1000000 + cut[place][1] + added, 1000000)
        out.append([sec, usec, cut[other][2]])
    return out


def main(what, source, target, *words):
    head, frames = frames_of(source)
    if what == "krb-error":
        numbers = [int(w, 0) for w in words] + [0]
        frames = [[s, n, change_errors(f, numbers[0], numbers[1])] for s, n, f in frames]
    elif what == "token-error":
        frames = [[s, n, change_token(f, int(words[0]), int(words[1]))] for s, n, f in frames]
    elif what == "swap-segments":
        frames = swapped(frames, int(words[0]))
    elif what == "late-segment":
        frames = late(frames, int(words[0]))
    elif what == "server-side":
        pair = {bytes(map(int, w.split("."))) for w in words}
        frames = [x for x in frames if ipv4(x[2])[0] and {x[2][26:30], x[2][30:34]} == pair]
    else:
        sys.exit(__doc__)
    save(target, head, frames)


main(*sys.argv[1:])

#!/usr/bin/env python3
"""PA-DATA that no capture at hand holds, made here, are read as tshark reads them.

    made_padata.py KRBSCOPE

One AS-REQ in one datagram: KERB-KEY-LIST-REQ with a negative etype, SPAKE's support and encrypted
data, PA-SUPPORTED-ENCTYPES, PA-ETYPE-INFO; and a nonce above 2^31. Says "skipped" without tshark.
"""
import os
import shutil
import struct
import sys
import tempfile

import messages

SECRET = b"\xee" * 40  # where ciphertext stands


def tlv(tag, *parts):
    value = b"".join(parts)
    if len(value) < 128:
        return bytes([tag, len(value)]) + value
    return bytes([tag, 0x82]) + struct.pack(">H", len(value)) + value


def seq(*parts):
    return tlv(0x30, *parts)


def ctx(number, value):
    return tlv(0xa0 | number, value)


def integer(value):
    return tlv(2, value.to_bytes(value.bit_length() // 8 + 1, "big", signed=True))


def name(kind, *parts):
    return seq(ctx(0, integer(kind)), ctx(1, seq(*[tlv(0x1b, part) for part in parts])))


def pa(kind, value):
    return seq(ctx(1, integer(kind)), ctx(2, tlv(4, value)))


def encrypted(etype):
    return seq(ctx(0, integer(etype)), ctx(2, tlv(4, SECRET)))


def request():
    padata = [
        pa(161, seq(integer(23), integer(-128))),
        pa(151, ctx(0, seq(ctx(0, seq(integer(1), integer(2)))))),
        pa(151, ctx(3, encrypted(18))),
        pa(165, b"\x1f\0\0\0"),
        pa(11, seq(seq(ctx(0, integer(17)), ctx(1, tlv(4, b"SALT"))))),
        pa(138, encrypted(18)),
    ]
    body = seq(ctx(0, tlv(3, b"\0\x40\x81\0\x10")), ctx(1, name(1, b"user")),
               ctx(2, tlv(0x1b, b"EXAMPLE.COM")), ctx(3, name(2, b"krbtgt", b"EXAMPLE.COM")),
               ctx(5, tlv(0x18, b"20370913024805Z")), ctx(7, integer(0xfffffff0)),
               ctx(8, seq(integer(18), integer(23))))
    return tlv(0x6a, seq(ctx(1, integer(5)), ctx(2, integer(10)), ctx(3, seq(*padata)),
                         ctx(4, body)))


def capture(message):
    datagram = struct.pack(">HHHH", 50000, 88, 8 + len(message), 0) + message
    packet = struct.pack(">BBHHHBBH4s4s", 0x45, 0, 20 + len(datagram), 1, 0, 64, 17, 0,
                         bytes([192, 0, 2, 1]), bytes([192, 0, 2, 2])) + datagram
    frame = bytes(12) + b"\x08\0" + packet
    return struct.pack("<IHHiIII", 0xa1b2c3d4, 2, 4, 0, 0, 65535, 1) + \
        struct.pack("<IIII", 1795345962, 0, len(frame), len(frame)) + frame


def main():
    if shutil.which("tshark") is None:
        print("skipped: tshark is not installed")
        return 0
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "made.pcap")
        with open(path, "wb") as out:
            out.write(capture(request()))
        differences, counts = messages.compare(sys.argv[1], path)
    for difference in differences:
        print(*difference)
    print(dict(counts))
    return 0 if not differences and counts["values of PA-DATA"] == 9 else 1


if __name__ == "__main__":
    sys.exit(main())

#!/usr/bin/env python3
"""How fast krbscope reads servers' logs, and how much memory it takes.

    tests/bench/logs.py KRBSCOPE [MEGABYTES]      1000 unless told

Makes an IIS log of that size in a temporary folder (one line in twenty is part of a logon), then
prints MB/s and the largest resident set of `cat` (which warms the page cache), of `wc -l`, of
krbscope with the log alone, and of krbscope with a part of it packed by gzip.
"""
import gzip
import os
import random
import subprocess
import sys
import tempfile
import time

FIELDS = ("#Fields: date time s-ip cs-method cs-uri-stem cs-uri-query s-port cs-username c-ip "
          "cs(User-Agent) cs(Referer) sc-status sc-substatus sc-win32-status time-taken\r\n")
BLOCK_LINES = 50000
PACKED_MEGABYTES = 100


def block(number, generator):
    lines = []
    for at in range(BLOCK_LINES):
        second = number * 300 + at * 300 // BLOCK_LINES
        stamp = "2026-11-%02d %02d:%02d:%02d" % (1 + second // 86400 % 28, second // 3600 % 24,
                                                 second // 60 % 60, second % 60)
        client = "10.%d.%d.%d" % (at % 4, generator.randrange(16), generator.randrange(250))
        kind = generator.randrange(60)
        if kind == 0:
            rest = ("CCM_POST /ccm_system_windowsauth/request - 80 - %s ccmhttp - 401 2 2148074254"
                    % client)
        elif kind == 1:
            rest = ("CCM_POST /ccm_system_windowsauth/request - 80 EX\\PC%d$ %s ccmhttp - 200 0 0"
                    % (at, client))
        elif kind == 2:
            rest = ("CCM_POST /ccm_system_windowsauth/request - 80 - %s ccmhttp - 401 1 2148074252"
                    % client)
        else:
            rest = ("GET /SMS_MP/.sms_pol {%08x-1e8b-4d4c-9a0e-6a1b2c3d4e5f}.%d_00 80 - %s "
                    "SMS+CCM+5.0 - 200 0 0" % (at * 7919, at % 90, client))
        lines.append("%s 192.0.2.21 %s %d\r\n" % (stamp, rest, at % 500))
    return "".join(lines).encode("ascii")


def measure(name, size, command):
    begin = time.monotonic()
    child = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(child.pid, 0)
    seconds = time.monotonic() - begin
    own = usage.ru_utime + usage.ru_stime
    print("%-15s %6.2f s (%7.1f MB/s)  of it %6.2f s of the processor (%7.1f MB/s)  "
          "%6.1f MB resident  status %d" %
          (name, seconds, size / 1e6 / seconds, own, size / 1e6 / own, usage.ru_maxrss / 1024,
           os.waitstatus_to_exitcode(status)))


def make(path, megabytes):
    generator = random.Random(1)
    blocks = [block(number, generator) for number in range(4)]
    with open(path, "wb") as file:
        size = file.write(FIELDS.encode("ascii"))
        number = 0
        while size < megabytes * 1000000:
            size += file.write(blocks[number % len(blocks)])
            number += 1
    with open(path, "rb") as source, gzip.open(path + ".gz", "wb", 1) as target:
        for _ in range(PACKED_MEGABYTES):
            target.write(source.read(1000000))


def main():
    krbscope = sys.argv[1]
    megabytes = int(sys.argv[2]) if len(sys.argv) > 2 else 1000
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "u_ex261122.log")
        child = os.fork()  # what makes the log must not count as memory of what reads it
        if child == 0:
            make(path, megabytes)
            os._exit(0)
        os.waitpid(child, 0)
        size = os.path.getsize(path)
        measure("cat", size, ["cat", path])
        measure("wc -l", size, ["wc", "-l", path])
        measure("krbscope", size, [krbscope, "--iis-log", path])
        packed = min(size, PACKED_MEGABYTES * 1000000)
        measure("krbscope, gzip", packed, [krbscope, "--iis-log", path + ".gz"])


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
"""A day of a busy management point through the live path: does memory stay, is every attempt told?

usage: tests/bench/soak.py [--krbscope PROGRAM] [--attempts N] [--rate PER_SECOND] [--clients N]
                           [--early SHARE]

live_day.c writes the packets, by their own clock, into a pipe. The peak memory of krbscope's two
processes is read when the share EARLY of the packet time has passed (an hour of a day: 0.0417) and
at the end; it may differ by under 5 %. Every attempt must have been told once, and be approved or
refused as the conversation is.

The default is 2 million attempts in 24 hours. Exit status 1 if it fails.
"""
import argparse
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time

TOP = pathlib.Path(__file__).resolve().parents[2]
GROWTH_MAX = 0.05
BAD_EVERY = 10

parser = argparse.ArgumentParser()
parser.add_argument("--krbscope", default=str(TOP / "build/krbscope"))
parser.add_argument("--attempts", type=int, default=2_000_000)
parser.add_argument("--rate", type=float, default=2_000_000 / 86_400)
parser.add_argument("--clients", type=int, default=20_000)
parser.add_argument("--early", type=float, default=1 / 24)
options = parser.parse_args()
if not shutil.which("cc"):
    print("skipped: no compiler")
    sys.exit(77)


def peak_kb(pid):
    """VmHWM of the process and of its writer."""
    total = 0
    children = pathlib.Path(f"/proc/{pid}/task/{pid}/children")
    for each in [pid, *(children.read_text().split() if children.exists() else [])]:
        status = pathlib.Path(f"/proc/{each}/status").read_text()
        total += int(re.search(r"VmHWM:\s+(\d+)", status).group(1))
    return total


class Telling(threading.Thread):
    """Counts the lines: '11:12:51  approved  10.64.0.1 … #17', and what is corrected."""

    def __init__(self, stream):
        super().__init__()
        self.stream, self.ids, self.corrected, self.twice = stream, bytearray(), 0, 0
        self.last = ""

    def run(self):
        size = options.attempts + 2
        self.ids = bytearray(size)
        pattern = re.compile(rb"^\d\d:\d\d:\d\d .* #(\d+)( \(corrected\))?$")
        for line in self.stream:
            match = pattern.match(line)
            if match and match.group(2):
                self.corrected += 1
            elif match:
                number = int(match.group(1))
                self.twice += number >= size or self.ids[number]
                self.ids[min(number, size - 1)] = 1
            elif b"attempts:" in line:
                self.last = line.decode().strip()


with tempfile.TemporaryDirectory() as folder:
    program = pathlib.Path(folder) / "live_day"
    sources = [TOP / "tests/bench" / name for name in ("live_day.c", "bulk.c")]
    subprocess.run(["cc", "-O2", "-o", program, *sources], check=True)
    watch, progress = os.pipe()
    num_early = int(options.attempts * options.early)
    cases = [str(TOP / "pcaps" / name / "capture.pcap")
             for name in ("success-cached-tgt", "spn-missing")]
    began = time.monotonic()
    day = subprocess.Popen([program, *cases, str(options.attempts), str(options.rate),
                            str(options.clients), str(num_early), str(progress)],
                           stdout=subprocess.PIPE, pass_fds=[progress])
    os.close(progress)
    live = subprocess.Popen([options.krbscope, "live", "--read", "-", "--color", "never",
                             "--width", "200"], stdin=day.stdout, stdout=subprocess.PIPE)
    day.stdout.close()
    telling = Telling(live.stdout)
    telling.start()
    os.read(watch, 64)  # the early share was written
    early = peak_kb(live.pid)
    os.read(watch, 64)  # all of it was
    late = peak_kb(live.pid)
    telling.join()
    status = live.wait()
    day.wait()

seconds = time.monotonic() - began
num = sum(telling.ids)
bad = options.attempts // BAD_EVERY
growth = (late - early) / early
good = (status == 0 and num == options.attempts and telling.twice == 0 and growth < GROWTH_MAX
        and f"{bad} refused, {options.attempts - bad} approved" in telling.last)
print(f"{options.attempts} attempts in {options.attempts / options.rate / 3600:.2f} h of packet "
      f"time, {seconds:.0f} s: told {num}, twice {telling.twice}, corrected {telling.corrected}")
print(f"peak memory after {options.early:.4f} of it {early / 1024:.1f} MB, at the end "
      f"{late / 1024:.1f} MB: {growth:+.1%}")
print(telling.last, "" if good else "FAILED")
sys.exit(0 if good else 1)

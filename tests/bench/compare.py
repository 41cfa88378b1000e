#!/usr/bin/env python3
"""Time and peak memory of krbscope beside tcpdump on a large, mostly-bulk capture.

usage: tests/bench/compare.py [--megabytes N] [--krbscope PROGRAM] [--folder FOLDER]

Not part of ctest: it writes 2 GB to FOLDER (default: the system's temporary folder) and keeps them
for the next run. Every program reads the file from the page cache, three times; the best counts.
A peak below that of this script (about 15 MB) shows as this script's: the kernel counts it so.
"""
import argparse
import os
import pathlib
import subprocess
import sys
import tempfile
import time

TOP = pathlib.Path(__file__).resolve().parents[2]


def generate(folder, megabytes):
    program = folder / "krbscope-bench-generate"
    capture = folder / f"krbscope-bench-{megabytes}.pcap"
    if not capture.exists():
        sources = [TOP / "tests/bench" / name for name in ("generate.c", "bulk.c")]
        subprocess.run(["cc", "-O2", "-o", program, *sources], check=True)
        partial = capture.with_suffix(".partial")
        conversation = TOP / "pcaps/multi-client/capture.pcap"
        subprocess.run([program, partial, str(megabytes), conversation], check=True)
        partial.rename(capture)
        program.unlink()
    return capture


def measure(command):
    """Seconds and peak memory in MB of one run; its own process, so that peaks do not mix."""
    began = time.monotonic()
    with open(os.devnull, "wb") as nothing:
        child = subprocess.Popen(command, stdout=nothing, stderr=nothing)
    _, status, usage = os.wait4(child.pid, 0)
    return time.monotonic() - began, usage.ru_maxrss / 1024, os.waitstatus_to_exitcode(status)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--megabytes", type=int, default=2000)
    parser.add_argument("--krbscope", default=str(TOP / "build/krbscope"))
    parser.add_argument("--folder", type=pathlib.Path, default=pathlib.Path(tempfile.gettempdir()))
    options = parser.parse_args()
    capture = generate(options.folder, options.megabytes)
    small = generate(options.folder, max(1, options.megabytes // 20))
    runs = [
        ("cat", ["cat", capture]),
        ("tcpdump port 88", ["tcpdump", "-r", capture, "-w", "-", "port 88"]),
        ("krbscope", [options.krbscope, capture]),
        ("krbscope, 1/20 of it", [options.krbscope, small]),
    ]
    print(f"{capture.stat().st_size / 1e6:.0f} MB, best of three")
    for name, command in runs:
        results = [measure(command) for _ in range(3)]
        seconds, _, code = min(results)
        print(f"  {name:24} {seconds:7.2f} s  {max(r[1] for r in results):7.1f} MB  exit {code}")


if __name__ == "__main__":
    sys.exit(main())

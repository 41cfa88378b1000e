#!/usr/bin/env python3
"""krbscope live beside tcpdump -w /dev/null on the same replay: does it drop, what does it cost?

usage: tests/bench/live_beside_tcpdump.py [--krbscope PROGRAM] [--seconds S] [--mbits N]
                                          [--rate PER_SECOND] [--filter FILTER] [--folder FOLDER]

Needs root, iproute2, tcpreplay and tcpdump; exit status 77 (skipped) without. Makes a network
namespace with a pair of veth interfaces, replays bulk of N Mbit/s with so many attempts a second
(live_day.c) into one end, and captures at the other with both programs at once, with buffers of the
same size and the same filter; without --filter both take everything. CPU is user and system time
of all processes of the program.

Exit status 1 if krbscope drops frames and tcpdump does not, if it takes twice tcpdump's CPU time or
more, or if an attempt is missing. The replay (4 GB for a minute) lies in FOLDER and is kept there.
"""
import argparse
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time

TOP = pathlib.Path(__file__).resolve().parents[2]
NAME = f"krbscope-bench-{os.getpid()}"
BUFFER_MB = 64
CPU_FACTOR_MAX = 2.0
BAD_EVERY = 10
SETTLE_S = 3  # both have opened the interface; both have read what is left

parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
parser.add_argument("--krbscope", default=str(TOP / "build/krbscope"))
parser.add_argument("--seconds", type=int, default=60)
parser.add_argument("--mbits", type=int, default=500)
parser.add_argument("--rate", type=int, default=200)
parser.add_argument("--filter", default="")
parser.add_argument("--folder", type=pathlib.Path, default=pathlib.Path(tempfile.gettempdir()))
options = parser.parse_args()


def inside(*command):
    return ["ip", "netns", "exec", NAME, *map(str, command)]


def ip(*words):
    return subprocess.run(["ip", *words], stderr=subprocess.DEVNULL, check=False).returncode == 0


def make_network():
    tools = ("ip", "tcpreplay", "tcpdump", "cc")
    if os.geteuid() != 0 or not all(map(shutil.which, tools)) or not ip("netns", "add", NAME):
        return False
    subprocess.run(inside("sysctl", "-qw", "net.ipv6.conf.default.disable_ipv6=1",
                          "net.ipv6.conf.all.disable_ipv6=1"), check=True)
    return (ip("-n", NAME, "link", "add", "out0", "mtu", "9000", "type", "veth", "peer", "name",
               "in0", "mtu", "9000")
            and ip("-n", NAME, "link", "set", "out0", "up")
            and ip("-n", NAME, "link", "set", "in0", "up"))


def generate(num):
    replay = options.folder / f"krbscope-replay-{options.seconds}-{options.mbits}-{num}.pcap"
    if replay.exists():
        return replay
    with tempfile.TemporaryDirectory() as folder:
        program = pathlib.Path(folder) / "live_day"
        sources = [TOP / "tests/bench" / name for name in ("live_day.c", "bulk.c")]
        subprocess.run(["cc", "-O2", "-o", program, *sources], check=True)
        cases = [TOP / "pcaps" / name / "capture.pcap"
                 for name in ("success-cached-tgt", "spn-missing")]
        partial = replay.with_suffix(".partial")
        with partial.open("wb") as out:
            subprocess.run([program, *cases, str(num), str(options.rate), str(num), "0", "-1",
                            str(options.mbits)], stdout=out, check=True)
        partial.rename(replay)
    return replay


def end(process):
    """Seconds of CPU; what was said on standard error."""
    process.send_signal(signal.SIGINT)
    said = process.stderr.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    return usage.ru_utime, usage.ru_stime, said


def number(pattern, text):
    found = re.search(pattern, text)
    return int(found.group(1)) if found else -1


def run(replay, out):
    watchers = [
        subprocess.Popen(inside("tcpdump", "-n", "-i", "in0", "-B", BUFFER_MB * 1024, "-w",
                                "/dev/null", *filter(None, [options.filter])),
                         stderr=subprocess.PIPE, text=True),
        subprocess.Popen(inside(options.krbscope, "live", "-i", "in0", "--buffer", BUFFER_MB,
                                "--color", "never", "--width", "200",
                                *(["-f", options.filter] if options.filter else ["--every-port"])),
                         stdout=out, stderr=subprocess.PIPE, text=True)]
    time.sleep(SETTLE_S)
    began = time.monotonic()
    # By the frames' times tcpreplay sleeps before each, and falls behind; by rate it catches up.
    mbits = replay.stat().st_size * 8 / options.seconds / 1e6
    replayed = subprocess.run(inside("tcpreplay", "-q", "-M", f"{mbits:.1f}", "-i", "out0", replay),
                              text=True, capture_output=True, check=True)
    seconds = time.monotonic() - began
    time.sleep(SETTLE_S)
    rate = number(r"([\d]+)(?:\.\d+)? Mbps", replayed.stdout)
    print(f"replayed in {seconds:.1f} s, {rate} Mbit/s; load {os.getloadavg()[0]:.1f} on "
          f"{os.cpu_count()} processors; filter: {options.filter or 'none'}")
    return [end(each) for each in watchers]


def judge(dump, live, told, num):
    received = number(r"(\d+) packets received by filter", dump[2])
    dump_drops = number(r"(\d+) packets dropped by kernel", dump[2])
    live_frames = number(r"(\d+) frames, ", told)
    live_drops = number(r"(\d+) dropped by the\s+system", told)
    attempts = number(r"(\d+) attempts: ", told)
    for name, (user, system, _), frames, drops in (
            ("tcpdump", dump, received, dump_drops), ("krbscope", live, live_frames, live_drops)):
        print(f"  {name:9} user {user:5.2f} s, system {system:5.2f} s, together "
              f"{user + system:5.2f} s; {frames} frames, {drops} dropped")
    factor = (live[0] + live[1]) / (dump[0] + dump[1])
    print(f"  CPU {factor:.2f} times tcpdump's; {attempts} of {num} attempts told")
    good = factor < CPU_FACTOR_MAX and (live_drops == 0 or dump_drops > 0)
    refused = f"{num // BAD_EVERY} refused, {num - num // BAD_EVERY} approved"
    return good and (live_drops > 0 or (attempts == num and refused in told))


def main():
    num = options.rate * options.seconds
    if not make_network():
        print("skipped: needs root, network namespaces, tcpreplay, tcpdump and a compiler")
        return 77
    try:
        replay = generate(num)
        with tempfile.TemporaryFile("w+") as out:
            dump, live = run(replay, out)
            out.seek(0)
            good = judge(dump, live, out.read(), num)
    finally:
        ip("netns", "del", NAME)
    print(live[2], end="")
    print("" if good else "FAILED")
    return 0 if good else 1


sys.exit(main())

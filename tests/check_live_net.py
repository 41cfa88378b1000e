#!/usr/bin/env python3
"""A live capture says what `analyze` says of the file, attempt for attempt.

usage: check_live_net.py KRBSCOPE SOURCE_FOLDER

Makes a network namespace with a pair of veth interfaces, replays cases of pcaps/ into one end with
tcpreplay, in real time and at full speed, and captures at the other. Also: rights are given up, the
parser is behind its filter, an interface that goes down and comes back is survived, SIGUSR1 gives a
summary, SIGHUP opens files anew, SIGTERM ends cleanly.

Exit status 77 (skipped) without root, network namespaces or tcpreplay.
"""
import collections
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import time

KRBSCOPE, TOP = sys.argv[1], pathlib.Path(sys.argv[2])
FULL_SPEED = ["spn-missing", "no-negotiate-offered", "ntlm-fallback"]
REAL_TIME = ["multi-client"]  # verdicts of silence need its time
PATIENCE_S = 15
NAME = f"krbscope-{os.getpid()}"
failures = []


def expect(good, what):
    if not good:
        failures.append(what)
        print(f"FAILED: {what}")


def run(*command):
    return subprocess.run(command, capture_output=True, text=True, timeout=120)


def inside(*command):
    return ["ip", "netns", "exec", NAME, *command]


def skip(why):
    print(f"skipped: {why}")
    sys.exit(77)


def make_pair():
    commands = ["link add out0 mtu 9000 type veth peer name in0 mtu 9000",
                "link set out0 up", "link set in0 up"]
    return all(run("ip", "-n", NAME, *each.split()).returncode == 0 for each in commands)


def make_network():
    if os.geteuid() != 0 or not shutil.which("ip") or not shutil.which("tcpreplay"):
        skip("needs root, iproute2 and tcpreplay")
    if run("ip", "netns", "add", NAME).returncode != 0:
        skip("no network namespace can be made here")
    run(*inside("sysctl", "-qw", "net.ipv6.conf.default.disable_ipv6=1",
                "net.ipv6.conf.all.disable_ipv6=1"))
    if not make_pair():
        run("ip", "netns", "del", NAME)
        skip("no veth interfaces can be made here")


def wait_for(condition, what):
    end = time.monotonic() + PATIENCE_S
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(0.05)
    expect(False, what)
    return False


def objects(path):
    lines = path.read_text().splitlines() if path.exists() else []
    return [json.loads(line) for line in lines]


def summaries(path):
    return [o for o in objects(path) if "summary" in o]


def attempts(path):
    """The highest revision of each."""
    latest = {}
    for o in objects(path):
        if "attempt_id" in o:
            latest[o["attempt_id"]] = o
    return list(latest.values())


def line_of(a):
    verdict = a["verdict"] or {}
    return (a["kind"], a["client"]["address"], a["server"]["host"], a["outcome"],
            verdict.get("cause"), verdict.get("step"))


def capture_of(case):
    return next((TOP / "pcaps" / case).glob("capture.pcap*"))


def analyzed(capture):
    report = json.loads(run(KRBSCOPE, "--json", "-", str(capture)).stdout)
    return collections.Counter(line_of(a) for a in report["attempts"])


class Live:
    def __init__(self, folder, *options):
        self.json = folder / "live.json"
        self.process = subprocess.Popen(
            inside(KRBSCOPE, "live", "-i", "in0", "--json", str(self.json), *options),
            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        self.pid = self.process.pid  # ip netns exec becomes the program

    def frames(self):
        """What was captured so far, from a summary on request."""
        before = len(summaries(self.json))
        self.process.send_signal(signal.SIGUSR1)
        wait_for(lambda: len(summaries(self.json)) > before, "a summary on SIGUSR1")
        found = summaries(self.json)
        return found[-1]["captures"][0]["frames"] if found else 0

    def end(self):
        self.process.send_signal(signal.SIGTERM)
        _, said = self.process.communicate(timeout=PATIENCE_S)
        expect(self.process.returncode == 0, f"clean end, not {self.process.returncode}: {said}")
        return said


def is_confined(pid):
    """The parser has made its filter: it is ready."""
    try:
        status = pathlib.Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return False
    fields = dict(line.split(":\t", 1) for line in status.splitlines() if ":\t" in line)
    return fields.get("Seccomp", "").strip() == "2" and int(fields["CapPrm"], 16) == 0


def uid_of(pid):
    for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("Uid:"):
            return [int(word) for word in line.split()[1:]]
    return []


def start(folder, *options):
    live = Live(folder, *options)
    wait_for(lambda: is_confined(live.pid), "capabilities given up and a filter in place")
    return live


def replay(capture, *options):
    replayed = run(*inside("tcpreplay", "-q", "-i", "out0", *options, str(capture)))
    expect(replayed.returncode == 0, f"tcpreplay {capture}: {replayed.stderr}")


def compare(case, *options):
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        folder.chmod(0o777)
        capture = capture_of(case)
        report = json.loads(run(KRBSCOPE, "--json", "-", str(capture)).stdout)
        frames = report["captures"][0]["frames"]
        live = start(folder, "--every-port")
        expect(0 not in uid_of(live.pid), "root is given up")
        replay(capture, *options)
        wait_for(lambda: live.frames() >= frames, f"{case}: all frames captured")
        live.end()
        said = collections.Counter(line_of(a) for a in attempts(live.json))
        wanted = analyzed(capture)
        expect(said == wanted, f"{case} {options}: live says {said - wanted}, not {wanted - said}")
        expect(all(a["final"] for a in attempts(live.json)), f"{case}: every attempt is final")


def check_default_filter():
    """What is on other ports stays in the kernel; what matters comes through."""
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        folder.chmod(0o777)
        live = start(folder)
        replay(capture_of("spn-missing"), "-t")
        wait_for(lambda: live.frames() > 0, "frames through the default filter")
        live.end()
        said = collections.Counter(line_of(a) for a in attempts(live.json))
        expect(said == analyzed(capture_of("spn-missing")), "the default filter keeps what matters")


def check_down_and_up():
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        folder.chmod(0o777)
        live = start(folder, "--every-port")
        run("ip", "-n", NAME, "link", "set", "in0", "down")
        live.frames()
        run("ip", "-n", NAME, "link", "set", "in0", "up")
        before = live.frames()
        replay(capture_of("spn-missing"), "-t")
        wait_for(lambda: live.frames() > before, "frames after the interface came back")
        moved = folder / "moved.json"
        live.json.rename(moved)
        live.process.send_signal(signal.SIGHUP)
        wait_for(live.json.exists, "a new file after SIGHUP")
        live.end()
        expect(len(summaries(live.json)) >= 1, "the last summary goes to the new file")


def check_made_anew():
    """The interface is deleted and another gets its name: no rights are left, yet it goes on."""
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        folder.chmod(0o777)
        live = start(folder, "--every-port")
        replay(capture_of("spn-missing"), "-t")
        wait_for(lambda: live.frames() > 0, "frames before the interface is deleted")
        run("ip", "-n", NAME, "link", "del", "in0")
        live.frames()
        make_pair()
        before = live.frames()
        # What is sent before the socket is bound anew is nobody's: replay until it is heard.
        wait_for(lambda: replay(capture_of("no-negotiate-offered"), "-t") or live.frames() > before,
                 "frames of the interface made anew")
        said = live.end()
        expect("is gone" in said and "is there again" in said, f"both are told: {said}")
        expect(len(attempts(live.json)) >= 2, "attempts from before and after")


make_network()
try:
    for each in FULL_SPEED:
        if (TOP / "pcaps" / each).is_dir():
            compare(each, "-t")
    for each in REAL_TIME:
        compare(each)
    check_default_filter()
    check_down_and_up()
    check_made_anew()
finally:
    run("ip", "netns", "del", NAME)
sys.exit(1 if failures else 0)

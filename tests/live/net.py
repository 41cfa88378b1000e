"""What the tests of live capture share: namespaces with veth pairs, replays, a run under way."""
import collections
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import time

PATIENCE_S = 30
SKIPPED = 77
failures = []


def expect(good, what):
    if not good:
        failures.append(what)
        print(f"FAILED: {what}", flush=True)


def run(*command, **more):
    return subprocess.run([str(word) for word in command], capture_output=True, text=True,
                          timeout=180, check=False, **more)


def skip(why):
    print(f"skipped: {why}")
    sys.exit(SKIPPED)


def wait_for(condition, what):
    """Patience for another process, not a measurement."""
    end = time.monotonic() + PATIENCE_S
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(0.05)
    expect(False, what)
    return False


class Network:
    """A namespace with interfaces that are tied in pairs: out0 and in0, out1 and in1, …"""

    def __init__(self, tag, pairs=1):
        self.name = f"krbscope-{os.getpid()}-{tag}"
        if run("ip", "netns", "add", self.name).returncode != 0:
            skip("no network namespace can be made here")
        self.run("sysctl", "-qw", "net.ipv6.conf.default.disable_ipv6=1",
                 "net.ipv6.conf.all.disable_ipv6=1")
        for number in range(pairs):
            if not self.make_pair(number):
                self.close()
                skip("no veth interfaces can be made here")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        run("ip", "netns", "del", self.name)

    def inside(self, *command):
        return ["ip", "netns", "exec", self.name, *map(str, command)]

    def run(self, *command, **more):
        return run(*self.inside(*command), **more)

    def link(self, *words):
        return run("ip", "-n", self.name, "link", *words).returncode == 0

    def make_pair(self, number=0):
        return (self.link("add", f"out{number}", "mtu", "65000", "type", "veth", "peer", "name",
                          f"in{number}", "mtu", "65000")
                and self.link("set", f"out{number}", "up")
                and self.link("set", f"in{number}", "up"))

    def replay(self, capture, *options, interface="out0"):
        done = self.run("tcpreplay", "-q", "-i", interface, *options, capture)
        expect(done.returncode == 0, f"tcpreplay {capture}: {done.stderr}")


def needs_root():
    if os.geteuid() != 0 or not shutil.which("ip") or not shutil.which("tcpreplay"):
        skip("needs root, iproute2 and tcpreplay")


def objects(path):
    lines = path.read_text().splitlines(keepends=True) if path.exists() else []
    return [json.loads(line) for line in lines if line.endswith("\n")]


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
            verdict.get("cause"), verdict.get("step"), verdict.get("confidence"))


def lines_of(found):
    return collections.Counter(line_of(a) for a in found)


def status_of(pid):
    try:
        status = pathlib.Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return {}
    return {name: value.strip() for name, _, value in
            (line.partition(":") for line in status.splitlines())}


def is_confined(pid):
    """The parser has given up its rights and made its filter: it is ready."""
    status = status_of(pid)
    return status.get("Seccomp") == "2" and int(status["CapPrm"], 16) == 0


class Live:
    """A run of krbscope live. folder takes its outputs: anybody may write there."""

    def __init__(self, program, network, folder, *options, interfaces=("in0",), stdin=None,
                 program_options=()):
        folder.chmod(0o777)
        self.json = folder / "live.json"
        words = [word for name in interfaces for word in ("-i", name)]
        self.process = subprocess.Popen(
            network.inside(program, *program_options, "live", *words, "--json", self.json,
                           *options),
            stdin=stdin, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        self.pid = self.process.pid  # ip netns exec becomes the program
        wait_for(lambda: is_confined(self.pid) or self.process.poll() is not None,
                 "capabilities given up and a filter in place")

    def summary(self):
        """A new one, on request."""
        before = len(summaries(self.json))
        self.process.send_signal(signal.SIGUSR1)
        wait_for(lambda: len(summaries(self.json)) > before, "a summary on SIGUSR1")
        found = summaries(self.json)
        return found[-1] if found else {"captures": [{"frames": 0}]}

    def frames(self):
        """What was captured so far."""
        return sum(c["frames"] for c in self.summary()["captures"])

    def end(self, number=signal.SIGTERM):
        """Ends it; what it said on standard error."""
        self.process.send_signal(number)
        _, said = self.process.communicate(timeout=PATIENCE_S)
        expect(self.process.returncode == 0, f"clean end, not {self.process.returncode}: {said}")
        return said

#!/usr/bin/env python3
"""The service of docs/fleet under a systemd that runs: started, reloaded, stopped.

usage: check_unit.py KRBSCOPE SOURCE_FOLDER

Boots a container over this machine's own files (systemd-nspawn; what it writes lies in memory) with
one end of a veth pair in it, and starts krbscope@in0.service there as it lies in docs/fleet, with
the sample configuration. A call that the unit forbids and krbscope needs ends the service at once.

Exit status 77 (skipped) without root, systemd-nspawn, tcpreplay, or where no container can boot.
"""
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time

import net

KRBSCOPE, TOP = os.path.abspath(sys.argv[1]), pathlib.Path(sys.argv[2]).resolve()
REFUSED = TOP / "pcaps/clock-skew-mp/capture.pcap"  # a token is answered by 401: told at once
APPROVED = TOP / "pcaps/success-cached-tgt/capture.pcap"
SERVICE = "krbscope@in0.service"
LOG, STATE = "var/log/krbscope/live.json", "var/lib/krbscope"


class Container:
    def __init__(self, folder, network):
        self.memory, self.root = folder / "memory", folder / "root"
        self.memory.mkdir()
        self.root.mkdir()
        self.process = None
        if net.run("mount", "-t", "tmpfs", "tmpfs", self.memory).returncode != 0:
            net.skip("no file system can be mounted here")
        for name in ("upper", "work"):
            (self.memory / name).mkdir()
        layers = f"lowerdir=/,upperdir={self.memory}/upper,workdir={self.memory}/work"
        if net.run("mount", "-t", "overlay", "overlay", "-o", layers, self.root).returncode != 0:
            self.close()
            net.skip("no overlay of this machine's files can be mounted")
        self.furnish()
        # Nothing of this machine's own services: the basic target alone.
        self.process = subprocess.Popen(
            ["systemd-nspawn", "-q", "-D", self.root, "-b", "--keep-unit", "--register=no",
             "--link-journal=no", "--console=pipe",
             f"--network-namespace-path=/run/netns/{network.name}", "systemd.unit=basic.target"],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.leader = None

    def furnish(self):
        shutil.copy(KRBSCOPE, self.root / "usr/bin/krbscope")
        shutil.copy(TOP / "docs/fleet/krbscope@.service", self.root / "etc/systemd/system")
        (self.root / "etc/krbscope").mkdir(exist_ok=True)
        shutil.copy(TOP / "docs/fleet/live.conf", self.root / "etc/krbscope/live.conf")

    def has_booted(self):
        """Its first process answers."""
        end = time.monotonic() + net.PATIENCE_S
        while time.monotonic() < end and self.process.poll() is None:
            children = net.run("pgrep", "-P", self.process.pid).stdout.split()
            self.leader = children[0] if children else None
            if self.leader and self.run("systemctl", "is-active", "basic.target").returncode == 0:
                return True
            time.sleep(0.1)
        return False

    def run(self, *command):
        return net.run("nsenter", "-t", self.leader, "-a", *command)

    def shows(self, name):
        return self.run("systemctl", "show", "-P", name, SERVICE).stdout.strip()

    def path(self, name):
        """A file as the container sees it: its private folders are mounts of its own."""
        return pathlib.Path(f"/proc/{self.leader}/root") / name

    def close(self):
        if self.process is not None:
            self.process.kill()
            self.process.wait()
        net.run("umount", "-l", self.root)
        net.run("umount", "-l", self.memory)


def outcomes(path):
    return [a["outcome"] for a in net.attempts(path)]


def check(container, network):
    started = container.run("systemctl", "start", SERVICE)
    net.expect(started.returncode == 0, f"the service starts: {started.stderr}")
    net.wait_for(lambda: container.path(LOG).exists() or container.shows("Result") != "success",
                 "its log is there")
    pid = container.shows("MainPID")
    if not net.wait_for(lambda: container.shows("ActiveState") == "active" and
                        in_container(container, pid).get("Seccomp") == "2",
                        "it stays, and has its filter"):
        print(container.run("journalctl", "-u", SERVICE, "--no-pager").stdout)
        return
    status = in_container(container, pid)
    net.expect(status["CapPrm"] == status["CapEff"] == "0000000000000000", "no capability is left")
    net.expect(status["Uid"].split()[0] != "0", "it is not root")
    network.replay(REFUSED)
    network.replay(APPROVED)
    log = container.path(LOG)
    net.wait_for(lambda: sorted(outcomes(log)) == ["approved", "refused"],
                 f"both attempts are told, not {outcomes(log)}")
    net.wait_for(lambda: any(p.suffix == ".pcapng" for p in container.path(STATE).iterdir()),
                 "the refused one leaves evidence")
    log.rename(log.with_suffix(".old"))
    reloaded = container.run("systemctl", "reload", SERVICE)
    net.expect(reloaded.returncode == 0, f"it is reloaded: {reloaded.stderr}")
    net.wait_for(log.exists, "a new log is opened then")
    stopped = container.run("systemctl", "stop", SERVICE)
    net.expect(stopped.returncode == 0, f"it is stopped: {stopped.stderr}")
    net.expect(container.shows("Result") == "success", f"a clean end: {container.shows('Result')}")
    net.expect([s["reason"] for s in net.summaries(log)] == ["end"], "with its summary")


def in_container(container, pid):
    text = container.run("cat", f"/proc/{pid}/status").stdout
    return {name: value.strip() for name, _, value in
            (line.partition(":") for line in text.splitlines())}


def main():
    net.needs_root()
    if b"__asan_init" in pathlib.Path(KRBSCOPE).read_bytes():
        net.skip("a sanitizer asks for more than the unit allows")
    if not all(map(shutil.which, ("systemd-nspawn", "nsenter", "pgrep"))):
        net.skip("needs systemd-nspawn")
    with tempfile.TemporaryDirectory() as name, net.Network("unit") as network:
        container = Container(pathlib.Path(name), network)
        try:
            if not container.has_booted():
                net.skip("no container can boot here")
            check(container, network)
        finally:
            container.close()
    return 1 if net.failures else 0


sys.exit(main())

#!/usr/bin/env python3
"""Live capture and its host: interfaces, kernel filter, rights, signals, terminal, syslog.

usage: check_host.py KRBSCOPE SOURCE_FOLDER FAKE_ADAPTER

Each check makes a network namespace with veth pairs and replays a case into it. FAKE_ADAPTER is the
library of fake_adapter.c: no veth has a clock of its own. Where a check needs a tool that is not
there (setcap, setpriv, unshare, tcpprep), it says so and is left out.

Exit status 77 (skipped) without root, network namespaces or tcpreplay.
"""
import json
import os
import pathlib
import pty
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile

import frames
import net

KRBSCOPE, TOP, FAKE_ADAPTER = os.path.abspath(sys.argv[1]), pathlib.Path(sys.argv[2]), sys.argv[3]
REFUSED = TOP / "pcaps/clock-skew-mp/capture.pcap"  # a token is answered by 401: told at once
OTHER = TOP / "pcaps/no-negotiate-offered/capture.pcap"
NOBODY = 65534
HAS_SANITIZER = b"__asan_init" in pathlib.Path(KRBSCOPE).read_bytes()


def wanted(capture):
    report = json.loads(net.run(KRBSCOPE, "--json", "-", capture).stdout)
    return net.lines_of(report["attempts"]), report["captures"][0]["frames"]


def same(live, capture, what):
    said = net.lines_of(net.attempts(live.json))
    net.expect(said == wanted(capture)[0], f"{what}: live says {said}, not {wanted(capture)[0]}")


def has(*tools):
    missing = [tool for tool in tools if not shutil.which(tool)]
    if missing:
        print(f"not tried: there is no {', '.join(missing)}")
    return not missing


def check_list(network, _):
    """Every interface by name and state, the addresses of those that have one."""
    net.run("ip", "-n", network.name, "addr", "add", "192.0.2.7/24", "dev", "in1")
    network.link("set", "out1", "down")
    said = network.run(KRBSCOPE, "live", "--list-interfaces").stdout
    net.expect(re.search(r"^in0 +up", said, re.M), f"in0 is up: {said}")
    net.expect(re.search(r"^out1 +down", said, re.M), f"out1 is down: {said}")
    net.expect(re.search(r"^in1 .*192\.0\.2\.7", said, re.M), f"in1 has its address: {said}")
    net.expect(re.search(r"^any ", said, re.M), f"any is among them: {said}")
    network.link("set", "out1", "up")


def check_several(network, folder):
    """Two interfaces, a case on each; then one case divided between the two."""
    live = net.Live(KRBSCOPE, network, folder, interfaces=("in0", "in1"))
    network.replay(REFUSED, "-t")
    network.replay(OTHER, "-t", interface="out1")
    every_frame = wanted(REFUSED)[1] + wanted(OTHER)[1]
    net.wait_for(lambda: live.frames() >= every_frame - 5, "frames on both interfaces")
    captures = live.summary()["captures"]
    net.expect([c["path"] for c in captures] == ["in0", "in1"], f"both are named: {captures}")
    net.expect(all(c["frames"] > 0 for c in captures), f"both have frames: {captures}")
    live.end()
    both = net.lines_of(net.attempts(live.json))
    net.expect(both == wanted(REFUSED)[0] + wanted(OTHER)[0], f"both cases: {both}")


def check_divided(network, folder):
    """The KDC's frames pass one interface, all others the other: an attempt is one all the same."""
    if not has("tcpprep"):
        return
    parts = folder / "parts.cache"
    made = net.run("tcpprep", "-i", REFUSED, "-o", parts, "--cidr=10.77.0.10/32")
    net.expect(made.returncode == 0, f"tcpprep: {made.stderr}")
    live = net.Live(KRBSCOPE, network, folder, "--every-port", interfaces=("in0", "in1"))
    network.replay(REFUSED, "-I", "out1", "-c", parts)
    net.wait_for(lambda: live.frames() >= wanted(REFUSED)[1], "all frames of both interfaces")
    captures = live.summary()["captures"]
    net.expect(all(c["frames"] > 0 for c in captures), f"both have frames: {captures}")
    live.end()
    same(live, REFUSED, "a case on two interfaces")


def check_any(network, folder):
    """any sees each frame leave one interface and reach the other: copies are no retries."""
    live = net.Live(KRBSCOPE, network, folder, interfaces=("any",))
    network.replay(REFUSED, "-t")
    net.wait_for(lambda: net.attempts(live.json), "an attempt on any")
    link_types = live.summary()["captures"][0]["link_types"]
    live.end()
    net.expect(link_types[0].startswith("linux-sll"), f"cooked frames: {link_types}")
    same(live, REFUSED, "any")


def check_filter(network, folder):
    """Tags and fragments come through the default filter; other ports' frames do not."""
    for what, change in [("plain", lambda frame, _: [frame]),
                         ("one VLAN tag", lambda frame, _: frames.tagged(frame, [0x8100])),
                         ("two VLAN tags", lambda frame, _: frames.tagged(frame, [0x88a8, 0x8100])),
                         ("two of the same", lambda frame, _: frames.tagged(frame, [0x8100] * 2)),
                         ("fragments", frames.fragmented)]:
        rewritten, added = frames.rewrite(REFUSED, folder / "rewritten.pcap", change)
        net.expect((added > 5) == (what == "fragments"), f"{what}: {added} frames more")
        live = net.Live(KRBSCOPE, network, folder)
        network.replay(rewritten, "-t")
        net.wait_for(lambda live=live: net.attempts(live.json), f"{what}: an attempt")
        live.end()
        same(live, REFUSED, f"{what} through the default filter")
        live.json.unlink()
    check_other_ports(network, folder)


def check_other_ports(network, folder):
    """A port is moved where the filter does not look: nothing comes; with its number, all."""
    def to_port_9999(frame, _):
        frame = bytearray(frame)
        for at in (34, 36):
            if frame[12:14] == b"\x08\x00" and frame[23] == 6 and frame[at:at + 2] == b"\x00\x50":
                frame[at:at + 2] = (9999).to_bytes(2, "big")
        return [bytes(frame)]
    rewritten, _ = frames.rewrite(REFUSED, folder / "moved.pcap", to_port_9999)
    counts = []
    for options in ([], ["--http-port", "9999"], ["-f", "tcp port 9999"]):
        live = net.Live(KRBSCOPE, network, folder, *options)
        network.replay(rewritten, "-t")
        net.wait_for(lambda live=live: live.frames() > 0, f"frames with {options}")
        counts.append(live.frames())
        live.end()
        live.json.unlink()
    on_port = sum(b"\x27\x0f" in frame[34:38] for _, _, frame in frames.read(rewritten)[1])
    net.expect(on_port > 10 and counts[1] - counts[0] == on_port == counts[2],
               f"{on_port} frames on port 9999; counted {counts}")


def check_clock(network, folder):
    """The adapter's clock where there is one, and the kernel's where it cannot be had."""
    lasting = ["-v", "--duration", "0.1"]
    real = network.run(KRBSCOPE, "live", "-i", "in0", *lasting)
    net.expect("in0: time stamps of the kernel" in real.stderr, f"a veth pair: {real.stderr}")
    if HAS_SANITIZER:
        print("not tried with a sanitizer: a preloaded library")
        return
    for fake, whose in (("works", "adapter"), ("refused", "kernel"), ("absent", "kernel")):
        done = network.run("env", f"LD_PRELOAD={FAKE_ADAPTER}", f"FAKE_ADAPTER={fake}", KRBSCOPE,
                           "live", "-i", "in0", *lasting, cwd=folder)
        net.expect(done.returncode == 0 and f"in0: time stamps of the {whose}" in done.stderr,
                   f"the adapter's clock {fake}: {done.returncode} {done.stderr}")


def check_drops(network, folder):
    """A reader that is held up: the kernel drops, which is told at once and counted."""
    live = net.Live(KRBSCOPE, network, folder, "--every-port", "--buffer", "1")
    multi = TOP / "pcaps/multi-client/capture.pcap"
    live.process.send_signal(signal.SIGSTOP)
    network.replay(multi, "-t", "--loop", "20")
    live.process.send_signal(signal.SIGCONT)
    net.wait_for(lambda: live.summary()["captures"][0]["drops"].get("dropped-by-system", 0) > 0,
                 "drops are in the summary")
    counted = live.summary()["captures"][0]
    said = live.end()
    net.expect("frames were dropped by the system" in said, f"drops are told: {said}")
    sent = 20 * wanted(multi)[1]
    dropped = counted["drops"]["dropped-by-system"]
    net.expect(counted["frames"] + dropped == sent,
               f"{counted['frames']} frames and {dropped} drops are not the {sent} that were sent")


def check_capability(network, folder):
    """Not root, and cap_net_raw on the file: it captures, as who it is. Without: it says how."""
    if not has("setcap", "setpriv"):
        return
    copy = folder / "krbscope"
    shutil.copy(KRBSCOPE, copy)
    folder.chmod(0o777)
    as_nobody = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"]
    words = [copy, "live", "-i", "in0", "--duration", "0.1"]
    refused = network.run(*as_nobody, *words)
    net.expect(refused.returncode == 2 and "setcap cap_net_raw=ep" in refused.stderr,
               f"without the capability: {refused.returncode} {refused.stderr}")
    if net.run("setcap", "cap_net_raw=ep", copy).returncode != 0:
        print("not tried: files cannot have capabilities here")
        return
    live = net.Live("setpriv", network, folder, program_options=[*as_nobody[1:], copy])
    net.expect(net.status_of(live.pid).get("Uid", "").split()[:1] == [str(NOBODY)], "as nobody")
    network.replay(REFUSED, "-t")
    net.wait_for(lambda: net.attempts(live.json), "an attempt without root")
    live.end()
    same(live, REFUSED, "cap_net_raw on the file")


def check_terminal(network, folder):
    """Return pressed on the terminal: a summary."""
    master, slave = pty.openpty()
    live = net.Live(KRBSCOPE, network, folder, stdin=slave)
    os.close(slave)
    before = len(net.summaries(live.json))
    os.write(master, b"\n")
    net.wait_for(lambda: len(net.summaries(live.json)) > before, "a summary when Return is pressed")
    net.expect(net.summaries(live.json)[-1]["reason"] == "request", "… on request")
    os.close(master)  # hung up: the run goes on
    live.summary()
    live.end()


def check_syslog(network, folder):
    """The local socket, /dev/log: in a mount namespace whose /dev is ours."""
    if not has("unshare", "mount"):
        return
    dev = folder / "dev"
    dev.mkdir()
    setup = (f"mount -t tmpfs -o mode=755 none {dev} && for f in null zero urandom tty; do "
             f": >{dev}/$f && mount --bind /dev/$f {dev}/$f; done && : >{dev}/log && "
             f"mount --bind {folder}/log {dev}/log && mount --move {dev} /dev && "
             f"exec {KRBSCOPE} live --read {REFUSED} --syslog local --user nobody")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as log:
        log.bind(str(folder / "log"))
        (folder / "log").chmod(0o666)
        folder.chmod(0o755)
        log.settimeout(net.PATIENCE_S)
        done = network.run("unshare", "-m", "--propagation", "private", "sh", "-c", setup)
        net.expect(done.returncode == 0 and not done.stderr, f"local syslog: {done.stderr}")
        try:
            text = log.recv(70000).decode()
        except TimeoutError:
            text = ""
    match = re.match(r"<28>1 \S+ \S+ krbscope \d+ attempt - @cee: ", text)
    net.expect(match, f"RFC 5424 on the local socket: {text[:100]}")
    if match:
        cause = json.loads(text[match.end():])["verdict"]["cause"]
        net.expect(cause == "clock-skew", f"the attempt: {cause}")


def check_end(network, folder):
    """SIGINT and SIGTERM: what is open is judged, the summary comes last, the status is 0."""
    for number in (signal.SIGINT, signal.SIGTERM):
        live = net.Live(KRBSCOPE, network, folder, "-w", folder / "end.pcapng",
                        "--evidence-dir", folder)
        network.replay(REFUSED, "-t")
        net.wait_for(lambda live=live: live.frames() >= wanted(REFUSED)[1], "all frames")
        said = live.end(number)
        net.expect(not said, f"nothing to complain of: {said}")
        last = net.objects(live.json)[-1]
        net.expect(last.get("reason") == "end", f"the last summary at the end: {last}")
        net.expect(last["summary"]["by_cause"] == {"clock-skew": 1}, f"what it counts: {last}")
        same(live, REFUSED, "at the end")
        report = json.loads(net.run(KRBSCOPE, "--json", "-", folder / "end.pcapng").stdout)
        net.expect(report["captures"][0]["frames"] == wanted(REFUSED)[1], "all frames are kept")
        kept = sorted(path.suffix for path in folder.glob("krbscope-*"))
        net.expect(kept == [".pcapng", ".txt"], f"evidence of the attempt: {kept}")
        for path in folder.glob("*"):
            path.unlink()


def check_down_and_up(network, folder):
    live = net.Live(KRBSCOPE, network, folder, "--every-port")
    network.link("set", "in0", "down")
    live.frames()
    network.link("set", "in0", "up")
    before = live.frames()
    network.replay(REFUSED, "-t")
    net.wait_for(lambda: live.frames() > before, "frames after the interface came back")
    live.json.rename(folder / "moved.json")
    live.process.send_signal(signal.SIGHUP)
    net.wait_for(live.json.exists, "a new file after SIGHUP")
    live.end()
    net.expect(len(net.summaries(live.json)) >= 1, "the last summary goes to the new file")


def check_made_anew(network, folder):
    """The interface is deleted and another gets its name: no rights are left, yet it goes on."""
    live = net.Live(KRBSCOPE, network, folder, "--every-port")
    network.replay(REFUSED, "-t")
    net.wait_for(lambda: live.frames() > 0, "frames before the interface is deleted")
    network.link("del", "in0")
    live.frames()
    network.make_pair()
    before = live.frames()
    # What is sent before the socket is bound anew is nobody's: replay until it is heard.
    net.wait_for(lambda: network.replay(OTHER, "-t") or live.frames() > before,
                 "frames of the interface made anew")
    said = live.end()
    net.expect("is gone" in said and "is there again" in said, f"both are told: {said}")
    net.expect(len(net.attempts(live.json)) >= 2, "attempts from before and after")


net.needs_root()
CHECKS = [check_list, check_several, check_divided, check_any, check_filter, check_clock,
          check_drops, check_capability, check_terminal, check_syslog, check_end,
          check_down_and_up, check_made_anew]
for number, check in enumerate(CHECKS):
    with tempfile.TemporaryDirectory() as each, net.Network(number, pairs=2) as made:
        check(made, pathlib.Path(each))
sys.exit(1 if net.failures else 0)

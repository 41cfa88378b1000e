#!/usr/bin/env python3
"""A live capture says what `analyze` says of the file, attempt for attempt.

usage: check_replay.py KRBSCOPE SOURCE_FOLDER

Each case of pcaps/ is replayed with tcpreplay into one end of a veth pair in a network namespace of
its own, at full speed and in real time; krbscope captures at the other end. Kind, client, host,
outcome, cause, step and confidence of every attempt must be those of the file.

At full speed no time passes, and what rests on silence has not happened: the cases of SILENT are
compared with `analyze` of what passed, which the same run records. In real time they are like all.

KRBSCOPE_LIVE_NET=all takes every case (2 minutes); else a sample is taken.
Exit status 77 (skipped) without root, network namespaces or tcpreplay.
"""
import concurrent.futures
import json
import os
import pathlib
import sys
import tempfile

import net

KRBSCOPE, TOP = sys.argv[1], pathlib.Path(sys.argv[2])
TAKES_ALL = os.environ.get("KRBSCOPE_LIVE_NET") == "all"
EVERY = 16  # of the sample at full speed
REAL_TIME_SAMPLE = ["mp-timeout", "kdc-unreachable-as", "kdc-tcp-blocked", "multi-client"]
AT_ONCE_FULL_SPEED, AT_ONCE_REAL_TIME = 4, 24

# Verdicts of these cases say that somebody was silent, or asked again after a while. At full speed
# a second is a few microseconds: nobody was silent, and what was asked again is a copy.
SILENT = {
    "dns-timeout": "the DNS server does not answer for 10 s",
    "dns-wrong-address-dead": "SYNs without an answer for 7 s",
    "kdc-host-dead": "ARP for the KDC without an answer, again and again",
    "kdc-tcp-blocked": "SYNs to the KDC without an answer",
    "kdc-unreachable": "requests to the KDC, again after 1 s and more, without an answer",
    "kdc-unreachable-as": "the same",
    "mp-hang": "30 s without a reply",
    "mp-large-dropped": "a request that is sent again for seconds, without a reply",
    "mp-large-lost": "the same",
    "mp-no-reply-anonymous": "30 s without a reply",
    "mp-timeout": "SYNs without an answer for 7 s",
    "multi-client": "one client's KDC and one client's DNS server are silent",
    "multi-client.pcapng": "the same",
    "multi-client.nm1": "the same",
    "multi-client.nm2": "the same",
    "preauth-unsupported": "the client gives up: it sends nothing more for a while",
    "preauth-unsupported-no-key": "the same",
    "referral-kdc-gone": "SYNs to the other realm's KDC without an answer",
    "referral-kdc-silent": "requests to it without an answer",
}


def capture_of(case):
    return next((TOP / "pcaps" / case).glob("capture.*"))


def report_of(capture):
    return json.loads(net.run(KRBSCOPE, "--json", "-", capture).stdout)


def replayable(capture, folder):
    """tcpreplay reads no Network Monitor files; the frames of one are as good in a pcapng."""
    if capture.suffix != ".cap":
        return capture
    copy = folder / "copy.pcapng"
    done = net.run(KRBSCOPE, "live", "--read", capture, "-w", copy)
    net.expect(done.returncode == 0, f"{capture} as pcapng: {done.stderr}")
    return copy


def compare(case, speed):
    with tempfile.TemporaryDirectory() as name, net.Network(f"{case[-24:]}{speed}") as network:
        folder, capture = pathlib.Path(name), capture_of(case)
        report = report_of(capture)
        frames = report["captures"][0]["frames"]
        recording = folder / "recording.pcapng"
        live = net.Live(KRBSCOPE, network, folder, "--every-port", "-w", recording)
        net.expect(not net.status_of(live.pid).get("Uid", "0").startswith("0"), "root is given up")
        network.replay(replayable(capture, folder), *speed.split())
        net.wait_for(lambda: live.frames() >= frames, f"{case}: all {frames} frames captured")
        live.end()
        found = net.attempts(live.json)
        wanted = report_of(recording) if speed and case in SILENT else report
        said, wanted = net.lines_of(found), net.lines_of(wanted["attempts"])
        net.expect(said == wanted,
                   f"{case} {speed}: live says {said - wanted}, not {wanted - said}")
        net.expect(all(a["final"] for a in found), f"{case}: every attempt is final")


def compare_all(cases, speed, at_once):
    with concurrent.futures.ThreadPoolExecutor(at_once) as pool:
        for done in [pool.submit(compare, case, speed) for case in cases]:
            done.result()


net.needs_root()
every_case = sorted(c.parent.name for c in TOP.glob("pcaps/*/capture.*"))
net.expect(set(SILENT) <= set(every_case), "the cases of SILENT exist")
compare_all(every_case[::1 if TAKES_ALL else EVERY], "-t", AT_ONCE_FULL_SPEED)
compare_all(every_case if TAKES_ALL else REAL_TIME_SAMPLE, "", AT_ONCE_REAL_TIME)
sys.exit(1 if net.failures else 0)

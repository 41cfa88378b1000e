#!/usr/bin/env python3
"""What tshark misses with its preferences as they come, `krbscope messages` has: case by case.

    default_misses.py KRBSCOPE PCAPS

Goal: swapped segments, a segment that came late, TYPED-DATA and retransmissions hide nothing.
Method: for each case of PCAPS named below, the Kerberos messages of tshark without a preference set
and ours, as (frame, type). Ours must be all of `messages`, and tshark's all but `missed`: the day
tshark finds them, the case shows nothing any more. Of e-data and pairing, which tshark's summary
of messages does not hold, the fields are looked at. Says "skipped" without tshark.
"""
import json
import re
import shutil
import subprocess
import sys

TYPES = {"10": "AS-REQ", "11": "AS-REP", "12": "TGS-REQ", "13": "TGS-REP", "14": "AP-REQ",
         "15": "AP-REP", "30": "KRB-ERROR"}
CUT = {"messages": [(6, "AS-REQ"), (8, "KRB-ERROR"), (14, "AS-REQ"), (22, "AS-REP"),
                    (51, "TGS-REQ"), (58, "TGS-REP"), (70, "AP-REQ"), (74, "AP-REP")],
       "missed": [(22, "AS-REP"), (51, "TGS-REQ"), (58, "TGS-REP"), (70, "AP-REQ"),
                  (74, "AP-REP")]}
CASES = {"success-segments-swapped": CUT, "success-segments-late": CUT}
TYPED_DATA = ("pkinit-untrusted", 12, [104, 133])  # frame, types of its elements
REPEATED = ("success-kdc-slow", {7: 3}, {9: 3, 10: 7, 14: 13})  # repeats, answers


def tshark(path, shown, *fields):
    """A list of fields a frame; a field is a list of values."""
    words = [w for f in fields for w in ("-e", f)]
    run = subprocess.run(["tshark", "-n", "-r", path, "-Y", shown, "-T", "fields", *words],
                         stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=True)
    return [[v.split(",") if v else [] for v in line.split("\t")]
            for line in run.stdout.decode("ascii", "replace").splitlines()]


def ours(program, path):
    run = subprocess.run([program, "messages", "--format", "json", "--protocol", "kerberos", path],
                         stdout=subprocess.PIPE, check=True)
    return [json.loads(line) for line in run.stdout.splitlines()]


def kerberos_of(o):
    """The outermost Kerberos message of an object."""
    if o["protocol"] == "kerberos":
        return o
    for name in ("authorization", "www_authenticate"):
        token = (o.get(name) or {}).get("token") or {}
        if "message" in token:
            return token["message"]
    return None


def same(what, got, wanted):
    if got != wanted:
        print(f"{what}:\n  is        {got}\n  should be {wanted}")
    return got == wanted


def check_segments(program, folder, name, case):
    path = f"{folder}/{name}/capture.pcap"
    mine = [(o["frame"], kerberos_of(o)["type"]) for o in ours(program, path)
            if kerberos_of(o)["complete"]]
    theirs = [(int(frame[0]), TYPES[kinds[0]]) for frame, kinds
              in tshark(path, "kerberos.msg_type", "frame.number", "kerberos.msg_type")]
    rest = [m for m in case["messages"] if m not in case["missed"]]
    return same(f"{name}, ours", mine, case["messages"]) & same(f"{name}, tshark", theirs, rest)


def check_typed_data(program, folder):
    name, frame, types = TYPED_DATA
    path = f"{folder}/{name}/capture.pcap"
    error = next(o for o in ours(program, path) if o["frame"] == frame)
    theirs = tshark(path, f"frame.number == {frame}", "kerberos.e_data", "kerberos.padata_type")
    return (same(f"{name}, kind", error["e_data"]["kind"], "typed-data")
            & same(f"{name}, ours", [p["type"] for p in error["e_data"]["padata"]], types)
            & same(f"{name}, tshark", theirs[0][1], []))


def check_repeated(program, folder):
    """tshark 4.0 has no field that ties one Kerberos message to another."""
    name, repeats, answers = REPEATED
    path = f"{folder}/{name}/capture.pcap"
    found = ours(program, path)
    got = {field: {o["frame"]: o[field] for o in found if o["frame"] in wanted}
           for field, wanted in (("repeats", repeats), ("reply_to", answers))}
    shown = subprocess.run(["tshark", "-n", "-r", path, "-Y", "kerberos", "-T", "pdml"],
                           stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=True)
    ties = re.findall(rb'name="(kerberos\.[^"]*(?:_in|_to|retrans[^"]*))"', shown.stdout)
    return (same(f"{name}, repeats", got["repeats"], repeats)
            & same(f"{name}, reply_to", got["reply_to"], answers)
            & same("tshark's fields that tie messages", ties, []))


def main():
    program, folder = sys.argv[1:]
    if shutil.which("tshark") is None:
        print("skipped: tshark is not installed")
        return 0
    good = [check_segments(program, folder, name, case) for name, case in CASES.items()]
    good += [check_typed_data(program, folder), check_repeated(program, folder)]
    return 0 if all(good) else 1


if __name__ == "__main__":
    sys.exit(main())

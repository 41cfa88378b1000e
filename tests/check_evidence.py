#!/usr/bin/env python3
"""Evidence files: analysed again they say the same, and Wireshark reads them.

  check_evidence.py KRBSCOPE SOURCE_DIR [EACH]

EACH takes a sample, every EACH-th capture (the sanitizers' builds, see CMakeLists.txt); without it
all of them are taken.

Goal: --evidence keeps what the verdict rests on, with times, comments and link types. Method: every
capture of pcaps/ goes through --evidence; outcome, verdict and steps of each attempt must come
back. Of every KRBSCOPE_ORACLE_EVERY-th capture (default 8) the same goes for --evidence-flows and
for --redact, and tshark reads the evidence, plain and redacted, without a word, finds no expert
note (what its -z expert counts) that the original lacks, and a comment on each frame that names
the frame it was, whose time and lengths are the same.
"""
import concurrent.futures
import glob
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile


MANY = "\x1f"  # between values of one field
CHAT = 0x200000  # tshark's severity of what is no trouble; comments lie below


def run(*arguments):
    return subprocess.run(arguments, capture_output=True, check=False, timeout=300)


def essence(report):
    """What must be the same: everything that a verdict says but frame numbers."""
    out = []
    for a in report["attempts"]:
        verdict = a["verdict"] or {}
        out.append((a["kind"], a["outcome"], a["authenticated_by"], a["client"], a["server"],
                    verdict.get("cause"), verdict.get("step"), verdict.get("confidence"),
                    [(s["step"], s["state"]) for s in a["steps"]]))
    return out


def analyse(krbscope, files, evidence=None, *options):
    arguments = [krbscope, "-q", "--format", "json"]
    if evidence:
        arguments += ["--evidence", evidence, *options]
    done = run(*arguments, *files)
    if done.returncode == 2 or done.stderr:
        raise RuntimeError(f"{' '.join(files)}: exit {done.returncode}: {done.stderr.decode()}")
    return json.loads(done.stdout)


def read_by_tshark(path):
    """(number -> (time, bytes on the wire, captured, encapsulation, comment), complaints, expert
    notes with their numbers and names taken out), by one process."""
    done = run("tshark", "-n", "-o", "tcp.reassemble_out_of_order:TRUE", "-r", path, "-T", "fields",
               "-E", "separator=/t", "-E", f"aggregator={MANY}", "-e", "frame.number", "-e",
               "frame.time_epoch", "-e", "frame.len", "-e", "frame.cap_len", "-e",
               "frame.encap_type", "-e", "frame.comment", "-e", "_ws.expert.severity", "-e",
               "_ws.expert.message")
    # libwireshark greets root; everything else on standard error is a complaint
    words = [w for w in done.stderr.decode().splitlines() if "Running as user" not in w]
    rows, experts = {}, set()
    for line in done.stdout.decode().splitlines():
        number, time, length, captured, encap, comment, severities, messages = line.split("\t")
        rows[int(number)] = [time, length, captured, encap, comment]
        for severity, message in zip(severities.split(MANY), messages.split(MANY)):
            # Of a message that the capture cut short tshark takes the rest for the next one.
            if length == captured and severity and int(severity) > CHAT:
                experts.add(re.sub(r"\d+", "#", message))
            elif severity and int(severity) == CHAT:  # a request or a status line, with its names
                experts.add(re.sub("[A-Za-z0-9]", "x", message))
    return rows, words, experts


def check_tshark(original, evidence):
    """original: what read_by_tshark() gave of the capture."""
    problems = []
    theirs, _, known = original
    ours, words, notes = read_by_tshark(evidence)
    if words:
        problems.append(f"tshark says: {words[0]}")
    for number, (time, length, captured, encap, comment) in ours.items():
        match = re.match(r"frame (\d+) of ", comment)
        if not match:
            problems.append(f"frame {number} has the comment {comment!r}")
            break
        was = theirs.get(int(match.group(1)))
        if was is None or [time, length, captured, encap] != was[:4]:
            problems.append(f"frame {number} was {match.group(1)} {was}, is {ours[number]}")
            break
    # A part of a capture begins and ends in the midst of connections, as any capture may.
    new = {e for e in notes - known
           if "not captured" not in e and "unseen segment" not in e.lower()}
    if new:
        problems.append(f"new expert notes: {sorted(new)}")
    return problems


def check(krbscope, original, scratch, with_tshark):
    problems = []
    name = os.path.basename(os.path.dirname(original))
    try:
        known = read_by_tshark(original) if with_tshark and shutil.which("tshark") else None
        for options in (), ("--evidence-flows",), ("--redact",), ("--redact", "--evidence-flows"):
            if options and not with_tshark:
                break
            evidence = os.path.join(scratch, f"{name}{''.join(options)}.pcapng")
            before = analyse(krbscope, [original], evidence, *options)
            if not before["attempts"] and not os.path.getsize(evidence):
                continue
            after = analyse(krbscope, [evidence])
            if essence(before) != essence(after):
                for x, y in zip(essence(before), essence(after)):
                    if x != y:
                        problems.append(f"said {x}\n   and of the evidence {y}")
                if len(before["attempts"]) != len(after["attempts"]):
                    problems.append(f"{len(before['attempts'])} attempts, then "
                                    f"{len(after['attempts'])}")
            if known and options != ("--evidence-flows",):
                problems += [f"{' '.join(options)} {p}" for p in check_tshark(known, evidence)]
    except RuntimeError as error:
        problems.append(str(error))
    return [f"{name}: {p}" for p in problems]


def check_selection(krbscope, original, scratch):
    """Of many clients one is asked for: its frames alone are there, and say the same of it."""
    whole, part = os.path.join(scratch, "whole.pcapng"), os.path.join(scratch, "part.pcapng")
    first = analyse(krbscope, [original], whole)["attempts"][0]
    address = first["client"]["address"]
    done = run(krbscope, "-q", "--client", address, "--evidence", part, original)
    after = json.loads(run(krbscope, "-q", "--format", "json", part).stdout)
    before = json.loads(run(krbscope, "-q", "--format", "json", "--client", address,
                            original).stdout)
    if done.returncode == 2 or essence(before) != essence(after):
        return [f"{original}: evidence of {address} alone says something else"]
    if os.path.getsize(part) * 2 > os.path.getsize(whole):
        return [f"{original}: evidence of one client is as large as that of all"]
    return []


def check_several(krbscope, captures, scratch):
    """Several captures of one case lie in one file, each a section, and are told apart again."""
    joined = os.path.join(scratch, "joined.pcapng")
    before, after = analyse(krbscope, captures, joined), analyse(krbscope, [joined])
    if essence(before) != essence(after) or len(after["captures"]) != len(captures):
        return [f"{captures}: the evidence of several captures says something else"]
    return []


def main():
    krbscope, source_dir = sys.argv[1:3]
    each = int(sys.argv[3]) if len(sys.argv) > 3 else 1
    every = int(os.environ.get("KRBSCOPE_ORACLE_EVERY", "8"))
    captures = sorted(glob.glob(f"{source_dir}/pcaps/*/capture.*"))[::each]
    has_tshark = shutil.which("tshark") is not None
    os.environ.update(LC_ALL="C.UTF-8", TZ="UTC")
    with tempfile.TemporaryDirectory() as scratch, \
            concurrent.futures.ThreadPoolExecutor(2) as pool:
        problems = sum(pool.map(lambda pair: check(krbscope, pair[1], scratch,
                                                   pair[0] % every == 0),
                                enumerate(captures)), [])
        problems += check_selection(krbscope, f"{source_dir}/pcaps/multi-client/capture.pcap",
                                    scratch)
        problems += check_several(krbscope, [f"{source_dir}/pcaps/{name}/capture.pcap" for name in
                                             ("success", "success.dc", "success.mp1")], scratch)
    for problem in problems:
        print(problem)
    if not captures or problems:
        sys.exit(1)
    print(f"{len(captures)} captures: their evidence says the same"
          + ("" if has_tshark else " (skipped: tshark is not installed)"))


if __name__ == "__main__":
    main()

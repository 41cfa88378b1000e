#!/usr/bin/env python3
"""Servers' logs through the program: the cases of tests/logs/, and counts against an independent
reading.

    tests/check_logs.py KRBSCOPE SOURCE_DIR

A case is a folder with case.json: {"args", "exit", "expect": {"path.to.member": value, …}}; a file
of args is relative to the folder. The second part makes a log of known content and counts in Python
what krbscope must count, then reads it again in pieces, packed, and in another order.
"""
import collections
import gzip
import json
import lzma
import os
import random
import subprocess
import sys
import tempfile

krbscope, source_dir = (os.path.abspath(path) for path in sys.argv[1:])
failures = 0


def fail(text):
    global failures
    failures += 1
    print("FAILED:", text)


def run(args, folder="."):
    done = subprocess.run([krbscope, "--json", "-", *args], cwd=folder, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE)
    if done.stderr:
        fail("%s: %s" % (args, done.stderr.decode("utf-8", "replace")[:200]))
    return done.returncode, json.loads(done.stdout)


def member(tree, path):
    """The member named "attempts.0.verdict.cause"; "#" is the length of a list."""
    for name in path.split("."):
        if name == "#":
            return len(tree)
        tree = tree[int(name)] if isinstance(tree, list) else tree[name]
    return tree


def check_case(folder):
    with open(os.path.join(folder, "case.json"), encoding="utf-8") as file:
        case = json.load(file)
    status, tree = run(case["args"], folder)
    if status != case["exit"]:
        fail("%s: exit status %d, not %d" % (folder, status, case["exit"]))
    for path, wanted in case["expect"].items():
        try:
            got = member(tree, path)
        except (KeyError, IndexError, TypeError):
            got = "(not there)"
        if got != wanted:
            fail("%s: %s is %r, not %r" % (folder, path, got, wanted))


FIELDS = ("#Software: Microsoft Internet Information Services 10.0\r\n#Version: 1.0\r\n"
          "#Date: 2026-11-22 00:00:00\r\n"
          "#Fields: date time s-ip cs-method cs-uri-stem cs-uri-query s-port cs-username c-ip "
          "cs(User-Agent) sc-status sc-substatus sc-win32-status time-taken\r\n")


def line(second, method, path, user, client, status):
    return ("2026-11-22 %02d:%02d:%02d 192.0.2.21 %s %s - 80 %s %s ccmhttp %s 15\r\n" %
            (second // 3600, second // 60 % 60, second % 60, method, path, user, client, status))


def make_log(generator):
    """Lines of one day by time, and what becomes of each client. A client tries once every ten
    minutes at most, so that its tries are told apart."""
    lines = []
    truth = collections.defaultdict(collections.Counter)
    for client_number in range(400):
        client = "10.1.%d.%d" % (client_number // 250, client_number % 250 + 1)
        kind = generator.choice(["kerberos", "ntlm", "denied", "skew", "probe", "anonymous"])
        for slot in sorted(generator.sample(range(143), generator.randint(1, 6))):
            at = slot * 600 + generator.randint(0, 500)
            post = ("CCM_POST", "/ccm_system_windowsauth/request")
            first = line(at, *post, "-", client, "401 2 2148074254")
            if kind == "kerberos":
                lines += [(at, first),
                          (at + 1, line(at + 1, *post, "EX\\PC$", client, "200 0 0"))]
                truth[client]["approved"] += 1
            elif kind == "ntlm":
                lines += [(at, first), (at, line(at, *post, "-", client, "401 1 2148074254")),
                          (at + 1, line(at + 1, *post, "EX\\PC$", client, "200 0 0"))]
                truth[client]["approved"] += 1
            elif kind in ("denied", "skew"):
                code = {"denied": "2148074252", "skew": "2148074276"}[kind]
                lines += [(at, first), (at + 1, line(at + 1, *post, "-", client, "401 1 " + code))]
                truth[client]["refused"] += 1
                truth[client][kind] = 1
            elif kind == "probe":
                lines += [(at, line(at, "GET", "/", "-", client, "401 2 2148074254"))]
            else:
                lines += [(at, line(at, "CCM_POST", "/ccm_system/request", "-", client, "200 0 0"))]
    lines.sort(key=lambda item: item[0])
    return [text for _, text in lines], truth


def compare(name, tree, truth, num_lines):
    clients = {c["address"]: c for c in tree["log_clients"]}
    for address, counts in truth.items():
        got = clients.get(address)
        if got is None:
            fail("%s: %s is missing" % (name, address))
            continue
        for word in ("approved", "refused"):
            if got[word] != counts[word]:
                fail("%s: %s was %s %d times, not %d" % (name, address, word, got[word],
                                                          counts[word]))
        cause = ("ntlm-refused" if counts["denied"] else
                 "clock-skew" if counts["skew"] else None)
        if (got["verdict"] or {}).get("cause") != cause:
            fail("%s: %s: cause %s, not %s" % (name, address, got["verdict"], cause))
    for address, got in clients.items():
        if address not in truth and got["refused"] + got["failed"] > 0:
            fail("%s: %s was refused, they say" % (name, address))
    if sum(log["entries"] for log in tree["logs"]) != num_lines:
        fail("%s: entries %s, not %d" % (name, [log["entries"] for log in tree["logs"]], num_lines))


def check_counts(folder):
    generator = random.Random(20261122)
    lines, truth = make_log(generator)

    def write(name, text, opener=open):
        path = os.path.join(folder, name)
        with opener(path, "wb") as file:
            file.write(text.encode("ascii"))
        return path

    whole = write("u_ex.log", FIELDS + "".join(lines))
    num_bad = sum(1 for counts in truth.values() if counts["refused"])
    forms = {"whole": [whole]}
    cut = len(lines) // 3
    pieces = [lines[:cut], lines[cut:2 * cut], lines[2 * cut:]]
    forms["rotated, in the wrong order"] = [
        write("rotated_%d.log" % number, FIELDS + "".join(pieces[number])) for number in (2, 0, 1)]
    forms["packed"] = [
        write("a.gz", FIELDS + "".join(pieces[0]), gzip.open),
        write("b.xz", FIELDS + "".join(pieces[1]), lzma.open),
        write("c.log", FIELDS + "".join(pieces[2]))]
    # Two nodes share every client's requests: the challenge by one, the answer by the other.
    forms["two nodes"] = [
        write("node1.log", FIELDS + "".join(lines[0::2])),
        write("node2.log", FIELDS + "".join(lines[1::2]))]
    forms["LF, and columns that change"] = [write(
        "lf.log", FIELDS.replace("\r", "") + "".join(lines[:cut]).replace("\r", "") +
        "#Fields: date time c-ip cs-method cs-uri-stem s-port cs-username sc-status sc-substatus "
        "sc-win32-status\n" +
        "".join("%s %s %s %s %s 80 %s %s %s %s\n" % (w[0], w[1], w[8], w[3], w[4], w[7], w[10],
                                                     w[11], w[12])
                for w in (text.split() for text in lines[cut:])))]
    for name, paths in forms.items():
        status, tree = run([word for path in paths for word in ("--iis-log", path)])
        compare(name, tree, truth, len(lines))
        if status != 1 or tree["log_summary"]["bad_clients"] != num_bad:
            fail("%s: status %d, %d bad clients, not %d" %
                 (name, status, tree["log_summary"]["bad_clients"], num_bad))
    return len(forms)


cases = sorted(os.path.join(source_dir, "tests/logs", name)
               for name in os.listdir(os.path.join(source_dir, "tests/logs"))
               if os.path.exists(os.path.join(source_dir, "tests/logs", name, "case.json")))
for case_folder in cases:
    check_case(case_folder)
with tempfile.TemporaryDirectory() as scratch:
    num_forms = check_counts(scratch)
print("%d cases, %d forms of one log, %d failed checks" % (len(cases), num_forms, failures))
sys.exit(1 if failures or not cases else 0)

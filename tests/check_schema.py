#!/usr/bin/env python3
"""Every JSON report is what docs/report.schema.json says, and the schema can refuse.

    tests/check_schema.py KRBSCOPE SOURCE_DIR

Exit status 77 (skipped) without the module jsonschema.
"""
import copy
import glob
import json
import os
import re
import subprocess
import sys
import tempfile

try:
    import jsonschema
except ImportError:
    print("skipped: the Python module jsonschema is not installed")
    sys.exit(77)

krbscope, source_dir = sys.argv[1:]
failures = 0


def fail(text):
    global failures
    failures += 1
    print("FAILED:", text)


def report(captures):
    run = subprocess.run([krbscope, "--json", "-", *captures], stdout=subprocess.PIPE)
    return json.loads(run.stdout.decode("ascii"))


def check_refusals(validator, good):
    """Each change makes a good report bad; a schema that does not notice is no schema."""
    def path_set(*path):
        def change(tree):
            for key in path[:-2]:
                tree = tree[key]
            tree[path[-2]] = path[-1]
        return change

    changes = [
        path_set("schema", "krbscope.report/2"),
        path_set("surplus", 1),
        path_set("summary", "by_outcome", "unheard-of", 1),
        path_set("summary", "by_cause", "unheard-of", 1),
        path_set("captures", 0, "time_zone", "CET"),
        path_set("captures", 0, "drops", {"unheard-of": 1}),
        path_set("attempts", 0, "kind", "unheard-of"),
        path_set("attempts", 0, "outcome", "unheard-of"),
        path_set("attempts", 0, "first_time", "2026-11-22 11:12:42"),
        path_set("attempts", 0, "surplus", None),
        path_set("attempts", 0, "steps", good["attempts"][0]["steps"][:7]),
        path_set("attempts", 0, "steps", good["attempts"][0]["steps"][::-1]),
        path_set("attempts", 0, "steps", 0, "state", "unheard-of"),
        path_set("attempts", 0, "events", 0, "kind", "unheard-of"),
        path_set("attempts", 0, "verdict", "cause", "unheard-of"),
        path_set("attempts", 0, "verdict", "confidence", "unheard-of"),
        path_set("attempts", 0, "verdict", "evidence", [{"frame": 1}]),
    ]
    for number, change in enumerate(changes):
        bad = copy.deepcopy(good)
        change(bad)
        if validator.is_valid(bad):
            fail("change %d was not refused" % number)
    for name in good:
        bad = {key: value for key, value in good.items() if key != name}
        if validator.is_valid(bad):
            fail("a report without %s was not refused" % name)


with open(os.path.join(source_dir, "docs/report.schema.json"), encoding="utf-8") as file:
    schema = json.load(file)
jsonschema.Draft202012Validator.check_schema(schema)
validator = jsonschema.Draft202012Validator(schema)

with open(os.path.join(source_dir, "diagnose/causes.def"), encoding="utf-8") as file:
    causes = re.findall(r'^CAUSE\(\w+, "([^"]+)"', file.read(), re.MULTILINE)
if causes != schema["$defs"]["cause"]["enum"]:
    fail("the schema's causes are not those of diagnose/causes.def")

captures = sorted(glob.glob(os.path.join(source_dir, "pcaps/*/capture.*")))
good = None
for capture in captures:
    tree = report([capture])
    for error in validator.iter_errors(tree):
        fail("%s: %s: %s" % (capture, "/".join(map(str, error.path)), error.message[:200]))
    if any(a["verdict"] and a["events"] for a in tree["attempts"][:1]):
        good = good or tree
for error in validator.iter_errors(report(captures[:40])):
    fail("many files: %s: %s" % ("/".join(map(str, error.path)), error.message[:200]))

def log_report():
    """A log beside a capture that it tells of, and one alone: every member of the logs' part."""
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "u_ex.log")
        with open(path, "w", encoding="ascii", newline="\r\n") as file:
            file.write("#Fields: date time cs-method cs-uri-stem s-port cs-username c-ip "
                       "sc-status sc-substatus sc-win32-status\n")
            for code in ("2 2148074254", "1 2148074255"):
                file.write("2026-11-22 11:37:42 CCM_POST /ccm_system_windowsauth/request 80 - "
                           "10.77.0.101 401 %s\n" % code)
            file.write("\u0000 no line\n")
        capture = os.path.join(source_dir, "pcaps/spn-wrong-account/capture.pcap")
        return report(["--iis-log", path, capture]), report(["--iis-log", path])


for tree in log_report():
    for error in validator.iter_errors(tree):
        fail("with logs: %s: %s" % ("/".join(map(str, error.path)), error.message[:200]))
    if tree["log_summary"]["bad_clients"] != 1 or tree["logs"][0]["unparsed"] != 1:
        fail("with logs: %s" % tree["log_summary"])
    for change in ("log_summary", "logs"):
        bad = copy.deepcopy(tree)
        (bad[change] if change == "log_summary" else bad[change][0])["surplus"] = 1
        if validator.is_valid(bad):
            fail("with logs: a surplus member was not refused")
if good is None:
    fail("no capture has an attempt with a verdict and events first")
else:
    check_refusals(validator, good)
print("%d reports, %d failed checks" % (len(captures) + 1, failures))
sys.exit(1 if failures else 0)

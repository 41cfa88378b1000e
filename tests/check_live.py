#!/usr/bin/env python3
"""`krbscope live --read`: every line is what docs/live.schema.json says, revisions rise, and what
is written beside standard output is right: rotation, ring, evidence, metrics, syslog.

usage: check_live.py KRBSCOPE SOURCE_FOLDER

Exit status 77 (skipped) without the module jsonschema.
"""
import json
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time

try:
    import jsonschema
except ImportError:
    print("skipped: the Python module jsonschema is not installed")
    sys.exit(77)

KRBSCOPE, TOP = sys.argv[1], pathlib.Path(sys.argv[2])
CASE = TOP / "pcaps/multi-client/capture.pcap"
PATIENCE_S = 15
EVERY = 8  # of the captures so many are looked at
failures = 0


def expect(good, what):
    global failures
    if not good:
        failures += 1
        print(f"FAILED: {what}")


def live(*options, capture=CASE):
    done = subprocess.run([KRBSCOPE, "live", "--read", str(capture), *map(str, options)],
                          capture_output=True, text=True, timeout=60)
    expect(done.returncode == 0, f"exit status {done.returncode}: {done.stderr} {options}")
    return done


def lines_of(text):
    return [json.loads(line) for line in text.splitlines()]


def validator():
    def load(name):
        return json.loads((TOP / "docs" / name).read_text())
    schema, report = load("live.schema.json"), load("report.schema.json")
    jsonschema.Draft202012Validator.check_schema(schema)
    resolver = jsonschema.RefResolver("live.schema.json", schema,
                                      store={"report.schema.json": report})
    return jsonschema.Draft202012Validator(schema, resolver=resolver)


def check_schema():
    valid = validator()
    captures = sorted(TOP.glob("pcaps/*/capture.*"))[::EVERY] + [CASE]
    for capture in captures:
        revisions, finals = {}, set()
        objects = lines_of(live("--format", "json", capture=capture).stdout)
        for o in objects:
            for error in valid.iter_errors(o):
                expect(False, f"{capture}: {error.message[:200]}")
            if "attempt_id" in o:
                number = o["attempt_id"]
                expect(o["revision"] == revisions.get(number, 0) + 1, f"{capture}: revisions rise")
                revisions[number] = o["revision"]
                if o["final"]:
                    finals.add(number)
        expect(objects[-1].get("reason") == "end", f"{capture}: the last line is a summary")
        expect(objects[-1]["summary"]["attempts"] == len(revisions), f"{capture}: all are counted")
        expect(finals == set(revisions), f"{capture}: every attempt becomes final")
    bad = dict(objects[0])
    bad.pop("revision", None)
    expect(not valid.is_valid(bad), "the schema refuses an attempt without revision")


def check_rotation(folder):
    out = folder / "live.json"
    for _ in range(12):
        live("--json", out, "--rotate-size", 1, "--rotate-files", 2)
    names = sorted(f.name for f in folder.glob("live.json*"))
    expect(names == ["live.json", "live.json.1", "live.json.2"], f"rotated files: {names}")
    for name in names:
        data = (folder / name).read_text()
        expect(len(data) <= 1048576 and data.endswith("\n"), f"{name} is whole and small")
        lines_of(data)


def frames_in(path):
    report = subprocess.run([KRBSCOPE, "--json", "-", path], capture_output=True, text=True)
    return json.loads(report.stdout)["captures"][0]["frames"]


def check_ring(folder):
    one = folder / "one.pcapng"
    live("-w", one)
    expect(frames_in(one) == frames_in(CASE), "one file holds every frame")
    ring = folder / "ring.pcapng"
    for _ in range(4):
        live("-w", ring, "--ring-files", 3, "--ring-size", 1)
    names = sorted(f.name for f in folder.glob("ring*"))
    expect(names == [f"ring-0000000{i}.pcapng" for i in (2, 3, 4)], f"the ring's files: {names}")


def check_evidence(folder):
    kept = folder / "evidence"
    kept.mkdir()
    done = live("--evidence-dir", kept, "--format", "json")
    latest = {o["attempt_id"]: o for o in lines_of(done.stdout) if "attempt_id" in o}
    failed = [o for o in latest.values() if o["outcome"] in ("refused", "failed")]
    captures = sorted(kept.glob("krbscope-*.pcapng"))
    expect(len(captures) == len(failed) > 5, f"{len(captures)} captures for {len(failed)} failures")
    for o in failed:
        pair = list(kept.glob(f"krbscope-*-{o['attempt_id']:06}.*"))
        expect(len(pair) == 2, f"attempt {o['attempt_id']} has a capture and a report")
        for path in pair:
            if path.suffix == ".txt" and o["verdict"]:
                expect(o["verdict"]["cause"] in path.read_text(), f"{path.name} names the cause")
            elif path.suffix == ".pcapng":
                wanted = {f for e in o["events"] for f in e["frames"]}
                expect(frames_in(path) >= len(wanted), f"{path.name} holds the frames named")


SAMPLE = re.compile(r'^(krbscope_[a-z_]+)(\{([a-z]+="[^"\\\n]*",?)+\})? [-+0-9.e]+(Inf)?$')


def check_metrics(folder):
    """The exposition format: TYPE before samples, each name once, buckets rise."""
    path = folder / "krbscope.prom"
    done = live("--metrics", path, "--format", "json")
    types, seen, values = {}, set(), {}
    for line in path.read_text().splitlines():
        if line.startswith("# TYPE "):
            _, _, name, kind = line.split()
            expect(name not in types, f"{name} is declared once")
            types[name] = kind
            continue
        if line.startswith("# HELP "):
            continue
        expect(SAMPLE.match(line) is not None, f"a sample: {line}")
        key, value = line.rsplit(" ", 1)
        name = re.sub(r"_(bucket|sum|count)$", "", key.split("{")[0])
        base = name if name in types else key.split("{")[0]
        expect(base in types, f"{key} has a type")
        expect(types.get(base) != "counter" or base.endswith("_total"), f"{base} ends in _total")
        expect(key not in seen, f"{key} is there once")
        seen.add(key)
        values[key] = float(value)
    buckets = [v for k, v in values.items() if k.startswith("krbscope_kdc_latency_seconds_bucket")]
    expect(buckets == sorted(buckets) and buckets[-1] > 0, "the buckets of KDC latency rise")
    expect(buckets[-1] == values["krbscope_kdc_latency_seconds_count"], "the last bucket is all")
    total = lines_of(done.stdout)[-1]["summary"]
    for outcome, number in total["by_outcome"].items():
        expect(values[f'krbscope_attempts_total{{outcome="{outcome}"}}'] == number, outcome)
    for cause, number in total["by_cause"].items():
        expect(values[f'krbscope_verdicts_total{{cause="{cause}"}}'] == number, cause)
    check_promtool(path)
    expect(not list(folder.glob("*.new")), "nothing is left beside the metrics")


RFC5424 = re.compile(r"^<(\d+)>1 (\d{4}-\d\d-\d\dT[\d:.]+Z) (\S+) krbscope (\d+) attempt - @cee: ")


def check_message(text):
    match = RFC5424.match(text)
    expect(match is not None, f"RFC 5424: {text[:80]}")
    if match:
        o = json.loads(text[match.end():])
        severity = int(match.group(1)) % 8
        expect(int(match.group(1)) // 8 == 3, "facility daemon")
        expect((severity == 4) == (o["outcome"] in ("refused", "failed")), "severity by outcome")


def check_syslog():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
        udp.bind(("127.0.0.1", 0))
        udp.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4194304)
        udp.settimeout(5)
        done = live("--syslog", f"udp:127.0.0.1:{udp.getsockname()[1]}", "--format", "json")
        num = sum("attempt_id" in o for o in lines_of(done.stdout))
        for _ in range(num):
            check_message(udp.recv(65536).decode())
    with socket.socket() as tcp:
        received = []
        tcp.bind(("127.0.0.1", 0))
        tcp.listen()

        def take():
            peer, _ = tcp.accept()
            with peer, peer.makefile("rb") as stream:
                while length := re.match(rb"(\d+) ", stream.peek(8)[:8]):
                    stream.read(length.end())
                    received.append(stream.read(int(length.group(1))).decode())

        thread = threading.Thread(target=take)
        thread.start()
        live("--syslog", f"tcp:127.0.0.1:{tcp.getsockname()[1]}")
        thread.join(timeout=10)
        expect(len(received) == num, f"{len(received)} of {num} messages over TCP")
        for text in received:
            check_message(text)
    done = live("--syslog", "tcp:127.0.0.1:1")
    expect("syslog takes no messages" in done.stderr, "a receiver that is away is told")


def free_port():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp, socket.socket() as tcp:
        tcp.bind(("127.0.0.1", 0))
        udp.bind(("127.0.0.1", tcp.getsockname()[1]))
        return tcp.getsockname()[1]


def wait_until(condition):
    """Patience for another process, not a measurement."""
    end = time.monotonic() + PATIENCE_S
    while not condition() and time.monotonic() < end:
        time.sleep(0.05)
    return condition()


def check_rsyslog(folder):
    """docs/fleet/rsyslog.conf, but for its port and folder, takes every attempt whole."""
    daemon = shutil.which("rsyslogd") or shutil.which("rsyslogd", path="/usr/sbin")
    if not daemon:
        print("not tried: rsyslog is not installed")
        return
    port = free_port()
    rules = (TOP / "docs/fleet/rsyslog.conf").read_text()
    config, taken = folder / "rsyslog.conf", folder / "krbscope-attempts.json"
    config.write_text(rules.replace('port="514"', f'port="{port}"')
                      .replace("/var/log/", f"{folder}/"))

    def count():
        return len(taken.read_text().splitlines()) if taken.exists() else 0

    def listens():
        with socket.socket() as tcp:
            return tcp.connect_ex(("127.0.0.1", port)) == 0

    process = subprocess.Popen([daemon, "-n", "-f", config, "-i", folder / "rsyslog.pid"],
                               stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    try:
        expect(wait_until(listens), "rsyslog listens")
        sent = lines_of(live("--format", "json", "--syslog", f"tcp:127.0.0.1:{port}").stdout)
        sent = [o for o in sent if "attempt_id" in o]
        expect(wait_until(lambda: count() >= len(sent)), "rsyslog takes every attempt over TCP")
        live("--syslog", f"udp:127.0.0.1:{port}")
        expect(wait_until(lambda: count() > len(sent)), "rsyslog takes attempts over UDP")
    finally:
        process.terminate()
        said = process.communicate(timeout=PATIENCE_S)[0]
    # UDP loses of a burst what the receiver's buffer does not hold; what came must be whole.
    received = lines_of(taken.read_text())
    expect(received[:len(sent)] == sent, f"rsyslog changes nothing: {said}")
    expect(all(o in sent for o in received), "what comes over UDP is whole")
    bad = sum(o["outcome"] in ("refused", "failed", "accepted-anonymous") for o in received)
    failed = (folder / "krbscope-failed.log").read_text().splitlines()
    expect(len(failed) == bad, f"{len(failed)} lines for a person, not {bad}")


def check_promtool(path):
    if not shutil.which("promtool"):
        print("not tried: promtool is not installed")
        return
    done = subprocess.run(["promtool", "check", "metrics"], input=path.read_text(),
                          capture_output=True, text=True)
    expect(done.returncode == 0 and not done.stderr, f"promtool: {done.stdout}{done.stderr}")


def check_signals():
    """A pipe that stays open: a summary on request, files anew, an end when asked."""
    with tempfile.TemporaryDirectory() as name:
        out = pathlib.Path(name) / "live.json"
        process = subprocess.Popen([KRBSCOPE, "live", "--read", "-", "--json", str(out)],
                                   stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=False)
        process.stdin.write(CASE.read_bytes())
        process.stdin.flush()
        text = b""
        process.send_signal(signal.SIGUSR1)
        process.stdin.close()
        text = process.stdout.read()
        expect(process.wait(timeout=20) == 0, "a clean end at the end of the pipe")
        expect(b"20 attempts" in text, "the last summary counts all")


with tempfile.TemporaryDirectory() as each:
    scratch = pathlib.Path(each)
    check_schema()
    check_rotation(scratch)
    check_ring(scratch)
    check_evidence(scratch)
    check_metrics(scratch)
    check_syslog()
    check_rsyslog(scratch)
    check_signals()
    text = live("--no-sandbox").stdout
    expect(text == live().stdout, "the sandbox changes nothing that is said")
sys.exit(1 if failures else 0)

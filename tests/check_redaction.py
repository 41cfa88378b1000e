#!/usr/bin/env python3
"""--redact: nobody can be found in any output, and the verdict is the same.

  check_redaction.py KRBSCOPE SOURCE_DIR [EACH]

EACH takes a sample, every EACH-th capture (the sanitizers' builds, see CMakeLists.txt); without it
all of them are taken.

Goal: no name, address or secret of a capture is in any output of a run with --redact. Method: what
there is to hide is taken from the plain report, the plain messages and tshark; every output (text,
JSON, Markdown, HTML, messages, evidence; tokens opened from base64) is searched for it as ASCII,
UTF-16, DNS label and binary address. Outcome, cause and steps of the redacted report and of the
redacted evidence, analysed again, must be those of the plain report. The cases with servers' logs
(tests/logs) likewise: names and addresses are taken from the logs and configurations, and the same
lines must tell of the same requests. Says "skipped" of secrets when
tshark is missing; KRBSCOPE_ORACLE_EVERY=8 asks tshark of every eighth capture.
"""
import base64
import concurrent.futures
import glob
import ipaddress
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile

# What --redact leaves on purpose (redact/known_words.def), and words of ours or of protocols.
KEPT = set(re.findall(r'KNOWN_WORD\("([^"]+)"\)', open(os.path.join(
    os.path.dirname(os.path.abspath(__file__)), "../redact/known_words.def"),
    encoding="ascii").read()))
SECRET_FIELDS = ["kerberos.cipher", "kerberos.checksum", "ntlmssp.auth.ntresponse",
                 "ntlmssp.auth.lmresponse", "ntlmssp.ntlmserverchallenge",
                 "ntlmssp.auth.sesskey", "ntlmssp.ntlmclientchallenge"]
RUN_BYTES = 8
# Names of the captures that are words of ours in a report, too.
OUR_WORDS = {"gone", "ccm", "test", "other", "password", "workstation", "open", "files", "kdc",
             "mute", "proxy", "reject", "ntlm", "tls"}
# … and in the comments of evidence.
COMMENT_WORDS = {"gone", "kdc", "proxy", "reject", "ntlm", "tls"}


def run(*arguments):
    return subprocess.run(arguments, capture_output=True, check=False, timeout=300)


def essence(report):
    return [(a["kind"], a["outcome"], a["authenticated_by"], (a["verdict"] or {}).get("cause"),
             (a["verdict"] or {}).get("step"), (a["verdict"] or {}).get("confidence"),
             [(s["step"], s["state"]) for s in a["steps"]]) for a in report["attempts"]]


def registrations(report):
    return [registration(e["fields"]) for a in report["attempts"] for e in a["events"]]


def form_of(value):
    """A JSON value of which only the letters and digits of its texts may have changed."""
    if isinstance(value, dict):
        return {key: form_of(inner) for key, inner in value.items() if key != "sha256"}
    if isinstance(value, list):
        return [form_of(inner) for inner in value]
    return re.sub("[A-Za-z0-9]", "x", value) if isinstance(value, str) else value


def registration(fields):
    """What a CCM_POST's body says, without names: only that there are some."""
    return ("client_name" in fields, "sms_id" in fields, fields.get("request_type"),
            fields.get("request_time"), fields.get("sent_time"))


def strings(value, path=""):
    """Every string of a JSON value with the name of its field."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from strings(inner, key)
    elif isinstance(value, list):
        for inner in value:
            yield from strings(inner, path)
    elif isinstance(value, str):
        yield path, value


def to_hide(report, messages):
    """(labels of names, addresses) that the plain outputs know."""
    labels, addresses = set(), set()
    fields = {"name", "realm", "crealm", "principal", "host", "spn", "address", "user", "domain",
              "workstation", "target_name", "dns_name", "computer", "salt", "target", "cname",
              "netbios_name", "fq_name", "client_name", "sms_id", "source_host", "dns_computer",
              "dns_domain", "netbios_computer", "netbios_domain", "dns_tree", "target_spn"}
    report = {key: value for key, value in report.items() if key != "tool"}
    for field, value in [p for v in [report, *messages] for p in strings(v)]:
        if field not in fields:
            continue
        try:
            addresses.add(ipaddress.ip_address(value))
            continue
        except ValueError:
            pass
        if field == "name" and re.match(r"^(PA-|KDC|KRB|aes|arcfour|des|NT-|[A-Z]+-[A-Z0-9-]+$)",
                                        value):
            continue
        for label in re.split(r"[./@\\:,;=?&$\s]+", value):
            if len(label) > 2 and label.lower() not in KEPT and not label.isdigit():
                labels.add(label.lower())
    return labels, addresses


def secrets(path):
    arguments = ["tshark", "-n", "-r", path, "-T", "fields", "-E", "occurrence=a"]
    for field in SECRET_FIELDS:
        arguments += ["-e", field]
    runs = set()
    values = [(field, value) for line in run(*arguments).stdout.decode().splitlines()
              for field, column in zip(SECRET_FIELDS, line.split("\t"))
              for value in column.split(",")]
    for field, value in values:
        try:
            raw = bytes.fromhex(value.replace(":", ""))
        except ValueError:
            raw = value.encode()
        if field == "ntlmssp.auth.ntresponse":
            raw = raw[:16]  # behind the proof come times and names, the latter replaced
        for at in range(0, len(raw) - RUN_BYTES + 1, RUN_BYTES):
            part = raw[at:at + RUN_BYTES]
            if len(set(part)) > 3:
                runs.add(part)
    return runs


def opened(blob):
    """The blob, and each base64 token in it decoded."""
    yield blob
    for token in re.findall(rb"(?:Negotiate|NTLM|Kerberos) ([A-Za-z0-9+/]{16,}=*)", blob):
        try:
            yield base64.b64decode(token[:len(token) // 4 * 4])
        except ValueError:
            pass


def search(blob, labels, addresses, runs):
    found = []
    words = b"|".join(re.escape(label.encode()) for label in sorted(labels)) or b"(?!)"
    pattern = re.compile(rb"(?<![a-z0-9])(?:" + words + rb")(?![a-z0-9])")  # all in one pass
    for part in opened(blob):
        low = part.lower()
        found += {match.decode() for match in pattern.findall(low)}
        for label in labels:
            netbios = b"".join(bytes([65 + (c >> 4), 65 + (c & 15)])
                               for c in label.upper().encode())
            if label.encode("utf-16-le") in low or (len(label) > 3 and netbios in part):
                found.append(label)
        for address in addresses:
            if address.packed in part or re.search(
                    rb"(?<![0-9.])" + re.escape(str(address).encode()) + rb"(?![0-9.])", part):
                if not (address.is_loopback or address.is_multicast or address.is_unspecified):
                    found.append(str(address))
        found += [r.hex() for r in runs if r in part]
    return found


def check(krbscope, path, scratch, with_tshark):
    name = os.path.basename(os.path.dirname(path))
    out = {form: os.path.join(scratch, f"{name}.{form}") for form in
           ("text", "json", "markdown", "html", "evidence")}
    key = os.path.join(scratch, "key")
    arguments = [krbscope, "--all", "-v", "--redact-key", key]
    for form, file in out.items():
        arguments += [f"--{form}", file]
    plain = json.loads(run(krbscope, "-q", "--format", "json", path).stdout)
    done = run(*arguments, path)
    if done.returncode == 2:
        return [f"{name}: {done.stderr.decode()}"]
    messages = [json.loads(line) for line in run(
        krbscope, "messages", "--format", "json", path).stdout.splitlines()]
    redacted_messages = run(krbscope, "messages", "--format", "json", "--redact-key", key,
                            path).stdout
    now = [json.loads(line) for line in redacted_messages.splitlines()]
    redacted_messages += run(krbscope, "messages", "-v", "--redact-key", key, path).stdout
    problems = []
    with open(out["json"], encoding="utf-8") as file:
        redacted = json.load(file)
    again = json.loads(run(krbscope, "-q", "--format", "json", out["evidence"]).stdout)
    for what, report in (("redacted report", redacted), ("redacted evidence", again)):
        if essence(plain) != essence(report):
            problems.append(f"the {what} differs: {essence(plain)}\n  now {essence(report)}")
        if registrations(plain) != registrations(report):
            problems.append(f"the {what} tells another registration: {registrations(report)}")
    if len(messages) != len(now):
        problems.append(f"redacted, it has {len(now)} messages, not {len(messages)}")
    for before, after in zip(messages, now):
        if form_of(before) != form_of(after):
            problems.append(f"redacted, a message differs: {before}\n  now {after}")
            break
    for kind in unlisted(redacted, plain, messages):
        problems.append(f"the note does not list {kind}")
    labels, addresses = to_hide(plain, messages)
    runs = secrets(path) if with_tshark else set()
    blobs = {form: open(file, "rb").read() for form, file in out.items()}
    blobs["messages"] = redacted_messages
    blobs["standard error"] = done.stderr
    for form, blob in blobs.items():
        if form != "evidence":
            found = search(blob, labels - OUR_WORDS, addresses, runs)
        else:
            blob = re.sub(rb"(?i)ccm[_-](system|post|approval)|ccmhttp", b"", blob)
            found = search(blob, labels - COMMENT_WORDS, addresses, runs)
        if found:
            problems.append(f"{form} holds {sorted(set(found))[:8]}")
    if os.path.dirname(path).encode() in blobs["text"] + blobs["html"] + blobs["evidence"]:
        problems.append("the path of the capture is told")
    return [f"{name}: {p}" for p in problems]


KINDS = {  # of the note, by what makes it necessary
    "labels of names": lambda messages, report: messages,
    "addresses": lambda messages, report: messages,
    "hardware addresses": lambda messages, report: messages,
    "tickets, ciphertexts, keys and values of certificates":
        lambda messages, report: any("ticket" in m for m in messages),
    "NTLM secrets": lambda messages, report: any(
        (m.get("token") or m).get("type") in ("NTLM-CHALLENGE", "NTLM-AUTHENTICATE")
        for m in messages),
    "SMS GUIDs": lambda messages, report: any(r[1] for r in registrations(report)),
    "bodies": lambda messages, report: any(r[1] for r in registrations(report)),
}


def unlisted(redacted, plain, messages):
    """Kinds of what was replaced that the redacted report does not list."""
    notes = [n["text"] for n in redacted["notes"] if n["id"] == "redacted"]
    return [kind for kind, is_there in KINDS.items() if is_there(messages, plain) and
            not (notes and re.search(rf"(: |, )\d+ {kind}", notes[0]))]


def check_key(krbscope, path, scratch):
    """One key file makes the same outputs in every run, another one others."""
    outputs = []
    for number, secret in enumerate((b"the first key of two" * 2, b"the first key of two" * 2,
                                     b"the other key of two" * 2)):
        key, evidence = (os.path.join(scratch, f"{name}-{number}") for name in ("key", "evidence"))
        with open(key, "wb") as file:
            file.write(secret)
        told = run(krbscope, "--format", "json", "--evidence", evidence, "--redact-key", key,
                   path).stdout
        with open(evidence, "rb") as file:
            outputs.append((told, file.read()))
    if outputs[0] != outputs[1]:
        return [f"{path}: two runs with one key differ"]
    if outputs[0][0] == outputs[2][0] or outputs[0][1] == outputs[2][1]:
        return [f"{path}: another key makes the same pseudonyms"]
    return []


def words_of_logs(folder, arguments):
    """(names, addresses) that the logs and configurations among the arguments hold: read here."""
    names, addresses = set(), set()
    for option, value in zip(arguments, arguments[1:]):
        if option not in ("--iis-log", "--httperr-log", "--iis-config"):
            continue
        with open(os.path.join(folder, value), encoding="utf-8") as file:
            text = file.read()
        addresses |= {ipaddress.ip_address(a) for a in re.findall(r"\b\d+\.\d+\.\d+\.\d+\b", text)}
        for name in re.findall(r"\S+\\\S+?(?=[\s\"])", text):  # DOMAIN\user
            names |= {part.lower() for part in re.split(r'[\\"=]', name) if len(part) > 2}
        names |= {name.lower() for name in re.findall(r'(?:site|add) name="([^"]+)"', text)}
        names |= {name.lower() for name in re.findall(r"\S+\+\S+", text)}  # a pool's queue
    return names - {"username"} - KEPT - {word.replace(" ", "+") for word in KEPT}, addresses


def log_essence(report):
    """What the logs of a report say, without names."""
    return ([(log["kind"], log["joined"], log["entries"], log["clock_is_unsure"])
             for log in report["logs"]],
            [[(line["log"], line["line"], line.get("frame"), line.get("status"),
               line.get("reason")) for line in a.get("log_lines", [])]
             for a in report["attempts"]],
            sorted((c["outcome"], c["lines"], (c["verdict"] or {}).get("cause", ""))
                   for c in report["log_clients"]),
            report["log_summary"]["clients_by_cause"])


def check_logs(krbscope, folder, scratch):
    """A case of tests/logs: redacted, with the pseudonyms of the captures, and the same said."""
    name = "logs/" + os.path.basename(folder)
    with open(os.path.join(folder, "case.json"), encoding="utf-8") as file:
        words = json.load(file)["args"]
    arguments = [w if w.startswith("--") else os.path.join(folder, w) for w in words]
    out = {form: os.path.join(scratch, f"{os.path.basename(folder)}-logs.{form}")
           for form in ("text", "json", "markdown", "html")}
    plain = json.loads(run(krbscope, "-q", "--all", "--format", "json", *arguments).stdout)
    done = run(krbscope, "--all", "-v", "--redact-key", os.path.join(scratch, "key"),
               *[w for form, file in out.items() for w in (f"--{form}", file)], *arguments)
    if done.returncode == 2:
        return [f"{name}: {done.stderr.decode()}"]
    with open(out["json"], encoding="utf-8") as file:
        redacted = json.load(file)
    problems = []
    if (essence(plain), log_essence(plain)) != (essence(redacted), log_essence(redacted)):
        problems.append(f"it differs: {log_essence(plain)}\n  now {log_essence(redacted)}")
    names, addresses = words_of_logs(folder, words)
    labels, known = to_hide(plain, [])
    for form, path in out.items():
        with open(path, "rb") as file:
            blob = file.read()
        found = search(blob, (names | labels) - OUR_WORDS, addresses | known, set())
        if found:
            problems.append(f"{form} holds {sorted(set(found))[:8]}")
        if source_folder(folder) in blob:
            problems.append(f"{form} tells the path of a file")
    return [f"{name}: {p}" for p in problems]


def source_folder(folder):
    return os.path.dirname(folder).encode()


def main():
    krbscope, source_dir = sys.argv[1:3]
    each = int(sys.argv[3]) if len(sys.argv) > 3 else 1
    every = int(os.environ.get("KRBSCOPE_ORACLE_EVERY", "8"))
    captures = sorted(glob.glob(f"{source_dir}/pcaps/*/capture.*"))[::each]
    has_tshark = shutil.which("tshark") is not None
    with tempfile.TemporaryDirectory() as scratch, \
            concurrent.futures.ThreadPoolExecutor(2) as pool:
        with open(os.path.join(scratch, "key"), "wb") as file:
            file.write(b"a key that is the same for each run of this test")
        problems = sum(pool.map(lambda pair: check(krbscope, pair[1], scratch, has_tshark and
                                                   pair[0] % every == 0),
                                enumerate(captures)), [])
        logs = sorted(map(os.path.dirname, glob.glob(f"{source_dir}/tests/logs/*/case.json")))
        problems += check_key(krbscope, captures[0], scratch)
        problems += sum(pool.map(lambda folder: check_logs(krbscope, folder, scratch), logs), [])
    for problem in problems:
        print(problem)
    if not captures or not logs or problems:
        sys.exit(1)
    print(f"{len(captures)} captures, {len(logs)} cases with logs: nobody is found in any output"
          + ("" if has_tshark else " (secrets skipped: tshark is not installed)"))


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
"""Compares the Kerberos messages of `krbscope messages --format json` with tshark's.

    messages.py KRBSCOPE EXCEPTIONS FOLDER...

Kerberos messages are compared one by one, in every carrier: frame, message type, carrier, the
fields that fields_of() reads, and what PA-DATA say in clear (padata.py); NTLM messages in HTTP,
SMB, LDAP, DCE/RPC and others by frame, type, carrier and names.
"""
import collections
import concurrent.futures
import csv
import datetime
import json
import os
import subprocess
import sys
import xml.etree.ElementTree

import padata as padata_values

TSHARK = ["tshark", "-n", "-Y", "kerberos or ntlmssp", "-T", "pdml",
          "-o", "tcp.reassemble_out_of_order:TRUE", "-o", "tcp.desegment_tcp_streams:TRUE",
          "-o", "ip.defragment:TRUE", "-o", "ipv6.defragment:TRUE"]
JOBS = 2
COPY_S = 0.02  # a datagram seen again within 20 ms is one message, captured twice
ELEMENTS = {
    "kerberos.as_req_element": "AS-REQ", "kerberos.as_rep_element": "AS-REP",
    "kerberos.tgs_req_element": "TGS-REQ", "kerberos.tgs_rep_element": "TGS-REP",
    "kerberos.ap_req_element": "AP-REQ", "kerberos.ap_rep_element": "AP-REP",
    "kerberos.krb_safe_element": "KRB-SAFE", "kerberos.krb_priv_element": "KRB-PRIV",
    "kerberos.krb_cred_element": "KRB-CRED", "kerberos.krb_error_element": "KRB-ERROR",
}
CARRIERS = {"http": "http", "smb": "smb", "smb2": "smb", "nbss": "smb", "ldap": "ldap",
            "cldap": "ldap", "dcerpc": "dcerpc", "dns": "dns"}
NESTED = {1: "ap_req", 136: "armor"}  # PA-TGS-REQ, PA-FX-FAST
OPTION_NAMES = {"constrained-delegation": "cname-in-addl-tkt", "reserved": "bit-0"}


# tshark's tree. Each function takes the element of a message or of a part of it.

def child(element, name):
    for e in element if element is not None else ():
        if e.get("name") == name:
            return e
    return None


def raw(element, name):
    e = child(element, name)
    return None if e is None else bytes.fromhex(e.get("value") or "")


def string(element, name):
    value = raw(element, name)
    return None if value is None else value.decode("utf-8", "surrogateescape")


def unsigned(element, name):
    e = child(element, name)
    if e is None:
        return None
    return int(e.get("show")) & 0xffffffff


def signed(element, name):
    e = child(element, name)
    return None if e is None else int(e.get("show"))


def principal(element, which):
    e = child(element, f"kerberos.{which}_element")
    strings = child(e, f"kerberos.{which}_string")
    if strings is None:
        return None
    leaf = {"cname": "CNameString", "sname": "SNameString"}[which]
    parts = [bytes.fromhex(s.get("value") or "") for s in strings
             if s.get("name") == f"kerberos.{leaf}"]
    text = b"/".join(parts).decode("utf-8", "surrogateescape")
    return (signed(e, "kerberos.name_type"), text)


def moment(element, name):
    value = raw(element, name)
    if value is None:
        return None
    try:
        parsed = datetime.datetime.strptime(value.decode("ascii"), "%Y%m%d%H%M%SZ")
    except ValueError:
        return None
    return parsed.strftime("%Y-%m-%dT%H:%M:%SZ")


def encrypted(element, name, with_kvno=True):
    e = child(element, name)
    if e is None:
        return None
    kvno = (unsigned(e, "kerberos.kvno"),) if with_kvno else ()
    return (signed(e, "kerberos.etype"), *kvno, len(raw(e, "kerberos.cipher") or b""))


def ticket(element):
    return ticket_of(child(element, "kerberos.ticket_element"))


def ticket_of(e):
    if e is None:
        return None
    return (string(e, "kerberos.realm"), principal(e, "sname"),
            encrypted(e, "kerberos.enc_part_element"))


def padata(element):
    return [e for e in element.iter("field") if e.get("name") == "kerberos.PA_DATA_element"]


def own_padata(element):
    """Those of the message itself, not of anything nested in one of them."""
    found = []
    stack = list(element)[::-1] if element is not None else []
    while stack:
        e = stack.pop()
        if e.get("name") == "kerberos.PA_DATA_element":
            found.append(e)
        else:
            stack.extend(list(e)[::-1])
    return found


def take_padata(f, element):
    found = own_padata(element)
    f["padata"] = [signed(e, "kerberos.padata_type") for e in found]
    f["padata_values"] = [padata_values.theirs(e) for e in found]


def flags(element, prefix):
    found = []
    for e in element if element is not None else ():
        name = (e.get("name") or "").removeprefix(prefix).replace(".", "-")
        if e.get("show") == "1":
            name = OPTION_NAMES.get(name, name)
            found.append(name.replace("unused", "bit-"))
    return sorted(found)


def fields_of(element, kind):
    """The same names and values as ours() gives."""
    f = {}
    if kind in ("AS-REQ", "TGS-REQ"):
        body = child(element, "kerberos.req_body_element")
        f["options"] = flags(child(body, "kerberos.kdc_options"), "kerberos.KDCOptions.")
        f["cname"] = principal(body, "cname")
        f["sname"] = principal(body, "sname")
        f["realm"] = string(body, "kerberos.realm")
        f["from"] = moment(body, "kerberos.from")
        f["till"] = moment(body, "kerberos.till")
        f["rtime"] = moment(body, "kerberos.rtime")
        f["nonce"] = unsigned(body, "kerberos.nonce")
        f["etypes"] = [int(e.get("show"))
                       for e in (child(body, "kerberos.kdc-req-body.etype") or ())
                       if e.get("name") == "kerberos.ENCTYPE"]
        f["additional_tickets"] = [ticket_of(e) for e in
                                   (child(body, "kerberos.additional_tickets") or ())
                                   if e.get("name") == "kerberos.Ticket_element"]
        take_padata(f, child(element, "kerberos.padata"))
        for pa in padata(element):
            inner = next((e for e in pa.iter("field")
                          if e.get("name") == "kerberos.ap_req_element"), None)
            name = NESTED.get(signed(pa, "kerberos.padata_type"))
            if inner is not None and name is not None and name not in f:
                f[name] = fields_of(inner, "AP-REQ")
    elif kind in ("AS-REP", "TGS-REP"):
        f["crealm"] = string(element, "kerberos.crealm")
        f["cname"] = principal(element, "cname")
        f["ticket"] = ticket(element)
        f["enc_part"] = encrypted(element, "kerberos.enc_part_element")
        take_padata(f, child(element, "kerberos.padata"))
    elif kind == "AP-REQ":
        f["options"] = flags(child(element, "kerberos.ap_options"), "kerberos.APOptions.")
        f["ticket"] = ticket(element)
        f["authenticator"] = encrypted(element, "kerberos.authenticator_element", False)
    elif kind in ("AP-REP", "KRB-PRIV", "KRB-CRED"):
        f["enc_part"] = encrypted(element, "kerberos.enc_part_element")
    elif kind == "KRB-ERROR":
        f["error"] = signed(element, "kerberos.error_code")
        f["realm"] = string(element, "kerberos.realm")
        f["crealm"] = string(element, "kerberos.crealm")
        f["cname"] = principal(element, "cname")
        f["sname"] = principal(element, "sname")
        f["ctime"] = moment(element, "kerberos.ctime")
        f["stime"] = moment(element, "kerberos.stime")
        f["susec"] = unsigned(element, "kerberos.susec")
        f["e_text"] = string(element, "kerberos.e_text")
        take_padata(f, child(element, "kerberos.e_data"))
    return f


NTLM = {1: "NTLM-NEGOTIATE", 2: "NTLM-CHALLENGE", 3: "NTLM-AUTHENTICATE"}
OEM_SUPPLIED = {"domain": 0x1000, "workstation": 0x2000}
NTLM_FIELDS = {
    "NTLM-NEGOTIATE": {"domain": "negotiate.domain", "workstation": "negotiate.callingworkstation"},
    "NTLM-CHALLENGE": {"target": "challenge.target_name"},
    "NTLM-AUTHENTICATE": {"domain": "auth.domain", "user": "auth.username",
                          "workstation": "auth.hostname"},
}


def ntlm_kind(proto):
    kind = child(proto, "ntlmssp.messagetype")
    return None if kind is None else NTLM.get(int(kind.get("show"), 16))


def ntlm_fields(proto, kind):
    f = {"flags": None}
    flags = child(proto, "ntlmssp.negotiateflags")
    if flags is not None:
        f["flags"] = int(flags.get("show"), 16)
    for name, theirs in NTLM_FIELDS[kind].items():
        e = child(proto, "ntlmssp." + theirs)
        value = None if e is None or not e.get("value") else e.get("show")
        f[name] = None if value in ("", "NULL") else value
        if kind == "NTLM-NEGOTIATE" and f["flags"] is not None:
            supplied = f["flags"] & OEM_SUPPLIED[name]  # else to be ignored: MS-NLMP 2.2.1.1
            f[name] = f[name] if supplied else None
    return f


Message = collections.namedtuple("Message", "frame kind carrier time ends fields")


def packet_of(packet):
    frame = time = None
    source = target = ""
    for proto in packet:
        for e in proto:
            name = e.get("name")
            if name == "num" and proto.get("name") == "geninfo":
                frame = int(e.get("show"))
            elif name == "frame.time_epoch":
                time = float(e.get("show"))
            elif name in ("ip.src", "ipv6.src"):
                source = e.get("show")
            elif name in ("ip.dst", "ipv6.dst"):
                target = e.get("show")
    return frame, time, (source, target)


def tshark_messages(path):
    process = subprocess.Popen([*TSHARK, "-r", path], stdout=subprocess.PIPE,
                               stderr=subprocess.DEVNULL)
    try:
        for _, packet in xml.etree.ElementTree.iterparse(process.stdout):
            if packet.tag != "packet":
                continue
            frame, time, ends = packet_of(packet)
            if any((e.get("name") or "").startswith("icmp") for e in packet):
                packet.clear()
                continue  # what an ICMP error quotes is no message
            stack = [(e, ()) for e in reversed(packet)]
            while stack:
                e, above = stack.pop()
                kind = ELEMENTS.get(e.get("name"))
                if e.get("name") == "ntlmssp" and ntlm_kind(e) is not None:
                    kind = ntlm_kind(e)
                    yield Message(frame, kind, carrier_of(above), time, ends, ntlm_fields(e, kind))
                    continue
                if kind is not None:
                    yield Message(frame, kind, carrier_of(above), time, ends, fields_of(e, kind))
                    continue
                inner = above + (e.get("name"),) if e.tag == "proto" else above
                stack.extend((x, inner) for x in reversed(e))
            packet.clear()
    except xml.etree.ElementTree.ParseError:
        pass  # tshark stopped amid a damaged capture: what came before stands
    process.wait()


def carrier_of(protocols):
    for p in reversed(protocols):
        if p in CARRIERS:
            return CARRIERS[p]
    return "wire" if protocols and protocols[0] in ("kerberos", "kpasswd") else "other"


# Our objects.

def ours_string(o, name):
    if o.get(name + "_raw") is not None:
        return bytes.fromhex(o[name + "_raw"]).decode("utf-8", "surrogateescape")
    return o.get(name)


def ours_name(o, name):
    n = o.get(name)
    return None if n is None else (n["type"], ours_string(n, "name"))


def ours_enc(e, with_kvno=True):
    if e is None:
        return None
    return (e["etype"], *((e["kvno"],) if with_kvno else ()), e["cipher_len"])


def ours_ticket(o):
    return ours_ticket_of(o.get("ticket"))


def ours_ticket_of(t):
    if t is None:
        return None
    return (ours_string(t, "realm"), ours_name(t, "sname"), ours_enc(t))


def ours_padata(padata):
    return {"padata": [p["type"] for p in padata],
            "padata_values": [padata_values.ours(p) for p in padata]}


def ours_fields(o):
    kind = o["type"]
    f = {}
    if kind in ("AS-REQ", "TGS-REQ"):
        f = {"options": sorted(o["kdc_options"]), "cname": ours_name(o, "cname"),
             "sname": ours_name(o, "sname"), "realm": ours_string(o, "realm"),
             "from": o["from_time"], "till": o["till"], "rtime": o["rtime"], "nonce": o["nonce"],
             "etypes": o["etypes"],
             "additional_tickets": [ours_ticket_of(t) for t in o["additional_tickets"]],
             **ours_padata(o["padata"])}
        for p in o["padata"]:
            if "message" in p:
                f[NESTED[p["type"]]] = ours_fields(p["message"])
    elif kind in ("AS-REP", "TGS-REP"):
        f = {"crealm": ours_string(o, "crealm"), "cname": ours_name(o, "cname"),
             "ticket": ours_ticket(o), "enc_part": ours_enc(o["enc_part"]),
             **ours_padata(o["padata"])}
    elif kind == "AP-REQ":
        f = {"options": sorted(o["ap_options"]), "ticket": ours_ticket(o),
             "authenticator": ours_enc(o["authenticator"], False)}
    elif kind in ("AP-REP", "KRB-PRIV", "KRB-CRED"):
        f = {"enc_part": ours_enc(o["enc_part"])}
    elif kind == "KRB-ERROR":
        e_data = o["e_data"] or {}
        f = {"error": o["error_code"], "realm": ours_string(o, "realm"),
             "crealm": ours_string(o, "crealm"), "cname": ours_name(o, "cname"),
             "sname": ours_name(o, "sname"), "ctime": o["ctime"], "stime": o["stime"],
             "susec": o["susec"], "e_text": ours_string(o, "e_text"),
             **ours_padata(e_data.get("padata", []))}
    return f


def ours_ntlm(o):
    return {"flags": int(o["flags"], 16),
            **{name: ours_string(o, name) for name in NTLM_FIELDS[o["type"]]}}


def tokens_of(o):
    yield from (o[name]["token"] for name in ("authorization", "proxy_authorization",
                                              "www_authenticate", "proxy_authenticate")
                if o.get(name) and o[name]["token"])
    yield from (token for token in (o.get("token"), (o.get("tkey") or {}).get("token")) if token)


def our_messages(program, path):
    run = subprocess.run([program, "messages", "--format", "json",
                          "--protocol", "kerberos,ntlm", path],
                         stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    for line in run.stdout.decode("ascii").splitlines():
        o = json.loads(line)
        ends = (o["from"]["address"], o["to"]["address"])
        found = [(token["message"], token["message"]["carrier"])
                 for token in tokens_of(o) if "message" in token]
        if o["protocol"] in ("kerberos", "ntlm"):
            found = [(o, "wire" if o["carrier"] in ("udp", "tcp") else o["carrier"])]
        if "kpasswd" in o and "message" in o["kpasswd"]:
            found.append((o["kpasswd"]["message"], "wire"))
        for m, carrier in found:
            read = ours_ntlm if m["protocol"] == "ntlm" else ours_fields
            yield Message(o["frame"], m["type"], carrier, None, ends,
                          read(m) if m["complete"] else None)


def compare(program, path):
    """(differences, counts): differences are (frame, field, text)."""
    theirs = list(tshark_messages(path))
    ours = list(our_messages(program, path))
    values = {id(m): m.fields.pop("padata_values", []) for m in (*theirs, *ours) if m.fields}
    counts = collections.Counter(m.carrier for m in theirs)
    differences = []
    waiting = collections.defaultdict(list)
    for m in ours:
        waiting[(m.frame, m.kind)].append(m)
    times = {m.frame: m.time for m in theirs}
    for m in theirs:
        mine = waiting[(m.frame, m.kind)]
        if not mine:
            copy = any(o.kind == m.kind and o.fields == m.fields and o.ends == m.ends
                       and abs(times.get(o.frame, 0) - m.time) <= COPY_S for o in ours)
            if copy:
                counts["copies"] += 1
            else:
                differences.append((m.frame, "missing", m.kind))
            continue
        # Several of a kind in one frame (two tokens of one request) stand in any order.
        o = next((x for x in mine if x.fields == m.fields), mine[0])
        mine.remove(o)
        if o.fields is None:
            counts["cut"] += 1
            continue
        counts["compared"] += 1
        if o.carrier != m.carrier:
            differences.append((m.frame, "carrier",
                                f"{m.kind} ours {o.carrier} tshark {m.carrier}"))
        if m.kind == "KRB-ERROR" and not m.fields["padata"] and o.fields["padata"]:
            counts["e-data that tshark leaves undecoded"] += 1  # it does so by error code
            m.fields["padata"] = o.fields["padata"]
        texts, num = padata_values.differences(values[id(m)], values[id(o)])
        counts["values of PA-DATA"] += num
        differences += [(m.frame, "padata value", f"{m.kind} {text}") for text in texts]
        for name in sorted(set(m.fields) | set(o.fields)):
            if m.fields.get(name) != o.fields.get(name):
                differences.append((m.frame, name, f"{m.kind} ours {o.fields.get(name)!r} "
                                                   f"tshark {m.fields.get(name)!r}"))
    for (frame, kind), left in waiting.items():
        for o in left:
            if o.fields is not None:
                differences.append((frame, "added", f"{kind} that tshark does not show"))
            else:
                counts["cut"] += 1
    return differences, counts


def has_tokens(row):
    return int(row["kerberos_frames"] or 0) > 0 or row["ntlmssp_msgs"]


def captures_below(folder, is_wanted):
    index = os.path.join(folder, "INDEX.tsv")
    if os.path.exists(index):
        with open(index, encoding="utf-8", newline="") as table:
            for row in csv.DictReader(table, delimiter="\t", quoting=csv.QUOTE_NONE):
                if is_wanted(row):
                    yield row["path"]
        return
    for where, _, names in sorted(os.walk(folder)):
        for name in sorted(names):
            if name.endswith((".pcap", ".pcapng", ".cap")):
                yield os.path.relpath(os.path.join(where, name), folder)


def sample_of(folder, is_wanted=has_tokens):
    """Of a collection every KRBSCOPE_ORACLE_EVERY-th capture whose row of the index is wanted,
    eight times as many of our cases."""
    every = int(os.environ.get("KRBSCOPE_ORACLE_EVERY", "1"))
    if not os.path.exists(os.path.join(folder, "INDEX.tsv")):
        every = max(1, every // 8)
    return list(captures_below(folder, is_wanted))[::every]


def read_exceptions(path):
    found = {}
    with open(path, encoding="utf-8") as lines:
        for line in lines:
            if line.strip() and not line.startswith("#"):
                capture, frame, field, reason = line.rstrip("\n").split("\t")
                assert reason, line
                found[(capture, frame, field)] = False
    return found


def main():
    program, exceptions_path, *folders = sys.argv[1:]
    exceptions = read_exceptions(exceptions_path)
    jobs = [(folder, path) for folder in folders for path in sample_of(folder)]
    total = collections.Counter()
    num_differences = 0
    with concurrent.futures.ProcessPoolExecutor(JOBS) as pool:
        results = pool.map(compare, [program] * len(jobs),
                           [os.path.join(folder, path) for folder, path in jobs])
        for (_, path), (differences, counts) in zip(jobs, results):
            total += counts
            for frame, field, text in differences:
                keys = [(path, str(frame), field), (path, "*", field), ("*", "*", field)]
                key = next((k for k in keys if k in exceptions), None)
                if key is not None:
                    exceptions[key] = True
                else:
                    num_differences += 1
                    print(f"{path}: frame {frame}: {field}: {text}")
    examined = {path for _, path in jobs}
    for (path, frame, field), used in exceptions.items():
        if path in examined and not used:
            num_differences += 1
            print(f"{path}: frame {frame}: {field}: excepted, and as tshark has it")
    print(f"{len(jobs)} captures:", ", ".join(f"{n} {word}" for word, n in sorted(total.items())))
    if total["compared"] == 0:
        print("nothing was compared")
        return 1
    return 1 if num_differences > 0 else 0


if __name__ == "__main__":
    sys.exit(main())

"""What PA-DATA say in clear, by tshark's tree and by ours, in the same words.

Values are compared as far as tshark reads them: of what it leaves as bytes theirs() is None.
"""


def below(element, name):
    return [e for e in element.iter("field") if e.get("name") == name]


def number(element, name):
    found = below(element, name)
    return int(found[0].get("show")) if found else None


def text(element, name):
    found = below(element, name)
    return bytes.fromhex(found[0].get("value") or "").decode("utf-8", "replace") if found else None


def encrypted(element):
    ciphers = below(element, "kerberos.cipher")
    if not ciphers:
        return None
    return {"etype": number(element, "kerberos.etype"),
            "cipher_len": len(ciphers[0].get("value")) // 2}


def salts(element, entry, salt):
    return {"infos": [(number(e, "kerberos.etype"), text(e, salt))
                      for e in below(element, entry)]} if below(element, entry) else None


def user(element, outer, realm):
    names = below(element, outer)
    if not names:
        return None
    parts = [bytes.fromhex(e.get("value")).decode() for e in below(names[0],
                                                                   "kerberos.KerberosString")]
    return {"user": (number(names[0], "kerberos.name_type"), "/".join(parts)),
            "realm": text(element, realm)}


def fast(element):
    outer = below(element, "kerberos.armored_data_element")
    if not outer:
        return None
    request = below(element, "kerberos.enc_fast_req_element")
    found = encrypted((request or below(element, "kerberos.enc_fast_rep_element"))[0])
    found["fast"] = "request" if request else "reply"
    if request:
        checksum = below(element, "kerberos.req_checksum_element")[0]
        found["checksum_type"] = number(checksum, "kerberos.cksumtype")
        if below(element, "kerberos.armor_element"):
            found["armor_type"] = number(element, "kerberos.armor_type")
    return found


def pk_request(element):
    signed = below(element, "pkinit.signedAuthPack_element")
    if not signed:
        return None
    pack = below(element, "pkinit.AuthPack_element")
    trusted = below(element, "pkinit.trustedCertifiers")
    found = {"certificates": len(below(signed[0], "cms.CertificateChoices")),
             "trusted_certifiers": int(trusted[0].get("show")) if trusted else 0}
    if pack:
        found["cusec"] = number(pack[0], "pkinit.cusec")
        found["nonce"] = number(pack[0], "pkinit.nonce") & 0xffffffff
        found["key"] = "diffie-hellman" if below(pack[0], "pkinit.clientPublicValue_element") \
            else "key-transport"
    return found


def pk_reply(element):
    if below(element, "pkinit.encKeyPack_element"):
        return {"form": "encrypted-key"}
    signed = below(element, "pkinit.dhSignedData_element")
    if not signed:
        return None
    found = {"form": "dh-info"}
    if below(signed[0], "cms.SignedData_element"):  # tshark 4.0 leaves it as bytes
        found["certificates"] = len(below(signed[0], "cms.CertificateChoices"))
    if below(element, "pkinit.KDCDHKeyInfo_element"):
        found["nonce"] = number(element, "pkinit.nonce") & 0xffffffff
    return found


def spake(element):
    forms = {"support": "support", "challenge": "challenge", "response": "response",
             "encdata": "encrypted-data"}
    form = next((words for name, words in forms.items()
                 if below(element, f"kerberos.{name}_element")), None)
    if form is None:
        return None
    groups = [int(e.get("show")) for name in ("kerberos.SPAKEGroup", "kerberos.group")
              for e in below(element, name)]
    return {"form": form, **({"groups": groups} if groups else {}), **(encrypted(element) or {})}


def etypes(element):
    found = below(element, "kerberos.ENCTYPE")
    return {"infos": [(int(e.get("show")), None) for e in found]} if found else None


def pac_request(element):
    found = below(element, "kerberos.include_pac")
    return {"include_pac": found[0].get("show") in ("1", "True")} if found else None


def pac_options(element):
    flags = below(element, "kerberos.flags")
    prefix = "kerberos.PAC.OPTIONS.FLAGS."
    return {"options": [e.get("name").removeprefix(prefix).replace(".", "-")
                        for e in flags[0].iter("field")
                        if e.get("name").startswith(prefix) and e.get("show") == "1"]} \
        if flags else None


READERS = {
    2: encrypted, 138: encrypted, 16: pk_request, 17: pk_reply, 128: pac_request, 136: fast,
    151: spake, 161: etypes, 167: pac_options,
    11: lambda e: salts(e, "kerberos.ETYPE_INFO_ENTRY_element", "kerberos.info_salt"),
    19: lambda e: salts(e, "kerberos.ETYPE_INFO2_ENTRY_element", "kerberos.info2_salt"),
    129: lambda e: user(e, "kerberos.name_element", "kerberos.realm"),
    130: lambda e: user(e, "kerberos.cname_element", "kerberos.crealm"),
}


def theirs(element):
    """{name: value} of a kerberos.PA_DATA_element, None: tshark shows its bytes."""
    reader = READERS.get(number(element, "kerberos.padata_type"))
    return reader(element) if reader is not None else None


def ours(pa):
    """The same of an object of ours."""
    found = dict(pa)
    if "infos" in found:
        found["infos"] = [(info["etype"], info["salt"]) for info in found["infos"]]
    if found.get("user") is not None:
        found["user"] = (found["user"]["type"], found["user"]["name"])
    return found


def differences(their_list, our_list):
    """Texts about values that tshark reads and we do not say so; and how many were compared."""
    found = []
    compared = 0
    for their, our in zip(their_list, our_list):
        for name, value in (their or {}).items():
            compared += 1
            if our.get(name) != value:
                found.append(f"PA-DATA {our['type']}: {name} ours {our.get(name)!r} "
                             f"tshark {value!r}")
    return found, compared

#!/bin/bash
# trust.sh - realms that trust each other: referrals that work, that lead nowhere, and that are refused.
#
#   kdc  10.9.8.2   KDC of NORTH.EXAMPLE (the client's realm) and DNS of all
#   kds  10.9.8.3   KDC of SOUTH.EXAMPLE, where the MP lives
#   kdd  10.9.8.4   KDC of DEEP.SOUTH.EXAMPLE, trusted by SOUTH only
#   dead 10.9.8.5   silent on 88; 10.9.8.6 the same host, refuses; 10.9.8.99 nobody
#   mp   10.9.8.30  Apache, under names of every domain       cli 10.9.8.41  LAPTOP7$
#
# The KDC of NORTH refers by its [domain_realm]: south -> SOUTH, lost -> LOST (no SRV), mute -> MUTE
# (silent), shut -> SHUT (refuses), gone -> GONE (nobody), cut -> CUT (the trust's keys differ),
# ring -> SOUTH, which refers it back to NORTH; untrusted -> UNTRUSTED (no trust).
#
# shellcheck disable=SC2086,SC2154,SC2034,SC1091,SC2119,SC2120
LAB=${LAB:-$PWD/lab-state}/trust
P=$LAB/pcaps
R=NORTH.EXAMPLE
D=north.example
NSP=kt
NET=10.9.8
DNS=$NET.2
KDC=$NET.2
CLIENT='LAPTOP7$'
. "$(dirname "${BASH_SOURCE[0]}")/site.sh"

OTHERS="SOUTH LOST MUTE SHUT GONE CUT"
maps() { # maps DOMAIN REALM ...: a [domain_realm] section
    printf '[domain_realm]\n .%s = %s\n' $D $R
    while [ $# -gt 1 ]; do
        printf ' .%s = %s\n' $1 $2
        shift 2
    done
}
trust() { # trust REALM: NORTH's half
    kq "addprinc -pw Trust.$1 krbtgt/$1.EXAMPLE@$R"
}
site_hosts() {
    local h
    mkns kds 3
    mkns kdd 4
    mkns dead 5 6
    for h in udp tcp; do nx dead iptables -A INPUT -d $NET.5 -p $h --dport 88 -j DROP; done
    mkdir -p $LAB/kds $LAB/kdd
    KDCCONF='host_based_services = *'
    kdc_krb5conf kdc $R "" "$(maps south.example SOUTH.EXAMPLE lost.example LOST.EXAMPLE mute.example MUTE.EXAMPLE \
        shut.example SHUT.EXAMPLE gone.example GONE.EXAMPLE cut.example CUT.EXAMPLE ring.example SOUTH.EXAMPLE \
        untrusted.example UNTRUSTED.EXAMPLE deep.south.example SOUTH.EXAMPLE)"
    kdc_krb5conf kds SOUTH.EXAMPLE "" "$(maps ring.example $R south.example SOUTH.EXAMPLE deep.south.example DEEP.SOUTH.EXAMPLE)"
    kdc_krb5conf kdd DEEP.SOUTH.EXAMPLE "" "$(maps deep.south.example DEEP.SOUTH.EXAMPLE)"
}
site_records() {
    local d k
    printf 'local=/example/\n'
    for d in south lost mute shut gone cut ring untrusted deep.south; do
        printf 'host-record=mp.%s.example,%s.30\nhost-record=mp2.%s.example,%s.30\n' $d $NET $d $NET
    done
    while read -r d k; do
        printf 'host-record=dc.%s.example,%s.%s\n' $d $NET $k
        printf 'srv-host=_kerberos._udp.%s.example,dc.%s.example,88\nsrv-host=_kerberos._tcp.%s.example,dc.%s.example,88\n' $d $d $d $d
    done <<E
south 3
deep.south 4
mute 5
shut 6
gone 99
cut 3
E
}
site_principals() {
    local o
    for o in $OTHERS; do trust $o; done
    realm_up kds SOUTH.EXAMPLE
    realm_up kdd DEEP.SOUTH.EXAMPLE
    {
        ka kds "addprinc -pw Trust.SOUTH krbtgt/SOUTH.EXAMPLE@$R"
        ka kds "addprinc -pw Trust.BACK krbtgt/$R@SOUTH.EXAMPLE"
        ka kdc "addprinc -pw Trust.BACK krbtgt/$R@SOUTH.EXAMPLE"
        ka kds "addprinc -pw Trust.DEEP krbtgt/DEEP.SOUTH.EXAMPLE@SOUTH.EXAMPLE"
        ka kdd "addprinc -pw Trust.DEEP krbtgt/DEEP.SOUTH.EXAMPLE@SOUTH.EXAMPLE"
        ka kds "addprinc -randkey HTTP/mp.south.example"
        ka kdd "addprinc -randkey HTTP/mp.deep.south.example"
    } >>$LAB/kadmin.log 2>&1
    keys kds mp HTTP/mp.south.example
    keys kdd mp HTTP/mp.deep.south.example
}

pre_referral_success() { CONF=dns.conf; }
scn_referral_success() {
    EXPECT="approved through a referral"
    WHAT="the client's realm refers to the MP's realm, which gives the ticket"
    logon
    post mp.south.example
}
pre_referral_two_realms() { CONF=dns.conf; }
scn_referral_two_realms() {
    EXPECT="two referrals; the last realm does not accept the way (12) or gives the ticket"
    WHAT="NORTH refers to SOUTH, SOUTH to DEEP.SOUTH, which trusts SOUTH alone"
    logon
    post mp.deep.south.example
}
pre_referral_spn_missing() { CONF=dns.conf; }
scn_referral_spn_missing() {
    EXPECT="error 7 in the last realm: the SPN is missing there"
    WHAT="HTTP/mp2.south.example is on no account of SOUTH"
    logon
    post mp2.south.example
}
pre_referral_kdc_not_found() { CONF=dns.conf; }
scn_referral_kdc_not_found() {
    EXPECT="the next realm's KDC is not found"
    WHAT="NORTH refers to LOST.EXAMPLE, which has no SRV records"
    logon
    post mp.lost.example
}
pre_referral_kdc_silent() { CONF=dns.conf; }
scn_referral_kdc_silent() {
    EXPECT="the next realm's KDC does not answer"
    WHAT="NORTH refers to MUTE.EXAMPLE, whose KDC's port 88 is dropped by a firewall"
    MAXT=60
    logon
    post mp.mute.example
}
pre_referral_kdc_refused() { CONF=dns.conf; }
scn_referral_kdc_refused() {
    EXPECT="the next realm's KDC refuses"
    WHAT="NORTH refers to SHUT.EXAMPLE, where nothing listens on 88"
    logon
    post mp.shut.example
}
pre_referral_kdc_gone() { CONF=dns.conf; }
scn_referral_kdc_gone() {
    EXPECT="the next realm's KDC is not there"
    WHAT="NORTH refers to GONE.EXAMPLE, whose KDC's address nobody has"
    MAXT=60
    logon
    post mp.gone.example
}
pre_referral_loop() { CONF=dns.conf; }
scn_referral_loop() {
    EXPECT="referral loop"
    WHAT="NORTH refers .ring.example to SOUTH, SOUTH refers it to NORTH"
    logon
    post mp.ring.example
}
pre_referral_trust_key() {
    CONF=dns.conf
    ka kds "cpw -pw Other.Key krbtgt/SOUTH.EXAMPLE@$R" >>$LAB/kadmin.log 2>&1
}
scn_referral_trust_key() {
    EXPECT="the next realm's KDC refuses the referral ticket: the keys of the trust differ"
    WHAT="krbtgt/SOUTH.EXAMPLE@NORTH.EXAMPLE has another key in SOUTH"
    logon
    post mp.south.example
}
post_referral_trust_key() {
    {
        ka kds "delprinc -force krbtgt/SOUTH.EXAMPLE@$R"
        ka kds "addprinc -pw Trust.SOUTH krbtgt/SOUTH.EXAMPLE@$R"
    } >>$LAB/kadmin.log 2>&1
}
pre_referral_etype() {
    CONF=dns.conf
    kq "setstr krbtgt/SOUTH.EXAMPLE@$R session_enctypes camellia256-cts-cmac"
}
scn_referral_etype() {
    EXPECT="error 14 from the client's own realm: the trust has no encryption type that the client offers"
    WHAT="the trust allows Camellia only, the client offers AES only"
    krb5conf aes.conf "dns_uri_lookup = false; permitted_enctypes = aes256-cts-hmac-sha1-96 aes128-cts-hmac-sha1-96" dns
    CONF=aes.conf
    logon
    post mp.south.example
}
post_referral_etype() { kq "delstr krbtgt/SOUTH.EXAMPLE@$R session_enctypes"; }
pre_referral_no_trust() { CONF=dns.conf; }
scn_referral_no_trust() {
    EXPECT="error 7 from the client's own realm: it knows the other realm, but there is no trust"
    WHAT="NORTH maps .untrusted.example to UNTRUSTED.EXAMPLE and has no key for it"
    logon
    post mp.untrusted.example
}
pre_referral_clock() {
    CONF=dns.conf
    kdc_restart kds +1h
}
scn_referral_clock() {
    EXPECT="the KDC of the other realm has a clock one hour ahead"
    WHAT="SOUTH's KDC runs under faketime +1h"
    logon
    post mp.south.example
}
post_referral_clock() { kdc_restart kds; }
[ "${BASH_SOURCE[0]}" = "$0" ] && site_main "$@"

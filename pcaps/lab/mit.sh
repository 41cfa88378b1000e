#!/bin/bash
# mit.sh - errors that an MIT KDC gives when an account, a key or a policy is wrong.
#
#   kdc 172.20.5.2   KDC, kpasswd and DNS of BRANCH.EXAMPLE
#   mp  172.20.5.30  Apache      cli 172.20.5.41  the client, PC-0041$
#
# shellcheck disable=SC2086,SC2154,SC2034,SC1091,SC2119,SC2120
LAB=${LAB:-$PWD/lab-state}/mit
P=$LAB/pcaps
R=BRANCH.EXAMPLE
D=branch.example
NSP=km
NET=172.20.5
DNS=$NET.2
KDC=$NET.2
CLIENT='PC-0041$'
. "$(dirname "${BASH_SOURCE[0]}")/site.sh"

site_hosts() { krb5conf short.conf 'qualify_shortname = ""'; }
site_records() {
    local n
    printf 'host-record=app7,app7.%s,%s.30\nhost-record=app8.%s,%s.30\n' $D $NET $D $NET
    for n in app1 app2 app3 app4 app5 app6; do printf 'host-record=%s.%s,%s.30\n' $n $D $NET; done
}
site_principals() {
    local n
    # app1 expired, app2 locked, app3 only for user-to-user, app4 not for tickets by a TGT
    for n in app1 app2 app3 app4 app5 app6; do kq "addprinc -randkey HTTP/$n.$D"; done
    keys kdc mp HTTP/app5.$D HTTP/app6.$D
    kq "modprinc -expire 2020-01-01 HTTP/app1.$D"
    kq "modprinc -allow_tix HTTP/app2.$D"
    kq "modprinc -allow_svr HTTP/app3.$D"
    kq "modprinc -allow_tgs_req HTTP/app4.$D"
    kq "addprinc -pw $PW -expire 2020-01-01 PC-0042\$"
    kq "addprinc -pw $PW +needchange PC-0043\$"
    kq "addprinc -pw $PW -allow_tix PC-0044\$"
    kq "addprinc -pw $PW +requires_hwauth +requires_preauth PC-0045\$"
    kq "addprinc -nokey +requires_preauth PC-0046\$"
    kq "addpol -minlength 30 long"
    kq "addprinc -pw $PW long.password"
    kq "modprinc -policy long long.password"
    kq "addprinc -pw $PW jane"
}

scn_client_expired_mit() {
    EXPECT="error 1: the account is expired"
    WHAT="addprinc -expire 2020-01-01"
    kinit_pw 'PC-0042$' $PW
}
scn_client_must_change_mit() {
    EXPECT="error 23: the password must be changed; the client cannot do it"
    WHAT="addprinc +needchange; kinit with a keytab asks for no new password"
    keys kdc pc43 'PC-0043$'
    run kinit -k -t $LAB/kt/pc43.keytab 'PC-0043$'
}
scn_client_revoked_mit() {
    EXPECT="error 18 without an NTSTATUS"
    WHAT="modprinc -allow_tix"
    kinit_pw 'PC-0044$' $PW
}
scn_preauth_unsupported_hw() {
    EXPECT="error 25 and nothing more: the account wants hardware preauthentication"
    WHAT="modprinc +requires_hwauth"
    kinit_pw 'PC-0045$' $PW
    later
}
scn_client_no_key_mit() {
    EXPECT="the account has no key"
    WHAT="addprinc -nokey"
    kinit_pw 'PC-0046$' $PW
    later
}
scn_service_expired() {
    EXPECT="error 2: the service's account is expired"
    WHAT="modprinc -expire 2020-01-01 HTTP/app1"
    logon
    post app1.$D
}
scn_service_locked() {
    EXPECT="the service's account is locked"
    WHAT="modprinc -allow_tix HTTP/app2"
    logon
    post app2.$D
}
scn_user_to_user_required() {
    EXPECT="error 27: the name belongs to an account that takes user-to-user tickets only"
    WHAT="modprinc -allow_svr HTTP/app3"
    logon
    post app3.$D
}
scn_policy_refused() {
    EXPECT="error 12 without an NTSTATUS at the TGS"
    WHAT="modprinc -allow_tgs_req HTTP/app4"
    logon
    post app4.$D
}
scn_clock_never_valid() {
    EXPECT="error 11: the client's clock is 14 h behind, its request ends before the KDC's now"
    WHAT="client under faketime -14h, lifetime 10 h, an account without preauthentication"
    CONF=nosync.conf
    SKEW=-14h
    run sh -c "echo $PW | kinit -l 10h jane"
}
pre_krbtgt_changed() {
    logged_on
    kq "cpw -randkey krbtgt/$R@$R"
}
scn_krbtgt_changed() {
    EXPECT="the KDC refuses the TGT: krbtgt's key was changed twice"
    WHAT="TGT cached, then cpw -randkey krbtgt without keeping the old key"
    post mp.$D
}
pre_krbtgt_other_key() {
    logged_on
    kq "getprinc krbtgt/$R"
    kq "delprinc -force krbtgt/$R@$R"
    kq "addprinc -randkey krbtgt/$R@$R"
    kdc_restart kdc
}
scn_krbtgt_other_key() {
    EXPECT="the KDC refuses the TGT: another key of the same version (restored from elsewhere)"
    WHAT="TGT cached, then krbtgt deleted and made again"
    post mp.$D
}
pre_kdc_slow() { # holds the lock of the KDC's database for 8 s
    python3 - $LAB/kdc/principal.ok <<'E' &
import fcntl, sys, time
with open(sys.argv[1], "r+") as held:
    fcntl.lockf(held, fcntl.LOCK_EX)
    time.sleep(8)
E
    sleep 0.5
}
scn_kdc_slow() {
    EXPECT="a slow KDC: asked again and again over UDP and TCP, then success"
    WHAT="the KDC's database is locked for 8 s by another process"
    logon
    post mp.$D
}
scn_as_kdc_generic() {
    EXPECT="error 60 with its e-text"
    WHAT="the KDC's database is gone"
    mv $LAB/kdc/principal $LAB/kdc/principal.away
    logon
    mv $LAB/kdc/principal.away $LAB/kdc/principal
}
pre_key_rotated() {
    logged_on
    kq "addprinc -randkey HTTP/app5.$D"
    TXT=/dev/null run kvno HTTP/app5.$D
    kq "cpw -randkey HTTP/app5.$D"
    rm -f $LAB/kt/app5.keytab
    keys kdc app5 HTTP/app5.$D
    KT=$LAB/kt/app5.keytab mp_restart
}
scn_key_rotated() {
    EXPECT="error 44: the ticket is older than the service's key"
    WHAT="ticket cached, then the service's key changed and the MP restarted with the new one only"
    post app5.$D
}
post_key_rotated() { mp_restart; }
pre_key_old() {
    logged_on
    kq "cpw -randkey HTTP/app6.$D"
}
scn_key_old() {
    EXPECT="error 44: the service has an older key than the ticket"
    WHAT="the service's key changed in the KDC, the MP's keytab has the old one"
    post app6.$D
}
scn_kpasswd_success() {
    EXPECT="the password is changed"
    WHAT="kpasswd"
    run sh -c "printf '%s\n' $PW New.$PW New.$PW | kpasswd jane"
    kq "cpw -pw $PW jane"
}
scn_kpasswd_refused() {
    EXPECT="kpasswd refused by the password policy, with its text"
    WHAT="policy of 30 characters at least"
    run sh -c "printf '%s\n' $PW New.$PW New.$PW | kpasswd long.password"
}
scn_kpasswd_wrong_password() {
    EXPECT="error 24 at the AS for kadmin/changepw"
    WHAT="kpasswd with a wrong old password"
    run sh -c "printf '%s\n' wrong New.$PW New.$PW | kpasswd jane"
}
scn_spn_missing_for_short_name() {
    EXPECT="error 7 for HTTP/app7: the client asks with the short name as it is"
    WHAT="http://app7/, which DNS completes; the client does not complete it, and no principal has the short name"
    CONF=short.conf
    logon
    post app7
}
scn_spn_missing_mit() {
    EXPECT="error 7, over UDP"
    WHAT="no principal HTTP/app8"
    logon
    post app8.$D
}
pre_kdc_tcp_blocked() {
    cp $LAB/kdc/kdc.conf $LAB/kdc/kdc.conf.whole
    sed -i 's/^ kdc_listen.*/&\n kdc_max_dgram_reply_size = 500/' $LAB/kdc/kdc.conf
    kdc_restart kdc
    nx kdc iptables -I INPUT -p tcp --dport 88 -j DROP
}
scn_kdc_tcp_blocked() {
    EXPECT="error 52, then nothing by TCP"
    WHAT="replies of more than 500 bytes do not go by UDP, and a firewall drops TCP 88"
    logon
    later 1
}
post_kdc_tcp_blocked() {
    nx kdc iptables -F INPUT
    mv $LAB/kdc/kdc.conf.whole $LAB/kdc/kdc.conf
    kdc_restart kdc
}
pre_ticket_expired() {
    cp $LAB/krb5/std.conf $LAB/krb5/std.conf.whole
    sed -i 's/^\[libdefaults\]/&\n clockskew = 5/' $LAB/krb5/std.conf
    mp_restart
}
scn_ticket_expired() {
    EXPECT="error 32: the client presents a ticket that is over, all clocks are right"
    WHAT="tickets for 10 s, their end in the client's cache overwritten; the MP allows 5 s of difference"
    run kinit -l 10s -k -t $LAB/kt/client.keytab "$CLIENT"
    run kvno HTTP/mp.$D
    sleep 17
    python3 - $CC <<'E'
# the times of a ticket in the cache: authtime, starttime, endtime (big-endian seconds)
import struct, sys

cache = bytearray(open(sys.argv[1], "rb").read())
for at in range(len(cache) - 11):
    auth, start, end = struct.unpack_from(">III", cache, at)
    if auth > 10**9 and 0 <= start - auth <= 10 and 0 < end - start <= 10:
        struct.pack_into(">I", cache, at + 8, end + 86400)
open(sys.argv[1], "wb").write(cache)
E
    post mp.$D
}
post_ticket_expired() {
    mv $LAB/krb5/std.conf.whole $LAB/krb5/std.conf
    mp_restart
}
[ "${BASH_SOURCE[0]}" = "$0" ] && site_main "$@"

#!/bin/bash
# carriers.sh - Kerberos and NTLM in protocols other than HTTP: LDAP, DCE/RPC, DNS, SMB; and answers that
# only an Active Directory KDC gives. Runs in the site of lab.sh, which it builds with an SMB server added.
#
# shellcheck disable=SC2086,SC2154,SC2034,SC1091,SC2119,SC2120,SC2046
. "$(dirname "${BASH_SOURCE[0]}")/lab.sh"
LAB_SCENARIOS=$(list)

deps_more() {
    deps
    DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=540 install -y --no-install-recommends \
        smbclient ldap-utils libsasl2-modules-gssapi-mit bind9-dnsutils samba
}
# a stand-alone smbd beside the DC: it takes the DC's keytab for cifs/ and knows one local user
smb_up() {
    local d=$LAB/smb
    mkdir -p $d/private $d/state $d/share
    chmod 755 $d $d/share
    nx dc samba-tool domain exportkeytab $LAB/kt/cifs.keytab --principal=cifs/files.$D -s $LAB/samba/etc/smb.conf >/dev/null 2>&1
    cat >$d/smb.conf <<E
[global]
	netbios name = FILES
	realm = $R
	workgroup = CORP
	security = user
	server role = standalone server
	interfaces = 10.77.0.24
	bind interfaces only = yes
	disable netbios = yes
	smb ports = 445
	kerberos method = dedicated keytab
	dedicated keytab file = FILE:$LAB/kt/cifs.keytab
	private dir = $d/private
	state directory = $d/state
	cache directory = $d/state
	lock directory = $d/state
	pid directory = $d/state
	ncalrpc dir = $d/state/ncalrpc
	passdb backend = tdbsam:$d/private/passdb.tdb
	log file = $d/log
	map to guest = bad user
	guest account = root
	load printers = no
[share]
	path = $d/share
	read only = yes
	guest ok = yes
E
    (
        echo "$CLIPW"
        echo "$CLIPW"
    ) | nx mp3 smbpasswd -c $d/smb.conf -s -a nobody >/dev/null 2>&1
    nxbg mp3 smbd -F --no-process-group -s $d/smb.conf >$d/stdout 2>&1 </dev/null &
    echo $! >$LAB/smbd.pid
    local i
    for i in $(seq 50); do
        nx mp3 ss -ltn | grep -q ':445 ' && return
        sleep 0.1
    done
    log "smbd did not start"
}
more_accounts() {
    # what samba's own service would register, were it running here
    nx dc samba-tool spn add ldap/dc1.$D 'DC1$' -s $LAB/samba/etc/smb.conf >/dev/null 2>&1
    nx dc samba-tool computer create FILES -s $LAB/samba/etc/smb.conf >/dev/null 2>&1
    nx dc samba-tool spn add cifs/files.$D 'FILES$' -s $LAB/samba/etc/smb.conf >/dev/null 2>&1
    printf 'dn: CN=FILES,CN=Computers,DC=corp,DC=test\nchangetype: modify\nreplace: msDS-SupportedEncryptionTypes\nmsDS-SupportedEncryptionTypes: 28\n' >$LAB/cc/files.ldif
    nx dc ldbmodify -H $LAB/samba/private/sam.ldb $LAB/cc/files.ldif >/dev/null 2>&1
    nx dc samba-tool user setpassword 'FILES$' --newpassword=F1les.Passw0rd -s $LAB/samba/etc/smb.conf >/dev/null 2>&1
    nx dc samba-tool user enable 'FILES$' -s $LAB/samba/etc/smb.conf >/dev/null 2>&1
    printf 'server 10.77.0.10\nzone %s\nupdate add files.%s. 3600 A 10.77.0.24\nsend\n' $D $D | nx dc nsupdate
}
site_up() {
    up && more_accounts && smb_up
    # the DC and the file server have RC4 keys first: this client takes those too
    krb5conf any.conf "allow_weak_crypto = true; permitted_enctypes = aes256-cts-hmac-sha1-96 aes128-cts-hmac-sha1-96 arcfour-hmac"
}
site_down() {
    [ -s $LAB/smbd.pid ] && kill $(cat $LAB/smbd.pid) 2>/dev/null
    rm -f $LAB/smbd.pid
    down
}

scn_ldap_gssapi() {
    CONF=any.conf
    EXPECT="a Kerberos token in an LDAP SASL bind, mechanism GSSAPI"
    WHAT="ldapsearch -Y GSSAPI, the root entry"
    kinit_ client1
    run ldapsearch -LLL -N -Q -Y GSSAPI -H ldap://dc1.$D -s base -b '' defaultNamingContext
}
scn_ldap_spnego() {
    CONF=any.conf
    EXPECT="a Kerberos token in an LDAP SASL bind, mechanism GSS-SPNEGO"
    WHAT="ldapsearch -Y GSS-SPNEGO, the root entry"
    kinit_ client1
    run ldapsearch -LLL -N -Q -Y GSS-SPNEGO -H ldap://dc1.$D -s base -b '' defaultNamingContext
}
scn_dns_tkey() {
    CONF=any.conf
    EXPECT="a Kerberos token in a DNS TKEY query, then a signed update"
    WHAT="nsupdate -g"
    kinit_ client1
    printf 'server dc1.%s\nzone %s\nupdate add client1.%s. 600 A 10.77.0.101\nsend\n' $D $D $D >$LAB/cc/tkey.txt
    run nsupdate -g $LAB/cc/tkey.txt
}
scn_rpc_kerberos() {
    CONF=any.conf
    EXPECT="a Kerberos token in the auth verifier of a DCE/RPC bind"
    WHAT="rpcclient ncacn_ip_tcp with sign and Kerberos"
    kinit_ client1
    run rpcclient --use-kerberos=required --use-krb5-ccache=$CC "ncacn_ip_tcp:dc1.${D}[sign,krb5]" -c epmlookup
}
scn_rpc_ntlm() {
    EXPECT="NTLM in the auth verifier of a DCE/RPC bind"
    WHAT="rpcclient ncacn_ip_tcp with sign and NTLM"
    run rpcclient --use-kerberos=off -U "CORP/u-ok%$CLIPW" "ncacn_ip_tcp:dc1.${D}[sign]" -c epmlookup
}
scn_smb_kerberos() {
    CONF=any.conf
    EXPECT="a Kerberos token in an SMB2 session setup"
    WHAT="smbclient with Kerberos"
    kinit_ client1
    run smbclient --use-kerberos=required --use-krb5-ccache=$CC //files.$D/share -c ls
}
scn_smb_ntlm() {
    EXPECT="NTLM in an SMB2 session setup"
    WHAT="smbclient with NTLM"
    run smbclient --use-kerberos=off -U "FILES/nobody%$CLIPW" //files.$D/share -c ls
}
# what only AD says
pre_tgt_revoked() {
    quiet_kinit client2
    nx dc samba-tool computer delete CLIENT2 -s $LAB/samba/etc/smb.conf >/dev/null 2>&1
    nx dc samba-tool computer create CLIENT2 -s $LAB/samba/etc/smb.conf >/dev/null 2>&1
    nx dc samba-tool user setpassword 'CLIENT2$' --newpassword=N3w.Passw0rd -s $LAB/samba/etc/smb.conf >/dev/null 2>&1
    nx dc samba-tool user enable 'CLIENT2$' -s $LAB/samba/etc/smb.conf >/dev/null 2>&1
}
scn_tgt_revoked() {
    EXPECT="error 20: the TGT is of an account that was deleted and made again"
    WHAT="TGT cached, then the computer account deleted and created"
    post mp01.$D
}
pre_client_disabled_tgs() {
    quiet_kinit pc20
    nx dc samba-tool user disable 'PC20$' -s $LAB/samba/etc/smb.conf >/dev/null 2>&1
}
scn_client_disabled_tgs() {
    EXPECT="the account is disabled after its logon: the TGS refuses (18 or 6)"
    WHAT="TGT cached, then the account disabled"
    post mp01.$D
}
post_client_disabled_tgs() { nx dc samba-tool user enable 'PC20$' -s $LAB/samba/etc/smb.conf >/dev/null 2>&1; }
pre_krbtgt_reset() {
    quiet_kinit client1
    nx dc python3 - $LAB <<'E'
import sys, random, string
from samba.samdb import SamDB
from samba.auth import system_session
from samba.param import LoadParm
lab = sys.argv[1]
lp = LoadParm(); lp.load(lab + "/samba/etc/smb.conf")
sam = SamDB(url=lab + "/samba/private/sam.ldb", session_info=system_session(), lp=lp)
for i in range(3):
    sam.setpassword("(sAMAccountName=krbtgt)", "Krbtgt.Passw0rd.%d.%d" % (i, random.randrange(10**9)), False)
E
}
scn_krbtgt_reset() {
    EXPECT="the KDC refuses the TGT: krbtgt's password was reset three times"
    WHAT="TGT cached, then krbtgt's password set three times"
    post mp01.$D
}
scn_s4u_self_proxy() {
    EXPECT="S4U2Self works, S4U2Proxy is refused (13): no delegation is allowed"
    WHAT="kvno -U u-ok -P for HTTP/mp02 as CLIENT1$, which may not delegate"
    kinit_ client1
    run kvno -k $LAB/kt/client1.keytab -U u-ok -P HTTP/mp02.$D
    run kvno -U u-ok 'CLIENT1$'
    run kvno -U u-ok -P HTTP/mp02.$D
}
pre_client_workstation() {
    printf 'dn: CN=u-ok,CN=Users,DC=corp,DC=test\nchangetype: modify\nreplace: userWorkstations\nuserWorkstations: OTHERPC\n' >$LAB/cc/ws.ldif
    nx dc ldbmodify -H $LAB/samba/private/sam.ldb $LAB/cc/ws.ldif >/dev/null 2>&1
}
scn_client_workstation() {
    EXPECT="error 12 or 18 with the NTSTATUS of a workstation that is not allowed"
    WHAT="userWorkstations: OTHERPC"
    kinit_pw u-ok "$CLIPW"
}
post_client_workstation() {
    printf 'dn: CN=u-ok,CN=Users,DC=corp,DC=test\nchangetype: modify\nreplace: userWorkstations\n' >$LAB/cc/ws.ldif
    nx dc ldbmodify -H $LAB/samba/private/sam.ldb $LAB/cc/ws.ldif >/dev/null 2>&1
}
pre_token_too_large() { # IIS' limit for a header field is 16 KB: so is this server's, and the client is in 1500 groups
    nx dc python3 - $LAB <<'E'
import sys
from samba.samdb import SamDB
from samba.auth import system_session
from samba.param import LoadParm
lab = sys.argv[1]
lp = LoadParm(); lp.load(lab + "/samba/etc/smb.conf")
sam = SamDB(url=lab + "/samba/private/sam.ldb", session_info=system_session(), lp=lp)
base = sam.get_default_basedn()
sam.transaction_start()
for i in range(1500):
    sam.add({"dn": f"CN=Big {i:04d},CN=Users,{base}", "objectClass": "group", "sAMAccountName": f"Big{i:04d}",
             "groupType": "-2147483646", "member": f"CN=CLIENTBIG,CN=Computers,{base}"})
sam.transaction_commit()
E
    mp_stop mp2
    sed -i '/^LimitRequestFieldSize/d' $LAB/mp2/httpd.conf
    sed -i '1i LimitRequestFieldSize 16384' $LAB/mp2/httpd.conf
    mp_start mp2
}
scn_token_too_large() {
    EXPECT="400: the token of a client in 1600 groups exceeds the server's limit of 16 KB"
    WHAT="1600 groups, LimitRequestFieldSize 16384"
    kinit_ clientbig
    post mp02.$D
}

case "${1:-}" in
up) site_up ;;
down) site_down ;;
deps) deps_more ;;
list) comm -13 <(sort <<<"$LAB_SCENARIOS") <(list | sort) ;;
scenario)
    shift
    for s in "$@"; do scenario $s; done
    ;;
*) echo "usage: $0 deps | up | scenario NAME... | list | down" >&2 ;;
esac

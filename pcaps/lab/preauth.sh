#!/bin/bash
# preauth.sh - ways to prove who one is: PKINIT and its failures, FAST, SPAKE, encrypted challenge, anonymous
# tickets, user-to-user. MIT KDC and clients.
#
#   kdc 10.60.3.5  KDC and DNS of LABS.TEST     mp 10.60.3.30  Apache     cli 10.60.3.41  NB-17$
#
# shellcheck disable=SC2086,SC2154,SC2034,SC1091,SC2119,SC2120
LAB=${LAB:-$PWD/lab-state}/preauth
P=$LAB/pcaps
R=LABS.TEST
D=labs.test
NSP=kf
NET=10.60.3
DNS=$NET.5
KDC=$NET.5
CLIENT='NB-17$'
. "$(dirname "${BASH_SOURCE[0]}")/site.sh"

# cert NAME CA SUBJECT [extension line...]: $LAB/ca/NAME.pem, certificate and key, signed by CA (or by itself)
cert() {
    local n=$1 ca=$2 cn=$3 x
    shift 3
    {
        printf '[req]\ndistinguished_name=dn\nprompt=no\n[dn]\nCN=%s\n[x]\n' "$cn"
        for x in "$@"; do printf '%s\n' "$x"; done
        printf '[san]\nrealm=EXP:0,GeneralString:%s\nname=EXP:1,SEQUENCE:%s\n' $R "${PRINC:+princ}"
        printf '[princ]\ntype=EXP:0,INTEGER:1\nstring=EXP:1,SEQUENCE:strings\n[strings]\none=GeneralString:%s\n' "${PRINC:-x}"
        [ -z "${PRINC2:-}" ] || printf 'two=GeneralString:%s\n' "$PRINC2"
    } >$LAB/ca/$n.cnf
    openssl req -newkey rsa:2048 -nodes -keyout $LAB/ca/$n.key -out $LAB/ca/$n.csr -config $LAB/ca/$n.cnf 2>/dev/null
    if [ -n "$ca" ]; then
        openssl x509 -req -in $LAB/ca/$n.csr -CA $LAB/ca/$ca.crt -CAkey $LAB/ca/$ca.key -CAcreateserial -days ${DAYS:-3650} \
            -extfile $LAB/ca/$n.cnf -extensions x -out $LAB/ca/$n.crt
    else
        openssl x509 -req -in $LAB/ca/$n.csr -signkey $LAB/ca/$n.key -days 3650 -extfile $LAB/ca/$n.cnf -extensions x -out $LAB/ca/$n.crt
    fi >>$LAB/openssl.log 2>&1
    cat $LAB/ca/$n.crt $LAB/ca/$n.key >$LAB/ca/$n.pem
}
SAN='subjectAltName=otherName:1.3.6.1.5.2.2;SEQUENCE:san'
site_hosts() {
    rm -rf ${LAB:?}/ca
    mkdir -p $LAB/ca
    local ca='basicConstraints=critical,CA:true'
    cert ca "" "Labs CA" "$ca"
    cert otherca "" "Nobody's CA" "$ca"
    PRINC=krbtgt PRINC2=$R cert kdc ca kdc.$D 'extendedKeyUsage=1.3.6.1.5.2.3.5' "$SAN"
    PRINC=mary cert mary ca mary 'keyUsage=digitalSignature' 'extendedKeyUsage=1.3.6.1.5.2.3.4' "$SAN"
    PRINC=somebody cert other ca somebody 'keyUsage=digitalSignature' 'extendedKeyUsage=1.3.6.1.5.2.3.4' "$SAN"
    PRINC=mary cert noeku ca mary 'keyUsage=digitalSignature' 'extendedKeyUsage=serverAuth' "$SAN"
    PRINC=mary cert strange otherca mary 'keyUsage=digitalSignature' 'extendedKeyUsage=1.3.6.1.5.2.3.4' "$SAN"
    KDCCONF="pkinit_identity = FILE:$LAB/ca/kdc.crt,$LAB/ca/kdc.key
  pkinit_anchors = FILE:$LAB/ca/ca.crt
  spake_preauth_indicator = spake"
    kdc_krb5conf kdc $R "spake_preauth_groups = edwards25519"
    krb5conf pk.conf "pkinit_anchors = FILE:$LAB/ca/ca.crt; pkinit_kdc_hostname = kdc.$D; spake_preauth_groups = edwards25519"
    krb5conf pkother.conf "pkinit_anchors = FILE:$LAB/ca/otherca.crt"
    krb5conf chal.conf "spake_preauth_groups = P-521; pkinit_anchors = FILE:$LAB/ca/ca.crt"
}
site_principals() {
    local n
    for n in mary peter; do kq "addprinc -pw $PW +requires_preauth $n"; done
    kq "addprinc -randkey WELLKNOWN/ANONYMOUS"
    kq "addprinc -randkey +requires_preauth svc/u2u.$D"
    kq "addprinc -pw $PW -allow_svr desk"
    keys kdc desk desk
}
pk() { # pk CERTIFICATE [PRINCIPAL]
    run kinit -X X509_user_identity=FILE:$LAB/ca/$1.crt,$LAB/ca/$1.key ${2:-mary} </dev/null
}

scn_pkinit_success() {
    EXPECT="a TGT by certificate"
    WHAT="kinit with a certificate of the KDC's CA"
    CONF=pk.conf
    pk mary
}
scn_pkinit_wrong_name() {
    EXPECT="75: the certificate is another principal's"
    WHAT="the certificate says somebody, the request mary"
    CONF=pk.conf
    pk other
}
scn_pkinit_wrong_purpose() {
    EXPECT="77: the certificate is not for this purpose"
    WHAT="the certificate's extended key usage is serverAuth"
    CONF=pk.conf
    pk noeku
}
scn_pkinit_untrusted() {
    EXPECT="the KDC does not trust the certificate's issuer"
    WHAT="a certificate of another CA"
    CONF=pkother.conf
    pk strange
}
scn_fast() {
    EXPECT="success by FAST: armoured AS and TGS exchanges, encrypted challenge inside"
    WHAT="armour ticket by keytab, then kinit -T"
    run kinit -c $LAB/cc/armor -k -t $LAB/kt/client.keytab "$CLIENT"
    CONF=chal.conf
    run sh -c "echo $PW | kinit -T $LAB/cc/armor peter"
    post mp.$D
}
scn_fast_wrong_password() {
    EXPECT="preauthentication failed, inside FAST"
    WHAT="armour ticket by keytab, then kinit -T with a wrong password"
    run kinit -c $LAB/cc/armor -k -t $LAB/kt/client.keytab "$CLIENT"
    CONF=chal.conf
    run sh -c "echo wrong | kinit -T $LAB/cc/armor peter"
}
scn_spake() {
    EXPECT="success by SPAKE"
    WHAT="both sides allow edwards25519"
    CONF=pk.conf
    run sh -c "echo $PW | kinit peter"
}
scn_spake_wrong_password() {
    EXPECT="preauthentication failed, by SPAKE"
    WHAT="SPAKE with a wrong password"
    CONF=pk.conf
    run sh -c "echo wrong | kinit peter"
}
scn_anonymous_armor() {
    EXPECT="success: an anonymous ticket as armour, then the user's"
    WHAT="kinit -n, kinit -T"
    CONF=pk.conf
    run kinit -n -c $LAB/cc/anon @$R
    CONF=chal.conf
    run sh -c "echo $PW | kinit -T $LAB/cc/anon peter"
}
scn_user_to_user() {
    EXPECT="success: a user-to-user ticket"
    WHAT="kvno --u2u with the TGT of another principal"
    run kinit -c $LAB/cc/desk -k -t $LAB/kt/desk.keytab desk
    logon
    run kvno --u2u $LAB/cc/desk desk
}
pre_token_too_large() { # an indicator is a string that the KDC puts into the ticket
    local n
    cp $LAB/kdc/kdc.conf $LAB/kdc/kdc.conf.whole
    for n in 1 2 3 4 5 6 7 8; do
        sed -i "s/^  acl_file.*/&\n  pkinit_indicator = $n$(printf '%01800d' 0)/" $LAB/kdc/kdc.conf
    done
    kdc_restart kdc
}
scn_token_too_large() {
    EXPECT="400: the Authorization header is too long for the MP"
    WHAT="logon by certificate, to which the KDC adds authentication indicators of 14 kB"
    CONF=pk.conf
    pk mary
    post mp.$D
}
post_token_too_large() {
    mv $LAB/kdc/kdc.conf.whole $LAB/kdc/kdc.conf
    kdc_restart kdc
}
[ "${BASH_SOURCE[0]}" = "$0" ] && site_main "$@"

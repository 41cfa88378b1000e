/* Kerberos messages (RFC 4120) as plain structs. Only this folder knows Heimdal's types.
 *
 * Everything a krb_message points to lies in the arena given to krb_decode(); strings are raw bytes
 * from the wire. Ciphertext is never copied: only its length and a keyed hash of the ticket remain.
 */
#ifndef KRBSCOPE_KRB5ASN1_KRB_H
#define KRBSCOPE_KRB5ASN1_KRB_H

#include "base/address.h"
#include "base/hash.h"
#include "base/status.h"

#define KRB_PADATA_MAX 32     /* PA-DATA kept of one message; the rest is counted only */
#define KRB_ETYPES_MAX 32     /* etypes kept of one request */
#define KRB_NAME_PARTS_MAX 16 /* components kept of one principal name */
#define KRB_ADDRESSES_MAX 16  /* host addresses kept of one request */
#define KRB_TICKETS_MAX 8     /* additional tickets kept of one request */
#define KRB_SHA256_BYTES 32
#define KRB_SPAKE_GROUPS_MAX 16  /* groups kept of one PA-SPAKE */
#define KRB_EDATA_OTHER_MAX 1024 /* bytes kept of e-data in no known form */

/* Application tags, which are the msg-type numbers too (RFC 4120 5.10). */
enum krb_type {
    KRB_NONE = 0,
    KRB_AS_REQ = 10,
    KRB_AS_REP = 11,
    KRB_TGS_REQ = 12,
    KRB_TGS_REP = 13,
    KRB_AP_REQ = 14,
    KRB_AP_REP = 15,
    KRB_SAFE = 20,
    KRB_PRIV = 21,
    KRB_CRED = 22,
    KRB_ERROR_MSG = 30,
};

/* PrincipalName: name-string joined by '/', a '/' or '@' within a component stays as it is. */
struct krb_name {
    bool present;
    int32_t type;      /* name-type, RFC 4120 6.2 */
    struct bytes text; /* "HTTP/mp.example.com" */
    size_t num_parts;  /* components on the wire */
    struct bytes parts[KRB_NAME_PARTS_MAX];
};

/* KerberosTime with optional microseconds. */
struct krb_time {
    bool present;
    int64_t seconds; /* since 1970, UTC */
    int32_t usec;    /* 0 to 999999; -1 when the message has none */
};

/* EncryptedData without its ciphertext. */
struct krb_enc {
    bool present;
    int32_t etype;
    bool has_kvno;
    uint32_t kvno;
    size_t cipher_len; /* bytes */
};

struct krb_ticket {
    bool present;
    struct bytes realm;
    struct krb_name sname;
    struct krb_enc enc;
    struct hash128 hash; /* of the Ticket's DER; equal tickets have equal hashes in one run */
    bool has_sha256;     /* see krb_keep_sha256() */
    uint8_t sha256[KRB_SHA256_BYTES]; /* of the same bytes */
};

/* One element of ETYPE-INFO or ETYPE-INFO2. */
struct krb_etype_info {
    int32_t etype;
    bool has_salt;
    struct bytes salt;
};

/* PA-PK-AS-REQ and PA-PK-AS-REP (RFC 4556 3.2.1, 3.2.3): what is neither signature nor key. The
 * CMS around it is signed, not encrypted. */
struct krb_pkinit {
    bool is_signed_data; /* CMS SignedData could be read; what follows came from it */
    size_t num_certificates;
    bool has_authenticator; /* request: AuthPack.pkAuthenticator */
    struct krb_time ctime;
    bool has_nonce; /* the authenticator's; reply: of KDCDHKeyInfo */
    uint32_t nonce;
    bool has_dh_key; /* request: clientPublicValue, so Diffie-Hellman and not key transport */
    size_t num_trusted_certifiers;
    bool has_kdc_pk_id, has_server_nonce;
};

struct krb_padata {
    int32_t type;
    size_t value_len; /* bytes on the wire */
    /* What could be read inside, by type; zero otherwise. */
    struct krb_enc enc; /* 2 ENC-TIMESTAMP, 138 ENCRYPTED-CHALLENGE; 136 FX-FAST: what is armored;
                           151 SPAKE: a response's factor */
    const struct krb_etype_info *infos; /* 11 and 19; 161, 162 KEY-LIST-REQ and -REP: etypes, no
                                           salts (and never the keys) */
    size_t num_infos;
    struct krb_name user; /* 129 FOR-USER: userName; 130 FOR-X509-USER: cname */
    struct bytes user_realm;
    bool has_flags;
    uint32_t flags;    /* 128: include-pac 0/1; 167 PAC-OPTIONS: first 32 bits, bit 0 = MSB;
                          165 SUPPORTED-ENCTYPES: the mask */
    bool has_ntstatus; /* 3 PW-SALT in an error, 12 bytes: MS-KILE 2.2.2 KERB-EXT-ERROR */
    uint32_t ntstatus;
    bool has_salt; /* 3 PW-SALT outside errors, 10 AFS3-SALT */
    struct bytes salt;
    bool has_checksum; /* 149 REQ-ENC-PA-REP in a reply; 136 FX-FAST request: its req-checksum */
    int32_t checksum_type;
    int32_t armor_type; /* 136 FX-FAST request: armor type or 0 */
    bool fast_rep;      /* 136 holds a PA-FX-FAST-REPLY */
    const char *form;   /* 16, 17 PK-AS-REQ and -REP, 151 SPAKE: which of its forms, or NULL */
    const struct krb_pkinit *pkinit; /* 16, 17; NULL: not readable */
    const int32_t *groups;           /* 151 SPAKE: offered (support) or chosen (challenge) */
    size_t num_groups;
};

/* e-data of a KRB-ERROR, in every form seen: METHOD-DATA, one PA-DATA, TYPED-DATA,
 * KERB-ERROR-DATA (MS-KILE 2.2.1). */
enum krb_edata_kind {
    KRB_EDATA_NONE,
    KRB_EDATA_METHOD_DATA,
    KRB_EDATA_PA_DATA, /* a single one, no sequence around it */
    KRB_EDATA_TYPED_DATA,
    KRB_EDATA_EXT_ERROR, /* KERB-ERROR-DATA type 3: NTSTATUS */
    KRB_EDATA_SKEW,      /* KERB-ERROR-DATA type 2: clock skew recovery */
    KRB_EDATA_OTHER,     /* present, not understood */
};

/* The body of a KRB-SAFE (RFC 4120 5.6.1), which is in clear, without its data. */
struct krb_safe_body {
    bool present;
    size_t user_data_len; /* bytes */
    struct krb_time timestamp;
    bool has_seq_number;
    uint32_t seq_number;
    int32_t checksum_type;
};

struct krb_message {
    enum krb_type type;
    bool complete; /* false: cut short; the fields up to the cut are filled */
    int32_t pvno;

    /* AS-REQ, TGS-REQ */
    uint32_t kdc_options; /* bit 0 of RFC 4120 = most significant */
    struct krb_time from, till, rtime;
    bool has_nonce;
    uint32_t nonce;      /* negative INTEGERs are shown unsigned */
    bool is_armored;     /* it holds a PA-FX-FAST request: the nonce in clear says nothing */
    struct hash128 hash; /* of the bytes of an armored request, instead */
    int32_t etypes[KRB_ETYPES_MAX];
    size_t num_etypes; /* kept */
    struct address addresses[KRB_ADDRESSES_MAX];
    struct bytes netbios_address; /* HostAddress type 20, blanks trimmed */
    size_t num_addresses;
    size_t num_additional_tickets;         /* on the wire */
    struct krb_ticket *additional_tickets; /* KRB-CRED: those behind the first */
    size_t num_tickets_kept;               /* of those; none of a message cut short */

    /* requests: cname, realm, sname; replies: crealm, cname; KRB-ERROR: all four */
    struct krb_name cname, sname;
    struct bytes crealm, realm;

    struct krb_padata
        *padata;       /* of the message, or of METHOD-DATA (or TYPED-DATA) in a KRB-ERROR */
    size_t num_padata; /* kept */

    struct krb_ticket ticket; /* AS-REP, TGS-REP, AP-REQ; KRB-CRED: the first */
    struct krb_enc enc_part;  /* AS-REP, TGS-REP, AP-REP, KRB-PRIV, KRB-CRED; AP-REQ: the
                                 authenticator */
    uint32_t ap_options;      /* AP-REQ */

    struct krb_message *ap_req; /* TGS-REQ: the AP-REQ of PA-TGS-REQ, or NULL */
    struct krb_message *armor;  /* AS-REQ, TGS-REQ: the AP-REQ of PA-FX-FAST's armor (RFC 6113
                                   5.4.1), or NULL */
    struct krb_safe_body safe;  /* KRB-SAFE */

    /* KRB-ERROR */
    int32_t error_code;
    struct krb_time ctime, stime;
    bool has_etext;
    struct bytes etext;
    enum krb_edata_kind edata;
    struct bytes edata_other; /* KRB_EDATA_OTHER: its bytes, KRB_EDATA_OTHER_MAX at most */
    bool has_ntstatus;        /* from KERB-EXT-ERROR, wherever it stood in e-data */
    uint32_t ntstatus;
};

/* Decodes one message that begins at input.at with its application tag.
 *
 * out      filled on DONE and on MORE (complete = false, the fields that could be read)
 * arena    owns everything out points to; on BAD what was taken may stay taken
 * used     bytes of the message with its header; on MORE the bytes it should have had, as far as
 *          its header says, else 0
 * flaw     why BAD; may be NULL
 *
 * DONE  one whole message; bytes may follow it
 * MORE  the input ends before the message does
 * BAD   no Kerberos message: wrong tag, wrong DER, or the arena is too small
 */
enum verdict krb_decode(struct bytes input, struct arena *arena, struct krb_message *out,
                        size_t *used, struct flaw *flaw);

/* Whether krb_decode() shall fill krb_ticket.sha256; off unless told. To be called once, before the
 * first message. */
void krb_keep_sha256(bool wanted);

/* Is this the start of a Kerberos message? Cheap, for every segment of an undecided flow: an
 * application tag that we know, a definite length of 10 bytes at least, and inside it the SEQUENCE
 * with [0] or [1] pvno 5 and the matching msg-type. len is set to the whole message's length.
 * 16 bytes suffice; with long lengths msg-type ends behind them and is compared as far as it is
 * seen. false for a shorter input, and when pvno lies beyond it. */
bool krb_looks_like(struct bytes input, size_t *len);

/* RFC 4120 names from the .def tables; NULL for an unassigned number. */
const char *krb_type_name(enum krb_type type);     /* "AS-REQ", … "KRB-ERROR" */
const char *krb_error_name(int32_t code);          /* "KDC_ERR_S_PRINCIPAL_UNKNOWN" */
const char *krb_error_meaning(int32_t code);       /* one short sentence */
const char *krb_etype_name(int32_t etype);         /* "aes256-cts-hmac-sha1-96" */
const char *krb_padata_name(int32_t type);         /* "PA-ENC-TIMESTAMP" */
const char *krb_name_type_name(int32_t type);      /* "NT-SRV-INST" */
const char *krb_ntstatus_name(uint32_t status);    /* "STATUS_ACCOUNT_DISABLED" */
const char *krb_ntstatus_meaning(uint32_t status); /* one short sentence */

#endif

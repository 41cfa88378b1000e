/* DNS messages (RFC 1035, 2782, 6891), also as LLMNR (RFC 4795) and NetBIOS names (RFC 1002). */
#ifndef KRBSCOPE_DECODE_DNS_H
#define KRBSCOPE_DECODE_DNS_H

#include "base/address.h"
#include "base/status.h"

#define DNS_ANSWERS_MAX 64      /* records kept of one message */
#define DNS_NAME_BYTES_MAX 1024 /* a name as text; labels of 63 bytes, escapes included */

enum dns_type {
    DNS_A = 1,
    DNS_NS = 2,
    DNS_CNAME = 5,
    DNS_SOA = 6,
    DNS_PTR = 12,
    DNS_AAAA = 28,
    DNS_NETBIOS = 32, /* NB, RFC 1002 4.2.1.3 */
    DNS_SRV = 33,
    DNS_TKEY = 249,
    DNS_URI = 256,
};

enum dns_flavour { DNS_PLAIN, DNS_LLMNR, DNS_NBNS, DNS_MDNS };

/* A TKEY record (RFC 2930 2). */
struct dns_tkey {
    struct bytes algorithm; /* text: "gss-tsig" */
    uint16_t mode;          /* 3: GSS-API */
    uint16_t error;         /* 0, or an extended rcode */
    size_t key_len;         /* bytes, as the record says */
    struct bytes key;       /* the token; those of its bytes that are there */
};

/* A record of the answer section, or an address from the additional section. */
struct dns_record {
    struct bytes name; /* text, dots between labels, no dot at the end */
    uint16_t type;     /* enum dns_type or another number */
    uint32_t ttl_s;
    bool is_additional;
    struct address address;          /* A, AAAA, NB (the first) */
    struct bytes target;             /* CNAME, PTR, SRV, NS; URI: its text */
    uint16_t priority, weight, port; /* SRV; URI has no port */
};

struct dns_message {
    enum dns_flavour flavour;
    uint16_t id;
    bool is_response;
    bool is_truncated; /* TC */
    bool is_authoritative;
    uint8_t opcode;
    uint8_t rcode;
    struct bytes question; /* first question's name; NetBIOS names decoded, suffix dropped */
    uint16_t question_type;
    uint16_t num_questions;
    struct dns_record *answers;
    size_t num_answers;    /* kept */
    struct dns_tkey *tkey; /* the first, or NULL */
    bool complete;         /* false: cut after the question */
};

/* One message without the TCP length prefix. The usual shape: DONE, MORE (cut: filled up to the
 * cut when the question was there), BAD. Compression loops are BAD (RFC 1035 4.1.4). */
enum verdict dns_decode(struct bytes input, enum dns_flavour flavour, struct arena *arena,
                        struct dns_message *out, size_t *used, struct flaw *flaw);

const char *dns_type_name(uint16_t type);  /* NULL when unknown */
const char *dns_rcode_name(uint8_t rcode); /* "NXDOMAIN"; NULL when unknown */

#endif

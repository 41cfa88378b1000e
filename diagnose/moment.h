/* A moment is what the correlator keeps of an event: small, self-contained, one block of memory.
 *
 * event (borrowed, large) ── moment_new() ──► moment (owned by a client's log, a few hundred bytes)
 */
#ifndef KRBSCOPE_DIAGNOSE_MOMENT_H
#define KRBSCOPE_DIAGNOSE_MOMENT_H

#include "decode/event.h"

#define MOMENT_FRAMES_MAX 8   /* frame numbers kept of one message */
#define MOMENT_ETYPES_MAX 12  /* etypes kept of a request or of ETYPE-INFO2 */
#define MOMENT_ANSWERS_MAX 16 /* DNS records kept of one response */
#define MOMENT_TEXT_MAX 512   /* bytes kept of any one name or text from the wire */
#define MOMENT_OFFERS_MAX 8   /* authentication schemes kept of one response */

/* A ticket as it is seen from outside. */
struct ticket_sight {
    bool present;
    struct hash128 hash;
    struct bytes sname, realm;
    int32_t etype;
    bool has_kvno;
    uint32_t kvno;
};

struct krb_moment {
    enum krb_type type;
    int32_t error_code;
    bool has_nonce;
    uint32_t nonce;
    struct bytes cname, crealm, sname, realm;
    struct bytes service;              /* first component of sname: "HTTP", "krbtgt" */
    struct bytes host;                 /* second component of sname */
    int32_t etypes[MOMENT_ETYPES_MAX]; /* offered (request), or in ETYPE-INFO2 (error) */
    size_t num_etypes;
    bool has_preauth; /* AS-REQ: ENC-TIMESTAMP, ENCRYPTED-CHALLENGE, PK-AS-REQ or FX-FAST */
    struct ticket_sight ticket;
    bool has_stime, has_ctime;
    int64_t stime_ns, ctime_ns;
    int64_t stime_resolution_ns;
    bool has_ntstatus;
    uint32_t ntstatus;
    struct bytes etext;
};

struct dns_moment {
    enum dns_flavour flavour;
    uint16_t id;
    bool is_response, is_truncated;
    uint8_t rcode;
    uint16_t type;
    struct bytes question;
    struct dns_record *answers; /* MOMENT_ANSWERS_MAX at most, names and targets copied too */
    size_t num_answers;
};

enum token_sight {
    TOKEN_SIGHT_NONE,    /* the whole head was seen: no token in it */
    TOKEN_SIGHT_UNKNOWN, /* the head is cut: it may have held one */
    TOKEN_SIGHT_KRB,     /* an AP-REQ */
    TOKEN_SIGHT_NTLM_1,  /* NTLM NEGOTIATE */
    TOKEN_SIGHT_NTLM_3,  /* NTLM AUTHENTICATE */
    TOKEN_SIGHT_OTHER,   /* a token that could not be read, or NEGOEX, Basic, … */
};

struct http_moment {
    struct bytes method, host, path; /* host without port; path without query */
    unsigned status;                 /* 0: request */
    bool head_complete;
    bool seen_from_start;
    /* request */
    enum token_sight token;
    bool token_is_proxys;    /* Proxy-Authorization */
    enum auth_scheme scheme; /* scheme of the token */
    size_t token_len, header_len;
    struct ticket_sight ticket;
    bool is_behind_tls; /* a proxy says that the client spoke TLS with it */
    bool is_ccm_post, is_registration;
    struct bytes ccm_name, ccm_sms_id, ccm_request_type; /* of a CCM_POST's body; may be empty */
    bool has_ccm_request_time, has_ccm_sent_time;
    int64_t ccm_request_time_ns, ccm_sent_time_ns; /* as the client wrote them: some write the same
                                                      one for ever, so they are no clock */
    struct bytes ntlm_user, ntlm_domain;
    /* response */
    uint64_t request_id;
    enum auth_scheme offers[MOMENT_OFFERS_MAX];
    size_t num_offers;
    bool has_offers;    /* any WWW-Authenticate (407: Proxy-Authenticate) */
    bool has_krb_error; /* a KRB-ERROR in its token */
    int32_t krb_error;
    bool has_ap_rep;
    enum neg_state neg_state;
    bool has_ntlm_challenge;
    struct bytes ntlm_computer; /* what the server calls itself there, by DNS or NetBIOS */
    bool has_server_time;       /* KRB-ERROR stime or NTLM AV 7: better than Date */
    int64_t server_time_ns, server_time_resolution_ns;
    bool has_date;
    int64_t date_ns;
    bool has_via;
    struct bytes server, powered_by, allow;
    const char *node_header; /* static; which header says which machine answered, or NULL */
    struct bytes node;       /* its value */
};

struct moment {
    struct moment *next, *previous; /* in a log; managed by log.c */
    size_t bytes;                   /* of this block */
    enum event_kind kind;
    uint64_t id, reply_to;
    uint16_t capture;
    uint32_t frame;
    uint32_t frames[MOMENT_FRAMES_MAX];
    size_t num_frames;
    int64_t time_ns, first_time_ns;
    struct endpoint from, to;
    uint64_t connection;
    bool complete;
    bool used; /* it belongs to a judged attempt */
    union {
        struct krb_moment krb;
        struct dns_moment dns;
        struct http_moment http;
        struct icmp_facts icmp;
        struct {
            struct address target;
        } neighbour;
    } u;
};

/* A moment that keeps what is needed of the event; freed with moment_free(). NULL: no memory.
 * Only kinds with a member above are taken. */
struct moment *moment_new(const struct event *event);
void moment_free(struct moment *m);

/* What an ICMP unreachable says of the packet that it quotes (RFC 792, RFC 1812 5.2.7.1,
 * RFC 4443 3.1). */
enum icmp_meaning {
    ICMP_CLOSED,    /* nothing has that port */
    ICMP_NO_WAY,    /* the host or its network cannot be reached */
    ICMP_FORBIDDEN, /* a router or firewall does not let it through */
    ICMP_TOO_BIG,   /* it is too large for the path: the host may well be there */
};
enum icmp_meaning icmp_meaning(const struct icmp_facts *icmp);

/* The same in words: "port unreachable". */
const char *icmp_words(enum icmp_meaning meaning);

/* The host or the service part of "service/host[:port][/…]"; empty when there is none. */
struct bytes moment_spn_host(struct bytes spn);
struct bytes moment_spn_service(struct bytes spn);

#endif

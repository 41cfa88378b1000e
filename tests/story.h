/* Stories for the tests of diagnose/: events written by hand, one call a message, pushed into a
 * case as they are told. What a call leaves out is what a healthy network would say.
 *
 *      struct story s;
 *      story_begin(&s, NULL);
 *      story_client_side(&s);
 *      struct talk t = talk_open(&s);
 *      ASK(&t, .host = "mp.example.com");
 *      ANSWER(&t, .status = 401);
 *      ASK(&t, .token = TOKEN_KRB);
 *      ANSWER(&t, .status = 200);
 *      const struct analysis *a = story_end(&s);
 *      …
 *      story_free(&s);
 */
#ifndef KRBSCOPE_TESTS_STORY_H
#define KRBSCOPE_TESTS_STORY_H

#include "diagnose/case.h"

#define STORY_NS INT64_C(1795345962000000000) /* 2026-11-22T11:12:42Z, the first event */
#define STORY_FLAW_MAX 400

#define CLIENT "192.0.2.101"
#define CLIENT_2 "192.0.2.102"
#define KDC "192.0.2.10" /* and DNS server */
#define KDC_2 "192.0.2.11"
#define MP "192.0.2.21"
#define MP_2 "192.0.2.22"
#define MP_NAME "mp.example.com"
#define WINDOWSAUTH "/ccm_system_windowsauth/request"
#define CCM_REQUEST "/ccm_system/request"
#define MP_SPN "HTTP/mp.example.com"
#define REALM "EXAMPLE.COM"

struct story {
    struct case_file *c;
    struct capture_summary capture;
    struct analysis analysis;
    bool ended;
    int64_t now_ns;                                     /* of the capture's clock */
    double client_ahead_s, kdc_ahead_s, server_ahead_s; /* hosts' clocks against it */
    double step_s;                     /* time between two events, 1 ms unless told */
    const char *client, *server, *kdc; /* whose story it is: CLIENT, MP, KDC unless told */
    uint16_t server_port;
    uint32_t frame;
    uint64_t id, connection;
    uint16_t port;
    uint8_t icmp_code;         /* of story_icmp(); 0: 3, the port */
    char flaw[STORY_FLAW_MAX]; /* what story_end() found wrong with the texts; empty: nothing */
};

/* options may be NULL. */
void story_begin(struct story *s, const struct case_options *options);
void story_wait(struct story *s, double seconds);

/* Judges; borrowed until story_free(). Also looks at every text of every attempt: see flaw. */
const struct analysis *story_end(struct story *s);
void story_free(struct story *s);

/* Frames between two hosts, both ways; the client's to its DNS server and to the server: as a
 * capture on the client shows. */
void story_meet(struct story *s, const char *a, const char *b);
void story_client_side(struct story *s);

/* The same on Ethernet, by the last byte of each adapter's address; or one frame from a to b that
 * nobody answers. */
void story_meet_by(struct story *s, const char *a, uint8_t a_adapter, const char *b,
                   uint8_t b_adapter, bool is_stray);

/* DNS: a question, a response. */
struct dns_words {
    const char *name;     /* MP_NAME */
    uint16_t type;        /* DNS_A */
    uint8_t rcode;        /* 3: NXDOMAIN */
    const char *address;  /* of a response; NULL: none */
    const char *alias_of; /* CNAME in front of the address */
    const char *target;   /* PTR, SRV */
    const char *server;   /* KDC */
};
void story_dns_query(struct story *s, const struct dns_words *w);
void story_dns_response(struct story *s, const struct dns_words *w);
#define LOOK_UP(s, ...) story_dns_query(s, &(struct dns_words){__VA_ARGS__})
#define RESOLVE(s, ...) story_dns_response(s, &(struct dns_words){__VA_ARGS__})

/* The question for MP_NAME's A record and its answer, s->server. */
void story_resolve(struct story *s);

/* Neighbours and errors of the network. */
void story_arp(struct story *s, const char *target, bool is_reply);
void story_icmp(struct story *s, struct endpoint from, struct endpoint to, uint8_t protocol);
void story_duplicate(struct story *s);

/* A TCP connection; its facts are kept as the decoder would. */
struct talk {
    struct story *s;
    uint64_t connection;
    struct endpoint client, server;
    struct tcp_facts tcp;
    uint64_t requests[16]; /* ids that wait for their response */
    size_t num_requests, num_answered;
    const char *host, *path, *method; /* of the last request: the next one's default */
};
struct talk talk_syn(struct story *s, const char *server, uint16_t port); /* SYN alone */
void talk_syn_again(struct talk *t);
void talk_refused(struct talk *t);
void talk_connected(struct talk *t);
struct talk talk_open(struct story *s); /* to the server, handshake and all */
struct talk talk_open_to(struct story *s, const char *server, uint16_t port);
struct talk talk_joined(struct story *s); /* the handshake was not captured */
void talk_reset(struct talk *t, bool by_server);
void talk_fin(struct talk *t, bool by_server);
void talk_gap(struct talk *t, int side);
void talk_ack(struct talk *t);        /* what the client sent is acknowledged */
void talk_send_again(struct talk *t); /* what the client sent, three times in 12 s */
void talk_tls(struct talk *t);
void talk_end(struct talk *t, enum tcp_end_reason reason);

enum story_token {
    TOKEN_NOTHING,
    TOKEN_KRB,    /* SPNEGO with an AP-REQ */
    TOKEN_NTLM_1, /* raw NTLMSSP in Negotiate */
    TOKEN_NTLM_3,
    TOKEN_ODD, /* Negotiate with bytes that say nothing */
    TOKEN_BASIC,
    TOKEN_PROXY_NTLM_3, /* Proxy-Authorization */
};

struct request_words {
    const char *method, *host, *path; /* the talk's last, else CCM_POST, MP_NAME, WINDOWSAUTH */
    enum story_token token;
    bool is_registration;
    size_t header_len;    /* of Authorization; 0: 2000 */
    const char *spn;      /* of the ticket: MP_SPN */
    uint32_t kvno;        /* of the ticket: 3 */
    unsigned ticket;      /* which ticket: equal numbers are the same ticket */
    int32_t ticket_etype; /* 18 */
    bool is_cut;          /* the head's end was not captured */
    bool is_behind_tls;   /* a proxy says so */
};

struct answer_words {
    unsigned status;
    const char *offers; /* "Negotiate NTLM" for a 401 and 407, unless told; "": none */
    int32_t krb_error;  /* in the token */
    bool ntlm_challenge;
    const char *computer; /* in it: what the server calls itself */
    bool has_ntlm_time;   /* s->server_ahead_s applies */
    enum neg_state neg_state;
    bool has_neg_state;
    bool no_date;
    const char *allow, *via;
    const char *server, *powered_by; /* Microsoft-IIS/10.0, none */
    const char *node;                /* X-Server-Name */
    bool is_cut;
};

void talk_request(struct talk *t, const struct request_words *w);
void talk_response(struct talk *t, const struct answer_words *w);
#define ASK(t, ...) talk_request(t, &(struct request_words){__VA_ARGS__})
#define ANSWER(t, ...) talk_response(t, &(struct answer_words){__VA_ARGS__})

/* Kerberos. */
struct krb_words {
    enum krb_type type;
    const char *cname, *sname, *realm; /* PC01$, krbtgt/REALM or MP_SPN, REALM */
    const char *host;                  /* who asks: s->client */
    const char *kdc;                   /* s->kdc */
    uint32_t nonce;                    /* 0: a new one for a request */
    bool has_preauth;
    int32_t error;     /* of a KRB-ERROR */
    uint32_t ntstatus; /* 0: none */
    const char *etext;
    bool has_ctime;
    double ctime_age_s;      /* ctime before the request's time */
    int32_t etypes[4];       /* offered; 0 ends */
    int32_t info_etypes[4];  /* ETYPE-INFO2 of an error */
    unsigned ticket;         /* see request_words */
    bool has_usec;           /* stime with microseconds */
    int32_t pa_type;         /* a PA-DATA of this type */
    const struct talk *over; /* on this connection; NULL: UDP */
    uint32_t kvno;           /* of the ticket: 3 */
    unsigned num_frames;     /* that carry it: 1 */
};
void story_krb(struct story *s, const struct krb_words *w);
#define KRB(s, ...) story_krb(s, &(struct krb_words){__VA_ARGS__})

/* Request and reply. */
void story_logon(struct story *s); /* 25, then pre-authenticated, then AS-REP */
void story_logon_error(struct story *s, int32_t code, uint32_t ntstatus);
void story_ticket(struct story *s, const char *spn, unsigned ticket);
void story_ticket_error(struct story *s, const char *spn, int32_t code, uint32_t ntstatus);

/* The endpoint of a host's Kerberos or DNS client, as the builders above use it. */
struct endpoint story_endpoint(const char *address, uint16_t port);

/* 401, then that token: the usual way to the server's verdict. */
struct talk talk_present(struct story *s, enum story_token token);

/* A connection to the server, a request to that host, 401, then NTLM to its end: that status. */
void story_ntlm(struct story *s, const char *host, unsigned status);

/* On from TOKEN_NTLM_1: 401 with the challenge, the client's answer to it, then that status. */
void talk_ntlm_on(struct talk *t, unsigned status);

#endif

/* Facts: true statements about an attempt, each with the events that make it true. */
#ifndef KRBSCOPE_DIAGNOSE_FACTS_H
#define KRBSCOPE_DIAGNOSE_FACTS_H

#include "diagnose/clock.h"

#define PROOF_FRAMES_MAX 4 /* frames kept as evidence of one fact */
#define REFERRALS_MAX 10   /* realms asked on the way to one ticket; more is a loop */

enum fact {
    FACT_NONE,
#define FACT(name, detector, parameter, text) FACT_##name,
#include "diagnose/facts.def"
#undef FACT
    FACT_COUNT,
};

/* Parameters of detectors in facts.def. */
enum {
    OUTCOME_MASK_DENIED = 1 << OUTCOME_REFUSED | 1 << OUTCOME_FAILED,
    OUTCOME_MASK_NTLM = 1 << OUTCOME_APPROVED_NTLM,
    OUTCOME_MASK_NOT_KERBEROS = OUTCOME_MASK_DENIED | OUTCOME_MASK_NTLM,
    OUTCOME_MASK_ANONYMOUS = 1 << OUTCOME_ACCEPTED_ANONYMOUS,
    OUTCOME_MASK_UNDECIDED = 1 << OUTCOME_INCOMPLETE,
};
enum { AP_ERROR_ANY = 1000, AP_ERROR_MISMATCH, AP_ERROR_OTHER };
enum { AS_ERROR_PKINIT = 1000, AS_ERROR_OTHER };
enum { TGS_ERROR_U2U = 1000, TGS_ERROR_TGT, TGS_ERROR_OTHER };
enum { CROSSING_ETYPE, CROSSING_REFUSED };
enum { TGS_WORDS_UNKNOWN, TGS_WORDS_DUPLICATE, TGS_WORDS_LOCKED };
enum { SKEW_SERVER, SKEW_KDC };
enum {
    REFERRAL_ON,
    REFERRAL_LOOP,
    REFERRAL_NOT_FOUND,
    REFERRAL_SILENT,
    REFERRAL_CLOSED,
    REFERRAL_ERROR
};

/* The frames that make a fact true, each with its reason. */
struct proof {
    struct frame_ref refs[PROOF_FRAMES_MAX];
    size_t num;
};

/* Everything that the detectors read. */
struct judgement {
    const struct view *v;
    struct reading reading;
    struct clocks clocks;
    struct offset kdc_to_server, client_to_kdc, client_to_server;
    enum outcome outcome; /* final: reading's, or by kind for attempts without HTTP */
    const struct transaction *as_failure;  /* the AS exchange that failed for good, or NULL */
    const struct transaction *as_success;  /* the last TGT issued */
    const struct transaction *tgs_failure; /* the related TGS exchange that failed for good */
    const struct transaction *tgs_success;
    struct referral referrals[REFERRALS_MAX]; /* the last walk over realms, in order */
    size_t num_referrals;
    bool was_referred;       /* on the way to the service's ticket, and it never came */
    bool referrals_loop;     /* a realm was asked twice, or more than REFERRALS_MAX */
    bool has_crossing;       /* the client asked for a TGT of the service's realm itself */
    bool is_crossing_failed; /* tgs_failure is such a request; the service was asked for nowhere */
    struct bytes next_realm; /* the last one that was named; empty: none */
    bool seen[FACT_COUNT];
    struct proof proofs[FACT_COUNT];
};

/* Finds the AS and TGS exchanges that count, then runs every detector. The rest of *j is filled. */
void facts_find(struct judgement *j);

const char *fact_text(enum fact fact);

/* Adds a frame to the proof; what is beyond PROOF_FRAMES_MAX is left out. why is copied, and lasts
 * as long as the view. */
void proof_add(const struct judgement *j, struct proof *p, const struct moment *m, const char *why,
               ...) __attribute__((format(printf, 4, 5)));
void proof_add_frame(const struct judgement *j, struct proof *p, uint16_t capture, uint32_t frame,
                     const char *why, ...) __attribute__((format(printf, 5, 6)));

/* Did the client look for a neighbour after from_ns (but for the server) that nobody answered for?
 * is_known_kdc: only one that is known as a KDC. */
bool fact_absent_host(const struct judgement *j, int64_t from_ns, bool is_known_kdc,
                      struct proof *p);

/* One detector a name in facts.def. */
#define FACT(name, detector, parameter, text)                                                      \
    bool detect_##detector(const struct judgement *j, uint32_t parameter_, struct proof *p);
#include "diagnose/facts.def"
#undef FACT

#endif

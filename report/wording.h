/* Plain words for what an attempt is and how it ended, for the forms that a reader meets without
 * krbscope at hand: Markdown and HTML. */
#ifndef KRBSCOPE_REPORT_WORDING_H
#define KRBSCOPE_REPORT_WORDING_H

#include "diagnose/analysis.h"

/* "client approval", "HTTP logon". */
const char *wording_kind(enum attempt_kind kind);

/* "refused", "approved over NTLM, not Kerberos". */
const char *wording_outcome(const struct attempt_record *a);

/* How a reader takes it. */
enum mood { MOOD_OPEN, MOOD_GOOD, MOOD_NOTE, MOOD_BAD, MOOD_COUNT };
enum mood wording_mood(enum outcome outcome);

/* The verdict's sentence, or one that says how the attempt ended. */
struct bytes wording_headline(const struct attempt_record *a);

/* What the step is for: "Find the server's address". */
const char *wording_step(enum step step);

/* "at the client"; "between the hosts, or unclear where". */
const char *wording_vantage(enum vantage v);

/* Names of wire bytes, so *t is not for printf: "PC01$@EXAMPLE.COM", else the address. */
void wording_client(struct text *t, const struct attempt_record *a);

/* The host as the client named it, else the SPN, else the address; "unknown server". */
void wording_server(struct text *t, const struct attempt_record *a);

/* A difference of two clocks by name. */
struct offset_words {
    const char *what; /* "server minus KDC" */
    const struct offset *offset;
};
#define OFFSETS 3
void wording_offsets(struct offset_words out[OFFSETS], const struct attempt_clocks *clocks);

#endif

/* Rules: facts -> cause and remedy. A table (rules.def) and the few lines that apply it.
 *
 * A rule holds when all facts it needs are seen and none of `unless`. The verdict is the earliest
 * failed step's finding; within it the rule whose needs include the others'; a true tie gives the
 * one that generalises the others, one confidence lower. The order of rows means nothing.
 */
#ifndef KRBSCOPE_DIAGNOSE_RULES_H
#define KRBSCOPE_DIAGNOSE_RULES_H

#include "diagnose/facts.h"

#define RULE_FACTS_MAX 8
#define RULE_REMEDIES_MAX 6
#define RULE_ALTERNATIVES_MAX 3

struct rule {
    enum cause cause;
    enum step step;
    enum confidence confidence;
    bool is_note;
    bool is_side; /* goes to `also` only: another cause must explain the attempt */
    enum fact needs[RULE_FACTS_MAX]; /* FACT_NONE ends the list */
    enum fact unless[RULE_FACTS_MAX];
    const char *summary; /* one sentence with {slots} */
    const char *remedy[RULE_REMEDIES_MAX];
    const char *source;
    struct {
        enum cause cause;
        const char *tell_apart; /* with {slots} */
    } alternatives[RULE_ALTERNATIVES_MAX];
};

size_t rules_count(void);
const struct rule *rules_at(size_t i);

/* The first row of a cause: what `explain` prints. NULL when it has none. */
const struct rule *rules_for(enum cause cause);

/* Fills verdict, also and ruled_out of the record from the judgement's facts. */
void rules_apply(const struct judgement *j, struct attempt_record *out);

/* ": the server is 10 min 0 s ahead of the KDC", with the words given. */
void rules_add_span(struct text *t, double s, const char *ahead, const char *other);

/* The template with its {slots} filled in, in the analysis' arena. Slots: host address port server
 * spn realm domain client account dns kdc next method path status error refusal offered skew token.
 * What is not known leaves words such as "the server" or nothing. */
struct bytes rules_fill(const struct judgement *j, const char *template);

/* The same for what a reader may paste into a shell: a name from the wire that holds anything but
 * letters, digits and . _ - / : @ (and a $ at its end), or begins with - or @, is left out; <slot>
 * stands in its place. */
struct bytes rules_fill_command(const struct judgement *j, const char *template);

#endif

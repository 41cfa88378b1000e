#include "diagnose/rules.h"

#include <assert.h>
#include <stdlib.h>

#define FINDINGS_MAX 24      /* rules that hold for one attempt */
#define FINDING_FRAMES_MAX 8 /* frames named for one finding */
#define RULED_OUT_MAX 12

static const struct rule rules[] = {
#include "diagnose/rules.def"
};

/* What a fact rules out, in words with {slots}. */
static const struct {
    enum fact fact;
    enum cause cause;
    const char *why;
} refutations[] = {
    {FACT_NAME_RESOLVED, CAUSE_DNS_NAME_NOT_FOUND, "DNS gave an address for {host}"},
    {FACT_CONNECTED, CAUSE_MP_UNREACHABLE, "{server} accepted the connection"},
    {FACT_NEGOTIATE_OFFERED, CAUSE_NEGOTIATE_NOT_OFFERED, "the 401 of {server} offers Negotiate"},
    {FACT_KDC_ANSWERED, CAUSE_KDC_UNREACHABLE, "the KDC {kdc} answered"},
    {FACT_TGT_ISSUED, CAUSE_CLIENT_REVOKED, "the client holds a TGT"},
    {FACT_TGT_ISSUED, CAUSE_PREAUTH_FAILED, "the client holds a TGT"},
    {FACT_TICKET_ISSUED, CAUSE_SPN_MISSING, "the KDC issued a ticket for {spn}"},
    {FACT_TICKET_ISSUED, CAUSE_SERVICE_ETYPE_UNSUPPORTED, "the KDC issued a ticket for {spn}"},
    {FACT_CLOCKS_IN_ORDER, CAUSE_CLOCK_SKEW, "the clocks of KDC and server agree within the limit"},
    {FACT_KRB_TOKEN_SENT, CAUSE_NO_CREDENTIALS_SENT, "the client presented a ticket"},
};

size_t rules_count(void)
{
    return sizeof rules / sizeof rules[0];
}

const struct rule *rules_at(size_t i)
{
    assert(i < rules_count());
    return &rules[i];
}

const struct rule *rules_for(enum cause cause)
{
    for (size_t i = 0; i < rules_count(); i++) {
        if (rules[i].cause == cause && !rules[i].is_side) {
            return &rules[i];
        }
    }
    return NULL;
}

static bool holds(const struct judgement *j, const struct rule *r)
{
    for (size_t i = 0; i < RULE_FACTS_MAX && r->needs[i] != FACT_NONE; i++) {
        if (!j->seen[r->needs[i]]) {
            return false;
        }
    }
    for (size_t i = 0; i < RULE_FACTS_MAX && r->unless[i] != FACT_NONE; i++) {
        if (j->seen[r->unless[i]]) {
            return false;
        }
    }
    return true;
}

static bool needs_fact(const struct rule *r, enum fact fact)
{
    for (size_t i = 0; i < RULE_FACTS_MAX && r->needs[i] != FACT_NONE; i++) {
        if (r->needs[i] == fact) {
            return true;
        }
    }
    return false;
}

/* Does a need everything that b needs? */
static bool includes(const struct rule *a, const struct rule *b)
{
    for (size_t i = 0; i < RULE_FACTS_MAX && b->needs[i] != FACT_NONE; i++) {
        if (!needs_fact(a, b->needs[i])) {
            return false;
        }
    }
    return true;
}

/* Is `general` reached from cause along the chain of generalisations? */
static bool generalises(enum cause general, enum cause cause)
{
    while (cause != general && cause != CAUSE_CAPTURE_INCOMPLETE) {
        cause = cause_generalises(cause);
    }
    return cause == general && general != CAUSE_CAPTURE_INCOMPLETE;
}

/* The rule of this step that decides; *is_tie when no rule includes all the others. */
static const struct rule *deciding(const struct rule *const *held, size_t num, enum step step,
                                   bool *is_tie)
{
    const struct rule *best = NULL;
    for (size_t i = 0; i < num; i++) {
        if (!held[i]->is_side && held[i]->step == step &&
            (best == NULL || includes(held[i], best))) {
            best = held[i];
        }
    }
    *is_tie = false;
    for (size_t i = 0; i < num; i++) {
        if (!held[i]->is_side && held[i]->step == step && held[i]->cause != best->cause &&
            !includes(best, held[i])) {
            *is_tie = true;
        }
    }
    for (size_t i = 0; *is_tie && i < num; i++) {
        if (held[i]->step == step && generalises(held[i]->cause, best->cause)) {
            best = held[i];
        }
    }
    return best;
}

/* Facts that say how it ended are no evidence of a cause when there are others. */
static bool is_about_outcome(enum fact fact)
{
    return fact == FACT_DENIED || fact == FACT_LET_IN_BY_NTLM || fact == FACT_NOT_BY_KERBEROS ||
           fact == FACT_UNDECIDED || fact == FACT_NO_HTTP || fact == FACT_HTTP_SEEN;
}

static void take_proof(struct frame_ref *refs, size_t *num, const struct proof *p)
{
    for (size_t i = 0; i < p->num && *num < FINDING_FRAMES_MAX; i++) {
        bool is_new = true;
        for (size_t k = 0; k < *num; k++) {
            is_new = is_new &&
                     (refs[k].frame != p->refs[i].frame || refs[k].capture != p->refs[i].capture);
        }
        if (is_new) {
            refs[(*num)++] = p->refs[i];
        }
    }
}

/* A fact's words last as long as the judgement; those of a finding as long as the analysis. */
static struct evidence keep_evidence(const struct judgement *j, const struct frame_ref *refs,
                                     size_t num)
{
    struct arena *arena = &j->v->c->out.arena;
    struct frame_ref *kept = arena_alloc_array(arena, num, sizeof *kept);
    for (size_t i = 0; kept != NULL && i < num; i++) {
        kept[i] = refs[i];
        (void)arena_copy(arena, refs[i].why, &kept[i].why);
    }
    return (struct evidence){.at = kept, .num = kept == NULL ? 0 : num};
}

static int by_frame(const void *a, const void *b)
{
    const struct frame_ref *x = a;
    const struct frame_ref *y = b;
    if (x->capture != y->capture) {
        return x->capture < y->capture ? -1 : 1;
    }
    return x->frame < y->frame ? -1 : x->frame > y->frame;
}

static void collect_evidence(const struct judgement *j, const struct rule *r, struct evidence *out)
{
    struct frame_ref refs[FINDING_FRAMES_MAX];
    size_t num = 0;
    for (int pass = 0; pass < 2 && (pass == 0 || num == 0); pass++) {
        /* The last fact of a row is the most telling: its words stand where two name one frame. */
        for (size_t i = RULE_FACTS_MAX; i > 0; i--) {
            enum fact fact = r->needs[i - 1];
            if (fact != FACT_NONE && is_about_outcome(fact) == (pass == 1)) {
                take_proof(refs, &num, &j->proofs[fact]);
            }
        }
    }
    qsort(refs, num, sizeof refs[0], by_frame);
    *out = keep_evidence(j, refs, num);
}

static void make_finding(const struct judgement *j, const struct rule *r, struct finding *out)
{
    *out = (struct finding){.cause = r->cause,
                            .step = r->step,
                            .confidence = r->confidence,
                            .is_note = r->is_note || j->outcome == OUTCOME_APPROVED_NTLM,
                            .summary = rules_fill(j, r->summary),
                            .source = r->source};
    struct bytes *remedy =
        arena_alloc_array(&j->v->c->out.arena, RULE_REMEDIES_MAX, sizeof *remedy);
    for (size_t i = 0; remedy != NULL && i < RULE_REMEDIES_MAX && r->remedy[i] != NULL; i++) {
        remedy[out->num_remedies++] = rules_fill_command(j, r->remedy[i]);
    }
    out->remedy = remedy;
    collect_evidence(j, r, &out->evidence);
}

static void add_also(const struct judgement *j, struct attempt_record *out,
                     const struct rule *verdict, const struct rule *const *held, size_t num)
{
    struct finding *also =
        arena_alloc_array(&j->v->c->out.arena, num + RULE_ALTERNATIVES_MAX, sizeof *also);
    if (also == NULL) {
        return;
    }
    for (size_t i = 0; i < num; i++) {
        bool is_new = held[i]->cause != verdict->cause;
        for (size_t k = 0; k < out->num_also; k++) {
            is_new = is_new && also[k].cause != held[i]->cause;
        }
        if (is_new && !generalises(held[i]->cause, verdict->cause)) {
            make_finding(j, held[i], &also[out->num_also++]);
        }
    }
    for (size_t i = 0; i < RULE_ALTERNATIVES_MAX; i++) {
        enum cause cause = verdict->alternatives[i].cause;
        const struct rule *r = cause == CAUSE_NONE ? NULL : rules_for(cause);
        bool is_new = r != NULL;
        for (size_t k = 0; k < out->num_also; k++) {
            is_new = is_new && also[k].cause != cause;
        }
        if (is_new) {
            also[out->num_also++] = (struct finding){
                .cause = cause,
                .step = r->step,
                .confidence = CONFIDENCE_POSSIBLE,
                .summary = rules_fill(j, r->summary),
                .tell_apart = rules_fill_command(j, verdict->alternatives[i].tell_apart),
                .source = r->source};
        }
    }
    out->also = also;
}

static bool is_in_also(const struct attempt_record *out, enum cause cause)
{
    for (size_t i = 0; i < out->num_also; i++) {
        if (out->also[i].cause == cause) {
            return true;
        }
    }
    return false;
}

static void add_ruled_out(const struct judgement *j, struct attempt_record *out)
{
    struct ruled_out *list = arena_alloc_array(&j->v->c->out.arena, RULED_OUT_MAX, sizeof *list);
    for (size_t i = 0; list != NULL && i < sizeof refutations / sizeof refutations[0]; i++) {
        enum cause cause = refutations[i].cause;
        const struct proof *p = &j->proofs[refutations[i].fact];
        if (!j->seen[refutations[i].fact] || out->num_ruled_out == RULED_OUT_MAX ||
            (out->has_verdict && out->verdict.cause == cause) || is_in_also(out, cause)) {
            continue;
        }
        list[out->num_ruled_out++] =
            (struct ruled_out){.cause = cause,
                               .why = rules_fill(j, refutations[i].why),
                               .evidence = keep_evidence(j, p->refs, p->num)};
    }
    out->ruled_out = list;
}

/* Does the rule rest on something that was not seen? */
static bool is_about_absence(const struct rule *r)
{
    return needs_fact(r, FACT_NAME_UNANSWERED) || needs_fact(r, FACT_SYN_UNANSWERED) ||
           needs_fact(r, FACT_SERVER_NOT_ON_LINK) || needs_fact(r, FACT_KDC_SILENT) ||
           needs_fact(r, FACT_KDC_ABSENT) || needs_fact(r, FACT_WAS_SILENT);
}

void rules_apply(const struct judgement *j, struct attempt_record *out)
{
    const struct rule *held[FINDINGS_MAX];
    size_t num = 0;
    enum step first = STEP_COUNT;
    for (size_t i = 0; i < rules_count() && num < FINDINGS_MAX; i++) {
        if (holds(j, &rules[i])) {
            held[num++] = &rules[i];
            first = !rules[i].is_side && rules[i].step < first ? rules[i].step : first;
        }
    }
    if (first < STEP_COUNT) {
        bool is_tie;
        const struct rule *verdict = deciding(held, num, first, &is_tie);
        make_finding(j, verdict, &out->verdict);
        if (is_tie && out->verdict.confidence > CONFIDENCE_POSSIBLE) {
            out->verdict.confidence--;
        }
        if (out->kind == KIND_APPROACH_ONLY && out->verdict.confidence > CONFIDENCE_LIKELY) {
            out->verdict.confidence = CONFIDENCE_LIKELY;
        }
        if (is_about_absence(verdict) && !j->v->client->was_spoken_to) {
            out->verdict.confidence = CONFIDENCE_POSSIBLE;
        }
        out->has_verdict = true;
        if (!out->is_brief) {
            add_also(j, out, verdict, held, num);
        }
    }
    if (!out->is_brief) {
        add_ruled_out(j, out);
    }
}

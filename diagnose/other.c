/* Kerberos failures that belong to no attempt: other services, probes, a mistyped password. */
#include "diagnose/judge.h"

static enum cause as_cause(int32_t code)
{
    switch (code) {
    case 6:
        return CAUSE_CLIENT_UNKNOWN;
    case 18:
        return CAUSE_CLIENT_REVOKED;
    case 23:
        return CAUSE_CLIENT_PASSWORD_EXPIRED;
    case 24:
        return CAUSE_PREAUTH_FAILED;
    case 14:
        return CAUSE_CLIENT_ETYPE_UNSUPPORTED;
    case 37:
        return CAUSE_CLOCK_SKEW;
    default:
        return CAUSE_KDC_ERROR;
    }
}

static enum cause tgs_cause(int32_t code)
{
    switch (code) {
    case 7:
        return CAUSE_SPN_MISSING;
    case 8:
        return CAUSE_SPN_DUPLICATE;
    case 14:
        return CAUSE_SERVICE_ETYPE_UNSUPPORTED;
    case 37:
        return CAUSE_CLOCK_SKEW;
    default:
        return CAUSE_KDC_ERROR;
    }
}

static bool is_told(const struct case_file *c, enum cause cause, struct bytes summary)
{
    for (size_t i = 0; i < c->num_other_failures; i++) {
        if (c->other_failures[i].cause == cause &&
            bytes_equal(c->other_failures[i].summary, summary)) {
            return true;
        }
    }
    return false;
}

static void tell(const struct judgement *j, const struct transaction *t)
{
    struct case_file *c = j->v->c;
    const struct krb_moment *k = &t->reply->u.krb;
    const struct krb_moment *asked = transaction_names(t);
    bool is_as = t->type == KRB_AS_REQ;
    struct bytes subject = is_as ? asked->cname : asked->sname;
    const char *name = krb_error_name(k->error_code);
    size_t mark = c->out.arena.used;
    struct finding f = {.cause = is_as ? as_cause(k->error_code) : tgs_cause(k->error_code),
                        .step = is_as ? STEP_TGT : STEP_TICKET,
                        .confidence = CONFIDENCE_POSSIBLE,
                        .is_note = true,
                        .source = "RFC 4120 7.5.9"};
    f.summary =
        judge_text(j, "%s for %.*s: %s (%d)", is_as ? "Logon" : "Ticket", (int)subject.len,
                   (const char *)subject.at, name == NULL ? "error" : name, (int)k->error_code);
    if (is_told(c, f.cause, f.summary)) {
        arena_rewind(&c->out.arena, mark);
        return;
    }
    struct frame_ref *ref = arena_alloc(&c->out.arena, sizeof *ref);
    if (ref != NULL) {
        *ref = (struct frame_ref){t->reply->capture, t->reply->frame, bytes_of("the KDC's answer")};
        f.evidence = (struct evidence){.at = ref, .num = 1};
    }
    case_other_failure(c, &f);
}

void other_failures(struct case_file *c, struct client *client)
{
    if (client->num_krb_failed == 0) {
        return;
    }
    arena_reset(&c->scratch);
    struct view *v = arena_alloc(&c->scratch, sizeof *v);
    struct judgement *j = arena_alloc(&c->scratch, sizeof *j);
    if (v == NULL || j == NULL) {
        return;
    }
    view_fill(v, c, client, NULL, (struct bytes){0});
    j->v = v;
    for (size_t i = 0; i < v->num_transactions; i++) {
        const struct transaction *t = &v->transactions[i];
        if (transaction_is_error(t) && !t->reply->used &&
            !krb_code_is_step(t->reply->u.krb.error_code)) {
            tell(j, t);
        }
    }
}

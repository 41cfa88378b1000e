/* The eight steps of the approval chain, with their states. */
#include "diagnose/judge.h"

#include <string.h>

static void set(struct attempt_record *out, enum step step, enum step_state state,
                struct bytes detail)
{
    out->steps[step].state = state;
    out->steps[step].detail = detail;
}

static void prove_frame(const struct judgement *j, struct attempt_record *out, enum step step,
                        uint16_t capture, uint32_t frame, const char *why)
{
    struct frame_ref *ref = frame == 0 ? NULL : arena_alloc(&j->v->c->out.arena, sizeof *ref);
    if (ref != NULL) {
        *ref = (struct frame_ref){.capture = capture, .frame = frame, .why = bytes_of(why)};
        out->steps[step].evidence = (struct evidence){.at = ref, .num = 1};
    }
}

static void prove(const struct judgement *j, struct attempt_record *out, enum step step,
                  const struct moment *m, const char *why)
{
    if (m != NULL) {
        prove_frame(j, out, step, m->capture, m->frame, why);
    }
}

/* Kerberos is out of sight from here: not visible; else the words say why there was none. */
static void set_unseen(const struct judgement *j, struct attempt_record *out, enum step step,
                       bool not_needed, const char *detail)
{
    if (not_needed) {
        set(out, step, STATE_NOT_NEEDED, bytes_of(detail));
    } else if (!j->v->kdc_visible) {
        set(out, step, STATE_NOT_VISIBLE, (struct bytes){0});
    }
}

static void step_resolve(const struct judgement *j, struct attempt_record *out)
{
    const struct resolution *r = &j->v->resolution;
    char buffer[64];
    struct text t;
    if (j->v->host_is_address) {
        set(out, STEP_RESOLVE, STATE_NOT_NEEDED, bytes_of("the client names an address"));
    } else if (r->state == RESOLUTION_OK) {
        text_init(&t, buffer, sizeof buffer);
        address_print(&t, &r->addresses[0]);
        for (size_t i = 0; i < r->num_addresses; i++) {
            if (address_equal(&r->addresses[i], &j->v->server.address)) {
                text_init(&t, buffer, sizeof buffer);
                address_print(&t, &r->addresses[i]);
            }
        }
        set(out, STEP_RESOLVE, STATE_OK,
            judge_text(j, "%.*s is %s", (int)r->name.len, (const char *)r->name.at, t.at));
        prove(j, out, STEP_RESOLVE, r->num_evidence > 0 ? r->evidence[0] : NULL, "the DNS answer");
    } else if (j->v->attempt != NULL) {
        set_unseen(j, out, STEP_RESOLVE, j->v->kdc_visible && r->state == RESOLUTION_NONE,
                   "the address was known");
    }
}

static void step_connect(const struct judgement *j, struct attempt_record *out)
{
    char buffer[80];
    struct text t;
    if (j->reading.last == NULL) {
        return;
    }
    const struct conn *conn = j->reading.last->conn;
    text_init(&t, buffer, sizeof buffer);
    endpoint_print(&t, &j->v->server);
    set(out, STEP_CONNECT, STATE_OK, judge_text(j, "TCP to %s", t.at));
    if (conn != NULL) {
        prove_frame(j, out, STEP_CONNECT, conn->connect_at.capture, conn->connect_at.frame,
                    "the connection was set up");
    }
}

static void step_challenge(const struct judgement *j, struct attempt_record *out)
{
    const struct exchange *x = j->reading.first_anonymous_401;
    if (x != NULL && j->seen[FACT_NEGOTIATE_OFFERED]) {
        set(out, STEP_CHALLENGE, STATE_OK, bytes_of("401 offering Negotiate"));
        prove(j, out, STEP_CHALLENGE, x->response, "the challenge");
    } else if (x != NULL) {
        set(out, STEP_CHALLENGE, STATE_OK, bytes_of("401"));
        prove(j, out, STEP_CHALLENGE, x->response, "the challenge");
    } else if (j->v->attempt != NULL && j->v->attempt->num_exchanges > 0 &&
               moment_has_token(j->v->attempt->exchanges[0].request)) {
        set(out, STEP_CHALLENGE, STATE_NOT_NEEDED, bytes_of("the first request carried a token"));
    }
}

static void step_reach_kdc(const struct judgement *j, struct attempt_record *out)
{
    char buffer[64];
    struct text t;
    for (size_t i = 0; i < j->v->num_transactions; i++) {
        const struct transaction *x = &j->v->transactions[i];
        if (x->state == TRANSACTION_ANSWERED) {
            text_init(&t, buffer, sizeof buffer);
            address_print(&t, &x->kdc);
            set(out, STEP_REACH_KDC, STATE_OK, judge_text(j, "%s answers", t.at));
            prove(j, out, STEP_REACH_KDC, x->reply, "a KDC's answer");
            return;
        }
    }
    set_unseen(j, out, STEP_REACH_KDC, j->v->kdc_visible && j->reading.krb != NULL,
               "the ticket was cached");
}

static void step_tgt(const struct judgement *j, struct attempt_record *out)
{
    if (j->as_success != NULL && j->as_failure == NULL) {
        const struct krb_moment *k = &j->as_success->reply->u.krb;
        set(out, STEP_TGT, STATE_OK,
            judge_text(j, "TGT%s%.*s", k->cname.len > 0 ? " for " : "", (int)k->cname.len,
                       (const char *)k->cname.at));
        prove(j, out, STEP_TGT, j->as_success->reply, "AS-REP");
        return;
    }
    set_unseen(j, out, STEP_TGT,
               j->v->kdc_visible && j->seen[FACT_TGT_ISSUED] && j->as_failure == NULL,
               "the TGT was cached");
}

static void step_ticket(const struct judgement *j, struct attempt_record *out)
{
    if (j->tgs_success != NULL) {
        const struct krb_moment *k = &j->tgs_success->reply->u.krb;
        const char *etype = k->ticket.present ? krb_etype_name(k->ticket.etype) : NULL;
        set(out, STEP_TICKET, STATE_OK,
            judge_text(j, "%.*s%s%s", (int)k->ticket.sname.len, (const char *)k->ticket.sname.at,
                       etype == NULL ? "" : ", ", etype == NULL ? "" : etype));
        prove(j, out, STEP_TICKET, j->tgs_success->reply, "TGS-REP");
        return;
    }
    if (j->reading.krb != NULL && j->v->kdc_visible) {
        const struct ticket_sight *t = &j->reading.krb->request->u.http.ticket;
        const struct ticket_origin *o = case_ticket(j->v->c, t->hash);
        set(out, STEP_TICKET, STATE_NOT_NEEDED, bytes_of("the ticket was cached"));
        if (o != NULL) {
            prove_frame(j, out, STEP_TICKET, o->capture, o->frame, "it was issued here");
        }
        return;
    }
    set_unseen(j, out, STEP_TICKET, false, NULL);
}

static void step_present(const struct judgement *j, struct attempt_record *out)
{
    if (j->reading.krb != NULL) {
        set(out, STEP_PRESENT, STATE_OK, bytes_of("Kerberos ticket in Authorization"));
        prove(j, out, STEP_PRESENT, j->reading.krb->request, "the token");
    } else if (j->reading.ntlm != NULL) {
        set(out, STEP_PRESENT, STATE_OK, bytes_of("NTLM in Authorization"));
        prove(j, out, STEP_PRESENT, j->reading.ntlm->request, "the token");
    } else if (j->reading.has_token) {
        set(out, STEP_PRESENT, STATE_OK, bytes_of("a token in Authorization"));
    }
}

static void step_accept(const struct judgement *j, struct attempt_record *out)
{
    const struct exchange *last = j->reading.last;
    if (last == NULL) {
        return;
    }
    bool is_in = j->outcome == OUTCOME_APPROVED || j->outcome == OUTCOME_APPROVED_NTLM ||
                 j->outcome == OUTCOME_ACCEPTED_ANONYMOUS;
    if (is_in) {
        set(out, STEP_ACCEPT, STATE_OK,
            judge_text(j, "%u%s", last->response == NULL ? 0U : last->response->u.http.status,
                       j->seen[FACT_TICKET_REFUSED] ? " by NTLM; the ticket was refused" : ""));
        prove(j, out, STEP_ACCEPT, last->response, "the answer");
    } else if (last->response != NULL && moment_has_token(last->request) &&
               j->outcome != OUTCOME_INCOMPLETE) {
        set(out, STEP_ACCEPT, STATE_FAILED, judge_text(j, "%u", last->response->u.http.status));
        prove(j, out, STEP_ACCEPT, last->response, "the answer");
    }
}

void steps_hide(const struct judgement *j, struct attempt_record *out)
{
    static const enum step by_http[] = {STEP_CONNECT, STEP_CHALLENGE, STEP_PRESENT, STEP_ACCEPT};
    if (j->v->attempt != NULL || out->vantage != VANTAGE_KDC) {
        return;
    }
    for (size_t i = 0; i < sizeof by_http / sizeof by_http[0]; i++) {
        struct step_result *step = &out->steps[by_http[i]];
        step->state = step->state == STATE_NOT_SEEN ? STATE_NOT_VISIBLE : step->state;
    }
}

void steps_fill(const struct judgement *j, struct attempt_record *out)
{
    step_resolve(j, out);
    step_connect(j, out);
    step_challenge(j, out);
    step_reach_kdc(j, out);
    step_tgt(j, out);
    step_ticket(j, out);
    step_present(j, out);
    step_accept(j, out);
    bool is_failure = j->outcome == OUTCOME_REFUSED || j->outcome == OUTCOME_FAILED ||
                      j->outcome == OUTCOME_ACCEPTED_ANONYMOUS ||
                      (j->outcome == OUTCOME_APPROVED_NTLM && out->verdict.step < STEP_PRESENT);
    if (out->has_verdict && is_failure && out->verdict.cause != CAUSE_CAPTURE_INCOMPLETE) {
        struct step_result *failed = &out->steps[out->verdict.step];
        failed->state = STATE_FAILED;
        failed->detail = bytes_of(cause_id(out->verdict.cause));
        failed->evidence = out->verdict.evidence;
    }
}

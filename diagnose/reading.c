#include "diagnose/reading.h"

#include "base/civil.h"

bool exchange_offers(const struct exchange *x, enum auth_scheme scheme)
{
    for (size_t i = 0; x->response != NULL && i < x->response->u.http.num_offers; i++) {
        if (x->response->u.http.offers[i] == scheme) {
            return true;
        }
    }
    return false;
}

bool exchange_presents_token(const struct exchange *x)
{
    bool is_from_server = x->response != NULL && x->response->u.http.status == 401;
    return moment_has_token(x->request) && !(is_from_server && x->request->u.http.token_is_proxys);
}

static bool is_401(const struct exchange *x)
{
    return x->response != NULL &&
           (x->response->u.http.status == 401 || x->response->u.http.status == 407);
}

static void read_exchange(struct reading *r, const struct exchange *x)
{
    enum token_sight token = x->request->u.http.token;
    bool has_token = exchange_presents_token(x);
    r->has_token = r->has_token || has_token;
    r->has_unknown_token = r->has_unknown_token || token == TOKEN_SIGHT_UNKNOWN;
    if (token == TOKEN_SIGHT_KRB && has_token) {
        r->krb = x;
    }
    if (token == TOKEN_SIGHT_NTLM_1 || token == TOKEN_SIGHT_NTLM_3) {
        r->ntlm = x;
    }
    if (token == TOKEN_SIGHT_NTLM_3) {
        r->ntlm_authenticate = x;
    }
    if (!has_token && token != TOKEN_SIGHT_UNKNOWN && is_401(x)) {
        r->num_anonymous_401++;
        r->last_anonymous_401 = x;
        if (r->first_anonymous_401 == NULL) {
            r->first_anonymous_401 = x;
        }
    }
    const struct conn *conn = x->conn;
    bool response_cut = x->response != NULL && !x->response->u.http.head_complete;
    r->is_lossy =
        r->is_lossy || !x->request->u.http.head_complete || response_cut || conn == NULL ||
        conn->gap_at.frame != 0 ||
        (conn->has_facts && (conn->facts.bytes_lost[0] > 0 || conn->facts.bytes_lost[1] > 0 ||
                             conn->facts.acked_unseen[0] || conn->facts.acked_unseen[1]));
}

/* Something of this side was on the wire and is not in the capture. */
static bool side_is_lossy(const struct conn *conn, int side)
{
    return !conn->has_facts || conn->facts.bytes_lost[side] > 0 || conn->facts.acked_unseen[side];
}

bool exchange_is_undelivered(const struct exchange *x)
{
    const struct conn *conn = x->conn;
    return x->response == NULL && conn != NULL && conn->has_facts && !conn->facts.acked_all[0] &&
           conn->facts.last_data_ns[1] <= x->request->first_time_ns &&
           conn->facts.num_resent[0] >= UNDELIVERED_RESENT_MIN &&
           conn->facts.last_data_ns[0] - x->request->first_time_ns >= NO_REPLY_CLOSED_S * NS_PER_S;
}

static enum ending ending_of(const struct view *v, const struct exchange *x)
{
    if (x->response != NULL) {
        return ENDING_ANSWERED;
    }
    const struct conn *conn = x->conn;
    if (conn == NULL || side_is_lossy(conn, 1) || side_is_lossy(conn, 0)) {
        return ENDING_OPEN;
    }
    if (conn->reset && conn->reset_ns >= x->request->first_time_ns) {
        /* A client that gives up with RST after a long silence got no reply. */
        bool gave_up = !conn->reset_by_server &&
                       conn->reset_ns - x->request->time_ns >= NO_REPLY_CLOSED_S * NS_PER_S;
        return gave_up ? ENDING_NO_REPLY : ENDING_RESET;
    }
    bool server_spoke = conn->facts.last_data_ns[1] > x->request->time_ns;
    if (exchange_is_undelivered(x)) {
        return ENDING_NO_REPLY;
    }
    if (!conn->facts.acked_all[0] || server_spoke) {
        return ENDING_OPEN;
    }
    bool closed =
        conn->fin[0] && conn->fin_ns[0] - x->request->time_ns >= NO_REPLY_CLOSED_S * NS_PER_S;
    bool silent =
        case_open_end_ns(v->c, conn) - x->request->time_ns >= NO_REPLY_SILENT_S * NS_PER_S &&
        conn->last_ns - x->request->time_ns >= 0;
    return closed || silent ? ENDING_NO_REPLY : ENDING_OPEN;
}

/* What the client asked a KDC last after the challenge; NULL: nothing that it needed. */
static const struct transaction *last_asked(const struct view *v, int64_t time_ns)
{
    const struct transaction *last = NULL;
    for (size_t i = 0; i < v->num_transactions; i++) {
        const struct transaction *t = &v->transactions[i];
        int64_t at = t->reply != NULL ? t->reply->time_ns : t->request->first_time_ns;
        if (at >= time_ns && (v->tgs_related[i] || t->type == KRB_AS_REQ || t->is_tgt)) {
            last = t;
        }
    }
    return last;
}

/* Did a KDC refuse, or not answer, what the client needed after the challenge? */
static bool kerberos_failed(const struct transaction *last)
{
    if (last == NULL || last->reply == NULL) {
        return last != NULL && last->state == TRANSACTION_UNANSWERED;
    }
    const struct krb_moment *reply = &last->reply->u.krb;
    return reply->type == KRB_ERROR_MSG && !krb_code_is_step(reply->error_code);
}

/* A 401 without a token in the request is no end by itself: the client must have given up. */
static bool gave_up(const struct view *v, const struct reading *r)
{
    const struct exchange *last = r->last;
    int64_t answered = last->response->time_ns;
    bool can_go_on = exchange_offers(last, AUTH_NEGOTIATE) || exchange_offers(last, AUTH_NTLM) ||
                     exchange_offers(last, AUTH_KERBEROS) || exchange_offers(last, AUTH_NEGO2);
    if (!can_go_on && last->response->u.http.head_complete) {
        return true;
    }
    if (r->num_anonymous_401 >= 2 && !r->has_unknown_token && !r->is_lossy) {
        return true;
    }
    const struct transaction *asked = last_asked(v, answered);
    if (kerberos_failed(asked) && !r->is_lossy) {
        return true;
    }
    if (asked != NULL && asked->state == TRANSACTION_PENDING) {
        return false; /* it still waits for its ticket */
    }
    const struct conn *conn = last->conn;
    bool is_left_open = conn != NULL && !conn->reset && !conn->fin[0] && !conn->fin[1];
    int64_t end =
        is_left_open ? case_open_end_ns(v->c, conn) : view_end_ns(v, last->request->capture);
    return end - answered >= NO_TOKEN_WAIT_S * NS_PER_S && !r->is_lossy;
}

static enum outcome outcome_of_2xx(const struct reading *r, enum authenticated_by *by)
{
    const struct exchange *x = r->last;
    const struct http_moment *request = &x->request->u.http;
    /* A token for a proxy says nothing to the management point behind it (RFC 9110 11.7.2). */
    bool is_proxys = request->token_is_proxys && request->is_ccm_post;
    if (!is_proxys && request->token == TOKEN_SIGHT_KRB) {
        *by = BY_KERBEROS;
        return OUTCOME_APPROVED;
    }
    if (!is_proxys && request->token == TOKEN_SIGHT_NTLM_3) {
        *by = BY_NTLM;
        return OUTCOME_APPROVED_NTLM;
    }
    if (!is_proxys && moment_has_token(x->request)) {
        *by = BY_OTHER;
        return OUTCOME_APPROVED;
    }
    bool from_syn = x->conn != NULL && x->conn->has_facts && x->conn->facts.seen_from_syn &&
                    !r->is_lossy && request->seen_from_start;
    bool is_anonymous = is_proxys || request->token == TOKEN_SIGHT_NONE;
    return is_anonymous && from_syn ? OUTCOME_ACCEPTED_ANONYMOUS : OUTCOME_INCOMPLETE;
}

/* Bytes that the client sent on the connection after that answer were not captured: it may have
 * gone on with another token. */
static bool may_have_gone_on(const struct exchange *x)
{
    const struct conn *conn = x->conn;
    return conn != NULL && conn->has_facts && conn->facts.bytes_lost[0] > 0 &&
           conn->gap_ns > x->response->time_ns;
}

static enum outcome outcome_of_401(const struct view *v, const struct reading *r)
{
    const struct exchange *x = r->last;
    if (x->request->u.http.token == TOKEN_SIGHT_UNKNOWN || !x->response->u.http.head_complete) {
        return OUTCOME_INCOMPLETE;
    }
    if (exchange_presents_token(x) && !moment_is_middle_401(x->response)) {
        return may_have_gone_on(x) ? OUTCOME_INCOMPLETE : OUTCOME_REFUSED;
    }
    return gave_up(v, r) ? OUTCOME_REFUSED : OUTCOME_INCOMPLETE;
}

static enum outcome outcome_of_answer(const struct view *v, struct reading *r)
{
    unsigned status = r->last->response->u.http.status;
    bool has_token = moment_has_token(r->last->request);
    if (r->last->request->u.http.token == TOKEN_SIGHT_UNKNOWN && status < 500) {
        return OUTCOME_INCOMPLETE;
    }
    if (status >= 200 && status < 300) {
        return outcome_of_2xx(r, &r->by);
    }
    if (status == 401 || status == 407) {
        return outcome_of_401(v, r);
    }
    if (status == 403) {
        return has_token ? OUTCOME_REFUSED : OUTCOME_FAILED;
    }
    if (status >= 500) {
        return OUTCOME_FAILED;
    }
    if (has_token && !v->attempt->is_ccm) {
        return outcome_of_2xx(r, &r->by);
    }
    return status >= 400 ? OUTCOME_FAILED : OUTCOME_INCOMPLETE;
}

void reading_of(const struct view *v, struct reading *out)
{
    *out = (struct reading){.ending = ENDING_OPEN, .outcome = OUTCOME_INCOMPLETE};
    if (v->attempt == NULL || v->attempt->num_exchanges == 0) {
        return;
    }
    for (size_t i = 0; i < v->attempt->num_exchanges; i++) {
        read_exchange(out, &v->attempt->exchanges[i]);
    }
    const struct moment *first = v->attempt->exchanges[0].request;
    out->is_lossy = out->is_lossy ||
                    case_has_hole(v->c, first->capture, v->attempt->first_ns, v->attempt->last_ns);
    out->last = attempt_last(v->attempt);
    out->ending = ending_of(v, out->last);
    switch (out->ending) {
    case ENDING_ANSWERED:
        out->outcome = outcome_of_answer(v, out);
        break;
    case ENDING_RESET:
    case ENDING_NO_REPLY:
        out->outcome = OUTCOME_FAILED;
        break;
    case ENDING_OPEN:
        break;
    }
}

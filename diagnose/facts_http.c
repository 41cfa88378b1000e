/* Facts read off HTTP requests and responses. */
#include "diagnose/facts.h"

#define FIELD_BYTES_DEFAULT 16384 /* http.sys MaxFieldLength and MaxRequestBytes by default */

static const struct moment *final_response(const struct judgement *j)
{
    return j->reading.last == NULL ? NULL : j->reading.last->response;
}

bool detect_offers_negotiate(const struct judgement *j, uint32_t wanted, struct proof *p)
{
    const struct attempt *a = j->v->attempt;
    const struct moment *offer = NULL;
    const struct moment *none = NULL;
    for (size_t i = 0; a != NULL && i < a->num_exchanges; i++) {
        const struct exchange *x = &a->exchanges[i];
        if (x->response == NULL || x->response->u.http.status != 401) {
            continue;
        }
        if (exchange_offers(x, AUTH_NEGOTIATE) || exchange_offers(x, AUTH_KERBEROS) ||
            exchange_offers(x, AUTH_NEGO2)) {
            offer = offer == NULL ? x->response : offer;
        } else if (x->response->u.http.head_complete && !moment_has_token(x->request)) {
            none = x->response;
        }
    }
    if (wanted == 1) {
        proof_add(j, p, offer, "401 offering Negotiate");
        return offer != NULL;
    }
    if (none == NULL || offer != NULL) {
        return false;
    }
    proof_add(j, p, none,
              none->u.http.has_offers ? "401 whose WWW-Authenticate lacks Negotiate"
                                      : "401 without any WWW-Authenticate");
    return true;
}

/* NTLM by a scheme of its own, and the 401 before it lost: perhaps there was no Negotiate to take.
 */
bool detect_offers_not_seen(const struct judgement *j, uint32_t unused, struct proof *p)
{
    (void)unused;
    (void)p;
    const struct attempt *a = j->v->attempt;
    const struct exchange *ntlm = j->reading.ntlm;
    bool asked = false;
    for (size_t i = 0; a != NULL && i < a->num_exchanges; i++) {
        const struct exchange *x = &a->exchanges[i];
        if (x->response != NULL && x->response->u.http.has_offers &&
            !moment_has_token(x->request)) {
            return false;
        }
        asked = asked || !moment_has_token(x->request);
    }
    return ntlm != NULL && ntlm->request->u.http.scheme == AUTH_NTLM &&
           (asked || j->reading.is_lossy);
}

bool detect_no_token_sent(const struct judgement *j, uint32_t unused, struct proof *p)
{
    (void)unused;
    const struct reading *r = &j->reading;
    if (r->last == NULL || r->has_token || r->has_unknown_token || r->is_lossy) {
        return false;
    }
    proof_add(j, p, r->last->request, "sent without Authorization");
    return true;
}

bool detect_krb_token_sent(const struct judgement *j, uint32_t unused, struct proof *p)
{
    (void)unused;
    const struct exchange *x = j->reading.krb;
    if (x == NULL) {
        return false;
    }
    const struct ticket_sight *t = &x->request->u.http.ticket;
    proof_add(j, p, x->request, "presented the ticket for %.*s", (int)t->sname.len,
              (const char *)t->sname.at);
    return true;
}

bool detect_ntlm_sent(const struct judgement *j, uint32_t unused, struct proof *p)
{
    (void)unused;
    const struct exchange *x = j->reading.ntlm;
    if (x == NULL) {
        return false;
    }
    proof_add(j, p, x->request, "the token is NTLM");
    return true;
}

bool detect_last_had_token(const struct judgement *j, uint32_t wanted, struct proof *p)
{
    (void)p;
    const struct exchange *last = j->reading.last;
    if (last == NULL || last->request->u.http.token == TOKEN_SIGHT_UNKNOWN) {
        return false;
    }
    return moment_has_token(last->request) == (wanted == 1);
}

bool detect_final_status(const struct judgement *j, uint32_t status, struct proof *p)
{
    const struct moment *m = final_response(j);
    if (m == NULL) {
        return false;
    }
    unsigned is = m->u.http.status;
    bool holds = status == 500 ? is >= 500 && is != 503 && is != 501 : is == status;
    if (holds) {
        proof_add(j, p, m, "the server answered %u", is);
    }
    return holds;
}

bool detect_allow_lacks_method(const struct judgement *j, uint32_t unused, struct proof *p)
{
    (void)unused;
    const struct moment *m = final_response(j);
    if (m == NULL || m->u.http.status != 405 || m->u.http.allow.len == 0) {
        return false;
    }
    struct bytes allow = m->u.http.allow;
    for (size_t at = 0; at < allow.len;) {
        size_t comma = bytes_find(allow, ',', at);
        struct bytes one = bytes_trim(bytes_part(allow, at, comma - at));
        if (bytes_equal_nocase(one, j->reading.last->request->u.http.method)) {
            return false;
        }
        at = comma + 1;
    }
    proof_add(j, p, m, "Allow: %.*s", (int)allow.len, (const char *)allow.at);
    return true;
}

bool detect_token_is_large(const struct judgement *j, uint32_t unused, struct proof *p)
{
    (void)unused;
    const struct exchange *last = j->reading.last;
    if (last == NULL || last->request->u.http.header_len <= FIELD_BYTES_DEFAULT) {
        return false;
    }
    proof_add(j, p, last->request, "the Authorization header is %zu bytes long",
              last->request->u.http.header_len);
    return true;
}

/* HTTP.sys signs answers of its own so, IIS those of applications (Microsoft-IIS/10.0). */
bool detect_httpsys_answered(const struct judgement *j, uint32_t unused, struct proof *p)
{
    (void)unused;
    const struct moment *m = final_response(j);
    if (m == NULL || !bytes_begins_nocase(m->u.http.server, "Microsoft-HTTPAPI/")) {
        return false;
    }
    proof_add(j, p, m, "HTTP.sys itself answers %u", m->u.http.status);
    return true;
}

bool detect_path_unprotected(const struct judgement *j, uint32_t unused, struct proof *p)
{
    (void)unused;
    const struct attempt *a = j->v->attempt;
    if (a == NULL || a->is_protected) {
        return false;
    }
    const struct moment *m = a->exchanges[0].request;
    proof_add(j, p, m, "%.*s to %.*s", (int)m->u.http.method.len, (const char *)m->u.http.method.at,
              (int)m->u.http.path.len, (const char *)m->u.http.path.at);
    return true;
}

bool detect_ended_by(const struct judgement *j, uint32_t ending, struct proof *p)
{
    const struct reading *r = &j->reading;
    if (r->last == NULL || (uint32_t)r->ending != ending) {
        return false;
    }
    const struct conn *conn = r->last->conn;
    if (exchange_is_undelivered(r->last)) {
        proof_add(j, p, r->last->request,
                  "the request; its segments were sent again %u times in %.0f s, and not all were "
                  "acknowledged",
                  conn->facts.num_resent[0],
                  (double)(conn->facts.last_data_ns[0] - r->last->request->first_time_ns) / 1e9);
        return true;
    }
    proof_add(j, p, r->last->request, "the request that got no response");
    if (conn != NULL && conn->reset) {
        proof_add_frame(j, p, conn->reset_at.capture, conn->reset_at.frame,
                        "RST while the request waited");
    } else if (conn != NULL && conn->fin[0]) {
        proof_add_frame(j, p, conn->fin_at[0].capture, conn->fin_at[0].frame,
                        "the client gives up after %.1f s",
                        (double)(conn->fin_ns[0] - r->last->request->time_ns) / 1e9);
    }
    return true;
}

bool detect_undelivered(const struct judgement *j, uint32_t unused, struct proof *p)
{
    (void)unused;
    (void)p;
    return j->reading.ending == ENDING_NO_REPLY && exchange_is_undelivered(j->reading.last);
}

/* A 401 to a token, whole, and no handshake's middle. */
static bool is_refused(const struct exchange *x)
{
    const struct moment *m = x == NULL ? NULL : x->response;
    return m != NULL && m->u.http.status == 401 && m->u.http.head_complete &&
           exchange_presents_token(x) && !moment_is_middle_401(m);
}

static bool is_refusal(const struct judgement *j)
{
    return is_refused(j->reading.last);
}

/* The 401 that refused the last ticket, and let the client go on with NTLM at most; else NULL. What
 * ends the attempt otherwise (403, a reset) is its cause, whatever became of a ticket before. */
static const struct moment *ticket_refusal(const struct judgement *j)
{
    const struct exchange *krb = j->reading.krb;
    const struct exchange *last = j->reading.last;
    if (!is_refused(krb) || j->outcome == OUTCOME_APPROVED) {
        return NULL;
    }
    bool is_about_ntlm =
        j->reading.ntlm == last && (j->outcome == OUTCOME_APPROVED_NTLM || is_refused(last) ||
                                    (j->outcome == OUTCOME_REFUSED && last->response != NULL &&
                                     moment_is_middle_401(last->response)));
    return krb == last || is_about_ntlm ? krb->response : NULL;
}

bool detect_ticket_refused(const struct judgement *j, uint32_t unused, struct proof *p)
{
    (void)unused;
    const struct moment *m = ticket_refusal(j);
    if (m == NULL) {
        return false;
    }
    const struct http_moment *h = &m->u.http;
    proof_add(j, p, j->reading.krb->request, "the request with the ticket");
    proof_add(j, p, m, "401 again%s%s", h->neg_state == NEG_STATE_REJECT ? ": " : "",
              h->neg_state == NEG_STATE_REJECT ? "negState reject" : "");
    return true;
}

bool detect_ntlm_refused(const struct judgement *j, uint32_t unused, struct proof *p)
{
    (void)unused;
    if (!is_refusal(j)) {
        return false;
    }
    enum token_sight token = j->reading.last->request->u.http.token;
    if (token != TOKEN_SIGHT_NTLM_1 && token != TOKEN_SIGHT_NTLM_3) {
        return false;
    }
    proof_add(j, p, final_response(j), "401 after NTLM %s",
              token == TOKEN_SIGHT_NTLM_1 ? "NEGOTIATE" : "AUTHENTICATE");
    return true;
}

/* AP-REP or accept-completed: the ticket is good, what comes after it is not (RFC 4178 4.2.2). */
bool detect_ap_accepted(const struct judgement *j, uint32_t unused, struct proof *p)
{
    (void)unused;
    const struct moment *m = ticket_refusal(j);
    if (m == NULL || (!m->u.http.has_ap_rep && m->u.http.neg_state != NEG_STATE_ACCEPT_COMPLETED)) {
        return false;
    }
    proof_add(j, p, m, "the same 401 accepts the ticket (%s)",
              m->u.http.has_ap_rep ? "AP-REP" : "accept-completed");
    return true;
}

/* A client that opens its connections through a proxy shows the server's Via. Connection-bound
 * authentication does not survive a proxy that does not keep them (RFC 4559 6, RFC 9110 7.6.3). */
bool detect_proxy_breaks_ntlm(const struct judgement *j, uint32_t unused, struct proof *p)
{
    (void)unused;
    const struct moment *m = final_response(j);
    if (m == NULL || !is_refusal(j) ||
        j->reading.last->request->u.http.token != TOKEN_SIGHT_NTLM_3 || !m->u.http.has_via) {
        return false;
    }
    proof_add(j, p, m, "the answer came through a proxy (Via)");
    return true;
}

/* Another request of this client to the same host and path got something else than 404. */
bool detect_other_verb_works(const struct judgement *j, uint32_t unused, struct proof *p)
{
    (void)unused;
    const struct reading *r = &j->reading;
    if (r->last == NULL || r->last->response == NULL || r->last->response->u.http.status != 404) {
        return false;
    }
    const struct http_moment *h = &r->last->request->u.http;
    uint64_t target = verb_target(h->host, h->path);
    for (unsigned i = 0; i < CLIENT_VERBS_MAX; i++) {
        const struct verb_sight *seen = &j->v->client->verbs[i];
        if (seen->frame != 0 && seen->target == target &&
            !bytes_equal(bytes_of(seen->method), h->method)) {
            proof_add_frame(j, p, seen->capture, seen->frame, "%s on the same path is answered %u",
                            seen->method, seen->status);
            return true;
        }
    }
    return false;
}

/* Another connection to the server lacks frames: what was asked there, and answered, is not known.
 */
bool detect_other_verb_lost(const struct judgement *j, uint32_t unused, struct proof *p)
{
    (void)unused;
    (void)p;
    const struct exchange *last = j->reading.last;
    if (last == NULL) {
        return false;
    }
    const struct address *server = &last->request->to.address;
    const struct conn *conn = NULL;
    while ((conn = view_next_conn(j->v, conn)) != NULL) {
        if (conn != last->conn && conn_is_lossy(conn) &&
            address_equal(&conn->server.address, server)) {
            return true;
        }
    }
    return address_equal(&j->v->client->lossy_server, server);
}

/* RFC 4120 7.5.9: the codes of an acceptor that cannot decrypt: 31, 35, 41, 45. */
static bool is_mismatch(int32_t code)
{
    return code == 31 || code == 35 || code == 41 || code == 45;
}

bool detect_ap_error(const struct judgement *j, uint32_t code, struct proof *p)
{
    const struct moment *m = ticket_refusal(j);
    if (m == NULL || !m->u.http.has_krb_error) {
        return false;
    }
    int32_t is = m->u.http.krb_error;
    bool is_other = !is_mismatch(is) && !(is >= 32 && is <= 34) && is != 37 && is != 44;
    bool holds = code == AP_ERROR_ANY        ? true
                 : code == AP_ERROR_MISMATCH ? is_mismatch(is)
                 : code == AP_ERROR_OTHER    ? is_other
                                             : is == (int32_t)code;
    if (holds) {
        const char *name = krb_error_name(is);
        proof_add(j, p, m, "the 401 carries %s (%d)", name == NULL ? "KRB-ERROR" : name, (int)is);
    }
    return holds;
}

static void prove_offset(const struct judgement *j, struct proof *p, const struct offset *o,
                         const char *pair)
{
    for (size_t i = 0; i < o->evidence.num; i++) {
        const struct frame_ref *r = &o->evidence.at[i];
        proof_add_frame(j, p, r->capture, r->frame, "%s: %+.1f s between the clocks", pair,
                        o->value);
    }
}

bool detect_skew(const struct judgement *j, uint32_t which, struct proof *p)
{
    double limit = j->v->c->options.skew_limit_s;
    if (which == SKEW_KDC) {
        bool beyond = offset_is_beyond(&j->client_to_kdc, limit);
        if (beyond) {
            prove_offset(j, p, &j->client_to_kdc, "client and KDC");
        }
        return beyond;
    }
    if (offset_is_beyond(&j->kdc_to_server, limit)) {
        prove_offset(j, p, &j->kdc_to_server, "KDC and server");
        return true;
    }
    if (offset_is_beyond(&j->client_to_server, limit)) {
        prove_offset(j, p, &j->client_to_server, "client and server");
        return true;
    }
    return false;
}

bool detect_clocks_in_order(const struct judgement *j, uint32_t unused, struct proof *p)
{
    (void)unused;
    if (!offset_is_within(&j->kdc_to_server, j->v->c->options.skew_limit_s)) {
        return false;
    }
    prove_offset(j, p, &j->kdc_to_server, "KDC and server");
    return true;
}

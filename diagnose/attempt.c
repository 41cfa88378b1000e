#include "diagnose/attempt.h"

#include <string.h>

#include "base/civil.h"
#include "diagnose/case.h"

#include <assert.h>
#include <stdlib.h>

bool moment_has_token(const struct moment *request)
{
    const struct http_moment *h = &request->u.http;
    bool is_ours = h->scheme == AUTH_NEGOTIATE || h->scheme == AUTH_NTLM ||
                   h->scheme == AUTH_KERBEROS || h->scheme == AUTH_NEGO2;
    return is_ours && h->token != TOKEN_SIGHT_NONE && h->token != TOKEN_SIGHT_UNKNOWN;
}

bool moment_is_middle_401(const struct moment *response)
{
    const struct http_moment *h = &response->u.http;
    return (h->status == 401 || h->status == 407) &&
           (h->has_ntlm_challenge ||
            (h->neg_state == NEG_STATE_ACCEPT_INCOMPLETE && !h->has_krb_error));
}

bool attempt_path_is_protected(struct bytes path)
{
    /* CCM_System_WindowsAuth, SMS_MP_WindowsAuth, CMUserService_WindowsAuth: the first segment. */
    struct bytes rest = bytes_part(path, 1, path.len);
    struct bytes segment = bytes_part(rest, 0, bytes_find(rest, '/', 0));
    return bytes_ends_nocase(segment, "_windowsauth");
}

bool attempt_is_elsewhere(const struct attempt *a)
{
    return a->is_ccm && !a->is_protected;
}

const struct exchange *attempt_last(const struct attempt *a)
{
    return a->num_exchanges == 0 ? NULL : &a->exchanges[a->num_exchanges - 1];
}

/* Two requests mean the same: the Host named (else the server's address) and the path. */
static bool same_target(const struct moment *a, const struct moment *b)
{
    const struct http_moment *x = &a->u.http;
    const struct http_moment *y = &b->u.http;
    if (!bytes_equal_nocase(x->path, y->path) || !bytes_equal_nocase(x->host, y->host)) {
        return false;
    }
    return x->host.len > 0 || address_equal(&a->to.address, &b->to.address);
}

static void unlink_age(struct attempt_list *list, struct attempt *a)
{
    if (list->unlooked == a) {
        list->unlooked = a->newer;
    }
    *(a->newer == NULL ? &list->newest : &a->newer->older) = a->older;
    *(a->older == NULL ? &list->oldest : &a->older->newer) = a->newer;
    a->newer = a->older = NULL;
}

static void link_newest(struct attempt_list *list, struct attempt *a)
{
    a->older = list->newest;
    a->newer = NULL;
    *(list->newest == NULL ? &list->oldest : &list->newest->newer) = a;
    list->newest = a;
    if (list->unlooked == NULL) {
        list->unlooked = a;
    }
}

static void touch(struct attempt_list *list, struct attempt *a, int64_t now_ns)
{
    if (now_ns > a->last_ns) {
        a->last_ns = now_ns;
    }
    a->touched_ns = list->now_ns;
    if (list->newest != a || a->told.is_looked_at) {
        unlink_age(list, a);
        link_newest(list, a);
    }
    a->told.is_looked_at = false;
}

static struct attempt *attempt_new(struct attempt_list *list, struct client *c,
                                   const struct moment *request)
{
    struct attempt *a = calloc(1, sizeof *a);
    if (a == NULL) {
        return NULL;
    }
    a->serial = ++list->next_serial;
    a->client = c;
    a->first_ns = request->first_time_ns;
    a->last_ns = request->time_ns;
    a->touched_ns = list->now_ns;
    a->is_ccm = request->u.http.is_ccm_post;
    a->is_protected = attempt_path_is_protected(request->u.http.path);
    struct attempt **slot = &c->attempts;
    while (*slot != NULL) {
        slot = &(*slot)->next;
    }
    *slot = a;
    link_newest(list, a);
    list->num_open++;
    return a;
}

static void free_exchange(struct exchange *x)
{
    moment_free(x->request);
    moment_free(x->response);
    if (x->conn != NULL) {
        assert(x->conn->pins > 0);
        x->conn->pins--;
    }
}

static void add_exchange(struct attempt_list *list, struct attempt *a, struct moment *request,
                         struct conn *conn)
{
    if (a->num_exchanges == ATTEMPT_EXCHANGES_MAX) {
        /* The first says how it began, the last how it ended: one of the middle goes. */
        size_t middle = ATTEMPT_EXCHANGES_MAX / 2;
        free_exchange(&a->exchanges[middle]);
        for (size_t i = middle; i + 1 < ATTEMPT_EXCHANGES_MAX; i++) {
            a->exchanges[i] = a->exchanges[i + 1];
        }
        a->num_exchanges--;
        a->num_exchanges_dropped++;
    }
    if (conn != NULL) {
        conn->pins++;
        conn->has_http = true;
    }
    a->exchanges[a->num_exchanges++] = (struct exchange){.request = request, .conn = conn};
    a->has_token = a->has_token || moment_has_token(request);
    a->is_protected = a->is_protected || moment_has_token(request);
    a->is_registration = a->is_registration || request->u.http.is_registration;
    touch(list, a, request->time_ns);
}

static bool is_success(unsigned status)
{
    return status >= 200 && status < 300;
}

enum answer {
    ANSWER_NONE,      /* no exchange has one */
    ANSWER_ANONYMOUS, /* 401 to a request without token, or a handshake's middle */
    ANSWER_TOKEN_401, /* 401 to a token */
    ANSWER_FINAL,
};

/* How far the attempt has come, by its last answered exchange. */
static enum answer last_answer(const struct attempt *a)
{
    for (size_t i = a->num_exchanges; i > 0; i--) {
        const struct exchange *x = &a->exchanges[i - 1];
        if (x->response == NULL) {
            continue;
        }
        unsigned status = x->response->u.http.status;
        if (status != 401 && status != 407) {
            return ANSWER_FINAL;
        }
        if (moment_is_middle_401(x->response) || !moment_has_token(x->request)) {
            return ANSWER_ANONYMOUS;
        }
        return ANSWER_TOKEN_401;
    }
    return ANSWER_NONE;
}

bool attempt_is_answered(const struct attempt *a, bool *may_go_on)
{
    const struct exchange *last = attempt_last(a);
    enum answer answer = last_answer(a);
    *may_go_on = answer == ANSWER_TOKEN_401;
    return last != NULL && last->response != NULL &&
           (answer == ANSWER_FINAL || answer == ANSWER_TOKEN_401);
}

/* Is a request of this attempt still waiting on another connection that is alive? */
static bool is_in_flight_elsewhere(const struct attempt *a, const struct conn *conn)
{
    const struct exchange *last = attempt_last(a);
    return last != NULL && last->response == NULL && last->conn != conn &&
           !conn_is_over(last->conn);
}

/* Does the attempt go on with this request? */
static bool goes_on(const struct attempt *a, const struct moment *request, const struct conn *conn)
{
    if (a->num_exchanges == 0 || !same_target(a->exchanges[0].request, request) ||
        a->is_ccm != request->u.http.is_ccm_post) {
        return false;
    }
    if (request->first_time_ns - a->last_ns > ATTEMPT_GAP_S * NS_PER_S ||
        is_in_flight_elsewhere(a, conn)) {
        return false;
    }
    switch (last_answer(a)) {
    case ANSWER_FINAL:
        return false;
    case ANSWER_TOKEN_401:
        return moment_has_token(request);
    case ANSWER_NONE:
    case ANSWER_ANONYMOUS:
        break;
    }
    return true;
}

static struct attempt *find_going_on(struct client *c, const struct moment *request,
                                     const struct conn *conn)
{
    struct attempt *found = NULL;
    for (struct attempt *a = c->attempts; a != NULL; a = a->next) {
        if (goes_on(a, request, conn)) {
            found = a;
        }
    }
    return found;
}

/* Requests whose meaning only their response tells wait on their connection. */
static void wait_for_response(struct conn *conn, struct moment *request)
{
    unsigned num = 0;
    struct moment **slot = &conn->waiting;
    while (*slot != NULL) {
        slot = &(*slot)->next;
        num++;
    }
    *slot = request;
    request->next = NULL;
    if (num >= HTTP_PIPELINE_MAX) {
        struct moment *oldest = conn->waiting;
        conn->waiting = oldest->next;
        moment_free(oldest);
    }
}

/* After a windowsauth attempt without success, a CCM_POST to an anonymous path is its fallback. */
static bool is_fallback(struct client *c, struct moment *request)
{
    for (struct attempt *a = c->attempts; a != NULL; a = a->next) {
        if (a->is_ccm && a->is_protected && a->fallback == NULL && a->num_exchanges > 0 &&
            bytes_equal_nocase(a->exchanges[0].request->u.http.host, request->u.http.host)) {
            a->fallback = request;
            return true;
        }
    }
    return false;
}

void attempt_request(struct attempt_list *list, struct client *c, struct conn *conn,
                     const struct event *event, attempt_over *over, void *context)
{
    struct moment *request = moment_new(event);
    if (request == NULL) {
        return;
    }
    bool is_ccm = request->u.http.is_ccm_post;
    bool has_token = moment_has_token(request);
    c->saw_http = true;
    if (is_ccm) {
        c->num_ccm_posts++;
    }
    struct attempt *a = find_going_on(c, request, conn);
    if (a == NULL && !has_token && conn != NULL && (!is_ccm || conn->authenticated_by_attempt)) {
        wait_for_response(conn, request);
        return;
    }
    if (a == NULL && is_ccm && !has_token && !attempt_path_is_protected(request->u.http.path) &&
        is_fallback(c, request)) {
        return;
    }
    if (a == NULL) {
        if (list->num_open >= ATTEMPTS_OPEN_MAX) {
            attempt_close(list, list->oldest, over, context);
        }
        a = attempt_new(list, c, request);
        if (a != NULL) {
            a->is_again = has_token && conn != NULL && conn->authenticated_by_attempt != 0;
        }
    }
    if (a == NULL) {
        moment_free(request);
        return;
    }
    add_exchange(list, a, request, conn);
}

/* The request of that id among those that wait; taken out of the queue. */
static struct moment *take_waiting(struct conn *conn, uint64_t id)
{
    for (struct moment **slot = &conn->waiting; *slot != NULL; slot = &(*slot)->next) {
        if ((*slot)->id == id) {
            struct moment *found = *slot;
            *slot = found->next;
            found->next = NULL;
            return found;
        }
    }
    return NULL;
}

static struct exchange *find_exchange(struct client *c, uint64_t request_id, struct attempt **out)
{
    for (struct attempt *a = c->attempts; a != NULL; a = a->next) {
        for (size_t i = a->num_exchanges; i > 0; i--) {
            if (a->exchanges[i - 1].request->id == request_id) {
                *out = a;
                return &a->exchanges[i - 1];
            }
        }
    }
    return NULL;
}

/* The attempt that was approved on this connection. */
static struct attempt *attempt_of_serial(struct client *c, uint32_t serial)
{
    struct attempt *a = c->attempts;
    while (a != NULL && a->serial != serial) {
        a = a->next;
    }
    return a;
}

static void answer_waiting(struct attempt_list *list, struct client *c, struct conn *conn,
                           struct moment *request, struct moment *response)
{
    unsigned status = response->u.http.status;
    struct attempt *a = NULL;
    if (status == 401 || status == 407) {
        a = attempt_new(list, c, request);
        if (a != NULL) {
            a->is_again = conn->authenticated_by_attempt != 0;
        }
    } else if (conn->authenticated_by_attempt && is_success(status)) {
        struct attempt *approved = attempt_of_serial(c, conn->authenticated_by_attempt);
        if (approved != NULL) {
            approved->num_later_requests++;
        }
    }
    if (a == NULL) {
        moment_free(request);
        moment_free(response);
        return;
    }
    add_exchange(list, a, request, conn);
    a->exchanges[a->num_exchanges - 1].response = response;
    a->is_protected = true;
    touch(list, a, response->time_ns);
}

/* Which verbs a path answers tells a missing path from a filtered verb. */
static void note_verb(struct client *c, const struct moment *request, const struct moment *response)
{
    const struct http_moment *h = &request->u.http;
    unsigned status = response->u.http.status;
    if (status == 404 || status == 405 || status >= 500 || h->method.len >= VERB_MAX) {
        return;
    }
    struct verb_sight seen = {.target = verb_target(h->host, h->path),
                              .status = status,
                              .capture = response->capture,
                              .frame = response->frame};
    memcpy(seen.method, h->method.at, h->method.len);
    for (unsigned i = 0; i < CLIENT_VERBS_MAX; i++) {
        if (c->verbs[i].target == seen.target && strcmp(c->verbs[i].method, seen.method) == 0) {
            c->verbs[i] = seen;
            return;
        }
    }
    c->verbs[c->num_verbs++ % CLIENT_VERBS_MAX] = seen;
}

void attempt_response(struct attempt_list *list, struct client *c, struct conn *conn,
                      const struct event *event)
{
    if (event->http->request_id == 0) {
        return; /* unpaired: no evidence */
    }
    struct attempt *a = NULL;
    struct moment *waiting = conn == NULL ? NULL : take_waiting(conn, event->http->request_id);
    struct exchange *x = waiting != NULL ? NULL : find_exchange(c, event->http->request_id, &a);
    if (waiting == NULL && (x == NULL || x->response != NULL)) {
        return;
    }
    struct moment *response = moment_new(event);
    if (response == NULL) {
        moment_free(waiting);
        return;
    }
    note_verb(c, waiting != NULL ? waiting : x->request, response);
    if (waiting != NULL) {
        answer_waiting(list, c, conn, waiting, response);
        return;
    }
    x->response = response;
    touch(list, a, response->time_ns);
    unsigned status = response->u.http.status;
    a->is_protected = a->is_protected || status == 401 || status == 407;
    if (conn != NULL && is_success(status) && moment_has_token(x->request)) {
        conn->authenticated_by_attempt = a->serial;
    }
}

/* A 401 that offered Negotiate, to a client that never sent a token: counted, no attempt. */
static void count_offer(struct attempt_list *list, struct attempt *a)
{
    for (size_t i = 0; i < a->num_exchanges; i++) {
        struct exchange *x = &a->exchanges[i];
        for (size_t j = 0; x->response != NULL && j < x->response->u.http.num_offers; j++) {
            if (x->response->u.http.offers[j] != AUTH_NEGOTIATE) {
                continue;
            }
            list->offers_unanswered++;
            if (list->first_offer == NULL) {
                list->first_offer = x->response;
                x->response = NULL;
            }
            return;
        }
    }
}

void attempt_close(struct attempt_list *list, struct attempt *a, attempt_over *over, void *context)
{
    struct attempt **slot = &a->client->attempts;
    while (*slot != a) {
        slot = &(*slot)->next;
    }
    if (a->is_ccm || a->has_token) {
        over(context, a);
    } else {
        count_offer(list, a);
    }
    *slot = a->next;
    unlink_age(list, a);
    list->num_open--;
    for (size_t i = 0; i < a->num_exchanges; i++) {
        free_exchange(&a->exchanges[i]);
    }
    moment_free(a->fallback);
    free(a);
}

/* One attempt of the JSON report. */
#include "report/json_private.h"

#include "report/phrase.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define NUMBER_BYTES_MAX 40 /* an event field that is a number */

json_t *value_evidence(struct writer *w, const struct evidence *evidence)
{
    json_t *list = json_array();
    for (size_t i = 0; i < evidence->num; i++) {
        json_t *item = json_object();
        value_put(w, item, "capture", json_integer(evidence->at[i].capture));
        value_put(w, item, "frame", json_integer(evidence->at[i].frame));
        value_put_bytes(w, item, "why", evidence->at[i].why);
        value_append(w, list, item);
    }
    return list;
}

/* References to lines of the servers' logs; left out where there are none. */
static void put_log_evidence(struct writer *w, json_t *object, const struct log_evidence *evidence)
{
    if (evidence->num == 0) {
        return;
    }
    json_t *list = json_array();
    for (size_t i = 0; i < evidence->num; i++) {
        json_t *item = json_object();
        value_put(w, item, "log", json_integer(evidence->at[i].log));
        value_put(w, item, "line", value_count(evidence->at[i].line));
        value_put_bytes(w, item, "why", evidence->at[i].why);
        value_append(w, list, item);
    }
    value_put(w, object, "log_evidence", list);
}

/* Members that verdict and `also` share. */
static json_t *finding_from(struct writer *w, const struct finding *f)
{
    json_t *object = json_object();
    value_put_word(w, object, "cause", cause_id(f->cause));
    value_put_word(w, object, "step", step_word(f->step));
    value_put_word(w, object, "confidence", confidence_word(f->confidence));
    value_put_bytes(w, object, "summary", f->summary);
    return object;
}

json_t *value_verdict(struct writer *w, const struct finding *f)
{
    json_t *object = finding_from(w, f);
    value_put_word(w, object, "severity", f->is_note ? "note" : "error");
    value_put_list(w, object, "remedy", f->remedy, f->num_remedies, "remedy_raw");
    value_put_word(w, object, "source", f->source);
    value_put(w, object, "evidence", value_evidence(w, &f->evidence));
    put_log_evidence(w, object, &f->logs);
    return object;
}

static json_t *also_from(struct writer *w, const struct attempt_record *a)
{
    json_t *list = json_array();
    for (size_t i = 0; i < a->num_also; i++) {
        json_t *item = finding_from(w, &a->also[i]);
        value_put_known(w, item, "tell_apart", a->also[i].tell_apart);
        value_put(w, item, "evidence", value_evidence(w, &a->also[i].evidence));
        put_log_evidence(w, item, &a->also[i].logs);
        value_append(w, list, item);
    }
    return list;
}

static json_t *referrals_from(struct writer *w, const struct attempt_record *a)
{
    char buffer[64];
    json_t *list = json_array();
    for (size_t i = 0; i < a->num_referrals; i++) {
        const struct referral *r = &a->referrals[i];
        json_t *item = json_object();
        value_put_bytes(w, item, "realm", r->realm);
        struct text kdc;
        text_init(&kdc, buffer, sizeof buffer);
        address_print(&kdc, &r->kdc);
        value_put_word(w, item, "kdc", r->kdc.family == ADDRESS_NONE ? NULL : kdc.at);
        value_put(w, item, "capture", json_integer(r->capture));
        value_put(w, item, "frame", json_integer(r->frame));
        value_put(w, item, "time", value_time(r->time_ns, value_zone_is_known(w, r->capture)));
        value_put_word(w, item, "result", referral_result_word(r->result));
        value_put(w, item, "error_code",
                  r->result == REFERRAL_REFUSED_BY_ERROR ? json_integer(r->error_code)
                                                         : json_null());
        value_put_known(w, item, "next_realm", r->next);
        value_put(w, item, "repeated", json_boolean(r->is_repeat));
        value_append(w, list, item);
    }
    return list;
}

static json_t *ruled_out_from(struct writer *w, const struct attempt_record *a)
{
    json_t *list = json_array();
    for (size_t i = 0; i < a->num_ruled_out; i++) {
        json_t *item = json_object();
        value_put_word(w, item, "cause", cause_id(a->ruled_out[i].cause));
        value_put_bytes(w, item, "why", a->ruled_out[i].why);
        value_put(w, item, "evidence", value_evidence(w, &a->ruled_out[i].evidence));
        put_log_evidence(w, item, &a->ruled_out[i].logs);
        value_append(w, list, item);
    }
    return list;
}

static json_t *steps_from(struct writer *w, const struct attempt_record *a)
{
    json_t *list = json_array();
    for (enum step step = 0; step < STEP_COUNT; step++) {
        json_t *item = json_object();
        value_put_word(w, item, "step", step_word(step));
        value_put_word(w, item, "state", step_state_word(a->steps[step].state));
        value_put_known(w, item, "detail", a->steps[step].detail);
        value_put(w, item, "evidence", value_evidence(w, &a->steps[step].evidence));
        value_append(w, list, item);
    }
    return list;
}

static json_t *offset_from(struct writer *w, const struct offset *o)
{
    if (!o->known) {
        return json_null();
    }
    json_t *object = json_object();
    value_put(w, object, "value", value_seconds(o->value));
    value_put(w, object, "low", value_seconds(o->low));
    value_put(w, object, "high", value_seconds(o->high));
    value_put(w, object, "evidence", value_evidence(w, &o->evidence));
    return object;
}

static json_t *clocks_from(struct writer *w, const struct attempt_clocks *c)
{
    json_t *object = json_object();
    value_put(w, object, "client_to_kdc_s", offset_from(w, &c->client_to_kdc));
    value_put(w, object, "client_to_server_s", offset_from(w, &c->client_to_server));
    value_put(w, object, "kdc_to_server_s", offset_from(w, &c->kdc_to_server));
    value_put(w, object, "limit_s", value_seconds(c->limit_s));
    return object;
}

static json_t *connections_from(struct writer *w, const struct attempt_record *a)
{
    json_t *list = json_array();
    for (size_t i = 0; i < a->num_connections; i++) {
        const struct attempt_connection *c = &a->connections[i];
        json_t *item = json_object();
        value_put(w, item, "capture", json_integer(c->capture));
        value_put(w, item, "client", value_endpoint(w, &c->client));
        value_put(w, item, "server", value_endpoint(w, &c->server));
        value_put(w, item, "first_frame", json_integer(c->first_frame));
        value_put(w, item, "last_frame", json_integer(c->last_frame));
        value_append(w, list, item);
    }
    return list;
}

/* A number as JSON's; NULL when the text is none, and then it stays a string. */
static json_t *number_from(struct bytes value)
{
    char buffer[NUMBER_BYTES_MAX];
    struct text t;
    char *end;
    text_init(&t, buffer, sizeof buffer);
    text_add_bytes(&t, value);
    if (t.len == 0 || t.cut || t.len != strspn(t.at, "+-.0123456789eE")) {
        return NULL;
    }
    errno = 0;
    long long whole = strtoll(t.at, &end, 10);
    if (errno == 0 && *end == '\0') {
        return json_integer(whole);
    }
    double real = strtod(t.at, &end);
    return *end == '\0' && isfinite(real) ? json_real(real) : NULL;
}

static json_t *fields_from(struct writer *w, const struct event_summary *e)
{
    json_t *object = json_object();
    for (size_t i = 0; i < e->num_fields; i++) {
        const struct event_field *f = &e->fields[i];
        json_t *number = f->is_number ? number_from(f->value) : NULL;
        if (number != NULL) {
            value_put(w, object, f->name, number);
        } else {
            value_put_bytes(w, object, f->name, f->value);
        }
    }
    return object;
}

static json_t *event_from(struct writer *w, const struct event_summary *e)
{
    json_t *object = json_object();
    json_t *frames = json_array();
    for (size_t i = 0; i < e->num_frames; i++) {
        value_append(w, frames, json_integer(e->frames[i]));
    }
    value_put(w, object, "capture", json_integer(e->capture));
    value_put(w, object, "frame", json_integer(e->frame));
    value_put(w, object, "frames", frames);
    value_put(w, object, "time", value_time(e->time_ns, value_zone_is_known(w, e->capture)));
    value_put(w, object, "from", value_endpoint(w, &e->from));
    value_put(w, object, "to", value_endpoint(w, &e->to));
    value_put_word(w, object, "kind", e->kind);
    value_put_bytes(w, object, "summary", e->summary);
    value_put(w, object, "complete", json_boolean(e->complete));
    value_put(w, object, "fields", fields_from(w, e));
    return object;
}

static json_t *client_from(struct writer *w, const struct attempt_record *a)
{
    json_t *object = value_endpoint(w, &a->client);
    value_put_known(w, object, "principal", a->principal);
    return object;
}

static json_t *server_from(struct writer *w, const struct attempt_record *a)
{
    json_t *object = value_endpoint(w, &a->server);
    value_put_known(w, object, "host", a->host);
    value_put_known(w, object, "spn", a->spn);
    return object;
}

/* Lines of the servers' logs that tell of the attempt's requests; left out where there are none. */
static void put_log_lines(struct writer *w, json_t *object, const struct attempt_record *a)
{
    if (a->num_log_lines == 0) {
        return;
    }
    json_t *list = json_array();
    for (size_t i = 0; i < a->num_log_lines; i++) {
        const struct joined_line *l = &a->log_lines[i];
        json_t *item = json_object();
        value_put(w, item, "log", json_integer(l->log));
        value_put(w, item, "line", value_count(l->line));
        value_put(w, item, "time", value_time(l->time_ns, true));
        value_put(w, item, "capture", json_integer(l->capture));
        value_put(w, item, "frame", json_integer(l->frame));
        value_put_log_status(w, item, &l->status);
        value_put_known(w, item, "reason", l->reason);
        value_put_known(w, item, "user", l->user);
        value_append(w, list, item);
    }
    value_put(w, object, "log_lines", list);
}

json_t *value_attempt(struct writer *w, const struct attempt_record *a)
{
    bool utc = value_zone_is_known(w, phrase_time_base(w->analysis, a->capture));
    json_t *object = json_object();
    json_t *events = json_array();
    for (size_t i = 0; i < a->num_events; i++) {
        value_append(w, events, event_from(w, &a->events[i]));
    }
    value_put(w, object, "id", json_integer(a->id));
    value_put_word(w, object, "kind", attempt_kind_word(a->kind));
    value_put(w, object, "client", client_from(w, a));
    value_put(w, object, "server", server_from(w, a));
    value_put_known(w, object, "method", a->method);
    value_put_known(w, object, "uri", a->uri);
    value_put(w, object, "first_time", value_time(a->first_time_ns, utc));
    value_put(w, object, "last_time", value_time(a->last_time_ns, utc));
    value_put_word(w, object, "vantage", vantage_word(a->vantage));
    value_put_word(w, object, "outcome", outcome_word(a->outcome));
    value_put_word(w, object, "authenticated_by", authenticated_by_word(a->authenticated_by));
    value_put(w, object, "verdict", a->has_verdict ? value_verdict(w, &a->verdict) : json_null());
    value_put(w, object, "also", also_from(w, a));
    if (a->num_referrals > 0) {
        value_put(w, object, "referrals", referrals_from(w, a));
    }
    value_put(w, object, "ruled_out", ruled_out_from(w, a));
    value_put_list(w, object, "cannot_show", a->cannot_show, a->num_cannot_show, "cannot_show_raw");
    value_put_list(w, object, "next_capture", a->next_capture, a->num_next_capture,
                   "next_capture_raw");
    value_put(w, object, "steps", steps_from(w, a));
    value_put(w, object, "clocks", clocks_from(w, &a->clocks));
    value_put(w, object, "connections", connections_from(w, a));
    value_put(w, object, "events", events);
    value_put(w, object, "events_dropped", json_integer(a->num_events_dropped));
    value_put_list(w, object, "notes", a->notes, a->num_notes, "notes_raw");
    put_log_lines(w, object, a);
    return object;
}

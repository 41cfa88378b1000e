/* analysis -> one JSON object, schema krbscope.report/1 (docs/report.schema.json).
 *
 * One attempt is built, written on a line of its own, and freed, so memory does not grow with the
 * report. The only file that sees jansson. Everything is written as ASCII: JSON's \u escapes keep
 * every character, and the output can be shown on any terminal. */
#include "report/report.h"

#include "base/civil.h"
#include "report/escape.h"
#include "report/live.h"
#include "report/phrase.h"

#include <errno.h>
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define LINE_FLAGS (JSON_COMPACT | JSON_ENSURE_ASCII | JSON_REAL_PRECISION(15))
#define NUMBER_BYTES_MAX 40 /* an event field that is a number */

struct writer {
    FILE *out;
    const struct analysis *analysis;
    bool no_memory; /* some value could not be built; nothing more is written */
};

/* Takes value, which may be NULL when memory ran out. */
static void put(struct writer *w, json_t *object, const char *key, json_t *value)
{
    if (json_object_set_new(object, key, value) != 0) {
        w->no_memory = true;
    }
}

static void append(struct writer *w, json_t *array, json_t *value)
{
    if (json_array_append_new(array, value) != 0) {
        w->no_memory = true;
    }
}

static json_t *string_from(struct bytes b)
{
    size_t len;
    char *copy = escape_utf8_new(b, &len);
    json_t *value = copy == NULL ? NULL : json_stringn(copy, len);
    free(copy);
    return value;
}

static json_t *hex_from(struct bytes b)
{
    size_t len;
    char *copy = escape_hex_new(b, &len);
    json_t *value = copy == NULL ? NULL : json_stringn(copy, len);
    free(copy);
    return value;
}

/* The string, and when it is not UTF-8 its twin "<key>_raw". */
static void put_bytes(struct writer *w, json_t *object, const char *key, struct bytes b)
{
    put(w, object, key, string_from(b));
    if (!escape_is_utf8(b)) {
        char buffer[128];
        struct text twin;
        text_init(&twin, buffer, sizeof buffer);
        text_add(&twin, key);
        text_add(&twin, "_raw");
        put(w, object, twin.at, hex_from(b));
    }
}

/* The same with null for what is not known. */
static void put_known(struct writer *w, json_t *object, const char *key, struct bytes b)
{
    if (b.len == 0) {
        put(w, object, key, json_null());
    } else {
        put_bytes(w, object, key, b);
    }
}

static void put_word(struct writer *w, json_t *object, const char *key, const char *word)
{
    put_known(w, object, key, bytes_of(word));
}

/* An array of strings; when one is not UTF-8, "<key>_raw" has its bytes at the same index. */
static void put_list(struct writer *w, json_t *object, const char *key, const struct bytes *items,
                     size_t num, const char *raw_key)
{
    json_t *list = json_array();
    json_t *raw = json_array();
    bool has_raw = false;
    for (size_t i = 0; i < num; i++) {
        bool good = escape_is_utf8(items[i]);
        append(w, list, string_from(items[i]));
        append(w, raw, good ? json_null() : hex_from(items[i]));
        has_raw = has_raw || !good;
    }
    put(w, object, key, list);
    if (has_raw) {
        put(w, object, raw_key, raw);
    } else {
        json_decref(raw);
    }
}

static json_t *count_from(uint64_t number)
{
    return json_integer(number > (uint64_t)INT64_MAX ? INT64_MAX : (json_int_t)number);
}

/* A bound may be open: JSON has no infinity. */
static json_t *seconds_from(double seconds)
{
    return isfinite(seconds) ? json_real(seconds) : json_null();
}

static bool zone_is_known(const struct writer *w, uint16_t capture)
{
    return capture < w->analysis->num_captures &&
           w->analysis->captures[capture].info.zone != CAPTURE_ZONE_UNKNOWN;
}

/* RFC 3339; nine digits only when there is something below the microsecond. */
static json_t *time_from(int64_t time_ns, bool utc)
{
    char buffer[48];
    struct text t;
    text_init(&t, buffer, sizeof buffer);
    civil_print(&t, time_ns, time_ns % 1000 == 0 ? 6 : 9, utc);
    return json_string(t.at);
}

static void put_endpoint(struct writer *w, json_t *object, const struct endpoint *e)
{
    char buffer[64];
    struct text t;
    text_init(&t, buffer, sizeof buffer);
    address_print(&t, &e->address);
    put_word(w, object, "address", e->address.family == ADDRESS_NONE ? NULL : t.at);
    put(w, object, "port", e->port == 0 ? json_null() : json_integer(e->port));
}

static json_t *endpoint_from(struct writer *w, const struct endpoint *e)
{
    json_t *object = json_object();
    put_endpoint(w, object, e);
    return object;
}

static json_t *evidence_from(struct writer *w, const struct evidence *evidence)
{
    json_t *list = json_array();
    for (size_t i = 0; i < evidence->num; i++) {
        json_t *item = json_object();
        put(w, item, "capture", json_integer(evidence->at[i].capture));
        put(w, item, "frame", json_integer(evidence->at[i].frame));
        put_bytes(w, item, "why", evidence->at[i].why);
        append(w, list, item);
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
        put(w, item, "log", json_integer(evidence->at[i].log));
        put(w, item, "line", count_from(evidence->at[i].line));
        put_bytes(w, item, "why", evidence->at[i].why);
        append(w, list, item);
    }
    put(w, object, "log_evidence", list);
}

/* Members that verdict and `also` share. */
static json_t *finding_from(struct writer *w, const struct finding *f)
{
    json_t *object = json_object();
    put_word(w, object, "cause", cause_id(f->cause));
    put_word(w, object, "step", step_word(f->step));
    put_word(w, object, "confidence", confidence_word(f->confidence));
    put_bytes(w, object, "summary", f->summary);
    return object;
}

static json_t *verdict_from(struct writer *w, const struct finding *f)
{
    json_t *object = finding_from(w, f);
    put_word(w, object, "severity", f->is_note ? "note" : "error");
    put_list(w, object, "remedy", f->remedy, f->num_remedies, "remedy_raw");
    put_word(w, object, "source", f->source);
    put(w, object, "evidence", evidence_from(w, &f->evidence));
    put_log_evidence(w, object, &f->logs);
    return object;
}

static json_t *also_from(struct writer *w, const struct attempt_record *a)
{
    json_t *list = json_array();
    for (size_t i = 0; i < a->num_also; i++) {
        json_t *item = finding_from(w, &a->also[i]);
        put_known(w, item, "tell_apart", a->also[i].tell_apart);
        put(w, item, "evidence", evidence_from(w, &a->also[i].evidence));
        put_log_evidence(w, item, &a->also[i].logs);
        append(w, list, item);
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
        put_bytes(w, item, "realm", r->realm);
        struct text kdc;
        text_init(&kdc, buffer, sizeof buffer);
        address_print(&kdc, &r->kdc);
        put_word(w, item, "kdc", r->kdc.family == ADDRESS_NONE ? NULL : kdc.at);
        put(w, item, "capture", json_integer(r->capture));
        put(w, item, "frame", json_integer(r->frame));
        put(w, item, "time", time_from(r->time_ns, zone_is_known(w, r->capture)));
        put_word(w, item, "result", referral_result_word(r->result));
        put(w, item, "error_code",
            r->result == REFERRAL_REFUSED_BY_ERROR ? json_integer(r->error_code) : json_null());
        put_known(w, item, "next_realm", r->next);
        put(w, item, "repeated", json_boolean(r->is_repeat));
        append(w, list, item);
    }
    return list;
}

static json_t *ruled_out_from(struct writer *w, const struct attempt_record *a)
{
    json_t *list = json_array();
    for (size_t i = 0; i < a->num_ruled_out; i++) {
        json_t *item = json_object();
        put_word(w, item, "cause", cause_id(a->ruled_out[i].cause));
        put_bytes(w, item, "why", a->ruled_out[i].why);
        put(w, item, "evidence", evidence_from(w, &a->ruled_out[i].evidence));
        put_log_evidence(w, item, &a->ruled_out[i].logs);
        append(w, list, item);
    }
    return list;
}

static json_t *steps_from(struct writer *w, const struct attempt_record *a)
{
    json_t *list = json_array();
    for (enum step step = 0; step < STEP_COUNT; step++) {
        json_t *item = json_object();
        put_word(w, item, "step", step_word(step));
        put_word(w, item, "state", step_state_word(a->steps[step].state));
        put_known(w, item, "detail", a->steps[step].detail);
        put(w, item, "evidence", evidence_from(w, &a->steps[step].evidence));
        append(w, list, item);
    }
    return list;
}

static json_t *offset_from(struct writer *w, const struct offset *o)
{
    if (!o->known) {
        return json_null();
    }
    json_t *object = json_object();
    put(w, object, "value", seconds_from(o->value));
    put(w, object, "low", seconds_from(o->low));
    put(w, object, "high", seconds_from(o->high));
    put(w, object, "evidence", evidence_from(w, &o->evidence));
    return object;
}

static json_t *clocks_from(struct writer *w, const struct attempt_clocks *c)
{
    json_t *object = json_object();
    put(w, object, "client_to_kdc_s", offset_from(w, &c->client_to_kdc));
    put(w, object, "client_to_server_s", offset_from(w, &c->client_to_server));
    put(w, object, "kdc_to_server_s", offset_from(w, &c->kdc_to_server));
    put(w, object, "limit_s", seconds_from(c->limit_s));
    return object;
}

static json_t *connections_from(struct writer *w, const struct attempt_record *a)
{
    json_t *list = json_array();
    for (size_t i = 0; i < a->num_connections; i++) {
        const struct attempt_connection *c = &a->connections[i];
        json_t *item = json_object();
        put(w, item, "capture", json_integer(c->capture));
        put(w, item, "client", endpoint_from(w, &c->client));
        put(w, item, "server", endpoint_from(w, &c->server));
        put(w, item, "first_frame", json_integer(c->first_frame));
        put(w, item, "last_frame", json_integer(c->last_frame));
        append(w, list, item);
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
            put(w, object, f->name, number);
        } else {
            put_bytes(w, object, f->name, f->value);
        }
    }
    return object;
}

static json_t *event_from(struct writer *w, const struct event_summary *e)
{
    json_t *object = json_object();
    json_t *frames = json_array();
    for (size_t i = 0; i < e->num_frames; i++) {
        append(w, frames, json_integer(e->frames[i]));
    }
    put(w, object, "capture", json_integer(e->capture));
    put(w, object, "frame", json_integer(e->frame));
    put(w, object, "frames", frames);
    put(w, object, "time", time_from(e->time_ns, zone_is_known(w, e->capture)));
    put(w, object, "from", endpoint_from(w, &e->from));
    put(w, object, "to", endpoint_from(w, &e->to));
    put_word(w, object, "kind", e->kind);
    put_bytes(w, object, "summary", e->summary);
    put(w, object, "complete", json_boolean(e->complete));
    put(w, object, "fields", fields_from(w, e));
    return object;
}

static json_t *client_from(struct writer *w, const struct attempt_record *a)
{
    json_t *object = endpoint_from(w, &a->client);
    put_known(w, object, "principal", a->principal);
    return object;
}

static json_t *server_from(struct writer *w, const struct attempt_record *a)
{
    json_t *object = endpoint_from(w, &a->server);
    put_known(w, object, "host", a->host);
    put_known(w, object, "spn", a->spn);
    return object;
}

/* status, substatus, win32: null for what the log does not have. */
static void put_log_status(struct writer *w, json_t *object, const struct log_status *s)
{
    put(w, object, "status", s->has_status ? json_integer(s->status) : json_null());
    put(w, object, "substatus", s->has_substatus ? json_integer(s->substatus) : json_null());
    put(w, object, "win32", s->has_win32 ? json_integer((json_int_t)s->win32) : json_null());
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
        put(w, item, "log", json_integer(l->log));
        put(w, item, "line", count_from(l->line));
        put(w, item, "time", time_from(l->time_ns, true));
        put(w, item, "capture", json_integer(l->capture));
        put(w, item, "frame", json_integer(l->frame));
        put_log_status(w, item, &l->status);
        put_known(w, item, "reason", l->reason);
        put_known(w, item, "user", l->user);
        append(w, list, item);
    }
    put(w, object, "log_lines", list);
}

static json_t *attempt_from(struct writer *w, const struct attempt_record *a)
{
    bool utc = zone_is_known(w, phrase_time_base(w->analysis, a->capture));
    json_t *object = json_object();
    json_t *events = json_array();
    for (size_t i = 0; i < a->num_events; i++) {
        append(w, events, event_from(w, &a->events[i]));
    }
    put(w, object, "id", json_integer(a->id));
    put_word(w, object, "kind", attempt_kind_word(a->kind));
    put(w, object, "client", client_from(w, a));
    put(w, object, "server", server_from(w, a));
    put_known(w, object, "method", a->method);
    put_known(w, object, "uri", a->uri);
    put(w, object, "first_time", time_from(a->first_time_ns, utc));
    put(w, object, "last_time", time_from(a->last_time_ns, utc));
    put_word(w, object, "vantage", vantage_word(a->vantage));
    put_word(w, object, "outcome", outcome_word(a->outcome));
    put_word(w, object, "authenticated_by", authenticated_by_word(a->authenticated_by));
    put(w, object, "verdict", a->has_verdict ? verdict_from(w, &a->verdict) : json_null());
    put(w, object, "also", also_from(w, a));
    if (a->num_referrals > 0) {
        put(w, object, "referrals", referrals_from(w, a));
    }
    put(w, object, "ruled_out", ruled_out_from(w, a));
    put_list(w, object, "cannot_show", a->cannot_show, a->num_cannot_show, "cannot_show_raw");
    put_list(w, object, "next_capture", a->next_capture, a->num_next_capture, "next_capture_raw");
    put(w, object, "steps", steps_from(w, a));
    put(w, object, "clocks", clocks_from(w, &a->clocks));
    put(w, object, "connections", connections_from(w, a));
    put(w, object, "events", events);
    put(w, object, "events_dropped", json_integer(a->num_events_dropped));
    put_list(w, object, "notes", a->notes, a->num_notes, "notes_raw");
    put_log_lines(w, object, a);
    return object;
}

static json_t *link_types_from(struct writer *w, const struct capture_info *info)
{
    json_t *list = json_array();
    for (size_t i = 0; i < info->num_link_types; i++) {
        char buffer[24];
        append(w, list, json_string(capture_link_type_name(info->link_types[i], buffer)));
    }
    return list;
}

static json_t *drops_from(struct writer *w, const struct capture_info *info,
                          const struct decoder_stats *decoded)
{
    json_t *object = json_object();
    for (enum capture_drop drop = 0; drop < CAPTURE_DROP_COUNT; drop++) {
        if (info->drops[drop] > 0) {
            put(w, object, capture_drop_name(drop), count_from(info->drops[drop]));
        }
    }
    for (enum segment_drop drop = SEGMENT_DROP_NONE + 1; drop < SEGMENT_DROP_COUNT; drop++) {
        if (decoded->segment_drops[drop] > 0) {
            put(w, object, segment_drop_name(drop), count_from(decoded->segment_drops[drop]));
        }
    }
    for (enum decoder_drop drop = 0; drop < DECODER_DROP_COUNT; drop++) {
        if (decoded->drops[drop] > 0) {
            put(w, object, decoder_drop_name(drop), count_from(decoded->drops[drop]));
        }
    }
    return object;
}

static json_t *capture_from(struct writer *w, const struct capture_summary *c)
{
    const struct capture_info *info = &c->info;
    bool utc = info->zone != CAPTURE_ZONE_UNKNOWN;
    json_t *object = json_object();
    put_bytes(w, object, "path", bytes_of(c->path));
    put_word(w, object, "format", info->format_name);
    put_word(w, object, "compression", info->compression);
    put(w, object, "frames", count_from(info->frames));
    put(w, object, "bytes", count_from(info->bytes));
    put(w, object, "first_time",
        info->has_times ? time_from(info->first_time_ns, utc) : json_null());
    put(w, object, "last_time", info->has_times ? time_from(info->last_time_ns, utc) : json_null());
    put_word(w, object, "time_zone", phrase_zone_word(c));
    put(w, object, "zone_estimate_s",
        c->zone_estimated ? json_integer(c->zone_estimate_s) : json_null());
    put(w, object, "link_types", link_types_from(w, info));
    put(w, object, "complete", json_boolean(info->complete));
    put_known(w, object, "damage", bytes_of(info->damage.text));
    put_word(w, object, "vantage", vantage_word(c->vantage));
    put(w, object, "clock_offset_s",
        c->has_clock_offset ? seconds_from(c->clock_offset_s) : json_null());
    put(w, object, "clock_offset_low_s",
        c->has_clock_offset ? seconds_from(c->clock_offset_low_s) : json_null());
    put(w, object, "clock_offset_high_s",
        c->has_clock_offset ? seconds_from(c->clock_offset_high_s) : json_null());
    put(w, object, "drops", drops_from(w, info, &c->decoded));
    return object;
}

static json_t *groups_from(struct writer *w)
{
    const struct analysis *a = w->analysis;
    json_t *list = json_array();
    for (size_t i = 0; i < a->num_groups; i++) {
        const struct outcome_group *g = &a->groups[i];
        bool utc = zone_is_known(w, phrase_time_base(a, g->first->capture));
        json_t *object = json_object();
        put_word(w, object, "outcome", outcome_word(g->outcome));
        put_word(w, object, "cause", cause_id(g->cause));
        put(w, object, "attempts", count_from(g->num_attempts));
        put(w, object, "clients", count_from(g->num_clients));
        put(w, object, "first_time", time_from(g->first_time_ns, utc));
        put(w, object, "last_time", time_from(g->last_time_ns, utc));
        put(w, object, "first_attempt", json_integer(g->first->id));
        append(w, list, object);
    }
    return list;
}

static json_t *seconds_time(bool has, int64_t time_s)
{
    return has ? time_from(time_s * NS_PER_S, true) : json_null();
}

static json_t *log_from(struct writer *w, const struct log_summary *l)
{
    const struct log_info *info = &l->info;
    json_t *object = json_object();
    json_t *first = info->unparsed == 0 ? json_null() : json_object();
    if (info->unparsed > 0) {
        put(w, first, "line", count_from(info->first_unparsed));
        put_bytes(w, first, "text",
                  (struct bytes){.at = info->first_unparsed_text, .len = info->first_unparsed_len});
        put_word(w, first, "why", info->first_unparsed_why);
    }
    put_bytes(w, object, "path", bytes_of(l->path));
    put_word(w, object, "kind", log_format_word(info->format));
    put_word(w, object, "compression", info->compression);
    put(w, object, "bytes", count_from(info->bytes));
    put(w, object, "lines", count_from(info->lines));
    put(w, object, "entries", count_from(info->entries));
    put(w, object, "unparsed", count_from(info->unparsed));
    put(w, object, "first_unparsed", first);
    put(w, object, "first_time", seconds_time(info->has_times, info->first_time_s));
    put(w, object, "last_time", seconds_time(info->has_times, info->last_time_s));
    put(w, object, "complete", json_boolean(info->complete));
    put_known(w, object, "damage", bytes_of(info->damage.text));
    put(w, object, "joined", count_from(l->num_joined));
    put(w, object, "clock_offset_s", l->clock.known ? seconds_from(l->clock.value) : json_null());
    put(w, object, "clock_offset_low_s", l->clock.known ? seconds_from(l->clock.low) : json_null());
    put(w, object, "clock_offset_high_s",
        l->clock.known ? seconds_from(l->clock.high) : json_null());
    put(w, object, "clock_is_unsure", json_boolean(l->clock_is_unsure));
    return object;
}

static json_t *log_client_from(struct writer *w, const struct log_client *c)
{
    char buffer[64];
    struct text t;
    json_t *object = json_object();
    json_t *statuses = json_array();
    text_init(&t, buffer, sizeof buffer);
    address_print(&t, &c->address);
    bool is_bad = c->num_refused + c->num_failed > 0;
    for (size_t i = 0; i < c->num_statuses; i++) {
        json_t *item = json_object();
        put_log_status(w, item, &c->statuses[i].status);
        put(w, item, "lines", count_from(c->statuses[i].num));
        append(w, statuses, item);
    }
    put(w, object, "address", json_string(t.at));
    put_word(w, object, "outcome", outcome_word(c->outcome));
    put_known(w, object, "user", c->user);
    put(w, object, "lines", count_from(c->num_requests));
    put(w, object, "approved", count_from(c->num_approved));
    put(w, object, "anonymous", count_from(c->num_anonymous));
    put(w, object, "refused", count_from(c->num_refused));
    put(w, object, "failed", count_from(c->num_failed));
    put(w, object, "first_time", seconds_time(true, c->first_time_s));
    put(w, object, "last_time", seconds_time(true, c->last_time_s));
    put(w, object, "first_bad_time", seconds_time(is_bad, c->first_bad_s));
    put(w, object, "last_bad_time", seconds_time(is_bad, c->last_bad_s));
    put(w, object, "statuses", statuses);
    put(w, object, "statuses_dropped", count_from(c->num_statuses_dropped));
    put(w, object, "verdict", c->has_verdict ? verdict_from(w, &c->verdict) : json_null());
    return object;
}

/* What the logs alone say, all but the list of clients. */
static json_t *log_summary_from(struct writer *w, const struct log_report *r)
{
    json_t *object = json_object();
    json_t *by_outcome = json_object();
    json_t *by_cause = json_object();
    for (enum outcome outcome = 0; outcome < OUTCOME_COUNT; outcome++) {
        if (r->num_clients_by_outcome[outcome] > 0) {
            put(w, by_outcome, outcome_word(outcome),
                count_from(r->num_clients_by_outcome[outcome]));
        }
    }
    for (enum cause cause = CAUSE_NONE + 1; cause < CAUSE_COUNT; cause++) {
        if (r->by_cause[cause] > 0) {
            put(w, by_cause, cause_id(cause), count_from(r->by_cause[cause]));
        }
    }
    put_bytes(w, object, "summary", r->summary);
    put(w, object, "clients_by_outcome", by_outcome);
    put(w, object, "clients_by_cause", by_cause);
    put(w, object, "bad_clients", count_from(r->num_bad_clients));
    put(w, object, "bad_tries", count_from(r->num_bad_tries));
    put(w, object, "first_bad_time", seconds_time(r->num_bad_clients > 0, r->first_bad_s));
    put(w, object, "last_bad_time", seconds_time(r->num_bad_clients > 0, r->last_bad_s));
    put(w, object, "lines_dropped", count_from(r->num_lines_dropped));
    put_list(w, object, "next_capture", r->next_capture, r->num_next_capture, "next_capture_raw");
    return object;
}

static json_t *summary_from(struct writer *w)
{
    const struct analysis *a = w->analysis;
    json_t *object = json_object();
    json_t *by_outcome = json_object();
    json_t *by_cause = json_object();
    for (enum outcome outcome = 0; outcome < OUTCOME_COUNT; outcome++) {
        if (a->by_outcome[outcome] > 0) {
            put(w, by_outcome, outcome_word(outcome), count_from(a->by_outcome[outcome]));
        }
    }
    for (enum cause cause = CAUSE_NONE + 1; cause < CAUSE_COUNT; cause++) {
        if (a->by_cause[cause] > 0) {
            put(w, by_cause, cause_id(cause), count_from(a->by_cause[cause]));
        }
    }
    put(w, object, "attempts", count_from((uint64_t)a->num_attempts + a->num_attempts_dropped));
    put(w, object, "by_outcome", by_outcome);
    put(w, object, "by_cause", by_cause);
    put(w, object, "clients", count_from(a->num_clients));
    put(w, object, "groups", groups_from(w));
    return object;
}

static json_t *other_failure_from(struct writer *w, const struct finding *f)
{
    json_t *object = json_object();
    put_word(w, object, "cause", cause_id(f->cause));
    put_bytes(w, object, "summary", f->summary);
    put(w, object, "evidence", evidence_from(w, &f->evidence));
    return object;
}

static json_t *note_from(struct writer *w, const struct note *n)
{
    json_t *object = json_object();
    put_word(w, object, "id", n->id);
    put_bytes(w, object, "text", n->text);
    put(w, object, "evidence", evidence_from(w, &n->evidence));
    return object;
}

static json_t *tool_from(struct writer *w)
{
    json_t *object = json_object();
    put_word(w, object, "name", "krbscope");
    put_word(w, object, "version", KRBSCOPE_VERSION);
    return object;
}

/* Writes value and frees it. */
static void write_value(struct writer *w, json_t *value)
{
    if (value == NULL || w->no_memory ||
        (json_dumpf(value, w->out, LINE_FLAGS | JSON_ENCODE_ANY) != 0 && !ferror(w->out))) {
        w->no_memory = true;
    }
    json_decref(value);
}

/* A member of the top object on a line of its own. */
static void write_member(struct writer *w, const char *key, json_t *value)
{
    (void)fprintf(w->out, ",\n\"%s\": ", key);
    write_value(w, value);
}

static void begin_list(struct writer *w, const char *key)
{
    (void)fprintf(w->out, ",\n\"%s\": [", key);
}

static void write_item(struct writer *w, size_t index, json_t *value)
{
    (void)fputs(index == 0 ? "\n" : ",\n", w->out);
    write_value(w, value);
}

static void end_list(struct writer *w, size_t num)
{
    (void)fputs(num == 0 ? "]" : "\n]", w->out);
}

static void write_report(struct writer *w)
{
    const struct analysis *a = w->analysis;
    (void)fputs("{\n\"schema\": \"krbscope.report/1\"", w->out);
    write_member(w, "tool", tool_from(w));
    write_member(w, "summary", summary_from(w));
    begin_list(w, "captures");
    for (size_t i = 0; i < a->num_captures; i++) {
        write_item(w, i, capture_from(w, &a->captures[i]));
    }
    end_list(w, a->num_captures);
    begin_list(w, "logs");
    for (size_t i = 0; i < a->logs.num_files; i++) {
        write_item(w, i, log_from(w, &a->logs.files[i]));
    }
    end_list(w, a->logs.num_files);
    begin_list(w, "attempts");
    for (size_t i = 0; i < a->num_attempts && !ferror(w->out) && !w->no_memory; i++) {
        write_item(w, i, attempt_from(w, a->attempts[i]));
    }
    end_list(w, a->num_attempts);
    begin_list(w, "other_failures");
    for (size_t i = 0; i < a->num_other_failures; i++) {
        write_item(w, i, other_failure_from(w, &a->other_failures[i]));
    }
    end_list(w, a->num_other_failures);
    begin_list(w, "notes");
    for (size_t i = 0; i < a->num_notes; i++) {
        write_item(w, i, note_from(w, &a->notes[i]));
    }
    end_list(w, a->num_notes);
    if (a->logs.num_files > 0) {
        write_member(w, "log_summary", log_summary_from(w, &a->logs));
        begin_list(w, "log_clients");
        for (size_t i = 0; i < a->logs.num_clients && !ferror(w->out) && !w->no_memory; i++) {
            write_item(w, i, log_client_from(w, a->logs.clients[i]));
        }
        end_list(w, a->logs.num_clients);
    }
    (void)fputs("\n}\n", w->out);
}

static enum status finish(struct writer *w, struct trouble *trouble)
{
    if (w->no_memory) {
        trouble_set(trouble, "not enough memory to write the JSON report");
        return STATUS_NO_MEMORY;
    }
    if (fflush(w->out) != 0 || ferror(w->out)) {
        trouble_set(trouble, "%s", strerror(errno == 0 ? EIO : errno));
        return STATUS_OUTPUT;
    }
    return STATUS_OK;
}

enum status report_json(FILE *out, const struct analysis *analysis, struct trouble *trouble)
{
    struct writer w = {.out = out, .analysis = analysis};
    errno = 0;
    write_report(&w);
    return finish(&w, trouble);
}

static enum status write_line(struct writer *w, json_t *line, struct trouble *trouble)
{
    errno = 0;
    write_value(w, line);
    (void)fputc('\n', w->out);
    return finish(w, trouble);
}

enum status report_live_json(FILE *out, const struct analysis *captures,
                             const struct case_news *news, struct trouble *trouble)
{
    struct writer w = {.out = out, .analysis = captures};
    json_t *line = json_object();
    put(&w, line, "attempt_id", json_integer(news->attempt->id));
    put(&w, line, "revision", json_integer(news->revision));
    put(&w, line, "final", json_boolean(news->final));
    json_t *attempt = attempt_from(&w, news->attempt);
    if (json_object_update(line, attempt) != 0) {
        w.no_memory = true;
    }
    json_decref(attempt);
    return write_line(&w, line, trouble);
}

enum status report_live_summary_json(FILE *out, const struct analysis *a,
                                     const struct live_state *state, struct trouble *trouble)
{
    struct writer w = {.out = out, .analysis = a};
    json_t *line = json_object();
    json_t *captures = json_array();
    json_t *failures = json_array();
    json_t *notes = json_array();
    json_t *now = json_object();
    for (size_t i = 0; i < a->num_captures; i++) {
        append(&w, captures, capture_from(&w, &a->captures[i]));
    }
    for (size_t i = 0; i < a->num_other_failures; i++) {
        append(&w, failures, other_failure_from(&w, &a->other_failures[i]));
    }
    for (size_t i = 0; i < a->num_notes; i++) {
        append(&w, notes, note_from(&w, &a->notes[i]));
    }
    put(&w, now, "clients", count_from(state->clients));
    put(&w, now, "connections", count_from(state->flows_open));
    put(&w, line, "summary", summary_from(&w));
    put(&w, line, "reason", json_string(state->reason));
    put(&w, line, "time", time_from(state->time_ns, zone_is_known(&w, 0)));
    put(&w, line, "captures", captures);
    put(&w, line, "other_failures", failures);
    put(&w, line, "notes", notes);
    put(&w, line, "remembered", now);
    return write_line(&w, line, trouble);
}

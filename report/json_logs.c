/* What the servers' logs say, in the JSON report. */
#include "report/json_private.h"

#include "base/civil.h"

/* status, substatus, win32: null for what the log does not have. */
void value_put_log_status(struct writer *w, json_t *object, const struct log_status *s)
{
    value_put(w, object, "status", s->has_status ? json_integer(s->status) : json_null());
    value_put(w, object, "substatus", s->has_substatus ? json_integer(s->substatus) : json_null());
    value_put(w, object, "win32", s->has_win32 ? json_integer((json_int_t)s->win32) : json_null());
}

static json_t *seconds_time(bool has, int64_t time_s)
{
    return has ? value_time(time_s * NS_PER_S, true) : json_null();
}

json_t *value_log(struct writer *w, const struct log_summary *l)
{
    const struct log_info *info = &l->info;
    json_t *object = json_object();
    json_t *first = info->unparsed == 0 ? json_null() : json_object();
    if (info->unparsed > 0) {
        value_put(w, first, "line", value_count(info->first_unparsed));
        value_put_bytes(
            w, first, "text",
            (struct bytes){.at = info->first_unparsed_text, .len = info->first_unparsed_len});
        value_put_word(w, first, "why", info->first_unparsed_why);
    }
    value_put_bytes(w, object, "path", bytes_of(l->path));
    value_put_word(w, object, "kind", log_format_word(info->format));
    value_put_word(w, object, "compression", info->compression);
    value_put(w, object, "bytes", value_count(info->bytes));
    value_put(w, object, "lines", value_count(info->lines));
    value_put(w, object, "entries", value_count(info->entries));
    value_put(w, object, "unparsed", value_count(info->unparsed));
    value_put(w, object, "first_unparsed", first);
    value_put(w, object, "first_time", seconds_time(info->has_times, info->first_time_s));
    value_put(w, object, "last_time", seconds_time(info->has_times, info->last_time_s));
    value_put(w, object, "complete", json_boolean(info->complete));
    value_put_known(w, object, "damage", bytes_of(info->damage.text));
    value_put(w, object, "joined", value_count(l->num_joined));
    value_put(w, object, "clock_offset_s",
              l->clock.known ? value_seconds(l->clock.value) : json_null());
    value_put(w, object, "clock_offset_low_s",
              l->clock.known ? value_seconds(l->clock.low) : json_null());
    value_put(w, object, "clock_offset_high_s",
              l->clock.known ? value_seconds(l->clock.high) : json_null());
    value_put(w, object, "clock_is_unsure", json_boolean(l->clock_is_unsure));
    return object;
}

json_t *value_log_client(struct writer *w, const struct log_client *c)
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
        value_put_log_status(w, item, &c->statuses[i].status);
        value_put(w, item, "lines", value_count(c->statuses[i].num));
        value_append(w, statuses, item);
    }
    value_put(w, object, "address", json_string(t.at));
    value_put_word(w, object, "outcome", outcome_word(c->outcome));
    value_put_known(w, object, "user", c->user);
    value_put(w, object, "lines", value_count(c->num_requests));
    value_put(w, object, "approved", value_count(c->num_approved));
    value_put(w, object, "anonymous", value_count(c->num_anonymous));
    value_put(w, object, "refused", value_count(c->num_refused));
    value_put(w, object, "failed", value_count(c->num_failed));
    value_put(w, object, "first_time", seconds_time(true, c->first_time_s));
    value_put(w, object, "last_time", seconds_time(true, c->last_time_s));
    value_put(w, object, "first_bad_time", seconds_time(is_bad, c->first_bad_s));
    value_put(w, object, "last_bad_time", seconds_time(is_bad, c->last_bad_s));
    value_put(w, object, "statuses", statuses);
    value_put(w, object, "statuses_dropped", value_count(c->num_statuses_dropped));
    value_put(w, object, "verdict", c->has_verdict ? value_verdict(w, &c->verdict) : json_null());
    return object;
}

/* What the logs alone say, all but the list of clients. */
json_t *value_log_summary(struct writer *w, const struct log_report *r)
{
    json_t *object = json_object();
    json_t *by_outcome = json_object();
    json_t *by_cause = json_object();
    for (enum outcome outcome = 0; outcome < OUTCOME_COUNT; outcome++) {
        if (r->num_clients_by_outcome[outcome] > 0) {
            value_put(w, by_outcome, outcome_word(outcome),
                      value_count(r->num_clients_by_outcome[outcome]));
        }
    }
    for (enum cause cause = CAUSE_NONE + 1; cause < CAUSE_COUNT; cause++) {
        if (r->by_cause[cause] > 0) {
            value_put(w, by_cause, cause_id(cause), value_count(r->by_cause[cause]));
        }
    }
    value_put_bytes(w, object, "summary", r->summary);
    value_put(w, object, "clients_by_outcome", by_outcome);
    value_put(w, object, "clients_by_cause", by_cause);
    value_put(w, object, "bad_clients", value_count(r->num_bad_clients));
    value_put(w, object, "bad_tries", value_count(r->num_bad_tries));
    value_put(w, object, "first_bad_time", seconds_time(r->num_bad_clients > 0, r->first_bad_s));
    value_put(w, object, "last_bad_time", seconds_time(r->num_bad_clients > 0, r->last_bad_s));
    value_put(w, object, "lines_dropped", value_count(r->num_lines_dropped));
    value_put_list(w, object, "next_capture", r->next_capture, r->num_next_capture,
                   "next_capture_raw");
    return object;
}

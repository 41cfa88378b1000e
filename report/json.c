/* analysis -> one JSON object, schema krbscope.report/1 (docs/report.schema.json).
 *
 * One attempt is built, written on a line of its own, and freed, so memory does not grow with the
 * report. Everything is written as ASCII: JSON's \u escapes keep every character, and the output
 * can be shown on any terminal. */
#include "report/report.h"

#include "base/civil.h"
#include "report/json_private.h"
#include "report/live.h"
#include "report/phrase.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define LINE_FLAGS (JSON_COMPACT | JSON_ENSURE_ASCII | JSON_REAL_PRECISION(15))

static json_t *link_types_from(struct writer *w, const struct capture_info *info)
{
    json_t *list = json_array();
    for (size_t i = 0; i < info->num_link_types; i++) {
        char buffer[24];
        value_append(w, list, json_string(capture_link_type_name(info->link_types[i], buffer)));
    }
    return list;
}

static json_t *drops_from(struct writer *w, const struct capture_info *info,
                          const struct decoder_stats *decoded)
{
    json_t *object = json_object();
    for (enum capture_drop drop = 0; drop < CAPTURE_DROP_COUNT; drop++) {
        if (info->drops[drop] > 0) {
            value_put(w, object, capture_drop_name(drop), value_count(info->drops[drop]));
        }
    }
    for (enum segment_drop drop = SEGMENT_DROP_NONE + 1; drop < SEGMENT_DROP_COUNT; drop++) {
        if (decoded->segment_drops[drop] > 0) {
            value_put(w, object, segment_drop_name(drop),
                      value_count(decoded->segment_drops[drop]));
        }
    }
    for (enum decoder_drop drop = 0; drop < DECODER_DROP_COUNT; drop++) {
        if (decoded->drops[drop] > 0) {
            value_put(w, object, decoder_drop_name(drop), value_count(decoded->drops[drop]));
        }
    }
    return object;
}

static json_t *capture_from(struct writer *w, const struct capture_summary *c)
{
    const struct capture_info *info = &c->info;
    bool utc = info->zone != CAPTURE_ZONE_UNKNOWN;
    json_t *object = json_object();
    value_put_bytes(w, object, "path", bytes_of(c->path));
    value_put_word(w, object, "format", info->format_name);
    value_put_word(w, object, "compression", info->compression);
    value_put(w, object, "frames", value_count(info->frames));
    value_put(w, object, "bytes", value_count(info->bytes));
    value_put(w, object, "first_time",
              info->has_times ? value_time(info->first_time_ns, utc) : json_null());
    value_put(w, object, "last_time",
              info->has_times ? value_time(info->last_time_ns, utc) : json_null());
    value_put_word(w, object, "time_zone", phrase_zone_word(c));
    value_put(w, object, "zone_estimate_s",
              c->zone_estimated ? json_integer(c->zone_estimate_s) : json_null());
    value_put(w, object, "link_types", link_types_from(w, info));
    value_put(w, object, "complete", json_boolean(info->complete));
    value_put_known(w, object, "damage", bytes_of(info->damage.text));
    value_put_word(w, object, "vantage", vantage_word(c->vantage));
    value_put(w, object, "clock_offset_s",
              c->has_clock_offset ? value_seconds(c->clock_offset_s) : json_null());
    value_put(w, object, "clock_offset_low_s",
              c->has_clock_offset ? value_seconds(c->clock_offset_low_s) : json_null());
    value_put(w, object, "clock_offset_high_s",
              c->has_clock_offset ? value_seconds(c->clock_offset_high_s) : json_null());
    value_put(w, object, "drops", drops_from(w, info, &c->decoded));
    return object;
}

static json_t *groups_from(struct writer *w)
{
    const struct analysis *a = w->analysis;
    json_t *list = json_array();
    for (size_t i = 0; i < a->num_groups; i++) {
        const struct outcome_group *g = &a->groups[i];
        bool utc = value_zone_is_known(w, phrase_time_base(a, g->first->capture));
        json_t *object = json_object();
        value_put_word(w, object, "outcome", outcome_word(g->outcome));
        value_put_word(w, object, "cause", cause_id(g->cause));
        value_put(w, object, "attempts", value_count(g->num_attempts));
        value_put(w, object, "clients", value_count(g->num_clients));
        value_put(w, object, "first_time", value_time(g->first_time_ns, utc));
        value_put(w, object, "last_time", value_time(g->last_time_ns, utc));
        value_put(w, object, "first_attempt", json_integer(g->first->id));
        value_append(w, list, object);
    }
    return list;
}

static json_t *summary_from(struct writer *w)
{
    const struct analysis *a = w->analysis;
    json_t *object = json_object();
    json_t *by_outcome = json_object();
    json_t *by_cause = json_object();
    for (enum outcome outcome = 0; outcome < OUTCOME_COUNT; outcome++) {
        if (a->by_outcome[outcome] > 0) {
            value_put(w, by_outcome, outcome_word(outcome), value_count(a->by_outcome[outcome]));
        }
    }
    for (enum cause cause = CAUSE_NONE + 1; cause < CAUSE_COUNT; cause++) {
        if (a->by_cause[cause] > 0) {
            value_put(w, by_cause, cause_id(cause), value_count(a->by_cause[cause]));
        }
    }
    value_put(w, object, "attempts",
              value_count((uint64_t)a->num_attempts + a->num_attempts_dropped));
    value_put(w, object, "by_outcome", by_outcome);
    value_put(w, object, "by_cause", by_cause);
    value_put(w, object, "clients", value_count(a->num_clients));
    value_put(w, object, "groups", groups_from(w));
    return object;
}

static json_t *other_failure_from(struct writer *w, const struct finding *f)
{
    json_t *object = json_object();
    value_put_word(w, object, "cause", cause_id(f->cause));
    value_put_bytes(w, object, "summary", f->summary);
    value_put(w, object, "evidence", value_evidence(w, &f->evidence));
    return object;
}

static json_t *note_from(struct writer *w, const struct note *n)
{
    json_t *object = json_object();
    value_put_word(w, object, "id", n->id);
    value_put_bytes(w, object, "text", n->text);
    value_put(w, object, "evidence", value_evidence(w, &n->evidence));
    return object;
}

static json_t *tool_from(struct writer *w)
{
    json_t *object = json_object();
    value_put_word(w, object, "name", "krbscope");
    value_put_word(w, object, "version", KRBSCOPE_VERSION);
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
        write_item(w, i, value_log(w, &a->logs.files[i]));
    }
    end_list(w, a->logs.num_files);
    begin_list(w, "attempts");
    for (size_t i = 0; i < a->num_attempts && !ferror(w->out) && !w->no_memory; i++) {
        write_item(w, i, value_attempt(w, a->attempts[i]));
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
        write_member(w, "log_summary", value_log_summary(w, &a->logs));
        begin_list(w, "log_clients");
        for (size_t i = 0; i < a->logs.num_clients && !ferror(w->out) && !w->no_memory; i++) {
            write_item(w, i, value_log_client(w, a->logs.clients[i]));
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
    value_put(&w, line, "attempt_id", json_integer(news->attempt->id));
    value_put(&w, line, "revision", json_integer(news->revision));
    value_put(&w, line, "final", json_boolean(news->final));
    json_t *attempt = value_attempt(&w, news->attempt);
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
        value_append(&w, captures, capture_from(&w, &a->captures[i]));
    }
    for (size_t i = 0; i < a->num_other_failures; i++) {
        value_append(&w, failures, other_failure_from(&w, &a->other_failures[i]));
    }
    for (size_t i = 0; i < a->num_notes; i++) {
        value_append(&w, notes, note_from(&w, &a->notes[i]));
    }
    value_put(&w, now, "clients", value_count(state->clients));
    value_put(&w, now, "connections", value_count(state->flows_open));
    value_put(&w, line, "summary", summary_from(&w));
    value_put(&w, line, "reason", json_string(state->reason));
    value_put(&w, line, "time", value_time(state->time_ns, value_zone_is_known(&w, 0)));
    value_put(&w, line, "captures", captures);
    value_put(&w, line, "other_failures", failures);
    value_put(&w, line, "notes", notes);
    value_put(&w, line, "remembered", now);
    return write_line(&w, line, trouble);
}

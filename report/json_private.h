/* The parts of the JSON report: json_value.c (values of every kind), json_attempt.c, json_logs.c,
 * and json.c, which writes them. Only they see jansson.
 *
 * Values are the caller's, or taken by the object or list that they are put into. What memory does
 * not allow is told by writer.no_memory. */
#ifndef KRBSCOPE_REPORT_JSON_PRIVATE_H
#define KRBSCOPE_REPORT_JSON_PRIVATE_H

#include "diagnose/analysis.h"

#include <jansson.h>
#include <stdio.h>

struct writer {
    FILE *out;
    const struct analysis *analysis;
    bool no_memory; /* some value could not be built; nothing more is written */
};

/* Takes value, which may be NULL when memory ran out. */
void value_put(struct writer *w, json_t *object, const char *key, json_t *value);
void value_append(struct writer *w, json_t *array, json_t *value);

/* The string, and when it is not UTF-8 its twin "<key>_raw"; known: null where it is empty. */
void value_put_bytes(struct writer *w, json_t *object, const char *key, struct bytes b);
void value_put_known(struct writer *w, json_t *object, const char *key, struct bytes b);
void value_put_word(struct writer *w, json_t *object, const char *key, const char *word);

/* An array of strings; when one is not UTF-8, raw_key has its bytes at the same index. */
void value_put_list(struct writer *w, json_t *object, const char *key, const struct bytes *items,
                    size_t num, const char *raw_key);

json_t *value_count(uint64_t number);
json_t *value_seconds(double seconds); /* a bound may be open: null, JSON has no infinity */

/* RFC 3339; nine digits only when there is something below the microsecond. */
json_t *value_time(int64_t time_ns, bool utc);
bool value_zone_is_known(const struct writer *w, uint16_t capture);

void value_put_endpoint(struct writer *w, json_t *object, const struct endpoint *e);
json_t *value_endpoint(struct writer *w, const struct endpoint *e);

/* json_attempt.c */
json_t *value_evidence(struct writer *w, const struct evidence *evidence);
json_t *value_verdict(struct writer *w, const struct finding *f);
json_t *value_attempt(struct writer *w, const struct attempt_record *a);

/* json_logs.c */
void value_put_log_status(struct writer *w, json_t *object, const struct log_status *s);
json_t *value_log(struct writer *w, const struct log_summary *l);
json_t *value_log_client(struct writer *w, const struct log_client *c);
json_t *value_log_summary(struct writer *w, const struct log_report *r);

#endif

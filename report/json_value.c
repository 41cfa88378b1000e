/* Values of the JSON report: strings of the wire, times, endpoints. */
#include "report/json_private.h"

#include "base/civil.h"
#include "report/escape.h"

#include <math.h>
#include <stdlib.h>

/* Takes value, which may be NULL when memory ran out. */
void value_put(struct writer *w, json_t *object, const char *key, json_t *value)
{
    if (json_object_set_new(object, key, value) != 0) {
        w->no_memory = true;
    }
}

void value_append(struct writer *w, json_t *array, json_t *value)
{
    if (json_array_append_new(array, value) != 0) {
        w->no_memory = true;
    }
}

/* b as an escape_…_new() writes it; NULL: no memory. */
static json_t *string_by(char *escape_new(struct bytes b, size_t *len), struct bytes b)
{
    size_t len;
    char *copy = escape_new(b, &len);
    json_t *value = copy == NULL ? NULL : json_stringn(copy, len);
    free(copy);
    return value;
}

/* The string, and when it is not UTF-8 its twin "<key>_raw". */
void value_put_bytes(struct writer *w, json_t *object, const char *key, struct bytes b)
{
    value_put(w, object, key, string_by(escape_utf8_new, b));
    if (!escape_is_utf8(b)) {
        char buffer[128];
        struct text twin;
        text_init(&twin, buffer, sizeof buffer);
        text_add(&twin, key);
        text_add(&twin, "_raw");
        value_put(w, object, twin.at, string_by(escape_hex_new, b));
    }
}

/* The same with null for what is not known. */
void value_put_known(struct writer *w, json_t *object, const char *key, struct bytes b)
{
    if (b.len == 0) {
        value_put(w, object, key, json_null());
    } else {
        value_put_bytes(w, object, key, b);
    }
}

void value_put_word(struct writer *w, json_t *object, const char *key, const char *word)
{
    value_put_known(w, object, key, bytes_of(word));
}

/* An array of strings; when one is not UTF-8, "<key>_raw" has its bytes at the same index. */
void value_put_list(struct writer *w, json_t *object, const char *key, const struct bytes *items,
                    size_t num, const char *raw_key)
{
    json_t *list = json_array();
    json_t *raw = json_array();
    bool has_raw = false;
    for (size_t i = 0; i < num; i++) {
        bool good = escape_is_utf8(items[i]);
        value_append(w, list, string_by(escape_utf8_new, items[i]));
        value_append(w, raw, good ? json_null() : string_by(escape_hex_new, items[i]));
        has_raw = has_raw || !good;
    }
    value_put(w, object, key, list);
    if (has_raw) {
        value_put(w, object, raw_key, raw);
    } else {
        json_decref(raw);
    }
}

json_t *value_count(uint64_t number)
{
    return json_integer(number > (uint64_t)INT64_MAX ? INT64_MAX : (json_int_t)number);
}

/* A bound may be open: JSON has no infinity. */
json_t *value_seconds(double seconds)
{
    return isfinite(seconds) ? json_real(seconds) : json_null();
}

bool value_zone_is_known(const struct writer *w, uint16_t capture)
{
    return capture < w->analysis->num_captures &&
           w->analysis->captures[capture].info.zone != CAPTURE_ZONE_UNKNOWN;
}

/* RFC 3339; nine digits only when there is something below the microsecond. */
json_t *value_time(int64_t time_ns, bool utc)
{
    char buffer[48];
    struct text t;
    text_init(&t, buffer, sizeof buffer);
    civil_print(&t, time_ns, time_ns % 1000 == 0 ? 6 : 9, utc);
    return json_string(t.at);
}

void value_put_endpoint(struct writer *w, json_t *object, const struct endpoint *e)
{
    char buffer[64];
    struct text t;
    text_init(&t, buffer, sizeof buffer);
    address_print(&t, &e->address);
    value_put_word(w, object, "address", e->address.family == ADDRESS_NONE ? NULL : t.at);
    value_put(w, object, "port", e->port == 0 ? json_null() : json_integer(e->port));
}

json_t *value_endpoint(struct writer *w, const struct endpoint *e)
{
    json_t *object = json_object();
    value_put_endpoint(w, object, e);
    return object;
}

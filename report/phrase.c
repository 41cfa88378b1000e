#include "report/phrase.h"

#include "base/civil.h"
#include "krb5asn1/krb.h"

#include <math.h>

#define FRAMES_LISTED_MAX 6
#define FRAMES_COMPARED_MAX 64 /* repeats are looked for among so many */
#define LETTERS 26
#define PHRASE_ZERO_S 0.0005 /* what is less has no sign */

void phrase_count(struct text *t, uint64_t number, const char *one, const char *many)
{
    text_format(t, "%llu %s", (unsigned long long)number, number == 1 ? one : many);
}

void phrase_size(struct text *t, uint64_t bytes)
{
    static const char *const units[] = {"kB", "MB", "GB", "TB"};
    double shown = (double)bytes / 1000;
    size_t unit = 0;
    if (bytes < 1000) {
        phrase_count(t, bytes, "byte", "bytes");
        return;
    }
    while (shown >= 999.95 && unit + 1 < sizeof units / sizeof units[0]) {
        shown /= 1000;
        unit++;
    }
    text_format(t, "%.1f %s", shown, units[unit]);
}

/* Whole seconds from a minute up, in two units at most. */
static void phrase_long(struct text *t, uint64_t s)
{
    static const struct {
        const char *name;
        unsigned seconds;
    } units[] = {{"d", 86400}, {"h", 3600}, {"min", 60}, {"s", 1}};
    size_t i = 0;
    while (s < units[i].seconds) {
        i++;
    }
    text_format(t, "%llu %s", (unsigned long long)(s / units[i].seconds), units[i].name);
    s %= units[i].seconds;
    if (units[i].seconds > 1 && s / units[i + 1].seconds > 0) {
        text_format(t, " %llu %s", (unsigned long long)(s / units[i + 1].seconds),
                    units[i + 1].name);
    }
}

void phrase_duration(struct text *t, int64_t from_ns, int64_t to_ns)
{
    uint64_t ns = to_ns < from_ns ? 0 : (uint64_t)to_ns - (uint64_t)from_ns; /* any two fit */
    if (ns < 60 * (uint64_t)NS_PER_S) {
        text_format(t, "%.3f s", (double)ns / (double)NS_PER_S);
    } else {
        phrase_long(t, ns / (uint64_t)NS_PER_S);
    }
}

void phrase_time(struct text *t, int64_t time_ns)
{
    size_t start = t->len;
    civil_print(t, time_ns, time_ns % 1000 == 0 ? 6 : 9, false);
    for (size_t i = start; i < t->len; i++) {
        if (t->at[i] == 'T') {
            t->at[i] = ' ';
        }
    }
}

uint16_t phrase_time_base(const struct analysis *a, uint16_t capture)
{
    uint16_t base = capture < a->num_captures ? a->captures[capture].time_base : capture;
    return base < a->num_captures ? base : capture;
}

const char *phrase_zone_word(const struct capture_summary *c)
{
    switch (c->info.zone) {
    case CAPTURE_ZONE_UTC:
        return "utc";
    case CAPTURE_ZONE_GIVEN:
        return "given";
    case CAPTURE_ZONE_UNKNOWN:
        break;
    }
    return c->zone_estimated ? "estimated" : "unknown";
}

void phrase_zone(struct text *t, const struct capture_summary *c)
{
    switch (c->info.zone) {
    case CAPTURE_ZONE_UTC:
        text_add(t, "UTC");
        return;
    case CAPTURE_ZONE_GIVEN:
        text_add(t, "UTC (zone as given)");
        return;
    case CAPTURE_ZONE_UNKNOWN:
        break;
    }
    if (c->zone_estimated) {
        bool west = c->zone_estimate_s < 0;
        int minutes = c->zone_estimate_s / (west ? -60 : 60);
        text_format(t, "local time (about UTC%c%02d:%02d)", west ? '-' : '+', minutes / 60,
                    minutes % 60);
    } else {
        text_add(t, "local time, zone unknown");
    }
}

void phrase_offset(struct text *t, double seconds)
{
    double size = fabs(seconds);
    if (size < PHRASE_ZERO_S) {
        text_add(t, "0 s");
        return;
    }
    text_add_char(t, seconds < 0 ? '-' : '+');
    if (!isfinite(size) || size > 1e15) {
        text_add(t, "unbounded");
    } else if (size < 60) {
        text_format(t, "%.3g s", size);
    } else {
        phrase_long(t, (uint64_t)(size + 0.5));
    }
}

void phrase_clock(struct text *t, const struct analysis *a, size_t capture)
{
    const struct capture_summary *c = &a->captures[capture];
    double size_s = c->clock_offset_high_s - c->clock_offset_low_s;
    if (!c->has_clock_offset || capture == 0) {
        return;
    }
    text_add(t, "clock ");
    phrase_offset(t, c->clock_offset_s);
    text_add(t, " to that of file A");
    if (size_s > 0) {
        text_format(t, ", within %.3g ms", size_s / 2 * 1e3);
    }
}

void phrase_file(struct text *t, size_t capture)
{
    char letters[16];
    size_t at = sizeof letters;
    for (size_t n = capture + 1; n > 0 && at > 0; n = (n - 1) / LETTERS) {
        letters[--at] = (char)('A' + (n - 1) % LETTERS);
    }
    text_add_bytes(t,
                   (struct bytes){.at = (const uint8_t *)letters + at, .len = sizeof letters - at});
}

void phrase_frame(struct text *t, const struct analysis *a, size_t capture, uint32_t frame)
{
    if (a->num_captures > 1) {
        phrase_file(t, capture);
        text_add_char(t, ':');
    }
    text_format(t, "%u", (unsigned)frame);
}

/* The frame stands in evidence before index i already: two reasons, one frame. */
static bool is_repeated(const struct evidence *evidence, size_t i)
{
    for (size_t j = 0; j < i && j < FRAMES_COMPARED_MAX; j++) {
        if (evidence->at[j].capture == evidence->at[i].capture &&
            evidence->at[j].frame == evidence->at[i].frame) {
            return true;
        }
    }
    return false;
}

void phrase_endpoint(struct text *t, const struct endpoint *e)
{
    if (e->port == 0) {
        address_print(t, &e->address);
    } else {
        endpoint_print(t, e);
    }
}

void phrase_frames(struct text *t, const struct analysis *a, const struct evidence *evidence)
{
    size_t num = 0;
    size_t num_listed = 0;
    for (size_t i = 0; i < evidence->num; i++) {
        num += !is_repeated(evidence, i);
    }
    if (num > 0) {
        text_add(t, num == 1 ? "frame " : "frames ");
    }
    for (size_t i = 0; i < evidence->num && num_listed < FRAMES_LISTED_MAX; i++) {
        if (is_repeated(evidence, i)) {
            continue;
        }
        num_listed++;
        text_add(t, num_listed == 1 ? "" : num_listed == num ? " and " : ", ");
        phrase_frame(t, a, evidence->at[i].capture, evidence->at[i].frame);
    }
    if (num_listed < num) {
        text_format(t, " and %zu more", num - num_listed);
    }
}

bool phrase_is_sentence(struct bytes line)
{
    uint8_t first = line.len > 0 ? line.at[0] : 0;
    uint8_t last = line.len > 0 ? line.at[line.len - 1] : 0;
    return first >= 'A' && first <= 'Z' && (last == '.' || last == ':') &&
           bytes_find(line, ' ', 0) < line.len;
}

void phrase_log_line(struct text *t, const struct analysis *a, uint16_t log, uint64_t line)
{
    text_format(t, "line %llu of ", (unsigned long long)line);
    if (a->logs.num_files > 1) {
        text_format(t, "log %u", (unsigned)log + 1);
    } else {
        text_add(t, log < a->logs.num_files && a->logs.files[log].info.format == LOG_FORMAT_CONFIG
                        ? "the configuration"
                        : "the log");
    }
}

void phrase_log_status(struct text *t, const struct log_status *s)
{
    if (s->has_status) {
        text_format(t, "%u", s->status);
    } else {
        text_add(t, "-");
    }
    if (s->has_substatus) {
        text_format(t, " %u", s->substatus);
    }
    if (s->has_win32) {
        text_format(t, " %lu", (unsigned long)s->win32);
    }
}

void phrase_referral_result(struct text *t, const struct referral *hop)
{
    text_add(t, referral_result_word(hop->result));
    if (hop->result == REFERRAL_REFUSED_BY_ERROR) {
        const char *name = krb_error_name(hop->error_code);
        text_format(t, " %s (%d)", name == NULL ? "KRB-ERROR" : name, (int)hop->error_code);
    }
}

void phrase_second(struct text *t, int64_t time_s)
{
    civil_print(t, time_s * NS_PER_S, 0, true);
}

const char *phrase_log_format(const struct log_info *info)
{
    switch (info->format) {
    case LOG_FORMAT_IIS:
        return "IIS log";
    case LOG_FORMAT_HTTPERR:
        return "HTTP.sys error log";
    case LOG_FORMAT_CONFIG:
        return "IIS configuration";
    }
    return "";
}

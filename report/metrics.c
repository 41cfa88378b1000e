/* Prometheus text exposition format 0.0.4, for the node exporter's textfile collector. */
#include "report/metrics.h"

#include <errno.h>
#include <math.h>
#include <string.h>

static void head(FILE *out, const char *name, const char *type, const char *help)
{
    (void)fprintf(out, "# HELP krbscope_%s %s\n# TYPE krbscope_%s %s\n", name, help, name, type);
}

/* A label's value: backslash, quote and newline are escaped, what is no UTF-8 is replaced. */
static void put_label(FILE *out, const char *value)
{
    for (const char *p = value; *p != '\0'; p++) {
        if (*p == '\\' || *p == '"') {
            (void)fputc('\\', out);
        }
        (void)fputc((unsigned char)*p < ' ' || (unsigned char)*p > '~' ? '?' : *p, out);
    }
}

static void put_attempts(FILE *out, const struct meter *m)
{
    head(out, "attempts_total", "counter", "Attempts that are over, by outcome.");
    for (enum outcome i = 0; i < OUTCOME_COUNT; i++) {
        (void)fprintf(out, "krbscope_attempts_total{outcome=\"%s\"} %llu\n", outcome_word(i),
                      (unsigned long long)m->by_outcome[i]);
    }
    head(out, "verdicts_total", "counter", "Attempts that are over and went wrong, by cause.");
    for (enum cause i = CAUSE_NONE + 1; i < CAUSE_COUNT; i++) {
        (void)fprintf(out, "krbscope_verdicts_total{cause=\"%s\"} %llu\n", cause_id(i),
                      (unsigned long long)m->by_cause[i]);
    }
}

static void put_drop(FILE *out, const char *interface, const char *reason, uint64_t number)
{
    (void)fputs("krbscope_drops_total{interface=\"", out);
    put_label(out, interface);
    (void)fprintf(out, "\",reason=\"%s\"} %llu\n", reason, (unsigned long long)number);
}

static void put_captures(FILE *out, const struct analysis *a)
{
    head(out, "frames_total", "counter", "Frames read.");
    for (size_t i = 0; i < a->num_captures; i++) {
        (void)fputs("krbscope_frames_total{interface=\"", out);
        put_label(out, a->captures[i].path);
        (void)fprintf(out, "\"} %llu\n", (unsigned long long)a->captures[i].info.frames);
    }
    head(out, "drops_total", "counter",
         "Frames, messages and connections lost or set aside, by reason.");
    for (size_t i = 0; i < a->num_captures; i++) {
        const struct capture_summary *c = &a->captures[i];
        for (enum capture_drop d = 0; d < CAPTURE_DROP_COUNT; d++) {
            put_drop(out, c->path, capture_drop_name(d), c->info.drops[d]);
        }
    }
    for (size_t i = 0; i < a->num_captures && i < 1; i++) { /* all share one decoder */
        const struct decoder_stats *s = &a->captures[i].decoded;
        for (enum segment_drop d = SEGMENT_DROP_NONE + 1; d < SEGMENT_DROP_COUNT; d++) {
            put_drop(out, "", segment_drop_name(d), s->segment_drops[d]);
        }
        for (enum decoder_drop d = 0; d < DECODER_DROP_COUNT; d++) {
            put_drop(out, "", decoder_drop_name(d), s->drops[d]);
        }
        head(out, "flows_total", "counter", "TCP connections begun.");
        (void)fprintf(out, "krbscope_flows_total %llu\n", (unsigned long long)s->flows);
    }
}

static void put_histogram(FILE *out, const char *name, const char *help, const struct histogram *h)
{
    uint64_t sum = 0;
    head(out, name, "histogram", help);
    for (size_t i = 0; i < METER_BUCKETS - 1; i++) {
        sum += h->buckets[i];
        (void)fprintf(out, "krbscope_%s_bucket{le=\"%g\"} %llu\n", name, meter_bounds_s[i],
                      (unsigned long long)sum);
    }
    (void)fprintf(out, "krbscope_%s_bucket{le=\"+Inf\"} %llu\n", name, (unsigned long long)h->num);
    (void)fprintf(out, "krbscope_%s_sum %.6f\nkrbscope_%s_count %llu\n", name, h->sum_s, name,
                  (unsigned long long)h->num);
}

static void put_clocks(FILE *out, const struct meter *m)
{
    static const char *const names[METER_CLOCKS] = {"client_to_kdc", "client_to_server",
                                                    "kdc_to_server"};
    head(out, "clock_offset_seconds", "gauge",
         "Clock difference seen in the latest attempt that showed one.");
    for (size_t i = 0; i < METER_CLOCKS; i++) {
        if (m->clocks[i].known && isfinite(m->clocks[i].value)) {
            (void)fprintf(out, "krbscope_clock_offset_seconds{between=\"%s\"} %.6f\n", names[i],
                          m->clocks[i].value);
        }
    }
}

enum status report_metrics(FILE *out, const struct analysis *captures, const struct meter *m,
                           const struct live_state *state, struct trouble *trouble)
{
    errno = 0;
    head(out, "info", "gauge", "The version that runs.");
    (void)fprintf(out, "krbscope_info{version=\"%s\"} 1\n", KRBSCOPE_VERSION);
    put_attempts(out, m);
    put_captures(out, captures);
    put_histogram(out, "kdc_latency_seconds", "Time until a KDC answered.", &m->kdc);
    put_histogram(out, "dns_latency_seconds", "Time until a DNS server answered.", &m->dns);
    head(out, "kdc_errors_total", "counter", "Errors that KDCs answered with.");
    (void)fprintf(out, "krbscope_kdc_errors_total %llu\n", (unsigned long long)m->kdc_errors);
    head(out, "dns_failures_total", "counter", "DNS answers that are failures of the server.");
    (void)fprintf(out, "krbscope_dns_failures_total %llu\n", (unsigned long long)m->dns_failures);
    put_clocks(out, m);
    head(out, "remembered", "gauge", "Hosts and connections remembered now.");
    (void)fprintf(out, "krbscope_remembered{what=\"hosts\"} %llu\n",
                  (unsigned long long)state->clients);
    (void)fprintf(out, "krbscope_remembered{what=\"connections\"} %llu\n",
                  (unsigned long long)state->flows_open);
    head(out, "last_packet_timestamp_seconds", "gauge", "Time of the latest frame.");
    (void)fprintf(out, "krbscope_last_packet_timestamp_seconds %.3f\n",
                  (double)state->time_ns / 1e9);
    if (fflush(out) != 0 || ferror(out)) {
        trouble_set(trouble, "%s", strerror(errno == 0 ? EIO : errno));
        return STATUS_OUTPUT;
    }
    return STATUS_OK;
}

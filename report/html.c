/* analysis -> one HTML page that needs nothing beside it: it opens from a mail's attachment,
 * without a network and without a script, and prints.
 *
 * It grows at its end only: an attempt at a time. A page of many attempts tells those of the first
 * bytes in full, and of each cause some; the others briefly. */
#include "report/html_private.h"

#include <errno.h>
#include <string.h>

static void write_title(struct html *h)
{
    const struct analysis *a = h->analysis;
    html_put(h, "<title>");
    if (a->num_attempts == 1) {
        html_text(h, wording_outcome(a->attempts[0]));
        html_put(h, ": ");
        html_bytes(h, wording_headline(a->attempts[0]));
    } else {
        uint64_t num = a->num_attempts;
        num += a->num_attempts_dropped;
        html_format(h, "%llu attempts", (unsigned long long)num);
    }
    html_put(h, " - krbscope</title>\n");
}

static void write_asset(struct html *h, const struct html_asset *asset)
{
    h->num_bytes += asset->content.len;
    (void)fwrite(asset->content.at, 1, asset->content.len, h->out);
}

static void write_head(struct html *h)
{
    html_put(h, "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
                "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; "
                "style-src '");
    html_put(h, html_css.hash);
    html_put(h, "'; script-src '");
    html_put(h, html_js.hash);
    html_put(h, "'; base-uri 'none'; form-action 'none'\">\n"
                "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
                "<meta name=\"color-scheme\" content=\"light dark\">\n"
                "<meta name=\"generator\" content=\"krbscope " KRBSCOPE_VERSION "\">\n");
    write_title(h);
    html_put(h, "<style>");
    write_asset(h, &html_css);
    html_put(h, "</style>\n</head>\n<body>\n<main>\n");
}

static bool is_told_in_full(const struct html *h, const struct attempt_record *a,
                            size_t num_full[CAUSE_COUNT])
{
    enum cause cause = a->has_verdict ? a->verdict.cause : CAUSE_NONE;
    return h->num_bytes < HTML_FULL_BYTES_MAX || num_full[cause]++ < HTML_FULL_A_CAUSE;
}

static void write_attempts(struct html *h)
{
    const struct analysis *a = h->analysis;
    size_t num_full[CAUSE_COUNT] = {0};
    size_t num = html_num_shown(a);
    if (a->num_attempts == 1 && a->num_attempts_dropped == 0) {
        html_attempt_alone(h, a->attempts[0]);
        return;
    }
    html_summary(h);
    html_put(h, num > 0 ? "<div class=\"all\">\n" : "");
    for (size_t i = 0; i < num && !ferror(h->out); i++) {
        html_attempt_one(h, a->attempts[i], is_told_in_full(h, a->attempts[i], num_full));
    }
    html_put(h, num > 0 ? "</div>\n" : "");
}

enum status report_html(FILE *out, const struct analysis *analysis,
                        const struct report_options *options, struct trouble *trouble)
{
    struct html h = {.out = out, .analysis = analysis, .options = options, .level = 2};
    errno = 0;
    write_head(&h);
    write_attempts(&h);
    html_rest(&h);
    html_put(&h,
             "</main>\n<footer>Made by krbscope " KRBSCOPE_VERSION ". This page is complete: it "
             "loads nothing.</footer>\n<script>");
    write_asset(&h, &html_js);
    html_put(&h, "</script>\n</body>\n</html>\n");
    if (fflush(out) != 0 || ferror(out)) {
        trouble_set(trouble, "%s", strerror(errno == 0 ? EIO : errno));
        return STATUS_OUTPUT;
    }
    return STATUS_OK;
}

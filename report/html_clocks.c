/* Differences of clocks, drawn against the limit: the band is what the policy allows, the bar is
 * where the difference lies, the dot its likeliest value. */
#include "report/html_private.h"

#include <math.h>

#define SCALE_WIDTH 1000 /* units of the drawing; it is stretched to the page */
#define SCALE_HEIGHT 24
#define SCALE_ROOM 1.15 /* beyond what is farthest */

/* Half the width of the scale in seconds: the limit, and every bound that is known. */
static double scale_s(const struct attempt_clocks *clocks, const struct offset_words *offsets)
{
    double most = clocks->limit_s;
    for (size_t i = 0; i < OFFSETS; i++) {
        const struct offset *o = offsets[i].offset;
        const double values[] = {o->value, o->low, o->high};
        for (size_t j = 0; o->known && j < sizeof values / sizeof values[0]; j++) {
            if (isfinite(values[j]) && fabs(values[j]) > most) {
                most = fabs(values[j]);
            }
        }
    }
    return most > 0 ? most * SCALE_ROOM : 1;
}

static double scale_x(double scale, double seconds)
{
    double x = SCALE_WIDTH / 2.0 * (1 + seconds / scale);
    return x < 0 || isnan(x) ? 0 : x > SCALE_WIDTH ? SCALE_WIDTH : x;
}

static void write_drawing(struct html *h, const struct attempt_clocks *clocks,
                          const struct offset *o, double scale)
{
    double low = scale_x(scale, -clocks->limit_s);
    double high = scale_x(scale, clocks->limit_s);
    html_format(h,
                "<svg viewBox=\"0 0 %d %d\" preserveAspectRatio=\"none\" aria-hidden=\"true\">"
                "<path class=\"lim\" d=\"M%.1f 0H%.1fV%dH%.1fz\"/>"
                "<path class=\"zero\" d=\"M%d 0V%d\"/>",
                SCALE_WIDTH, SCALE_HEIGHT, low, high, SCALE_HEIGHT, low, SCALE_WIDTH / 2,
                SCALE_HEIGHT);
    html_format(
        h,
        "<path class=\"rng\" d=\"M%.1f %dH%.1f\"/><path class=\"val\" d=\"M%.1f %dh.01\"/></svg>",
        scale_x(scale, o->low), SCALE_HEIGHT / 2, scale_x(scale, o->high), scale_x(scale, o->value),
        SCALE_HEIGHT / 2);
}

static void write_row(struct html *h, const struct attempt_record *a,
                      const struct offset_words *words, double scale)
{
    const struct offset *o = words->offset;
    char buffer[HTML_PHRASE_BYTES_MAX];
    struct text t;
    bool is_beyond = fabs(o->value) > a->clocks.limit_s;
    html_format(h, "<tr%s><th scope=\"row\">%s</th><td class=\"pic\">",
                is_beyond ? " class=\"bad\"" : "", words->what);
    write_drawing(h, &a->clocks, o, scale);
    text_init(&t, buffer, sizeof buffer);
    text_add(&t, "<b>");
    phrase_offset(&t, o->value);
    text_add(&t, is_beyond ? "</b>, beyond the limit; between " : "</b>, between ");
    phrase_offset(&t, o->low);
    text_add(&t, " and ");
    phrase_offset(&t, o->high);
    html_put(h, "</td><td>");
    html_put(h, t.at);
    html_frames(h, a, &o->evidence);
    html_put(h, "</td></tr>\n");
}

void html_clocks(struct html *h, const struct attempt_record *a)
{
    struct offset_words offsets[OFFSETS];
    char buffer[HTML_PHRASE_BYTES_MAX];
    struct text t;
    wording_offsets(offsets, &a->clocks);
    if (!a->clocks.client_to_kdc.known && !a->clocks.client_to_server.known &&
        !a->clocks.kdc_to_server.known) {
        return;
    }
    double scale = scale_s(&a->clocks, offsets);
    html_put(h, "<section class=\"clocks\">");
    html_heading(h, "Clocks");
    html_put(h, "<table><thead><tr><th scope=\"col\">Clocks</th><th scope=\"col\" class=\"pic\">"
                "<span class=\"ends\"><span>");
    text_init(&t, buffer, sizeof buffer);
    phrase_offset(&t, -scale);
    html_put(h, t.at);
    html_put(h, "</span><span>0</span><span>");
    text_init(&t, buffer, sizeof buffer);
    phrase_offset(&t, scale);
    html_put(h, t.at);
    html_put(h, "</span></span></th><th scope=\"col\">Difference</th></tr></thead><tbody>\n");
    for (size_t i = 0; i < OFFSETS; i++) {
        if (offsets[i].offset->known) {
            write_row(h, a, &offsets[i], scale);
        }
    }
    html_format(h,
                "</tbody></table>\n<p class=\"fine\">The band is the limit of %g s that clocks may "
                "differ by; the bar is where the difference lies.</p></section>\n",
                a->clocks.limit_s);
}

/* What this capture cannot show of an attempt, and which one to take next, with the commands. */
#include "diagnose/judge.h"

#define ADVICE_MAX 24

/* Lines of an attempt, each once. */
struct lines {
    struct bytes *at;
    size_t num;
};

static void add(struct lines *l, struct bytes line)
{
    for (size_t i = 0; i < l->num; i++) {
        if (bytes_equal(l->at[i], line)) {
            return;
        }
    }
    if (l->at != NULL && l->num < ADVICE_MAX && line.len > 0) {
        l->at[l->num++] = line;
    }
}

static void add_all(struct lines *l, const char *const *texts, size_t num)
{
    for (size_t i = 0; i < num; i++) {
        add(l, bytes_of(texts[i]));
    }
}

/* The verdict rests on silence: the other end may have heard, and answered. */
static bool is_about_silence(const struct judgement *j, enum cause cause)
{
    return (cause == CAUSE_REFERRAL_FAILED && j->seen[FACT_NEXT_KDC_SILENT]) ||
           cause == CAUSE_MP_UNREACHABLE || cause == CAUSE_MP_NO_REPLY ||
           cause == CAUSE_MP_CONNECTION_RESET || cause == CAUSE_KDC_UNREACHABLE ||
           cause == CAUSE_KDC_TCP_BLOCKED || cause == CAUSE_DNS_SERVER_UNREACHABLE;
}

/* The server decided, and its reasons are not on the wire. */
static bool is_servers_decision(enum cause cause)
{
    return cause == CAUSE_MP_FORBIDDEN || cause == CAUSE_MP_ERROR ||
           cause == CAUSE_MP_UNAVAILABLE || cause == CAUSE_TICKET_REFUSED ||
           cause == CAUSE_NTLM_REFUSED || cause == CAUSE_SERVICE_KEY_MISMATCH;
}

/* Where the attempt was seen from: its capture's vantage as far as it is known by now. */
static enum vantage vantage_of(const struct judgement *j, const struct attempt_record *out)
{
    struct case_file *c = j->v->c;
    uint16_t capture = out->capture;
    if (j->v->attempt == NULL && out->num_events > 0) {
        capture = out->events[0].capture;
    }
    return case_vantage(c, capture < CAPTURES_MAX ? c->group_of_capture[capture] : capture);
}

static void say_what_is_hidden(const struct judgement *j, const struct attempt_record *out,
                               struct lines *cannot)
{
    const struct view *v = j->v;
    if (!v->kdc_visible) {
        add(cannot, bytes_of(out->vantage == VANTAGE_MP
                                 ? "Taken at the server: the client's traffic to DNS and domain "
                                   "controllers is not in this capture."
                                 : "The client's traffic to DNS and domain controllers is not in "
                                   "this capture."));
    }
    if (v->attempt == NULL && out->vantage == VANTAGE_KDC) {
        add(cannot, bytes_of("Taken at the domain controller: the HTTP request, and what the "
                             "server made of the ticket, are not in this capture."));
    }
    if (!v->client->was_spoken_to) {
        add(cannot, bytes_of("No frame that was sent to the client: the capture may hold one "
                             "direction only."));
    }
    if (j->reading.is_lossy) {
        add(cannot, bytes_of("Bytes of this attempt's connections are missing (lost frames, snap "
                             "length, or the capture began or ended in their midst)."));
    }
    if (!out->has_verdict || out->verdict.is_note) {
        return;
    }
    bool is_cached = out->steps[STEP_TICKET].state == STATE_NOT_NEEDED && v->kdc_visible;
    if (is_cached && out->verdict.step == STEP_ACCEPT) {
        add(cannot, bytes_of("The ticket was cached: how and when the KDC issued it is not in this "
                             "capture."));
    }
    if (is_about_silence(j, out->verdict.cause)) {
        add(cannot, bytes_of("Whether what was sent arrived, and whether it was answered there: "
                             "only a capture at the other end shows it."));
    }
    if (is_servers_decision(out->verdict.cause)) {
        add(cannot, bytes_of("Why the server decided so: that stands in its logs."));
    }
}

static void ask_for_client(struct lines *next)
{
    static const char *const lines[] = {
        "On the client, as administrator, with nothing cut off:",
        "klist -li 0x3e7 purge",
        "ipconfig /flushdns",
        "netsh trace start capture=yes report=disabled maxsize=512 tracefile=client.etl",
        "repeat the failing request, wait a minute, then: netsh trace stop",
        "etl2pcapng client.etl client.pcapng",
    };
    add_all(next, lines, sizeof lines / sizeof lines[0]);
}

/* The same time from the other end; both files in one run tell what was lost between them. */
static void ask_for_other_end(const struct judgement *j, const char *where, struct lines *next)
{
    static const char *const lines[] = {
        "pktmon start --capture --comp nics --pkt-size 0 --file-name other-end.etl",
        "repeat the failing request, wait a minute, then: pktmon stop",
        "pktmon etl2pcap other-end.etl --out other-end.pcapng",
        "where that is no Windows host: tcpdump -i any -s 0 -w other-end.pcap",
        "krbscope client.pcapng other-end.pcapng",
    };
    add(next, judge_text(j, "At the same time on the client and on %s, whole packets:", where));
    add_all(next, lines, sizeof lines / sizeof lines[0]);
}

static void ask_behind_tls(struct lines *next)
{
    /* In parentheses: clang takes two strings side by side for a comma that is missing. */
    static const char *const lines[] = {
        ("From the server, of the same time: the IIS log (sc-status, sc-substatus, "
         "sc-win32-status) and the HTTPERR log."),
        "Where TLS ends on a proxy or load balancer, on the server behind it:",
        "pktmon start --capture --comp nics --pkt-size 0 --file-name server.etl",
        "repeat the failing request, wait a minute, then: pktmon stop",
        "pktmon etl2pcap server.etl --out server.pcapng",
    };
    add_all(next, lines, sizeof lines / sizeof lines[0]);
}

static const char *other_end(enum step step)
{
    return step == STEP_RESOLVE ? "the DNS server"
           : step == STEP_REACH_KDC || step == STEP_TGT || step == STEP_TICKET
               ? "the domain controller"
               : "the server";
}

static void say_what_is_next(const struct judgement *j, const struct attempt_record *out,
                             struct lines *next)
{
    const struct finding *f = &out->verdict;
    bool is_incomplete = f->cause == CAUSE_CAPTURE_INCOMPLETE;
    if (!out->has_verdict || f->is_note) {
        bool is_unexplained = is_incomplete || f->cause == CAUSE_NTLM_INSTEAD_OF_KERBEROS;
        if (out->has_verdict ? is_unexplained : out->outcome == OUTCOME_INCOMPLETE) {
            ask_for_client(next);
        }
        if (out->has_verdict && f->cause == CAUSE_TLS_HIDDEN) {
            ask_behind_tls(next);
        }
        return;
    }
    bool is_ticket_cached =
        out->steps[STEP_TICKET].state == STATE_NOT_NEEDED && f->step == STEP_ACCEPT;
    if (!j->v->kdc_visible || j->reading.is_lossy || is_incomplete || is_ticket_cached ||
        !j->v->client->was_spoken_to) {
        ask_for_client(next);
    }
    if (is_about_silence(j, f->cause)) {
        ask_for_other_end(j, other_end(f->step), next);
    }
    if (f->cause == CAUSE_CLOCK_SKEW && !j->kdc_to_server.known && !j->client_to_kdc.known &&
        !j->client_to_server.known) {
        add(next, bytes_of("Each clock against the domain controller's, on every host concerned:"));
        add(next, bytes_of("w32tm /stripchart /computer:<domain controller> /samples:3 /dataonly"));
    }
    if (is_servers_decision(f->cause)) {
        add(next, bytes_of("From the server, of the same time: the IIS log (sc-status, "
                           "sc-substatus, sc-win32-status) and the HTTPERR log."));
    }
}

void advice_fill(const struct judgement *j, struct attempt_record *out)
{
    struct arena *arena = &j->v->c->out.arena;
    struct arena *scratch = &j->v->c->scratch;
    struct lines cannot = {.at = arena_alloc_array(scratch, ADVICE_MAX, sizeof *cannot.at)};
    struct lines next = {.at = arena_alloc_array(scratch, ADVICE_MAX, sizeof *next.at)};
    out->vantage = vantage_of(j, out);
    say_what_is_hidden(j, out, &cannot);
    say_what_is_next(j, out, &next);
    struct bytes *kept = arena_alloc_array(arena, cannot.num + next.num, sizeof *kept);
    for (size_t i = 0; kept != NULL && i < cannot.num + next.num; i++) {
        kept[i] = i < cannot.num ? cannot.at[i] : next.at[i - cannot.num];
    }
    if (kept != NULL) {
        out->cannot_show = kept;
        out->num_cannot_show = cannot.num;
        out->next_capture = kept + cannot.num;
        out->num_next_capture = next.num;
    }
}

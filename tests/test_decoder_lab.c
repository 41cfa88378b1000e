/* Goal: captures of real servers give the messages that tshark saw in them, and the same ones
 * however the frames are cut, reversed, repeated or renumbered.
 * Method: the lab's captures and its evidence.txt (a line a capture); each is sent again as
 * rewritten frames. Skipped where the lab is not at hand. */
#include <criterion/criterion.h>

#include "packets.h"

#include <dirent.h>
#include <stdio.h>

#define LAB KRBSCOPE_SOURCE_DIR "/../shared/lab"
#define FRAMES_MAX 60000
#define TOKENS_MAX 2048
#define TOKEN_BYTES 32
#define LINE_BYTES 512

struct kept_frame {
    struct frame frame;
    uint8_t *bytes;
};

struct tape {
    struct kept_frame *at;
    size_t num;
};

/* What came out, a line a message, without numbers of frames and events. */
struct lines {
    char (*at)[LINE_BYTES];
    size_t num;
    uint64_t requests[TOKENS_MAX]; /* event ids, for pairing */
};

static void tape_add(struct tape *tape, const struct frame *frame, const uint8_t *bytes, size_t len)
{
    cr_assert_lt(tape->num, FRAMES_MAX);
    struct kept_frame *kept = &tape->at[tape->num++];
    kept->frame = *frame;
    kept->frame.number = (uint32_t)tape->num;
    kept->bytes = malloc(len + 1);
    memcpy(kept->bytes, bytes, len);
    kept->frame.bytes = (struct bytes){.at = kept->bytes, .len = len};
    kept->frame.original_len =
        frame->original_len > frame->bytes.len ? frame->original_len : (uint32_t)len;
}

static struct tape tape_new(void)
{
    return (struct tape){.at = calloc(FRAMES_MAX, sizeof(struct kept_frame))};
}

static void tape_free(struct tape *tape)
{
    for (size_t i = 0; i < tape->num; i++) {
        free(tape->at[i].bytes);
    }
    free(tape->at);
}

static struct tape tape_read(const char *path)
{
    struct tape tape = tape_new();
    struct capture *capture = NULL;
    struct capture_options options = {0};
    struct trouble trouble = {0};
    struct frame frame;
    cr_assert_eq(capture_open(&capture, path, &options, &trouble), STATUS_OK, "%s", trouble.text);
    while (capture_next(capture, &frame) == CAPTURE_FRAME) {
        tape_add(&tape, &frame, frame.bytes.at, frame.bytes.len);
    }
    capture_close(capture);
    return tape;
}

static void add_ends(struct text *t, const struct event *e)
{
    endpoint_print(t, &e->from);
    text_add(t, " > ");
    endpoint_print(t, &e->to);
    text_add(t, e->complete ? " " : " incomplete ");
}

static void add_auth(struct text *t, const struct auth *auth)
{
    text_format(t, " schemes %zu token %zu", auth->num_schemes, auth->token_len);
    if (auth->gss != NULL && auth->gss->krb != NULL) {
        const struct krb_message *krb = auth->gss->krb;
        text_format(t, " %s %d ", krb_type_name(krb->type), krb->error_code);
        text_add_bytes(t, krb->ticket.sname.text);
    }
    if (auth->ntlm != NULL) {
        text_format(t, " ntlm %d", (int)auth->ntlm->type);
    }
}

static void note_line(void *context, const struct event *e)
{
    struct lines *lines = context;
    bool is_message = e->krb != NULL || e->dns != NULL || e->http != NULL || e->kind == EVENT_TLS;
    if (!is_message || lines->num == TOKENS_MAX) {
        return;
    }
    struct text t;
    text_init(&t, lines->at[lines->num], LINE_BYTES);
    text_add(&t, event_kind_name(e->kind));
    text_add(&t, " ");
    add_ends(&t, e);
    if (e->krb != NULL) {
        text_format(&t, "%s %d nonce %u ", krb_type_name(e->krb->type), e->krb->error_code,
                    e->krb->nonce);
        text_add_bytes(&t, e->krb->sname.text);
        text_add_bytes(&t, e->krb->ticket.sname.text);
    }
    if (e->dns != NULL) {
        text_format(&t, "%u %d %u %u ", e->dns->id, e->dns->is_response, e->dns->question_type,
                    e->dns->rcode);
        text_add_bytes(&t, e->dns->question);
    }
    if (e->http != NULL) {
        const struct http_message *m = &e->http->message;
        text_add_bytes(&t, m->method);
        text_add_bytes(&t, m->path);
        text_format(&t, "%u body %lu start %d paired %d", m->status, (unsigned long)m->body_len,
                    m->seen_from_start, e->reply_to != 0);
        add_auth(&t, &e->http->auth);
        text_format(&t, " date %ld", (long)(e->http->date_ns / 1000000000));
    }
    lines->num++;
}

static int compare_lines(const void *a, const void *b)
{
    return strcmp(a, b);
}

static struct lines decode(const struct tape *tape, bool is_sorted)
{
    struct lines lines = {.at = calloc(TOKENS_MAX, LINE_BYTES)};
    struct decoder_options options = {0};
    struct decoder *d = decoder_new(&options, note_line, &lines);
    for (size_t i = 0; i < tape->num; i++) {
        struct frame frame = tape->at[i].frame;
        uint8_t *exact = malloc(frame.bytes.len); /* so that a read behind it is seen */
        memcpy(exact, frame.bytes.at, frame.bytes.len);
        frame.bytes.at = exact;
        decoder_push(d, &frame);
        free(exact);
    }
    decoder_end(d);
    decoder_free(d);
    if (is_sorted) {
        qsort(lines.at, lines.num, LINE_BYTES, compare_lines);
    }
    return lines;
}

/* Offsets in an Ethernet frame with IPv4 and TCP. */
struct places {
    size_t tcp, payload, end;
};

static bool is_tcp(const struct frame *f, struct places *p)
{
    const uint8_t *b = f->bytes.at;
    if (f->link_type != LINK_TYPE_ETHERNET || f->bytes.len < 54 || b[12] != 8 || b[13] != 0 ||
        b[23] != 6 || f->original_len != f->bytes.len) {
        return false;
    }
    p->tcp = 14 + (size_t)(b[14] & 15) * 4;
    p->payload = p->tcp + (size_t)(b[p->tcp + 12] >> 4) * 4;
    p->end = 14 + (size_t)(b[16] << 8 | b[17]);
    return p->end <= f->bytes.len && p->payload <= p->end;
}

static uint32_t get32(const uint8_t *b)
{
    return (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3];
}

/* The part from..to of a segment's payload, as a frame of its own. */
static void add_part(struct tape *out, const struct frame *f, const struct places *p, size_t from,
                     size_t to)
{
    uint8_t bytes[PACKET_BYTES_MAX];
    memcpy(bytes, f->bytes.at, p->payload);
    memcpy(bytes + p->payload, f->bytes.at + p->payload + from, to - from);
    size_t len = p->payload + to - from;
    packets_be16(bytes + 16, (unsigned)(len - 14));
    packets_be32(bytes + p->tcp + 4, get32(bytes + p->tcp + 4) + (uint32_t)from);
    if (p->payload + to < p->end) {
        bytes[p->tcp + 13] &= (uint8_t)~TCP_FIN;
    }
    struct frame whole = *f;
    whole.original_len = 0;
    tape_add(out, &whole, bytes, len);
}

static struct tape split(const struct tape *in, size_t size)
{
    struct tape out = tape_new();
    struct places p;
    for (size_t i = 0; i < in->num; i++) {
        const struct frame *f = &in->at[i].frame;
        if (!is_tcp(f, &p) || p.end - p.payload <= size) {
            tape_add(&out, f, f->bytes.at, f->bytes.len);
            continue;
        }
        size_t len = p.end - p.payload;
        for (size_t from = 0; from < len; from += size) {
            add_part(&out, f, &p, from, from + size < len ? from + size : len);
        }
    }
    return out;
}

static struct tape overlap(const struct tape *in)
{
    struct tape out = tape_new();
    struct places p;
    for (size_t i = 0; i < in->num; i++) {
        const struct frame *f = &in->at[i].frame;
        if (is_tcp(f, &p) && p.end - p.payload > 3) {
            size_t len = p.end - p.payload;
            add_part(&out, f, &p, len / 3, len);
            add_part(&out, f, &p, 0, len * 2 / 3);
        }
        tape_add(&out, f, f->bytes.at, f->bytes.len);
    }
    return out;
}

static struct tape twice(const struct tape *in)
{
    struct tape out = tape_new();
    for (size_t i = 0; i < in->num; i++) {
        const struct frame *f = &in->at[i].frame;
        tape_add(&out, f, f->bytes.at, f->bytes.len);
        tape_add(&out, f, f->bytes.at, f->bytes.len);
    }
    return out;
}

static struct tape reversed(const struct tape *in, size_t window)
{
    struct tape out = tape_new();
    for (size_t at = 0; at < in->num; at += window) {
        size_t len = in->num - at < window ? in->num - at : window;
        for (size_t i = len; i > 0; i--) {
            const struct frame *f = &in->at[at + i - 1].frame;
            tape_add(&out, f, f->bytes.at, f->bytes.len);
        }
    }
    return out;
}

/* Sequence numbers moved so that they wrap within the conversation; both directions by the same. */
static struct tape wrapped(const struct tape *in)
{
    struct tape out = tape_new();
    struct places p;
    uint32_t by[65536] = {0};
    for (size_t i = 0; i < in->num; i++) {
        const struct frame *f = &in->at[i].frame;
        uint8_t bytes[PACKET_BYTES_MAX];
        memcpy(bytes, f->bytes.at, f->bytes.len);
        if (is_tcp(f, &p)) {
            uint8_t *tcp = bytes + p.tcp;
            size_t from = (size_t)(tcp[0] << 8 | tcp[1]);
            size_t to = (size_t)(tcp[2] << 8 | tcp[3]);
            by[from] = by[from] != 0 ? by[from] : 0xffffff00u - get32(tcp + 4);
            by[to] =
                by[to] != 0 || (tcp[13] & TCP_ACK) == 0 ? by[to] : 0xffffff00u - get32(tcp + 8);
            packets_be32(tcp + 4, get32(tcp + 4) + by[from]);
            packets_be32(tcp + 8, get32(tcp + 8) + by[to]);
        }
        tape_add(&out, f, bytes, f->bytes.len);
    }
    return out;
}

static void expect_same(const struct tape *tape, const struct lines *expected, const char *name,
                        const char *how)
{
    struct lines got = decode(tape, true);
    for (size_t i = 0; i < got.num && i < expected->num; i++) {
        cr_assert_str_eq(got.at[i], expected->at[i], "%s %s:\n%s\n%s", name, how, got.at[i],
                         expected->at[i]);
    }
    cr_assert_eq(got.num, expected->num, "%s %s: %zu of %zu", name, how, got.num, expected->num);
    free(got.at);
}

static void try_rewrites(const char *name)
{
    char path[LINE_BYTES];
    char how[64];
    struct text t;
    text_init(&t, path, sizeof path);
    text_format(&t, "%s/%s", LAB, name);
    struct tape tape = tape_read(path);
    struct lines expected = decode(&tape, true);
    struct tape changed = twice(&tape);
    expect_same(&changed, &expected, name, "twice");
    tape_free(&changed);
    changed = wrapped(&tape);
    expect_same(&changed, &expected, name, "wrapped");
    tape_free(&changed);
    for (size_t window = 2; window <= 16; window++) {
        text_init(&t, how, sizeof how);
        text_format(&t, "reversed by %zu", window);
        changed = reversed(&tape, window);
        expect_same(&changed, &expected, name, how);
        tape_free(&changed);
    }
    changed = split(&tape, 1);
    expect_same(&changed, &expected, name, "byte by byte");
    struct tape both = reversed(&changed, 16);
    expect_same(&both, &expected, name, "byte by byte, reversed");
    tape_free(&both);
    tape_free(&changed);
    changed = overlap(&tape);
    expect_same(&changed, &expected, name, "overlapping");
    /* Of a connection joined midway, pieces whose head comes last cannot be told from its start. */
    if (strcmp(name, "success.late.pcap") != 0) {
        both = reversed(&changed, 5);
        expect_same(&both, &expected, name, "overlapping, reversed");
        tape_free(&both);
    }
    tape_free(&changed);
    free(expected.at);
    tape_free(&tape);
}

static bool is_lab_there(void)
{
    DIR *dir = opendir(LAB);
    if (dir == NULL) {
        printf("skipped: no lab captures at hand\n");
        return false;
    }
    closedir(dir);
    return true;
}

Test(decoder_lab, same_messages_however_captured, .timeout = 300)
{
    static const char *const names[] = {
        "success.pcap",          "spn-missing.pcap",
        "ntlm-fallback.pcap",    "success-keepalive-two-requests.pcap",
        "mp-hang.pcap",          "mp-connection-reset.pcap",
        "success-rc4.pcap",      "success-response-too-big.pcap",
        "clock-skew-mp.pcap",    "kdc-refused.pcap",
        "success.mp1.pcap",      "password-expired.pcap",
        "success.late.pcap",     "nlb-mixed.pcap",
        "success-tcp-only.pcap", "self-signed-no-windowsauth.pcap",
    };
    if (!is_lab_there()) {
        return;
    }
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        try_rewrites(names[i]);
    }
}

Test(decoder_lab, the_same_run_twice)
{
    if (!is_lab_there()) {
        return;
    }
    struct tape tape = tape_read(LAB "/multi-client.pcap");
    struct lines first = decode(&tape, false);
    struct lines second = decode(&tape, false);
    cr_assert_eq(first.num, second.num);
    cr_assert_eq(memcmp(first.at, second.at, first.num * LINE_BYTES), 0);
    free(first.at);
    free(second.at);
    tape_free(&tape);
}

/* evidence.txt: "name  123 B  6 pkt  AS-REQ E25 A?*2 A!0 [CCM_POST+AP-REQ] [401+E41] RST ARP?". */
struct tokens {
    char at[TOKENS_MAX][TOKEN_BYTES];
    size_t num;
};

static struct tokens found;
static struct tokens wanted;

static const char *dns_word(uint16_t type)
{
    const char *name = dns_type_name(type);
    return name == NULL ? "?" : name;
}

static void add_token_of_auth(struct text *t, const struct event *e)
{
    const struct auth *auth = &e->http->auth;
    bool is_challenge_again =
        e->http->message.status == 401 && auth->ntlm != NULL && auth->ntlm->type != NTLM_CHALLENGE;
    if (auth->gss != NULL && auth->gss->krb != NULL) {
        const struct krb_message *krb = auth->gss->krb;
        if (krb->type == KRB_ERROR_MSG) {
            text_format(t, "+E%d", krb->error_code);
        } else {
            text_format(t, "+%s", krb_type_name(krb->type));
        }
    } else if (auth->ntlm != NULL && !is_challenge_again) {
        text_format(t, "+NTLM%d", (int)auth->ntlm->type);
    }
}

static void note_token(void *context, const struct event *e)
{
    struct tokens *tokens = context;
    struct text t;
    char word[TOKEN_BYTES];
    text_init(&t, word, sizeof word);
    if (e->krb != NULL && e->krb->type == KRB_ERROR_MSG) {
        text_format(&t, "E%d", e->krb->error_code);
    } else if (e->krb != NULL) {
        text_add(&t, krb_type_name(e->krb->type));
    } else if (e->dns != NULL && e->dns->is_response) {
        text_format(&t, "%s!%u", dns_word(e->dns->question_type), e->dns->rcode);
    } else if (e->dns != NULL) {
        text_format(&t, "%s?", dns_word(e->dns->question_type));
    } else if (e->http != NULL) {
        text_add(&t, "[");
        text_add_bytes(&t, e->http->message.method);
        if (e->kind == EVENT_HTTP_RESPONSE) {
            text_format(&t, "%u", e->http->message.status);
        }
        add_token_of_auth(&t, e);
        text_add(&t, "]");
    } else if (e->kind == EVENT_ICMP_UNREACHABLE) {
        text_add(&t, "ICMP-unreach");
    } else if (e->kind == EVENT_TCP_REFUSED || e->kind == EVENT_TCP_RESET) {
        text_add(&t, "RST");
    }
    if (t.len > 0 && tokens->num < TOKENS_MAX) {
        memcpy(tokens->at[tokens->num++], word, sizeof word);
    }
}

/* Words of a line, "X*2" twice; ARP is another test's business. A connection is reset once. */
static void read_wanted(const char *line)
{
    const char *at = strstr(line, " pkt ");
    wanted.num = 0;
    while (at != NULL && *(at = strchr(at, ' ') + strspn(strchr(at, ' '), " ")) != '\0') {
        size_t len = strcspn(at, " \n");
        size_t star = 0;
        long times = 1;
        for (size_t i = 0; i < len; i++) {
            if (at[i] == '*') {
                star = i;
                times = strtol(at + i + 1, NULL, 10);
            }
        }
        size_t word_len = star > 0 ? star : len;
        bool is_counted = strncmp(at, "pkt", 3) != 0 && strncmp(at, "ARP?", 4) != 0 && len > 0;
        times = strncmp(at, "RST", 3) == 0 ? 1 : times;
        for (long i = 0; is_counted && i < times; i++) {
            cr_assert_lt(word_len, TOKEN_BYTES);
            cr_assert_lt(wanted.num, TOKENS_MAX);
            memset(wanted.at[wanted.num], 0, TOKEN_BYTES);
            memcpy(wanted.at[wanted.num++], at, word_len);
        }
        at += len;
        if (*at != ' ') {
            break;
        }
    }
}

static void compare_with_evidence(const char *name)
{
    char path[LINE_BYTES];
    struct text t;
    text_init(&t, path, sizeof path);
    text_format(&t, "%s/%s", LAB, name);
    struct tape tape = tape_read(path);
    struct decoder_options options = {0};
    found.num = 0;
    struct decoder *d = decoder_new(&options, note_token, &found);
    for (size_t i = 0; i < tape.num; i++) {
        decoder_push(d, &tape.at[i].frame);
    }
    decoder_end(d);
    decoder_free(d);
    tape_free(&tape);
    for (size_t i = 0; i < wanted.num && i < found.num; i++) {
        cr_assert_str_eq(found.at[i], wanted.at[i], "%s, word %zu: %s, not %s", name, i + 1,
                         found.at[i], wanted.at[i]);
    }
    cr_assert_eq(found.num, wanted.num, "%s: %zu words, not %zu", name, found.num, wanted.num);
}

Test(decoder_lab, what_tshark_saw, .timeout = 300)
{
    static char line[65536];
    FILE *file = fopen(LAB "/evidence.txt", "r");
    size_t num = 0;
    if (file == NULL) {
        printf("skipped: no lab captures at hand\n");
        return;
    }
    while (fgets(line, sizeof line, file) != NULL) {
        char name[LINE_BYTES] = {0};
        size_t len = strcspn(line, " ");
        bool is_known = len < sizeof name && strstr(line, ".pcap ") != NULL;
        if (is_known) {
            memcpy(name, line, len);
            read_wanted(line);
            compare_with_evidence(name);
            num++;
        }
    }
    fclose(file);
    cr_assert_gt(num, 60);
}

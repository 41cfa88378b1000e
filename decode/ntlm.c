#include "decode/ntlm.h"

#include "base/civil.h"
#include "base/cursor.h"
#include "decode/utf16.h"

#define SIGNATURE "NTLMSSP" /* with its NUL, 8 bytes */
#define SIGNATURE_BYTES 8
#define FLAGS_END_TYPE_1 16 /* bytes of a message without names */
#define FIELDS_END_TYPE_1 32
#define FIXED_TYPE_2 32 /* without TargetInfo, MS-NLMP 2.2.1.2 before NT 4 SP4 */
#define INFO_END_TYPE_2 48
#define FIXED_TYPE_3 52 /* without session key and flags, as Windows 9x sent it */
#define FLAGS_END_TYPE_3 64
#define VERSION_BYTES 8
#define MESSAGE_BYTES_MAX 262144 /* what a field may reach; no HTTP head carries more */

/* MS-NLMP 2.2.2.5 */
#define FLAG_UNICODE 0x00000001U
#define FLAG_DOMAIN_SUPPLIED 0x00001000U
#define FLAG_WORKSTATION_SUPPLIED 0x00002000U
#define FLAG_TARGET_INFO 0x00800000U
#define FLAG_VERSION 0x02000000U

/* MS-NLMP 2.2.2.1 */
enum av_id {
    AV_END = 0,
    AV_NETBIOS_COMPUTER = 1,
    AV_NETBIOS_DOMAIN = 2,
    AV_DNS_COMPUTER = 3,
    AV_DNS_DOMAIN = 4,
    AV_DNS_TREE = 5,
    AV_TIMESTAMP = 7,
    AV_TARGET_NAME = 9,
    AV_CHANNEL_BINDINGS = 10,
};

/* NTLMv2_CLIENT_CHALLENGE behind the 16-byte proof, MS-NLMP 2.2.2.7. */
#define V2_RESPONSE_BYTES_MIN 44
#define V2_TIME_AT 24
#define V2_AV_AT 44

struct reader {
    struct bytes input;
    struct arena *arena;
    struct ntlm_message *out;
    struct flaw *flaw;
    size_t fixed_len; /* end of the fixed part: no field may begin before it */
    size_t end;       /* where the message ends, as far as its fields say */
    enum verdict verdict;
};

/* Len, MaxLen, Offset from the message's start. */
struct field {
    size_t len;
    size_t offset;
    size_t at; /* where the field itself stands, for flaws */
};

static void fail(struct reader *r, size_t at, const char *why)
{
    if (r->verdict == VERDICT_DONE) {
        r->verdict = flaw_set(r->flaw, at, why, "MS-NLMP 2.2.1");
    }
}

static struct field read_field(const struct reader *r, size_t at)
{
    struct cursor c = cursor_over(bytes_part(r->input, at, r->input.len));
    struct field f = {.at = at};
    f.len = cursor_u16le(&c);
    cursor_skip(&c, 2);
    f.offset = cursor_u32le(&c);
    return cursor_ok(&c) ? f : (struct field){.at = at};
}

/* The bytes of a field, or what the input holds of them. */
static struct bytes field_bytes(struct reader *r, struct field f)
{
    if (f.len == 0) {
        return (struct bytes){0};
    }
    if (f.offset < r->fixed_len) {
        fail(r, f.at, "field begins inside the fixed part");
        return (struct bytes){0};
    }
    if (f.offset > MESSAGE_BYTES_MAX - f.len) {
        fail(r, f.at, "field lies beyond any message");
        return (struct bytes){0};
    }
    if (f.offset + f.len > r->end) {
        r->end = f.offset + f.len;
    }
    return bytes_part(r->input, f.offset, f.len);
}

/* A text into the arena; empty when the input does not hold all of it. */
static void keep_text(struct reader *r, struct bytes raw, size_t len, bool unicode,
                      struct bytes *out)
{
    if (raw.len < len || out->len != 0) {
        return;
    }
    bool fits = unicode ? utf16_to_utf8(raw, false, r->arena, out) : arena_copy(r->arena, raw, out);
    if (!fits && r->verdict == VERDICT_DONE) {
        r->verdict = flaw_set(r->flaw, 0, "no room in the arena", "limit");
    }
}

static void keep_field(struct reader *r, size_t at, bool unicode, struct bytes *out)
{
    struct field f = read_field(r, at);
    keep_text(r, field_bytes(r, f), f.len, unicode, out);
}

static struct bytes *av_text(struct ntlm_message *out, uint16_t id)
{
    switch (id) {
    case AV_NETBIOS_COMPUTER:
        return &out->netbios_computer;
    case AV_NETBIOS_DOMAIN:
        return &out->netbios_domain;
    case AV_DNS_COMPUTER:
        return &out->dns_computer;
    case AV_DNS_DOMAIN:
        return &out->dns_domain;
    case AV_DNS_TREE:
        return &out->dns_tree;
    case AV_TARGET_NAME:
        return out->type == NTLM_AUTHENTICATE ? &out->target_spn : NULL;
    default:
        return NULL;
    }
}

/* AV_PAIRs up to the end mark, or to where the input ends. */
static void read_av_pairs(struct reader *r, struct bytes pairs)
{
    struct cursor c = cursor_over(pairs);
    for (;;) {
        uint16_t id = cursor_u16le(&c);
        uint16_t len = cursor_u16le(&c);
        struct bytes value = cursor_take(&c, len);
        if (!cursor_ok(&c) || id == AV_END) {
            return;
        }
        struct bytes *text = av_text(r->out, id);
        if (text != NULL) {
            keep_text(r, value, len, true, text);
        } else if (id == AV_TIMESTAMP && len == 8) {
            struct cursor time = cursor_over(value);
            r->out->has_time = true;
            r->out->time_is_servers = true;
            r->out->time_ns = civil_filetime_to_ns(cursor_u64le(&time));
        } else if (id == AV_CHANNEL_BINDINGS) {
            for (size_t i = 0; i < value.len; i++) {
                r->out->has_channel_bindings |= value.at[i] != 0;
            }
        }
    }
}

static void read_negotiate(struct reader *r)
{
    const uint32_t names = FLAG_DOMAIN_SUPPLIED | FLAG_WORKSTATION_SUPPLIED;
    struct cursor c = cursor_over(bytes_part(r->input, 12, 4));
    uint32_t flags = cursor_u32le(&c);
    bool has_names = (flags & names) != 0;
    bool has_version = (flags & FLAG_VERSION) != 0;
    r->out->flags = flags;
    r->fixed_len = FLAGS_END_TYPE_1;
    if (has_names || has_version || r->input.len >= FIELDS_END_TYPE_1) {
        r->fixed_len = FIELDS_END_TYPE_1;
    }
    r->end = r->fixed_len + (has_version ? VERSION_BYTES : 0);
    /* MS-NLMP 2.2.1.1: both are OEM, and nothing unless the flag says so. */
    if ((flags & FLAG_DOMAIN_SUPPLIED) != 0) {
        keep_field(r, 16, false, &r->out->domain);
    }
    if ((flags & FLAG_WORKSTATION_SUPPLIED) != 0) {
        keep_field(r, 24, false, &r->out->workstation);
    }
}

static void read_challenge(struct reader *r)
{
    struct cursor c = cursor_over(bytes_part(r->input, 20, 4));
    uint32_t flags = cursor_u32le(&c);
    r->out->flags = flags;
    r->fixed_len = (flags & FLAG_TARGET_INFO) != 0 ? INFO_END_TYPE_2 : FIXED_TYPE_2;
    r->end = r->fixed_len;
    keep_field(r, 12, (flags & FLAG_UNICODE) != 0, &r->out->domain);
    if ((flags & FLAG_TARGET_INFO) != 0) {
        read_av_pairs(r, field_bytes(r, read_field(r, 40)));
    }
}

/* Where the payload begins: the smallest offset of a field that is not empty.
 */
static size_t payload_start(const struct reader *r)
{
    size_t start = SIZE_MAX;
    for (size_t at = 12; at <= 44; at += 8) {
        struct field f = read_field(r, at);
        start = f.len > 0 && f.offset < start ? f.offset : start;
    }
    return start;
}

static void read_authenticate(struct reader *r)
{
    struct ntlm_message *out = r->out;
    struct field lm = read_field(r, 12);
    struct field nt = read_field(r, 20);
    r->fixed_len = payload_start(r) < FLAGS_END_TYPE_3 ? FIXED_TYPE_3 : FLAGS_END_TYPE_3;
    r->end = r->fixed_len;
    if (r->fixed_len == FLAGS_END_TYPE_3) {
        struct cursor c = cursor_over(bytes_part(r->input, 60, 4));
        out->flags = cursor_u32le(&c);
        (void)field_bytes(r, read_field(r, 52)); /* session key: only its place counts */
    }
    bool unicode = (out->flags & FLAG_UNICODE) != 0;
    keep_field(r, 28, unicode, &out->domain);
    keep_field(r, 36, unicode, &out->user);
    keep_field(r, 44, unicode, &out->workstation);
    out->lm_response_len = lm.len;
    out->nt_response_len = nt.len;
    out->is_anonymous = nt.len == 0 && read_field(r, 36).len == 0;
    (void)field_bytes(r, lm);

    struct bytes response = field_bytes(r, nt);
    struct cursor version = cursor_over(bytes_part(response, 16, 2));
    if (nt.len < V2_RESPONSE_BYTES_MIN || cursor_u16le(&version) != 0x0101) {
        return; /* NTLMv1: 24 bytes of nothing that we keep */
    }
    read_av_pairs(r, bytes_part(response, V2_AV_AT, response.len));
    struct cursor time = cursor_over(bytes_part(response, V2_TIME_AT, 8));
    uint64_t filetime = cursor_u64le(&time);
    if (!out->has_time && cursor_ok(&time) && filetime != 0 && response.len == nt.len) {
        out->has_time = true;
        out->time_ns = civil_filetime_to_ns(filetime);
    }
}

/* Signature and type; the fixed part that the type has at least. */
static enum verdict read_head(struct reader *r, size_t *fixed_min)
{
    const struct bytes signature = {.at = (const uint8_t *)SIGNATURE, .len = SIGNATURE_BYTES};
    struct bytes seen = bytes_part(r->input, 0, SIGNATURE_BYTES);
    if (!bytes_equal(seen, bytes_part(signature, 0, seen.len))) {
        return flaw_set(r->flaw, 0, "no NTLMSSP signature", "MS-NLMP 2.2.1");
    }
    struct cursor c = cursor_over(r->input);
    cursor_skip(&c, SIGNATURE_BYTES);
    uint32_t type = cursor_u32le(&c);
    if (!cursor_ok(&c)) {
        return VERDICT_MORE;
    }
    switch (type) {
    case NTLM_NEGOTIATE:
        r->out->type = NTLM_NEGOTIATE;
        *fixed_min = FLAGS_END_TYPE_1;
        return VERDICT_DONE;
    case NTLM_CHALLENGE:
        r->out->type = NTLM_CHALLENGE;
        *fixed_min = FIXED_TYPE_2;
        return VERDICT_DONE;
    case NTLM_AUTHENTICATE:
        r->out->type = NTLM_AUTHENTICATE;
        *fixed_min = FIXED_TYPE_3;
        return VERDICT_DONE;
    default:
        return flaw_set(r->flaw, SIGNATURE_BYTES, "unknown message type", "MS-NLMP 2.2.1");
    }
}

enum verdict ntlm_decode(struct bytes input, struct arena *arena, struct ntlm_message *out,
                         size_t *used, struct flaw *flaw)
{
    size_t fixed_min = 0;
    struct reader r = {
        .input = input, .arena = arena, .out = out, .flaw = flaw, .verdict = VERDICT_DONE};
    *out = (struct ntlm_message){0};
    *used = 0;
    enum verdict v = read_head(&r, &fixed_min);
    if (v != VERDICT_DONE) {
        return v;
    }
    if (input.len < fixed_min) {
        return VERDICT_MORE;
    }
    switch (out->type) {
    case NTLM_NEGOTIATE:
        read_negotiate(&r);
        break;
    case NTLM_CHALLENGE:
        read_challenge(&r);
        break;
    case NTLM_AUTHENTICATE:
        read_authenticate(&r);
        break;
    }
    if (r.verdict != VERDICT_DONE) {
        return r.verdict;
    }
    *used = r.end;
    out->complete = input.len >= r.end;
    return out->complete ? VERDICT_DONE : VERDICT_MORE;
}

#include "decode/ccm.h"

#include "base/civil.h"
#include "base/cursor.h"
#include "decode/ccm_xml.h"
#include "decode/utf16.h"

#define ZLIB_CONST /* next_in is const */
#include <zlib.h>

#define PARTS_MAX 16          /* of one body; a registration has two */
#define BOUNDARY_BYTES_MAX 70 /* RFC 2046 5.1.1 */
#define YEAR_MIN 1678         /* what int64_t nanoseconds hold */
#define YEAR_MAX 2261

/* ---- text of one part ---- */

/* RFC 1950 2.2: deflate with a window, and the check bits. */
static bool looks_deflated(struct bytes b)
{
    uint8_t method = bytes_u8_at(b, 0);
    return b.len >= 2 && (method & 0x0f) == Z_DEFLATED && method >> 4 <= 7 &&
           bytes_u16be_at(b, 0) % 31 == 0;
}

/* Making an inflater costs as much as inflating a message with it, so one is kept. */
static struct {
    z_stream stream;
    bool is_made;
} kept;

static z_stream *take_inflater(void)
{
    if (kept.is_made) {
        return inflateReset(&kept.stream) == Z_OK ? &kept.stream : NULL;
    }
    kept.is_made = inflateInit(&kept.stream) == Z_OK;
    return kept.is_made ? &kept.stream : NULL;
}

/* Inflates into the arena as far as it goes. false: the stream was cut, broken or too long. */
static bool inflate_part(struct bytes in, struct arena *arena, struct bytes *out)
{
    *out = (struct bytes){0};
    uint8_t *buffer = arena_reserve(arena, CCM_INFLATED_BYTES_MAX);
    z_stream *z = buffer == NULL ? NULL : take_inflater();
    if (z == NULL) {
        return false;
    }
    z->next_in = in.at;
    z->avail_in = (uInt)in.len;
    z->next_out = buffer;
    z->avail_out = CCM_INFLATED_BYTES_MAX;
    int result = inflate(z, Z_FINISH);
    *out = (struct bytes){.at = buffer, .len = CCM_INFLATED_BYTES_MAX - z->avail_out};
    /* The buffer's unused end goes back. */
    arena_trim(arena, buffer, out->len);
    return result == Z_STREAM_END;
}

/* Bytes of XML in whatever encoding, as UTF-8. false: no room. */
static bool to_utf8(struct bytes in, struct arena *arena, struct bytes *out)
{
    uint16_t mark = bytes_u16be_at(in, 0);
    /* Without a mark: one of the two bytes of an ASCII character is NUL. */
    bool is_little = mark == 0xfffe || (mark >= 0x100 && mark % 0x100 == 0);
    bool is_big = mark == 0xfeff || (mark > 0 && mark < 0x100);
    *out = in;
    if (is_little || is_big) {
        size_t skip = mark == 0xfffe || mark == 0xfeff ? 2 : 0;
        return utf16_to_utf8(bytes_part(in, skip, in.len), is_big, arena, out);
    }
    if (mark == 0xefbb && bytes_u8_at(in, 2) == 0xbf) {
        *out = bytes_part(in, 3, in.len);
    }
    return true;
}

/* The payload ends with NULs, which are no XML. */
static struct bytes without_nuls(struct bytes text)
{
    while (text.len > 0 && bytes_u8_at(text, text.len - 1) == 0) {
        text.len--;
    }
    return text;
}

/* One part, or a plain body. false: it was visibly cut. */
static bool read_part(struct bytes content, bool ends_by_frame, struct arena *arena,
                      struct ccm_found *found)
{
    struct bytes text = {0};
    bool complete = true;
    size_t mark = arena->used;
    if (looks_deflated(content)) {
        struct bytes inflated;
        complete = inflate_part(content, arena, &inflated);
        content = inflated.len > 0 ? inflated : content;
        ends_by_frame = true; /* zlib says where it ends */
    }
    if (!to_utf8(content, arena, &text)) {
        complete = false;
    }
    text = without_nuls(text);
    size_t start = 0;
    while (start < text.len && bytes_u8_at(text, start) <= ' ') {
        start++;
    }
    if (bytes_u8_at(text, start) == '<') {
        bool root_ended = ccm_xml_read(bytes_part(text, start, text.len), found);
        complete = complete && (root_ended || ends_by_frame);
    }
    arena_rewind(arena, mark);
    return complete;
}

/* ---- the parts of a body ---- */

/* The value of boundary= in a Content-Type (RFC 2046 5.1.1), quoted or not. */
static struct bytes boundary_from_type(struct bytes type)
{
    for (size_t at = bytes_find(type, ';', 0); at < type.len; at = bytes_find(type, ';', at + 1)) {
        struct bytes parameter = bytes_trim(bytes_part(type, at + 1, type.len));
        if (!bytes_begins_nocase(parameter, "boundary=")) {
            continue;
        }
        struct bytes value = bytes_part(parameter, 9, parameter.len);
        if (bytes_u8_at(value, 0) == '"') {
            value = bytes_part(value, 1, value.len);
            return bytes_part(value, 0, bytes_find(value, '"', 0));
        }
        return bytes_trim(bytes_part(value, 0, bytes_find(value, ';', 0)));
    }
    return (struct bytes){0};
}

/* The first line, when it is "--boundary". */
static struct bytes boundary_from_body(struct bytes body)
{
    struct bytes line = bytes_part(body, 0, bytes_find(body, '\n', 0));
    if (line.len == body.len || !bytes_begins_nocase(line, "--")) {
        return (struct bytes){0};
    }
    if (bytes_u8_at(line, line.len - 1) == '\r') {
        line.len--;
    }
    return bytes_trim(bytes_part(line, 2, line.len));
}

/* Offset of the next "--boundary" that begins a line, at or after from; body.len: none. */
static size_t find_delimiter(struct bytes body, struct bytes boundary, size_t from)
{
    for (size_t at = bytes_find(body, '-', from); at < body.len;
         at = bytes_find(body, '-', at + 1)) {
        bool begins_line = at == 0 || bytes_u8_at(body, at - 1) == '\n';
        if (begins_line && bytes_u8_at(body, at + 1) == '-' &&
            bytes_equal(bytes_part(body, at + 2, boundary.len), boundary)) {
            return at;
        }
    }
    return body.len;
}

/* Without the line break that belongs to the delimiter. */
static struct bytes without_line_end(struct bytes part)
{
    if (part.len > 0 && bytes_u8_at(part, part.len - 1) == '\n') {
        part.len--;
    }
    if (part.len > 0 && bytes_u8_at(part, part.len - 1) == '\r') {
        part.len--;
    }
    return part;
}

/* What follows the part's header: the first empty line ends it. Empty when there is none. */
static struct bytes part_content(struct bytes part)
{
    for (size_t at = 0; at < part.len;) {
        size_t end = bytes_find(part, '\n', at);
        if (without_line_end(bytes_part(part, at, end - at + 1)).len == 0) {
            return bytes_part(part, end + 1, part.len);
        }
        at = end + 1;
    }
    return (struct bytes){0};
}

/* false: the body ends before its closing delimiter, or a part was cut. */
static bool read_parts(struct bytes body, struct bytes boundary, struct arena *arena,
                       struct ccm_found *found)
{
    bool complete = true;
    size_t at = find_delimiter(body, boundary, 0);
    for (size_t i = 0; i < PARTS_MAX && at < body.len; i++) {
        size_t start = at + 2 + boundary.len;
        if (bytes_is(bytes_part(body, start, 2), "--")) {
            return complete;
        }
        /* The rest of the delimiter's line may be blanks. */
        start = bytes_find(body, '\n', start);
        size_t next = find_delimiter(body, boundary, start);
        struct bytes part = bytes_part(body, start + 1, next - start);
        bool has_end = next < body.len;
        if (has_end) {
            part = without_line_end(bytes_part(body, start + 1, next - start - 1));
        }
        complete = read_part(part_content(part), has_end, arena, found) && complete;
        at = next;
    }
    return false;
}

/* ---- what was found ---- */

/* Unsigned number of exactly len digits; moves the cursor. */
static bool read_digits(struct cursor *c, size_t len, unsigned *out)
{
    uint64_t value = 0;
    bool ok = bytes_to_u64(cursor_take(c, len), UINT32_MAX, &value);
    *out = (unsigned)value;
    return ok;
}

static bool read_character(struct cursor *c, const char *allowed)
{
    struct bytes set = bytes_of(allowed);
    uint8_t seen = cursor_u8(c);
    return cursor_ok(c) && bytes_find(set, seen, 0) < set.len;
}

static uint8_t peek(const struct cursor *c)
{
    return bytes_u8_at((struct bytes){.at = c->at, .len = c->left}, 0);
}

/* Behind the seconds: ".fraction", then nothing, "Z", or "+hh:mm". */
static bool read_time_tail(struct cursor *c, int64_t *fraction_ns, int64_t *offset_s)
{
    unsigned hours = 0;
    unsigned minutes = 0;
    if (peek(c) == '.' || peek(c) == ',') {
        int64_t unit = NS_PER_S;
        cursor_skip(c, 1);
        while (peek(c) >= '0' && peek(c) <= '9') {
            unit /= 10; /* digits beyond the ninth count for nothing */
            *fraction_ns += (int64_t)(cursor_u8(c) - '0') * unit;
        }
    }
    if (c->left == 0) {
        return true;
    }
    uint8_t sign = cursor_u8(c);
    if (sign == 'Z' || sign == 'z') {
        return c->left == 0;
    }
    if ((sign != '+' && sign != '-') || !read_digits(c, 2, &hours)) {
        return false;
    }
    if (peek(c) == ':') {
        cursor_skip(c, 1);
    }
    if (!read_digits(c, 2, &minutes) || hours > 23 || minutes > 59) {
        return false;
    }
    *offset_s = ((int64_t)hours * 60 + minutes) * 60;
    *offset_s = sign == '-' ? -*offset_s : *offset_s;
    return c->left == 0;
}

/* ISO 8601, "2026-11-22T10:00:00Z"; without a zone it is UTC too. */
static bool parse_time(struct bytes text, int64_t *time_ns)
{
    struct cursor c = cursor_over(text);
    struct civil civil = {0};
    unsigned year = 0;
    int64_t seconds = 0;
    int64_t fraction_ns = 0;
    int64_t offset_s = 0;
    bool ok = read_digits(&c, 4, &year) && read_character(&c, "-") &&
              read_digits(&c, 2, &civil.month) && read_character(&c, "-") &&
              read_digits(&c, 2, &civil.day) && read_character(&c, "Tt ") &&
              read_digits(&c, 2, &civil.hour) && read_character(&c, ":") &&
              read_digits(&c, 2, &civil.minute) && read_character(&c, ":") &&
              read_digits(&c, 2, &civil.second) && read_time_tail(&c, &fraction_ns, &offset_s);
    civil.year = (int)year;
    if (!ok || year < YEAR_MIN || year > YEAR_MAX || !civil_to_seconds(&civil, &seconds)) {
        return false;
    }
    *time_ns = (seconds - offset_s) * NS_PER_S + fraction_ns;
    return true;
}

static struct bytes value_of(const struct ccm_found *found, enum ccm_value value)
{
    return (struct bytes){.at = (const uint8_t *)found->values[value], .len = found->lens[value]};
}

/* Copies what was found into the arena; what does not fit stays empty. */
static void tell(const struct ccm_found *found, struct arena *arena, struct ccm_message *out)
{
    struct bytes address = value_of(found, CCM_TARGET_ADDRESS);
    enum ccm_value id = found->lens[CCM_SMS_ID] != 0 ? CCM_SMS_ID : CCM_SOURCE_ID;
    out->recognised = found->has_message || found->has_request;
    (void)arena_copy(arena, value_of(found, CCM_SOURCE_HOST), &out->source_host);
    (void)arena_copy(arena, value_of(found, CCM_TARGET_HOST), &out->target_host);
    (void)arena_copy(arena, value_of(found, CCM_TARGET_ENDPOINT), &out->target_endpoint);
    (void)arena_copy(arena, value_of(found, CCM_REQUEST_TYPE), &out->request_type);
    (void)arena_copy(arena, value_of(found, id), &out->sms_id);
    (void)arena_copy(arena, value_of(found, CCM_NETBIOS_NAME), &out->netbios_name);
    (void)arena_copy(arena, value_of(found, CCM_FQ_NAME), &out->fq_name);
    out->is_registration =
        found->has_request ||
        bytes_is_nocase(value_of(found, CCM_TARGET_ENDPOINT), "MP_ClientRegistration") ||
        bytes_is_nocase(address, "mp:MP_ClientRegistration");
    out->has_sent_time = parse_time(value_of(found, CCM_SENT_TIME), &out->sent_time_ns);
    out->has_request_time = parse_time(value_of(found, CCM_REQUEST_TIME), &out->request_time_ns);
}

void ccm_decode(struct bytes body, struct bytes content_type, struct arena *arena,
                struct ccm_message *out)
{
    struct ccm_found found = {0};
    *out = (struct ccm_message){.complete = true};
    if (body.len == 0) {
        return;
    }
    struct bytes boundary = boundary_from_type(content_type);
    if (boundary.len == 0 || boundary.len > BOUNDARY_BYTES_MAX ||
        find_delimiter(body, boundary, 0) == body.len) {
        boundary = boundary_from_body(body);
    }
    if (boundary.len > 0 && boundary.len <= BOUNDARY_BYTES_MAX) {
        out->complete = read_parts(body, boundary, arena, &found);
    } else {
        out->complete = read_part(body, false, arena, &found);
    }
    tell(&found, arena, out);
}

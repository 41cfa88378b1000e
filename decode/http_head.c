/* The grammar of an HTTP/1.x head (RFC 9112 3, 4, 5), lenient where senders are. */
#include "decode/http_private.h"

#include "base/cursor.h"

#include <string.h>

#define HTTP_VERSION_LEN 8 /* "HTTP/1.1" */

/* RFC 9110 5.6.2 tchar. */
static bool is_token_char(uint8_t c)
{
    if ((c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9')) {
        return true;
    }
    return c != 0 && strchr("!#$%&'*+-.^_`|~", c) != NULL;
}

static bool is_digit(uint8_t c)
{
    return c >= '0' && c <= '9';
}

static bool is_alphanumeric(uint8_t c)
{
    return is_digit(c) || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

/* Methods in the wild are capitals, with '_' (CCM_POST) or '-' (M-SEARCH, VERSION-CONTROL). */
static bool is_method_char(uint8_t c, bool strict)
{
    return strict ? (c >= 'A' && c <= 'Z') || c == '_' || c == '-' : is_token_char(c);
}

/* b against the beginning of a text of ours: MORE when b is shorter and agrees. */
static enum verdict prefix_check(struct bytes b, const char *text)
{
    struct bytes want = bytes_of(text);
    if (b.len < want.len) {
        return bytes_equal_nocase(b, bytes_part(want, 0, b.len)) ? VERDICT_MORE : VERDICT_BAD;
    }
    return bytes_begins_nocase(b, text) ? VERDICT_DONE : VERDICT_BAD;
}

/* "HTTP/1." DIGIT SP DIGIT */
static enum verdict response_start_check(struct bytes b)
{
    struct bytes want = bytes_of("HTTP/1.");
    if (b.len < want.len) {
        return bytes_equal(b, bytes_part(want, 0, b.len)) ? VERDICT_MORE : VERDICT_BAD;
    }
    if (!bytes_equal(bytes_part(b, 0, want.len), want) ||
        (b.len > want.len && !is_digit(bytes_u8_at(b, want.len))) ||
        (b.len > want.len + 1 && bytes_u8_at(b, want.len + 1) != ' ')) {
        return VERDICT_BAD;
    }
    return b.len > want.len + 1 ? VERDICT_DONE : VERDICT_MORE;
}

/* The target forms: origin, absolute, authority (CONNECT only), asterisk (RFC 9112 3.2). */
static enum verdict target_start_check(struct bytes method, struct bytes target)
{
    uint8_t c = bytes_u8_at(target, 0);
    if (bytes_is(method, "CONNECT")) {
        return is_alphanumeric(c) || c == '[' ? VERDICT_DONE : VERDICT_BAD;
    }
    if (c == '/') {
        return VERDICT_DONE;
    }
    if (c == '*') {
        return target.len == 1 ? VERDICT_MORE
                               : (bytes_u8_at(target, 1) == ' ' ? VERDICT_DONE : VERDICT_BAD);
    }
    return prefix_check(target, "http");
}

enum verdict http_start_check(struct bytes b, bool is_request, bool strict)
{
    if (!is_request) {
        return response_start_check(b);
    }
    size_t len = 0;
    while (len < b.len && len <= HTTP_METHOD_BYTES_MAX &&
           is_method_char(bytes_u8_at(b, len), strict)) {
        len++;
    }
    if (len > HTTP_METHOD_BYTES_MAX) {
        return VERDICT_BAD;
    }
    if (len == b.len) {
        return VERDICT_MORE;
    }
    if (len == 0 || bytes_u8_at(b, len) != ' ') {
        return VERDICT_BAD;
    }
    struct bytes target = bytes_part(b, len + 1, b.len);
    if (target.len == 0) {
        return VERDICT_MORE;
    }
    if (!strict) {
        return bytes_u8_at(target, 0) > ' ' ? VERDICT_DONE : VERDICT_BAD;
    }
    return target_start_check(bytes_part(b, 0, len), target);
}

bool http_looks_like_request(struct bytes b)
{
    return http_start_check(bytes_part(b, 0, HTTP_LOOK_BYTES), true, true) == VERDICT_DONE;
}

bool http_looks_like_response(struct bytes b)
{
    b = bytes_part(b, 0, HTTP_LOOK_BYTES);
    return bytes_u8_at(b, 6) == '.' && response_start_check(b) != VERDICT_BAD;
}

/* "HTTP/1." DIGIT */
static bool version_parse(struct bytes b, unsigned *minor)
{
    if (b.len != HTTP_VERSION_LEN || !bytes_equal(bytes_part(b, 0, 7), bytes_of("HTTP/1.")) ||
        !is_digit(bytes_u8_at(b, 7))) {
        return false;
    }
    *minor = (unsigned)(bytes_u8_at(b, 7) - '0');
    return true;
}

/* Splits authority, host [":" port], at the port; brackets of an IPv6 literal stay. */
static void host_set(struct http_message *m, struct bytes authority)
{
    size_t at = bytes_find(authority, '@', 0); /* userinfo: RFC 9110 4.2.4 */
    if (at < authority.len) {
        authority = bytes_part(authority, at + 1, authority.len);
    }
    size_t from = 0;
    if (bytes_u8_at(authority, 0) == '[') {
        from = bytes_find(authority, ']', 0);
    }
    size_t colon = bytes_find(authority, ':', from);
    m->host = authority;
    m->host_port = 0;
    /* Two colons and no brackets: an IPv6 address without them. */
    if (colon == authority.len || bytes_find(authority, ':', colon + 1) < authority.len) {
        return;
    }
    uint64_t port = 0;
    m->host = bytes_part(authority, 0, colon);
    if (bytes_to_u64(bytes_part(authority, colon + 1, authority.len), UINT16_MAX, &port)) {
        m->host_port = (uint16_t)port;
    }
}

static void target_split(struct http_message *m)
{
    struct bytes rest = m->target;
    if (bytes_is(m->method, "CONNECT")) {
        host_set(m, rest);
        return;
    }
    size_t scheme_len = bytes_begins_nocase(rest, "http://")    ? 7
                        : bytes_begins_nocase(rest, "https://") ? 8
                                                                : 0;
    if (scheme_len > 0) {
        rest = bytes_part(rest, scheme_len, rest.len);
        size_t len = 0;
        while (len < rest.len && strchr("/?#", bytes_u8_at(rest, len)) == NULL) {
            len++;
        }
        host_set(m, bytes_part(rest, 0, len));
        rest = bytes_part(rest, len, rest.len);
    }
    rest = bytes_part(rest, 0, bytes_find(rest, '?', 0));
    m->path = bytes_part(rest, 0, bytes_find(rest, '#', 0));
}

static bool request_line(struct http_message *out, struct bytes line, bool strict)
{
    if (line.len < HTTP_VERSION_LEN + 1 ||
        !version_parse(bytes_part(line, line.len - HTTP_VERSION_LEN, HTTP_VERSION_LEN),
                       &out->version_minor)) {
        return false;
    }
    struct bytes rest = bytes_part(line, 0, line.len - HTTP_VERSION_LEN);
    size_t space = bytes_find(rest, ' ', 0);
    if (space == 0 || space > HTTP_METHOD_BYTES_MAX || bytes_u8_at(rest, rest.len - 1) != ' ') {
        return false;
    }
    for (size_t i = 0; i < space; i++) {
        if (!is_method_char(bytes_u8_at(rest, i), strict)) {
            return false;
        }
    }
    out->method = bytes_part(rest, 0, space);
    out->target = bytes_trim(bytes_part(rest, space, rest.len));
    for (size_t i = 0; i < out->target.len; i++) {
        /* Some clients leave blanks in the target; control characters nobody sends. */
        uint8_t c = bytes_u8_at(out->target, i);
        if (c < ' ' || c == 0x7f || (strict && c == ' ')) {
            return false;
        }
    }
    if (out->target.len == 0) {
        return false;
    }
    target_split(out);
    return true;
}

/* HTTP-version SP 3DIGIT [SP reason]; many servers leave the reason and its blank out. */
static bool status_line(struct http_message *out, struct bytes line)
{
    if (!version_parse(bytes_part(line, 0, HTTP_VERSION_LEN), &out->version_minor) ||
        bytes_u8_at(line, HTTP_VERSION_LEN) != ' ') {
        return false;
    }
    struct bytes rest = bytes_trim(bytes_part(line, HTTP_VERSION_LEN, line.len));
    uint64_t status = 0;
    if (!bytes_to_u64(bytes_part(rest, 0, 3), 999, &status) || status < 100 ||
        (rest.len > 3 && bytes_u8_at(rest, 3) != ' ')) {
        return false;
    }
    out->status = (unsigned)status;
    return true;
}

bool http_start_line(struct http_message *out, struct bytes line, bool is_request, bool strict)
{
    line = bytes_trim(line);
    return is_request ? request_line(out, line, strict) : status_line(out, line);
}

/* What a header field does. */
enum field_kind {
    FIELD_OTHER,
    FIELD_FIRST,  /* its first value is kept in a slot of the message */
    FIELD_VALUES, /* its values are kept in a list of the message */
    FIELD_HOST,
    FIELD_CONNECTION,
    FIELD_CONTENT_LENGTH,
    FIELD_EXPECT,
    FIELD_TRANSFER_ENCODING,
    FIELD_NODE,
    FIELD_FRONT_TLS,
};

enum sender { SENDER_ANY, SENDER_CLIENT, SENDER_SERVER };

struct field {
    const char *name;
    enum field_kind kind;
    enum sender sender; /* in messages of the other it means nothing */
    size_t offset;      /* of the slot or list in struct http_message */
};

#define SLOT(member) offsetof(struct http_message, member)

static const struct field fields[] = {
    {"Allow", FIELD_FIRST, SENDER_ANY, SLOT(allow)},
    {"Authorization", FIELD_VALUES, SENDER_CLIENT, SLOT(authorization)},
    {"Connection", FIELD_CONNECTION, SENDER_ANY, 0},
    {"Content-Length", FIELD_CONTENT_LENGTH, SENDER_ANY, 0},
    {"Content-Type", FIELD_FIRST, SENDER_ANY, SLOT(content_type)},
    {"Date", FIELD_FIRST, SENDER_ANY, SLOT(date)},
    {"Expect", FIELD_EXPECT, SENDER_CLIENT, 0},
    {"Front-End-Https", FIELD_FRONT_TLS, SENDER_CLIENT, 0},
    {"Host", FIELD_HOST, SENDER_CLIENT, 0},
    {"Location", FIELD_FIRST, SENDER_ANY, SLOT(location)},
    {"Proxy-Authenticate", FIELD_VALUES, SENDER_SERVER, SLOT(proxy_authenticate)},
    {"Proxy-Authorization", FIELD_VALUES, SENDER_CLIENT, SLOT(proxy_authorization)},
    {"Server", FIELD_FIRST, SENDER_ANY, SLOT(server)},
    {"Transfer-Encoding", FIELD_TRANSFER_ENCODING, SENDER_ANY, 0},
    {"User-Agent", FIELD_FIRST, SENDER_ANY, SLOT(user_agent)},
    {"Via", FIELD_FIRST, SENDER_ANY, SLOT(via)},
    {"WWW-Authenticate", FIELD_VALUES, SENDER_SERVER, SLOT(www_authenticate)},
};

/* The same for names that begin with X-. */
static const struct field own_fields[] = {
    {"X-Forwarded-Proto", FIELD_FRONT_TLS, SENDER_CLIENT, 0},
    {"X-Forwarded-Scheme", FIELD_FRONT_TLS, SENDER_CLIENT, 0},
    {"X-Forwarded-Ssl", FIELD_FRONT_TLS, SENDER_CLIENT, 0},
    {"X-Powered-By", FIELD_FIRST, SENDER_SERVER, SLOT(powered_by)},
#define HTTP_NODE_HEADER(name) {name, FIELD_NODE, SENDER_SERVER, 0},
#include "decode/http_nodes.def"
#undef HTTP_NODE_HEADER
};

static const struct field *field_find(struct bytes name, bool is_request)
{
    static const struct field other = {"", FIELD_OTHER, SENDER_ANY, 0};
    enum sender stranger = is_request ? SENDER_SERVER : SENDER_CLIENT;
    bool is_own = bytes_begins_nocase(name, "X-");
    const struct field *list = is_own ? own_fields : fields;
    size_t num =
        is_own ? sizeof own_fields / sizeof own_fields[0] : sizeof fields / sizeof fields[0];
    for (size_t i = 0; i < num; i++) {
        if (list[i].sender != stranger && bytes_is_nocase(name, list[i].name)) {
            return &list[i];
        }
    }
    return &other;
}

static void values_add(struct http_values *v, struct bytes value)
{
    if (v->num < HTTP_HEADER_VALUES_MAX) {
        v->at[v->num++] = value;
    }
}

/* The first of several wins; only lists may repeat (RFC 9110 5.3). */
static void value_set(struct bytes *slot, struct bytes value)
{
    if (slot->at == NULL) {
        *slot = value;
    }
}

/* Takes the next item off a comma-separated list. */
static struct bytes list_next(struct bytes *list)
{
    size_t comma = bytes_find(*list, ',', 0);
    struct bytes item = bytes_trim(bytes_part(*list, 0, comma));
    *list = bytes_part(*list, comma + 1, list->len);
    return item;
}

/* "5", and "5, 5" that some proxies make of two equal fields (RFC 9110 8.6). */
static void content_length_set(struct http_head *h, struct bytes value)
{
    do {
        uint64_t length = 0;
        if (!bytes_to_u64(list_next(&value), UINT64_MAX, &length) ||
            (h->message.has_content_length && h->message.content_length != length)) {
            h->bad_length = true;
            return;
        }
        h->message.has_content_length = true;
        h->message.content_length = length;
    } while (value.len > 0);
}

static void transfer_encoding_set(struct http_head *h, struct bytes value)
{
    while (value.len > 0) {
        struct bytes coding = list_next(&value);
        if (coding.len > 0 && !bytes_is_nocase(coding, "identity")) {
            h->has_transfer_encoding = true;
            h->is_chunked = bytes_is_nocase(coding, "chunked");
        }
    }
}

static bool list_has(struct bytes list, const char *item)
{
    while (list.len > 0) {
        if (bytes_is_nocase(list_next(&list), item)) {
            return true;
        }
    }
    return false;
}

static void field_set(struct http_head *h, const struct field *field, struct bytes value)
{
    struct http_message *m = &h->message;
    void *slot = (uint8_t *)m + field->offset;
    switch (field->kind) {
    case FIELD_FIRST:
        value_set(slot, value);
        break;
    case FIELD_VALUES:
        values_add(slot, value);
        break;
    case FIELD_HOST:
        /* An empty or a second Host changes nothing. */
        if (!h->has_host && value.len > 0) {
            host_set(m, value);
            h->has_host = true;
        }
        break;
    case FIELD_CONNECTION:
        m->connection_close = m->connection_close || list_has(value, "close");
        break;
    case FIELD_CONTENT_LENGTH:
        content_length_set(h, value);
        break;
    case FIELD_EXPECT:
        h->expects_continue = h->expects_continue || bytes_is_nocase(value, "100-continue");
        break;
    case FIELD_TRANSFER_ENCODING:
        transfer_encoding_set(h, value);
        break;
    case FIELD_NODE:
        if (m->node_header == NULL && value.len > 0) {
            m->node_header = field->name;
            m->node = value;
        }
        break;
    case FIELD_FRONT_TLS:
        m->is_behind_tls =
            m->is_behind_tls || bytes_is_nocase(value, "https") || bytes_is_nocase(value, "on");
        break;
    case FIELD_OTHER:
        break;
    }
}

/* Takes the next line off the head, without its CR LF or LF. */
static struct bytes line_next(struct bytes *head)
{
    size_t end = bytes_find(*head, '\n', 0);
    struct bytes line = bytes_part(*head, 0, end);
    *head = bytes_part(*head, end + 1, head->len);
    while (line.len > 0 && bytes_u8_at(line, line.len - 1) == '\r') {
        line.len--;
    }
    return line;
}

bool http_head_parse(struct http_head *out, struct bytes head, bool is_request)
{
    *out = (struct http_head){.message.is_request = is_request};
    if (!http_start_line(&out->message, line_next(&head), is_request, false)) {
        return false;
    }
    while (head.len > 0) {
        struct bytes line = line_next(&head);
        size_t colon = bytes_find(line, ':', 0);
        if (colon < line.len) {
            struct bytes name = bytes_trim(bytes_part(line, 0, colon));
            field_set(out, field_find(name, is_request),
                      bytes_trim(bytes_part(line, colon + 1, line.len)));
        }
    }
    return true;
}

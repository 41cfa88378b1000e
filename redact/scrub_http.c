/* Heads of HTTP messages: what is no name stays (methods, known paths, lengths, dates, schemes),
 * names get pseudonyms, tokens are opened and scrubbed, everything else becomes x. */
#include "redact/scrub.h"

#include "base/cursor.h"
#include "decode/negotiate.h"

#include <stdlib.h>
#include <string.h>

#define TOKEN_BYTES_MAX 196608 /* base64 characters of a token: as long as a head may be */

enum treatment { TREAT_BLANK, TREAT_KEEP, TREAT_NAME, TREAT_AUTH, TREAT_TYPE, TREAT_PRODUCT };

struct header {
    const char *name;
    enum treatment treatment;
};

static const struct header headers[] = {
    {"Content-Length", TREAT_KEEP},
    {"Transfer-Encoding", TREAT_KEEP},
    {"Connection", TREAT_KEEP},
    {"Proxy-Connection", TREAT_KEEP},
    {"Keep-Alive", TREAT_KEEP},
    {"Expect", TREAT_KEEP},
    {"Date", TREAT_KEEP},
    {"Allow", TREAT_KEEP},
    {"Persistent-Auth", TREAT_KEEP},
    {"Content-Type", TREAT_TYPE},
    {"Host", TREAT_NAME},
    {"Location", TREAT_NAME},
    {"Via", TREAT_NAME},
    {"Server", TREAT_PRODUCT},
    {"User-Agent", TREAT_PRODUCT},
    {"Authorization", TREAT_AUTH},
    {"Proxy-Authorization", TREAT_AUTH},
    {"WWW-Authenticate", TREAT_AUTH},
    {"Proxy-Authenticate", TREAT_AUTH},
    {"Accept", TREAT_BLANK},
    {"Accept-Encoding", TREAT_BLANK},
    {"Cache-Control", TREAT_BLANK},
    {"Cookie", TREAT_BLANK},
    {"Set-Cookie", TREAT_BLANK},
    {"Referer", TREAT_BLANK},
    {"X-Powered-By", TREAT_PRODUCT},
    {"X-Forwarded-Proto", TREAT_KEEP},
    {"X-Forwarded-Scheme", TREAT_KEEP},
    {"X-Forwarded-Ssl", TREAT_KEEP},
    {"Front-End-Https", TREAT_KEEP},
#define HTTP_NODE_HEADER(name) {name, TREAT_NAME},
#include "decode/http_nodes.def"
#undef HTTP_NODE_HEADER
};

/* Programs that everybody runs; the version behind the slash stays when it is only numbers. */
static const char *const products[] = {
    "Microsoft-IIS",
    "Microsoft-HTTPAPI",
    "Apache",
    "nginx",
    "lighttpd",
    "ccmhttp",
    "ccmsetup",
    "curl",
    "Mozilla",
    "Python-urllib",
    "python-requests",
    "squid",
    "HTTPD",
    "WinRM",
    "BITS",
    "Microsoft-CryptoAPI",
    "SMS",
    "ASP.NET",
};

static const char *const reasons[] = {
    "OK",
    "Unauthorized",
    "Forbidden",
    "Not Found",
    "Bad Request",
    "Internal Server Error",
    "Service Unavailable",
    "Proxy Authentication Required",
    "Found",
    "Moved Permanently",
    "No Content",
    "Continue",
    "Method Not Allowed",
    "Accepted",
    "Created",
    "Bad Gateway",
    "Gateway Timeout",
    "Request Timeout",
    "Service Temporarily Unavailable",
    "Not Modified",
    "Not Implemented",
};

static const char *const types[] = {
    "text/html",
    "text/plain",
    "text/xml",
    "application/xml",
    "application/octet-stream",
    "multipart/mixed",
    "application/json",
    "application/soap+xml",
    "application/kerberos",
};

#define NUM_OF(list) (sizeof(list) / sizeof(list)[0])

static bool is_one_of(struct bytes b, const char *const *list, size_t num)
{
    for (size_t i = 0; i < num; i++) {
        if (bytes_is_nocase(b, list[i])) {
            return true;
        }
    }
    return false;
}

static bool is_base64(uint8_t c)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '+' ||
           c == '/' || c == '=';
}

/* RFC 4648 4 over whole groups; len characters, the last ones perhaps '='. */
static void encode(uint8_t *out, size_t len, const uint8_t *in, size_t in_len)
{
    static const char alphabet[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (size_t i = 0; i < len && out[i] != '='; i++) {
        size_t bit = 6 * i;
        unsigned high = bit / 8 < in_len ? in[bit / 8] : 0;
        unsigned low = bit / 8 + 1 < in_len ? in[bit / 8 + 1] : 0;
        out[i] = (uint8_t)alphabet[(high << 8 | low) >> (10 - bit % 8) & 63];
    }
}

/* The token is opened as far as its characters come in fours, scrubbed and closed again. */
static void token(struct pseudonyms *p, uint8_t *at, size_t len)
{
    size_t whole = len - len % 4;
    size_t out_len = 0;
    uint8_t *open = whole == 0 || len > TOKEN_BYTES_MAX ? NULL : malloc(whole);
    if (open == NULL ||
        !base64_decode((struct bytes){.at = at, .len = whole}, open, whole, &out_len)) {
        pseudonym_blank(p, at, len);
    } else {
        scrub_token(p, open, out_len);
        encode(at, whole, open, out_len);
        pseudonym_blank(p, at + whole, len - whole);
    }
    free(open);
}

/* realm="corp" and its like: the word before = stays. */
static void parameter(struct pseudonyms *p, uint8_t *at, size_t len)
{
    struct bytes b = {.at = at, .len = len};
    static const char *const names[] = {"realm", "charset", "stale", "algorithm", "qop"};
    size_t equals = bytes_find(b, '=', 0);
    bool is_known =
        equals < len && is_one_of(bytes_trim(bytes_part(b, 0, equals)), names, NUM_OF(names));
    if (is_known) {
        pseudonym_text(p, at + equals + 1, len - equals - 1);
    } else {
        pseudonym_blank(p, at, len);
    }
}

/* Schemes, tokens and parameters between blanks and commas. */
static void auth(struct pseudonyms *p, uint8_t *at, size_t len)
{
    static const char *const schemes[] = {"Negotiate", "Kerberos", "NTLM",   "Nego2",
                                          "Basic",     "Digest",   "Bearer", "PKU2U"};
    static const char *const opened[] = {"Negotiate", "Kerberos", "NTLM"};
    bool opens = false;
    for (size_t i = 0; i < len;) {
        if (at[i] == ' ' || at[i] == '\t' || at[i] == ',' || at[i] == '\r' || at[i] == '\n') {
            i++;
            continue;
        }
        size_t end = i;
        bool is_plain = true;
        bool is_quoted = false;
        while (end < len && (is_quoted || (at[end] != ' ' && at[end] != '\t' && at[end] != ','))) {
            is_quoted = at[end] == '"' ? !is_quoted : is_quoted;
            is_plain = is_plain && is_base64(at[end]);
            end++;
        }
        struct bytes word = {.at = at + i, .len = end - i};
        if (is_one_of(word, schemes, NUM_OF(schemes))) {
            opens = is_one_of(word, opened, NUM_OF(opened));
        } else if (opens && is_plain) {
            token(p, at + i, end - i);
            opens = false;
        } else {
            parameter(p, at + i, end - i);
        }
        i = end;
    }
}

static void product(struct pseudonyms *p, uint8_t *at, size_t len)
{
    for (size_t i = 0; i < len;) {
        size_t end = i;
        while (end < len && at[end] != ' ') {
            end++;
        }
        struct bytes word = {.at = at + i, .len = end - i};
        size_t slash = bytes_find(word, '/', 0);
        bool is_known = is_one_of(bytes_part(word, 0, slash), products, NUM_OF(products));
        for (size_t j = slash + 1; j < word.len; j++) {
            is_known = is_known && ((word.at[j] >= '0' && word.at[j] <= '9') || word.at[j] == '.');
        }
        if (!is_known) {
            pseudonym_blank(p, at + i, end - i);
        }
        i = end + 1;
    }
}

/* The type, charset= and boundary= stay when they are ones that everybody uses. */
static void content_type(struct pseudonyms *p, uint8_t *at, size_t len)
{
    struct bytes b = {.at = at, .len = len};
    size_t end = bytes_find(b, ';', 0);
    if (!is_one_of(bytes_trim(bytes_part(b, 0, end)), types, NUM_OF(types))) {
        pseudonym_blank(p, at, end < len ? end : len);
    }
    while (end < len) {
        size_t next = bytes_find(b, ';', end + 1);
        struct bytes part = bytes_trim(bytes_part(b, end + 1, next - end - 1));
        bool is_known = bytes_is_nocase(part, "charset=utf-8") ||
                        bytes_is_nocase(part, "charset=utf-16") ||
                        bytes_is_nocase(part, "boundary=\"aAbBcCdDv1234567890VxXyYzZ\"");
        if (bytes_begins_nocase(part, "boundary=") && !is_known) {
            size_t value = (size_t)(part.at - at) + 9; /* the body is rewritten without it */
            pseudonym_blank(p, at + value, part.len - 9);
        } else if (!is_known) {
            pseudonym_blank(p, at + end + 1, next - end - 1);
        }
        end = next;
    }
}

/* Only what headers of lengths, dates and connections need; a value with more is no such value. */
static bool is_harmless(struct bytes b)
{
    static const char *const words[] = {
        "close",    "keep-alive", "chunked", "gzip",    "deflate",      "identity", "upgrade",
        "timeout",  "max",        "true",    "false",   "100-continue", "GMT",      "UTC",
        "Mon",      "Tue",        "Wed",     "Thu",     "Fri",          "Sat",      "Sun",
        "Jan",      "Feb",        "Mar",     "Apr",     "May",          "Jun",      "Jul",
        "Aug",      "Sep",        "Oct",     "Nov",     "Dec",          "GET",      "HEAD",
        "POST",     "PUT",        "DELETE",  "OPTIONS", "TRACE",        "CCM_POST", "BITS_POST",
        "PROPFIND", "PATCH",      "http",    "https",   "on",           "off"};
    for (size_t i = 0; i < b.len;) {
        uint8_t c = b.at[i];
        bool is_word = (c | 0x20) >= 'a' && (c | 0x20) <= 'z';
        size_t end = i + 1;
        while (is_word && end < b.len &&
               (is_base64(b.at[end]) || b.at[end] == '-' || b.at[end] == '_') && b.at[end] != '=') {
            end++;
        }
        if (c >= 0x80 || (is_word && !is_one_of(bytes_part(b, i, end - i), words, NUM_OF(words)) &&
                          !bytes_begins_nocase(bytes_part(b, i, end - i), "100-continue"))) {
            return false;
        }
        i = end;
    }
    return true;
}

static void header_line(struct pseudonyms *p, uint8_t *at, size_t len)
{
    struct bytes line = {.at = at, .len = len};
    size_t colon = bytes_find(line, ':', 0);
    enum treatment treatment = TREAT_BLANK;
    bool is_known = false;
    for (size_t i = 0; i < NUM_OF(headers) && !is_known && colon < len; i++) {
        is_known = bytes_is_nocase(bytes_part(line, 0, colon), headers[i].name);
        treatment = is_known ? headers[i].treatment : TREAT_BLANK;
    }
    if (!is_known) {
        pseudonym_blank(p, at, len);
        return;
    }
    uint8_t *value = at + colon + 1;
    size_t value_len = len - colon - 1;
    switch (treatment) {
    case TREAT_KEEP:
        if (!is_harmless((struct bytes){.at = value, .len = value_len})) {
            pseudonym_blank(p, value, value_len);
        }
        break;
    case TREAT_NAME:
        pseudonym_text(p, value, value_len);
        break;
    case TREAT_AUTH:
        auth(p, value, value_len);
        break;
    case TREAT_TYPE:
        content_type(p, value, value_len);
        break;
    case TREAT_PRODUCT:
        product(p, value, value_len);
        break;
    case TREAT_BLANK:
        pseudonym_blank(p, value, value_len);
        break;
    }
}

/* METHOD target HTTP/1.1, or HTTP/1.1 status reason. */
static void start_line(struct pseudonyms *p, uint8_t *at, size_t len)
{
    struct bytes line = {.at = at, .len = len};
    size_t space = bytes_find(line, ' ', 0);
    if (space >= len) {
        return; /* nothing but a method, or its beginning */
    }
    if (bytes_begins_nocase(line, "HTTP/1.")) {
        size_t reason = bytes_find(line, ' ', space + 1);
        if (reason < len &&
            !is_one_of(bytes_trim(bytes_part(line, reason, len)), reasons, NUM_OF(reasons))) {
            pseudonym_blank(p, at + reason, len - reason);
        }
        return;
    }
    size_t end = len;
    while (end > space + 1 && at[end - 1] != ' ') {
        end--;
    }
    bool has_version = end > space + 1 && bytes_begins_nocase(bytes_part(line, end, len), "HTTP/");
    pseudonym_text(p, at + space + 1, (has_version ? end : len) - space - 1);
}

void scrub_http(struct pseudonyms *p, uint8_t *at, size_t len)
{
    bool is_first = true;
    for (size_t i = 0; i < len;) {
        struct bytes all = {.at = at, .len = len};
        size_t end = bytes_find(all, '\n', i);
        size_t line_end = end > i && end <= len && at[end - 1] == '\r' ? end - 1 : end;
        if (is_first) {
            start_line(p, at + i, line_end - i);
        } else if (line_end > i) {
            header_line(p, at + i, line_end - i);
        }
        is_first = false;
        i = end + 1;
    }
}

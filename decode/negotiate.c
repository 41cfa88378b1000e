#include "decode/negotiate.h"

#include "base/cursor.h"

/* A header value under way. */
struct reader {
    struct bytes value;
    size_t at;
};

static uint8_t peek(const struct reader *r)
{
    return bytes_u8_at(r->value, r->at); /* 0 at the end: no character of any token */
}

static bool at_end(const struct reader *r)
{
    return r->at >= r->value.len;
}

static bool is_blank(uint8_t c)
{
    return c == ' ' || c == '\t';
}

static bool is_letter_or_digit(uint8_t c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

/* tchar, RFC 9110 5.6.2. */
static bool is_token_char(uint8_t c)
{
    return is_letter_or_digit(c) || (c != 0 && bytes_find(bytes_of("!#$%&'*+-.^_`|~"), c, 0) < 15);
}

static void skip_blanks(struct reader *r)
{
    while (is_blank(peek(r))) {
        r->at++;
    }
}

static struct bytes read_token(struct reader *r)
{
    size_t start = r->at;
    while (is_token_char(peek(r))) {
        r->at++;
    }
    return bytes_part(r->value, start, r->at - start);
}

/* RFC 9110 5.6.4; one that never ends takes the rest. */
static void skip_quoted(struct reader *r)
{
    r->at++;
    while (!at_end(r) && peek(r) != '"') {
        r->at += peek(r) == '\\' ? 2 : 1;
    }
    r->at++;
}

/* To the next comma outside quotes, or the end. */
static void skip_element(struct reader *r)
{
    size_t comma = bytes_find(r->value, ',', r->at);
    size_t quote = bytes_find(r->value, '"', r->at);
    while (quote < comma) {
        r->at = quote;
        skip_quoted(r);
        comma = comma < r->at ? bytes_find(r->value, ',', r->at) : comma;
        quote = bytes_find(r->value, '"', r->at);
    }
    r->at = comma;
}

/* Is the text at r "name=value"? Padding of a token68 is no value (RFC 9110 11.2). */
static bool is_parameter(const struct reader *r)
{
    struct reader ahead = *r;
    if (read_token(&ahead).len == 0) {
        return false;
    }
    skip_blanks(&ahead);
    if (peek(&ahead) != '=') {
        return false;
    }
    ahead.at++;
    skip_blanks(&ahead);
    return peek(&ahead) == '"' || is_token_char(peek(&ahead));
}

static enum auth_scheme scheme_from(struct bytes name)
{
    for (int s = AUTH_NEGOTIATE; s < AUTH_OTHER; s++) {
        if (bytes_is_nocase(name, auth_scheme_name((enum auth_scheme)s))) {
            return (enum auth_scheme)s;
        }
    }
    return AUTH_OTHER;
}

static bool carries_token(enum auth_scheme scheme)
{
    return scheme == AUTH_NEGOTIATE || scheme == AUTH_KERBEROS || scheme == AUTH_NTLM ||
           scheme == AUTH_NEGO2;
}

static void add_scheme(struct auth *auth, enum auth_scheme scheme)
{
    if (!auth_offers(auth, scheme) && auth->num_schemes < AUTH_SCHEMES_MAX) {
        auth->schemes[auth->num_schemes++] = scheme;
    }
}

static void decode_ntlm(struct auth *auth, struct bytes message, struct arena *arena)
{
    size_t used = 0;
    struct ntlm_message *ntlm = arena_alloc(arena, sizeof *ntlm);
    if (ntlm == NULL || message.len == 0) {
        return;
    }
    /* MORE with no type yet says nothing. */
    if (ntlm_decode(message, arena, ntlm, &used, NULL) != VERDICT_BAD && ntlm->type != 0) {
        auth->ntlm = ntlm;
    }
}

/* The token's characters to gss and ntlm. A token whose end was cut still shows its beginning. */
static void decode_token(struct auth *auth, struct bytes text, bool is_complete,
                         struct arena *arena)
{
    size_t len = 0;
    if (!is_complete) {
        while (text.len > 0 && (bytes_u8_at(text, text.len - 1) == '=' || text.len % 4 == 1)) {
            text.len--;
        }
    }
    size_t size = text.len / 4 * 3 + 3;
    uint8_t *raw = arena_alloc(arena, size);
    if (raw == NULL) {
        return;
    }
    if (!base64_decode(text, raw, size, &len)) {
        auth->bad_base64 = true;
        return;
    }
    struct bytes token = {.at = raw, .len = len};
    if (auth->token_scheme == AUTH_NTLM) {
        decode_ntlm(auth, token, arena);
        return;
    }
    struct gss_token *gss = arena_alloc(arena, sizeof *gss);
    if (gss == NULL) {
        return;
    }
    /* BAD sets the form all the same: a broken token is still a token. */
    (void)gss_token_decode(token, arena, gss, NULL);
    gss->complete = gss->complete && is_complete;
    auth->gss = gss;
    decode_ntlm(auth, gss->ntlm, arena);
}

/* What follows a scheme of ours: nothing, a token, or parameters that nobody defined. */
static void read_credentials(struct auth *auth, struct reader *r, enum auth_scheme scheme,
                             bool is_complete, struct arena *arena)
{
    size_t start = r->at;
    if (is_parameter(r)) {
        return;
    }
    skip_element(r);
    bool is_cut = at_end(r) && !is_complete;
    struct bytes text = bytes_trim(bytes_part(r->value, start, r->at - start));
    if (text.len == 0 || auth->token_scheme != AUTH_NONE) {
        return;
    }
    auth->token_scheme = scheme;
    auth->token_len = text.len;
    auth->header_len = r->value.len;
    decode_token(auth, text, !is_cut, arena);
}

void auth_add(struct auth *auth, struct bytes value, bool is_complete, struct arena *arena)
{
    struct reader r = {.value = value};
    /* 1#challenge, RFC 9110 11.6.1: the comma separates challenges and their parameters alike, so
     * an element is a scheme unless it is "name=value". */
    while (!at_end(&r)) {
        skip_blanks(&r);
        if (peek(&r) == ',') {
            r.at++;
            continue;
        }
        if (is_parameter(&r)) {
            skip_element(&r);
            continue;
        }
        struct bytes name = read_token(&r);
        bool ends_name = at_end(&r) ? is_complete : is_blank(peek(&r)) || peek(&r) == ',';
        if (name.len == 0 || !ends_name) {
            skip_element(&r);
            continue;
        }
        enum auth_scheme scheme = scheme_from(name);
        add_scheme(auth, scheme);
        skip_blanks(&r);
        if (carries_token(scheme)) {
            read_credentials(auth, &r, scheme, is_complete, arena);
        } else if (!is_parameter(&r)) {
            skip_element(&r);
        }
    }
}

bool auth_offers(const struct auth *auth, enum auth_scheme scheme)
{
    for (size_t i = 0; i < auth->num_schemes; i++) {
        if (auth->schemes[i] == scheme) {
            return true;
        }
    }
    return false;
}

const char *auth_scheme_name(enum auth_scheme scheme)
{
    switch (scheme) {
    case AUTH_NONE:
        return "none";
    case AUTH_NEGOTIATE:
        return "Negotiate";
    case AUTH_KERBEROS:
        return "Kerberos";
    case AUTH_NTLM:
        return "NTLM";
    case AUTH_NEGO2:
        return "Nego2";
    case AUTH_BASIC:
        return "Basic";
    case AUTH_DIGEST:
        return "Digest";
    case AUTH_BEARER:
        return "Bearer";
    case AUTH_OTHER:
        break;
    }
    return "other";
}

/* RFC 4648 table 1; 64 for any other character. */
static uint32_t sextet(uint8_t c)
{
    /* clang-format off */
    static const uint8_t values['z' - '+' + 1] = { /* from '+' to 'z' */
        62, 64, 64, 64, 63, 52, 53, 54, 55, 56, 57, 58, 59, 60, 61, 64,
        64, 64, 64, 64, 64, 64, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9,
        10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25,
        64, 64, 64, 64, 64, 64, 26, 27, 28, 29, 30, 31, 32, 33, 34, 35,
        36, 37, 38, 39, 40, 41, 42, 43, 44, 45, 46, 47, 48, 49, 50, 51,
    };
    /* clang-format on */
    return c >= '+' && c <= 'z' ? values[c - '+'] : 64;
}

bool base64_decode(struct bytes in, uint8_t *out, size_t size, size_t *len)
{
    uint32_t group = 0;
    size_t padding = 0;
    *len = 0;
    /* Padding, when there is any, fills the last group of four. */
    while (padding < 2 && in.len > 0 && bytes_u8_at(in, in.len - 1) == '=') {
        in.len--;
        padding++;
    }
    size_t i = 0;
    for (; i + 4 <= in.len && *len + 3 <= size; i += 4) {
        uint32_t word = bytes_u32be_at(in, i);
        uint32_t bits[4] = {sextet((uint8_t)(word >> 24)), sextet((uint8_t)(word >> 16)),
                            sextet((uint8_t)(word >> 8)), sextet((uint8_t)word)};
        if ((bits[0] | bits[1] | bits[2] | bits[3]) > 63) {
            break; /* some of them may be good */
        }
        group = bits[0] << 18 | bits[1] << 12 | bits[2] << 6 | bits[3];
        out[*len] = (uint8_t)(group >> 16);
        out[*len + 1] = (uint8_t)(group >> 8);
        out[*len + 2] = (uint8_t)group;
        *len += 3;
    }
    for (; i < in.len; i++) {
        uint32_t bits = sextet(bytes_u8_at(in, i));
        if (bits > 63) {
            return false;
        }
        group = group << 6 | bits;
        if (i % 4 != 0) {
            if (*len >= size) {
                return false;
            }
            out[(*len)++] = (uint8_t)(group >> (6 - 2 * (i % 4)));
        }
    }
    return in.len % 4 != 1 && (padding == 0 || (in.len + padding) % 4 == 0);
}

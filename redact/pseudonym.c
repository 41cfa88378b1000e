#include "redact/pseudonym_private.h"

#include "base/cursor.h"

#include <nettle/hmac.h>
#include <string.h>

#define ROUNDS 10
#define TAG_BYTES 16

/* Words that name no one: service classes, well-known principals, parts of service look-ups, and
 * what HTTP and Configuration Manager call everywhere the same. Lower case, ascending not needed:
 * the list is short and only walked under --redact. */
static const char *const known_words[] = {
#define KNOWN_WORD(word) word,
#include "redact/known_words.def"
#undef KNOWN_WORD
};

void pseudonym_key(struct pseudonyms *p, struct bytes secret)
{
    struct sha256_ctx context;
    sha256_init(&context);
    sha256_update(&context, secret.len, secret.at);
    sha256_digest(&context, sizeof p->key, p->key);
    memset(p->known, 0, sizeof p->known);
}

static uint8_t lower(uint8_t c)
{
    return c >= 'A' && c <= 'Z' ? c | 0x20 : c;
}

static bool is_letter(uint8_t c)
{
    return lower(c) >= 'a' && lower(c) <= 'z';
}

static bool is_digit(uint8_t c)
{
    return c >= '0' && c <= '9';
}

void pseudonym_mac_of(const struct pseudonyms *p, uint8_t domain, struct bytes a, struct bytes b,
                      uint8_t out[SHA256_DIGEST_SIZE])
{
    struct hmac_sha256_ctx context;
    uint8_t head[3] = {domain, (uint8_t)(a.len >> 8), (uint8_t)a.len};
    hmac_sha256_set_key(&context, sizeof p->key, p->key);
    hmac_sha256_update(&context, sizeof head, head);
    if (a.len > 0) {
        hmac_sha256_update(&context, a.len, a.at);
    }
    if (b.len > 0) {
        hmac_sha256_update(&context, b.len, b.at);
    }
    hmac_sha256_digest(&context, SHA256_DIGEST_SIZE, out);
}

/* A letter or digit moved by amount within its kind. */
static uint8_t shift(uint8_t c, unsigned amount)
{
    if (is_digit(c)) {
        return (uint8_t)('0' + (c - '0' + amount) % 10);
    }
    return (uint8_t)('a' + (lower(c) - 'a' + amount) % 26);
}

/* One round: every letter and digit of half `to` moves by a stream that the other half keys. The
 * pattern of kinds is the same before and after, so the rounds can be undone: no two labels meet.
 */
static void feistel_round(const struct pseudonyms *p, uint8_t round, uint8_t *label, size_t len,
                          bool second)
{
    size_t half = len / 2;
    struct bytes other = {.at = second ? label : label + half, .len = second ? half : len - half};
    size_t from = second ? half : 0;
    size_t to = second ? len : half;
    uint8_t stream[SHA256_DIGEST_SIZE];
    for (size_t i = from; i < to; i++) {
        if ((i - from) % (SHA256_DIGEST_SIZE / 2) == 0) {
            uint8_t tweak[] = {round, (uint8_t)len, (uint8_t)((i - from) / 16)};
            pseudonym_mac_of(p, 'L', (struct bytes){.at = tweak, .len = sizeof tweak}, other,
                             stream);
        }
        unsigned at = 2 * (unsigned)((i - from) % (SHA256_DIGEST_SIZE / 2));
        unsigned amount = (unsigned)stream[at] << 8 | stream[at + 1];
        if (is_letter(label[i]) || is_digit(label[i])) {
            label[i] = shift(label[i], amount);
        }
    }
}

static void map_label(struct pseudonyms *p, uint8_t *at, size_t len)
{
    uint8_t label[PSEUDONYM_LABEL_MAX];
    if (len == 0) {
        return;
    }
    for (size_t i = 0; i < len; i++) {
        label[i] = at[i] >= 0x80 ? 'x' : lower(at[i]);
    }
    for (uint8_t round = 0; round < ROUNDS; round++) {
        feistel_round(p, round, label, len, round % 2 == 0);
    }
    for (size_t i = 0; i < len; i++) {
        bool is_upper = at[i] >= 'A' && at[i] <= 'Z';
        at[i] = is_upper && is_letter(label[i]) ? (uint8_t)(label[i] & ~0x20) : label[i];
    }
    p->num[REDACTED_NAMES]++;
}

static bool is_known(struct bytes word)
{
    for (size_t i = 0; i < sizeof known_words / sizeof known_words[0]; i++) {
        if (bytes_is_nocase(word, known_words[i])) {
            return true;
        }
    }
    return false;
}

/* Ends a label. Other punctuation (- _ $) is part of it and stays where it is. */
static bool is_separator(uint8_t c)
{
    static const char separators[] = "./@\\:,;=?&()[]<>\"'#%|{}+*!";
    return c <= ' ' || (c < 0x80 && strchr(separators, c) != NULL);
}

/* The known phrase of several words that begins here and ends where a word does: its length. */
static size_t known_phrase(struct bytes text)
{
    for (size_t i = 0; i < sizeof known_words / sizeof known_words[0]; i++) {
        struct bytes phrase = bytes_of(known_words[i]);
        size_t len = 0;
        while (len < phrase.len && len < text.len &&
               (lower(text.at[len]) == phrase.at[len] ||
                (phrase.at[len] == ' ' && text.at[len] == '+'))) {
            len++;
        }
        bool ends = len == text.len || (len < text.len && is_separator(text.at[len]));
        if (len == phrase.len && ends && bytes_find(phrase, ' ', 0) < len) {
            return len;
        }
    }
    return 0;
}

/* dc._msdcs.…: the words of a look-up for a domain controller, which else may be a host's name. */
static bool is_locator_word(struct bytes word, struct bytes rest)
{
    bool is_word = bytes_is_nocase(word, "dc") || bytes_is_nocase(word, "gc") ||
                   bytes_is_nocase(word, "pdc") || bytes_is_nocase(word, "domains");
    return is_word &&
           (bytes_begins_nocase(rest, "._msdcs") || bytes_begins_nocase(rest, "._sites"));
}

static bool is_number(struct bytes word)
{
    for (size_t i = 0; i < word.len; i++) {
        if (!is_digit(word.at[i])) {
            return false;
        }
    }
    return word.len > 0;
}

/* An address in dotted text at the start of the bytes: its length, or 0. */
static size_t dotted_len(struct bytes b, uint8_t octets[4])
{
    size_t at = 0;
    for (int i = 0; i < 4; i++) {
        uint64_t octet = 0;
        size_t end = at;
        while (end < b.len && is_digit(b.at[end])) {
            end++;
        }
        struct bytes number = bytes_part(b, at, end - at);
        bool has_zero = number.len > 1 && number.at[0] == '0';
        if (!bytes_to_u64(number, 255, &octet) || has_zero ||
            (i < 3 && bytes_u8_at(b, end) != '.')) {
            return 0;
        }
        octets[i] = (uint8_t)octet;
        at = i < 3 ? end + 1 : end;
    }
    uint8_t next = bytes_u8_at(b, at);
    return is_letter(next) || is_digit(next) || next == '.' || next == '-' ? 0 : at;
}

static void write_dotted(uint8_t *at, size_t len, const uint8_t octets[4])
{
    char buffer[16];
    struct text t;
    text_init(&t, buffer, sizeof buffer);
    text_format(&t, "%u.%u.%u.%u", octets[0], octets[1], octets[2], octets[3]);
    if (t.len == len) { /* octets keep their number of digits */
        memcpy(at, buffer, len);
    }
}

/* An IPv6 address in text at the start of the bytes: it is mapped digit by digit, and its length
 * returned; 0: none. Digits that are 0 stay, so that :: means the same. */
static size_t map_ipv6_text(struct pseudonyms *p, uint8_t *at, size_t len)
{
    size_t end = 0;
    size_t num_colons = 0;
    struct address address;
    while (
        end < len && end < 45 &&
        (is_digit(at[end]) || at[end] == ':' || (lower(at[end]) >= 'a' && lower(at[end]) <= 'f'))) {
        num_colons += at[end++] == ':';
    }
    struct bytes text = {.at = at, .len = end};
    if (num_colons < 2 || !address_parse(text, &address) || address.family != ADDRESS_IPV6) {
        return 0;
    }
    char buffer[64];
    struct text t;
    pseudonym_address(p, address.octets, 16);
    text_init(&t, buffer, sizeof buffer);
    address_print(&t, &address);
    if (t.len == end) {
        memcpy(at, buffer, end);
    } else { /* it was not in its shortest form */
        pseudonym_blank(p, at, end);
    }
    return end;
}

/* "21.0.77.10.in-addr.arpa": the octets of an address, last one first. */
static size_t map_reverse(struct pseudonyms *p, uint8_t *at, size_t len)
{
    uint8_t reversed[4], octets[4];
    struct bytes rest = {.at = at, .len = len};
    size_t suffix = 0;
    for (size_t i = 0; i + 13 <= len && i < 17 && suffix == 0; i++) {
        suffix = bytes_begins_nocase(bytes_part(rest, i, len), ".in-addr.arpa") ? i : 0;
    }
    if (suffix == 0 || dotted_len(bytes_part(rest, 0, suffix), reversed) != suffix) {
        return 0;
    }
    for (int i = 0; i < 4; i++) {
        octets[i] = reversed[3 - i];
    }
    pseudonym_address(p, octets, 4);
    for (int i = 0; i < 4; i++) {
        reversed[i] = octets[3 - i];
    }
    write_dotted(at, suffix, reversed);
    return suffix;
}

static size_t map_address_text(struct pseudonyms *p, uint8_t *at, size_t len)
{
    uint8_t octets[4];
    size_t taken = map_reverse(p, at, len);
    if (taken > 0) {
        return taken;
    }
    taken = dotted_len((struct bytes){.at = at, .len = len}, octets);
    if (taken > 0) {
        pseudonym_address(p, octets, 4);
        write_dotted(at, taken, octets);
        return taken;
    }
    return map_ipv6_text(p, at, len);
}

void pseudonym_text(struct pseudonyms *p, uint8_t *at, size_t len)
{
    size_t i = 0;
    while (i < len) {
        size_t taken = known_phrase((struct bytes){.at = at + i, .len = len - i});
        taken = taken > 0 ? taken : map_address_text(p, at + i, len - i);
        if (taken > 0) {
            i += taken;
            continue;
        }
        if (is_separator(at[i])) {
            i++;
            continue;
        }
        size_t end = i;
        while (end < len && !is_separator(at[end]) && end - i < PSEUDONYM_LABEL_MAX) {
            end++;
        }
        struct bytes word = {.at = at + i, .len = end - i};
        struct bytes rest = {.at = at + end, .len = len - end};
        if (!is_known(word) && !is_locator_word(word, rest) &&
            !(is_number(word) && i > 0 && at[i - 1] == ':')) { /* a port */
            map_label(p, at + i, end - i);
        }
        i = end;
    }
}

void pseudonym_utf16(struct pseudonyms *p, uint8_t *at, size_t len)
{
    uint8_t text[1024];
    for (size_t from = 0; from + 1 < len; from += 2 * sizeof text) {
        size_t num = (len - from) / 2 < sizeof text ? (len - from) / 2 : sizeof text;
        for (size_t i = 0; i < num; i++) {
            bool is_ascii = at[from + 2 * i + 1] == 0 && at[from + 2 * i] < 0x80;
            text[i] = is_ascii ? at[from + 2 * i] : 'x';
        }
        pseudonym_text(p, text, num);
        for (size_t i = 0; i < num; i++) {
            at[from + 2 * i] = text[i];
            at[from + 2 * i + 1] = 0;
        }
    }
}

void pseudonym_secret(struct pseudonyms *p, uint8_t *at, size_t len, enum redacted_kind kind)
{
    uint8_t tag[SHA256_DIGEST_SIZE];
    size_t kept = len < TAG_BYTES ? len : TAG_BYTES;
    pseudonym_mac_of(p, 'S', (struct bytes){0}, (struct bytes){.at = at, .len = len}, tag);
    if (len > 0) {
        memset(at, 0, len);
        memcpy(at, tag, kept);
        p->num[kind]++;
    }
}

void pseudonym_blank(struct pseudonyms *p, uint8_t *at, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (is_letter(at[i]) || is_digit(at[i]) || at[i] >= 0x80 || at[i] == 0) {
            at[i] = 'x';
        }
    }
    p->num[REDACTED_TEXTS] += len > 0;
}

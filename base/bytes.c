#include "base/bytes.h"

#include <string.h>

static uint8_t lower(uint8_t c)
{
    return c >= 'A' && c <= 'Z' ? (uint8_t)(c + ('a' - 'A')) : c;
}

struct bytes bytes_of(const char *text)
{
    if (text == NULL) {
        return (struct bytes){0};
    }
    return (struct bytes){.at = (const uint8_t *)text, .len = strlen(text)};
}

bool bytes_equal(struct bytes a, struct bytes b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.at, b.at, a.len) == 0);
}

bool bytes_equal_nocase(struct bytes a, struct bytes b)
{
    if (a.len != b.len) {
        return false;
    }
    for (size_t i = 0; i < a.len; i++) {
        if (lower(a.at[i]) != lower(b.at[i])) {
            return false;
        }
    }
    return true;
}

bool bytes_is(struct bytes a, const char *text)
{
    return bytes_equal(a, bytes_of(text));
}

bool bytes_is_nocase(struct bytes a, const char *text)
{
    return bytes_equal_nocase(a, bytes_of(text));
}

bool bytes_begins_nocase(struct bytes a, const char *text)
{
    struct bytes head = bytes_of(text);
    return a.len >= head.len && bytes_equal_nocase(bytes_part(a, 0, head.len), head);
}

bool bytes_ends_nocase(struct bytes a, const char *text)
{
    struct bytes tail = bytes_of(text);
    return a.len >= tail.len && bytes_equal_nocase(bytes_part(a, a.len - tail.len, tail.len), tail);
}

size_t bytes_find(struct bytes a, uint8_t c, size_t from)
{
    if (from >= a.len) {
        return a.len;
    }
    const uint8_t *hit = memchr(a.at + from, c, a.len - from);
    return hit == NULL ? a.len : (size_t)(hit - a.at);
}

struct bytes bytes_part(struct bytes a, size_t from, size_t len)
{
    if (from >= a.len) {
        return (struct bytes){0};
    }
    size_t left = a.len - from;
    return (struct bytes){.at = a.at + from, .len = len < left ? len : left};
}

struct bytes bytes_trim(struct bytes a)
{
    while (a.len > 0 && (a.at[0] == ' ' || a.at[0] == '\t')) {
        a.at++;
        a.len--;
    }
    while (a.len > 0 && (a.at[a.len - 1] == ' ' || a.at[a.len - 1] == '\t')) {
        a.len--;
    }
    return a;
}

bool bytes_to_u64(struct bytes a, uint64_t max, uint64_t *out)
{
    uint64_t value = 0;
    if (a.len == 0) {
        return false;
    }
    for (size_t i = 0; i < a.len; i++) {
        if (a.at[i] < '0' || a.at[i] > '9') {
            return false;
        }
        uint64_t digit = (uint64_t)(a.at[i] - '0');
        if (value > (UINT64_MAX - digit) / 10) {
            return false;
        }
        value = value * 10 + digit;
    }
    if (value > max) {
        return false;
    }
    *out = value;
    return true;
}

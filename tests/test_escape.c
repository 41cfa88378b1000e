/* Nothing that a capture holds may reach an output unescaped. */
#include "report/escape.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define B(literal) ((struct bytes){(const uint8_t *)(literal), sizeof(literal) - 1})

static char *shown(struct bytes b, bool ascii)
{
    char *out = NULL;
    size_t len = 0;
    FILE *stream = open_memstream(&out, &len);
    escape_text(stream, b, ascii);
    fclose(stream);
    cr_assert_eq(strlen(out), len, "no NUL may come out");
    return out;
}

static const struct {
    struct bytes in;
    const char *plain, *ascii;
    size_t width, ascii_width;
    bool is_utf8;
} cases[] = {
    {B(""), "", "", 0, 0, true},
    {B("HTTP/mp03.corp.test"), "HTTP/mp03.corp.test", "HTTP/mp03.corp.test", 19, 19, true},
    {B("CORP\\PC01$"), "CORP\\PC01$", "CORP\\PC01$", 10, 10, true},
    {B("a\x1b[31mb"), "a\\x1b[31mb", "a\\x1b[31mb", 10, 10, true},
    {B("a\0b"), "a\\x00b", "a\\x00b", 6, 6, true},
    {B("a\r\n\tb\x7f"), "a\\x0d\\x0a\\x09b\\x7f", "a\\x0d\\x0a\\x09b\\x7f", 18, 18, true},
    {B("<script>&\"'"), "<script>&\"'", "<script>&\"'", 11, 11, true},
    {B("M\xc3\xbcller"), "M\xc3\xbcller", "M\\xc3\\xbcller", 6, 13, true},
    {B("e\xcc\x81"), "e\xcc\x81", "e\\xcc\\x81", 1, 9, true},
    {B("\xe6\x97\xa5\xe6\x9c\xac"), "\xe6\x97\xa5\xe6\x9c\xac", "\\xe6\\x97\\xa5\\xe6\\x9c\\xac", 4,
     24, true},
    {B("\xf0\x9f\x98\x80"), "\xf0\x9f\x98\x80", "\\xf0\\x9f\\x98\\x80", 2, 16, true},
    /* CSI as one character; right-to-left override; isolates; zero width; line separator; tag */
    {B("\xc2\x9b"), "\\xc2\\x9b", "\\xc2\\x9b", 8, 8, true},
    {B("\xe2\x80\xae"), "\\xe2\\x80\\xae", "\\xe2\\x80\\xae", 12, 12, true},
    {B("\xe2\x81\xa6"), "\\xe2\\x81\\xa6", "\\xe2\\x81\\xa6", 12, 12, true},
    {B("\xe2\x80\x8b"), "\\xe2\\x80\\x8b", "\\xe2\\x80\\x8b", 12, 12, true},
    {B("\xe2\x80\xa8"), "\\xe2\\x80\\xa8", "\\xe2\\x80\\xa8", 12, 12, true},
    {B("\xf3\xa0\x81\x81"), "\\xf3\\xa0\\x81\\x81", "\\xf3\\xa0\\x81\\x81", 16, 16, true},
    {B("\xef\xbb\xbf"), "\\xef\\xbb\\xbf", "\\xef\\xbb\\xbf", 12, 12, true},
    /* not UTF-8: lone continuation, overlong '/', surrogate, beyond 10FFFF, cut sequence, FF */
    {B("\x80"), "\\x80", "\\x80", 4, 4, false},
    {B("\xc0\xaf"), "\\xc0\\xaf", "\\xc0\\xaf", 8, 8, false},
    {B("\xe0\x80\xaf"), "\\xe0\\x80\\xaf", "\\xe0\\x80\\xaf", 12, 12, false},
    {B("\xed\xa0\x80"), "\\xed\\xa0\\x80", "\\xed\\xa0\\x80", 12, 12, false},
    {B("\xf4\x90\x80\x80"), "\\xf4\\x90\\x80\\x80", "\\xf4\\x90\\x80\\x80", 16, 16, false},
    {B("ab\xe2\x82"), "ab\\xe2\\x82", "ab\\xe2\\x82", 10, 10, false},
    {B("\xc3(x"), "\\xc3(x", "\\xc3(x", 6, 6, false},
    {B("\xff"), "\\xff", "\\xff", 4, 4, false},
};

Test(escape, shows_what_it_should)
{
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char *plain = shown(cases[i].in, false);
        char *ascii = shown(cases[i].in, true);
        cr_expect_str_eq(plain, cases[i].plain, "case %zu", i);
        cr_expect_str_eq(ascii, cases[i].ascii, "case %zu", i);
        cr_expect_eq(escape_width(cases[i].in, false), cases[i].width, "case %zu", i);
        cr_expect_eq(escape_width(cases[i].in, true), cases[i].ascii_width, "case %zu", i);
        cr_expect_eq(escape_is_utf8(cases[i].in), cases[i].is_utf8, "case %zu", i);
        free(plain);
        free(ascii);
    }
}

Test(escape, replaces_for_json_and_keeps_the_bytes_in_hex)
{
    size_t len;
    char *text = escape_utf8_new(B("a\xff"
                                   "b\0\x1b\xed\xa0\x80"),
                                 &len);
    static const char expected[] = "a\xef\xbf\xbd"
                                   "b\0\x1b\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd";
    cr_assert_eq(len, sizeof expected - 1);
    cr_expect_eq(memcmp(text, expected, len), 0);
    free(text);
    text = escape_hex_new(B("a\xff\0"), &len);
    cr_assert_eq(len, 6);
    cr_expect_eq(memcmp(text, "61ff00", 6), 0);
    free(text);
    text = escape_utf8_new((struct bytes){0}, &len);
    cr_assert_not_null(text);
    cr_expect_eq(len, 0);
    free(text);
}

/* Goal: of every two bytes, what comes out is printable ASCII or well-formed UTF-8 without control
 * characters. Method: all 65536 pairs. */
Test(escape, every_pair_of_bytes_is_harmless)
{
    for (unsigned first = 0; first < 256; first++) {
        for (unsigned second = 0; second < 256; second++) {
            const uint8_t pair[] = {(uint8_t)first, (uint8_t)second};
            struct bytes in = {pair, 2};
            char *plain = shown(in, false);
            char *ascii = shown(in, true);
            struct bytes out = {(const uint8_t *)plain, strlen(plain)};
            cr_assert(escape_is_utf8(out));
            for (size_t at = 0; at < out.len;) {
                struct escape_character c = escape_next(out, at);
                cr_assert(c.code >= 0x20 && (c.code < 0x7f || c.code > 0x9f), "%02x %02x", first,
                          second);
                at += c.len;
            }
            for (const char *c = ascii; *c != '\0'; c++) {
                cr_assert(*c >= 0x20 && *c < 0x7f);
            }
            cr_assert_eq(escape_width(in, true), strlen(ascii));
            free(plain);
            free(ascii);
        }
    }
}

/* Goal: a sequence cut by the end of its memory is not read beyond it. Method: a guard page. */
Test(escape, stops_at_a_guard_page)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    uint8_t *memory =
        mmap(NULL, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    cr_assert_neq(memory, MAP_FAILED);
    cr_assert_eq(mprotect(memory + page, page, PROT_NONE), 0);
    static const uint8_t whole[] = {0xf0, 0x9f, 0x98, 0x80};
    for (size_t len = 1; len <= sizeof whole; len++) {
        uint8_t *at = memory + page - len;
        memcpy(at, whole, len);
        struct bytes b = {at, len};
        cr_expect_eq(escape_is_utf8(b), len == sizeof whole);
        cr_expect_eq(escape_width(b, false), len == sizeof whole ? 2 : 4 * len);
    }
    munmap(memory, 2 * page);
}

/* Goal: as HTML no byte of the wire is markup, unseen, or outside ASCII. */
Test(escape, html)
{
    static const struct {
        struct bytes in;
        const char *out;
    } html[] = {
        {B("HTTP/mp03.corp.test"), "HTTP/mp03.corp.test"},
        {B("<a href=\"x\">&'"), "&#x3c;a href=&#x22;x&#x22;&#x3e;&#x26;&#x27;"},
        {B("a\x1b\0\n\x7f"), "a\\u001b\\u0000\\u000a\\u007f"},
        {B("M\xc3\xbcller \xf0\x9f\x98\x80"), "M&#xfc;ller &#x1f600;"},
        {B("\xe2\x80\xae"
           "evil\xef\xbb\xbf"),
         "\\u202eevil\\ufeff"},
        {B("\xff\xc3"), "&#xfffd;&#xfffd;"},
    };
    for (size_t i = 0; i < sizeof html / sizeof html[0]; i++) {
        char *out = NULL;
        size_t len = 0;
        FILE *stream = open_memstream(&out, &len);
        size_t num = escape_html(stream, html[i].in);
        fclose(stream);
        cr_expect_str_eq(out, html[i].out, "%zu: %s", i, out);
        cr_expect_eq(num, len);
        free(out);
    }
}

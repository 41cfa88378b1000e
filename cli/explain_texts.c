#include "cli/explain_texts.h"

/* Every number of krb5asn1's tables has a text here. */
enum {
#define KRB_ERROR_TEXT(number, usual, remedy) HAS_ERROR_TEXT_##number,
#include "cli/krb_error_texts.def"
#undef KRB_ERROR_TEXT
#define NTSTATUS_TEXT(number, usual, remedy) HAS_NTSTATUS_TEXT_##number,
#include "cli/ntstatus_texts.def"
#undef NTSTATUS_TEXT
};
#define KRB_ERROR_CODE(number, name, heimdal, meaning)                                             \
    _Static_assert(HAS_ERROR_TEXT_##number >= 0, #name);
#include "krb5asn1/krb_errors.def"
#undef KRB_ERROR_CODE
#define KRB_NTSTATUS(number, name, meaning) _Static_assert(HAS_NTSTATUS_TEXT_##number >= 0, #name);
#include "krb5asn1/krb_ntstatus.def"
#undef KRB_NTSTATUS

struct advice advice_for_krb_error(int32_t code)
{
    switch (code) {
#define KRB_ERROR_TEXT(number, usual, remedy)                                                      \
    case number:                                                                                   \
        return (struct advice){usual, remedy};
#include "cli/krb_error_texts.def"
#undef KRB_ERROR_TEXT
    default:
        return (struct advice){NULL, NULL};
    }
}

struct advice advice_for_ntstatus(uint32_t status)
{
    switch (status) {
#define NTSTATUS_TEXT(number, usual, remedy)                                                       \
    case number:                                                                                   \
        return (struct advice){usual, remedy};
#include "cli/ntstatus_texts.def"
#undef NTSTATUS_TEXT
    default:
        return (struct advice){NULL, NULL};
    }
}

static const struct krb_word words[] = {
#define KRB_WORD(kind, number, name, meaning) {kind, number, name, meaning},
#include "cli/krb_words.def"
#undef KRB_WORD
};

static const struct {
    const char *prefix, *kind;
} prefixes[] = {
    {"etype-", "encryption type"}, {"pa-", "PA-DATA type"},
    {"name-type-", "name type"},   {"kdc-option-", "KDC option"},
    {"ap-option-", "AP option"},   {"kpasswd-", "password change result"},
};

static bool read_number(struct bytes text, int32_t *out)
{
    uint64_t number = 0;
    bool negative = text.len > 0 && text.at[0] == '-';
    if (!bytes_to_u64(bytes_part(text, negative ? 1 : 0, text.len), INT32_MAX, &number)) {
        return false;
    }
    *out = negative ? -(int32_t)number : (int32_t)number;
    return true;
}

const struct krb_word *krb_word_find(struct bytes word)
{
    const char *kind = NULL;
    int32_t number = 0;
    for (size_t i = 0; i < sizeof prefixes / sizeof prefixes[0] && kind == NULL; i++) {
        struct bytes prefix = bytes_of(prefixes[i].prefix);
        if (bytes_begins_nocase(word, prefixes[i].prefix) &&
            read_number(bytes_part(word, prefix.len, word.len), &number)) {
            kind = prefixes[i].kind;
        }
    }
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (kind == NULL ? bytes_is_nocase(word, words[i].name)
                         : words[i].number == number && bytes_is(bytes_of(words[i].kind), kind)) {
            return &words[i];
        }
    }
    return NULL;
}

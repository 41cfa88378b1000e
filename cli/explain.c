/* krbscope explain: what a cause, an error name or a number means. */
#include "cli/commands.h"
#include "cli/explain_texts.h"
#include "cli/message.h"
#include "diagnose/analysis.h"
#include "krb5asn1/krb.h"
#include "report/page.h"
#include "report/report.h"

#include <stdlib.h>
#include <string.h>

#define BODY_COLUMN 2
#define LIST_COLUMN 4
#define KRB_ERROR_CODE_MAX 127 /* error numbers with names lie below (RFC 4120 7.5.9 and later) */

struct cause_text {
    const char *step, *meaning, *sign, *remedy;
};

struct status_name {
    uint32_t number;
    const char *name, *meaning;
    struct advice advice;
};

static const struct status_name sspi_statuses[] = {
#define SSPI_STATUS(number, name, meaning, usual, remedy) {number, #name, meaning, {usual, remedy}},
#include "cli/sspi_status.def"
#undef SSPI_STATUS
};

/* For the numbers only; names and meanings come from krb5asn1. */
static const uint32_t ntstatuses[] = {
#define KRB_NTSTATUS(number, name, meaning) number,
#include "krb5asn1/krb_ntstatus.def"
#undef KRB_NTSTATUS
};

static const char help[] =
    "Examples:\n"
    "  krbscope explain                              all causes\n"
    "  krbscope explain spn-missing\n"
    "  krbscope explain 7                            a Kerberos error number\n"
    "  krbscope explain KDC_ERR_S_PRINCIPAL_UNKNOWN\n"
    "  krbscope explain 0x80090322                   an HRESULT, as in an IIS log (2148074274)\n"
    "  krbscope explain 0xC0000072                   an NTSTATUS\n"
    "  krbscope explain rc4-hmac                     an encryption type (etype-23)\n"
    "  krbscope explain PA-FX-FAST                   a PA-DATA type (pa-136)\n"
    "  krbscope explain NT-ENTERPRISE                a name type (name-type-10)\n"
    "  krbscope explain cname-in-addl-tkt            an option (kdc-option-14)\n"
    "\n"
    "Usage: krbscope explain [WORD]\n"
    "\n"
    "  -h, --help                 this\n"
    "\n"
    "Exit status: 0, or 2 for a word that is not known.\n";

static struct cause_text cause_text(enum cause cause)
{
    switch (cause) {
#define CAUSE_TEXT(name, step, meaning, sign, remedy)                                              \
    case CAUSE_##name:                                                                             \
        return (struct cause_text){step, meaning, sign, remedy};
#include "cli/cause_texts.def"
#undef CAUSE_TEXT
    case CAUSE_NONE:
    case CAUSE_COUNT:
        break;
    }
    return (struct cause_text){"", "", "", ""};
}

static void write_paragraph(struct page *p, const char *heading, const char *text)
{
    page_column(p, BODY_COLUMN);
    if (heading != NULL) {
        page_text(p, heading);
        page_column(p, BODY_COLUMN + LIST_COLUMN + 6);
    }
    page_text(p, text);
    page_end(p);
}

static void explain_cause(struct page *p, enum cause cause)
{
    struct cause_text text = cause_text(cause);
    enum cause general = cause_generalises(cause);
    page_text(p, cause_id(cause));
    page_end(p);
    write_paragraph(p, NULL, text.meaning);
    write_paragraph(p, "Step:", text.step);
    write_paragraph(p, "Sign:", text.sign);
    write_paragraph(p, "Remedy:", text.remedy);
    if (general != CAUSE_CAPTURE_INCOMPLETE) {
        write_paragraph(p, "Kind of:", cause_id(general));
    }
}

static void explain_number(struct page *p, const char *what, const char *number, const char *name,
                           const char *meaning, struct advice advice)
{
    page_text(p, what);
    page_text(p, number);
    page_text(p, name);
    page_end(p);
    if (meaning != NULL) {
        write_paragraph(p, NULL, meaning);
    }
    if (advice.usual != NULL) {
        write_paragraph(p, "Usually:", advice.usual);
        write_paragraph(p, "Remedy:", advice.remedy);
    }
}

static bool explain_krb_error(struct page *p, int32_t code)
{
    char buffer[32];
    struct text number;
    const char *name = krb_error_name(code);
    if (name == NULL) {
        return false;
    }
    text_init(&number, buffer, sizeof buffer);
    text_format(&number, "%d (0x%x)", (int)code, (unsigned)code);
    explain_number(p, "Kerberos error", number.at, name, krb_error_meaning(code),
                   advice_for_krb_error(code));
    return true;
}

static bool explain_status(struct page *p, uint32_t status)
{
    char buffer[32];
    struct text number;
    text_init(&number, buffer, sizeof buffer);
    text_format(&number, "0x%08x (%u)", (unsigned)status, (unsigned)status);
    if (krb_ntstatus_name(status) != NULL) {
        explain_number(p, "NTSTATUS", number.at, krb_ntstatus_name(status),
                       krb_ntstatus_meaning(status), advice_for_ntstatus(status));
        return true;
    }
    for (size_t i = 0; i < sizeof sspi_statuses / sizeof sspi_statuses[0]; i++) {
        if (sspi_statuses[i].number == status) {
            explain_number(p, "HRESULT", number.at, sspi_statuses[i].name, sspi_statuses[i].meaning,
                           sspi_statuses[i].advice);
            return true;
        }
    }
    return false;
}

static bool explain_krb_word(struct page *p, struct bytes word)
{
    char buffer[32];
    struct text number;
    const struct krb_word *found = krb_word_find(word);
    if (found == NULL) {
        return false;
    }
    text_init(&number, buffer, sizeof buffer);
    text_format(&number, "%d", (int)found->number);
    explain_number(p, found->kind, number.at, found->name, found->meaning,
                   (struct advice){NULL, NULL});
    return true;
}

static bool explain_name(struct page *p, struct bytes word)
{
    for (int32_t code = 0; code <= KRB_ERROR_CODE_MAX; code++) {
        const char *name = krb_error_name(code);
        if (name != NULL && bytes_is_nocase(word, name)) {
            return explain_krb_error(p, code);
        }
    }
    for (size_t i = 0; i < sizeof ntstatuses / sizeof ntstatuses[0]; i++) {
        const char *name = krb_ntstatus_name(ntstatuses[i]);
        if (name != NULL && bytes_is_nocase(word, name)) {
            return explain_status(p, ntstatuses[i]);
        }
    }
    for (size_t i = 0; i < sizeof sspi_statuses / sizeof sspi_statuses[0]; i++) {
        if (bytes_is_nocase(word, sspi_statuses[i].name)) {
            return explain_status(p, sspi_statuses[i].number);
        }
    }
    return false;
}

/* 7, 0x7, 2148074274, -2146893022 (an HRESULT as a signed number), c0000072. */
static bool read_number(struct bytes word, uint32_t *out)
{
    uint64_t number = 0;
    bool negative = word.len > 1 && word.at[0] == '-';
    if (bytes_to_u64(bytes_part(word, negative ? 1 : 0, word.len), UINT32_MAX, &number)) {
        *out = negative ? (uint32_t)(0 - number) : (uint32_t)number;
        return true;
    }
    size_t at = bytes_begins_nocase(word, "0x") ? 2 : 0;
    if (word.len - at == 0 || word.len - at > 8 || (at == 0 && word.len != 8)) {
        return false;
    }
    for (; at < word.len; at++) {
        static const char digits[] = "0123456789abcdef";
        uint8_t c =
            word.at[at] >= 'A' && word.at[at] <= 'F' ? (uint8_t)(word.at[at] + 32) : word.at[at];
        const char *digit = c == 0 ? NULL : strchr(digits, c);
        if (digit == NULL) {
            return false;
        }
        number = number << 4 | (uint64_t)(digit - digits);
    }
    *out = (uint32_t)number;
    return true;
}

static bool explain_word(struct page *p, struct bytes word)
{
    uint32_t number = 0;
    enum cause cause = cause_from_id(word);
    if (cause != CAUSE_NONE) {
        explain_cause(p, cause);
        return true;
    }
    if (read_number(word, &number)) {
        return (number <= INT32_MAX && explain_krb_error(p, (int32_t)number)) ||
               explain_status(p, number);
    }
    return explain_name(p, word) || explain_krb_word(p, word);
}

static void list_causes(struct page *p)
{
    for (enum cause cause = CAUSE_NONE + 1; cause < CAUSE_COUNT; cause++) {
        page_text(p, cause_id(cause));
        page_column(p, LIST_COLUMN);
        page_text(p, cause_text(cause).meaning);
        page_end(p);
    }
}

/* A number among those of errors is told to be free, so that nobody takes it for a gap of ours. */
static void set_unknown(struct trouble *trouble, struct bytes word)
{
    uint32_t number = 0;
    if (read_number(word, &number) && number <= KRB_ERROR_CODE_MAX) {
        trouble_set(trouble,
                    "%u is no Kerberos error: RFC 4120, RFC 4556, RFC 6113 and their successors "
                    "leave it unassigned.",
                    (unsigned)number);
        return;
    }
    trouble_set(trouble, "'%.*s' is no cause, no name and no number that krbscope knows.",
                (int)(word.len < 100 ? word.len : 100), word.len == 0 ? "" : (const char *)word.at);
}

int command_explain(int argc, char **argv)
{
    struct page page;
    struct trouble trouble = {{0}};
    page_init(&page, stdout, REPORT_WIDTH_DEFAULT, false, true);
    if (argc > 2) {
        trouble_set(&trouble, "One word at a time.");
        return message_usage("krbscope explain", &trouble);
    }
    struct bytes word = bytes_of(argc == 2 ? argv[1] : NULL);
    if (bytes_is(word, "--help") || bytes_is(word, "-h")) {
        (void)fputs(help, stdout);
    } else if (argc < 2) {
        list_causes(&page);
    } else if (bytes_begins_nocase(word, "--")) {
        trouble_set(&trouble, "unknown option '%.100s'.", argv[1]);
        return message_usage("krbscope explain", &trouble);
    } else if (!explain_word(&page, word)) {
        set_unknown(&trouble, word);
        return message_usage("krbscope explain", &trouble);
    }
    if (fflush(stdout) != 0 || ferror(stdout)) {
        trouble_set(&trouble, "Standard output cannot be written.");
        message(&trouble);
        return EXIT_RUN_FAILED;
    }
    return 0;
}

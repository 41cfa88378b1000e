/* The texts of `krbscope explain`: what usually lies behind a number or word, and what mends it. */
#ifndef KRBSCOPE_CLI_EXPLAIN_TEXTS_H
#define KRBSCOPE_CLI_EXPLAIN_TEXTS_H

#include "base/bytes.h"

/* Both NULL: there is no such number. */
struct advice {
    const char *usual, *remedy;
};

struct advice advice_for_krb_error(int32_t code);
struct advice advice_for_ntstatus(uint32_t status);

/* An encryption type, PA-DATA type, name type, option, or password change result. */
struct krb_word {
    const char *kind; /* "encryption type" */
    int32_t number;
    const char *name, *meaning;
};

/* By its name, or by kind and number: "etype-18", "pa-19", "name-type-10", "kdc-option-14",
 * "ap-option-2", "kpasswd-4". NULL: there is none. */
const struct krb_word *krb_word_find(struct bytes word);

#endif

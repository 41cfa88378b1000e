/* The number → name tables: spot checks by hand against the RFCs, and that nothing is named that
 * is not assigned. */
#include "krb5asn1/krb.h"

#include <criterion/criterion.h>
#include <ctype.h>
#include <string.h>

Test(names, errors_carry_the_names_of_rfc_4120)
{
    cr_assert_str_eq(krb_error_name(0), "KDC_ERR_NONE");
    cr_assert_str_eq(krb_error_name(6), "KDC_ERR_C_PRINCIPAL_UNKNOWN");
    cr_assert_str_eq(krb_error_name(7), "KDC_ERR_S_PRINCIPAL_UNKNOWN");
    cr_assert_str_eq(krb_error_name(25), "KDC_ERR_PREAUTH_REQUIRED");
    cr_assert_str_eq(krb_error_name(37), "KRB_AP_ERR_SKEW");
    cr_assert_str_eq(krb_error_name(41), "KRB_AP_ERR_MODIFIED");
    cr_assert_str_eq(krb_error_name(52), "KRB_ERR_RESPONSE_TOO_BIG");
    cr_assert_str_eq(krb_error_name(60), "KRB_ERR_GENERIC");
    cr_assert_str_eq(krb_error_name(68), "KDC_ERR_WRONG_REALM");
    /* RFC 4556 3.1.3; Heimdal counts these one too low */
    cr_assert_str_eq(krb_error_name(77), "KDC_ERR_INCONSISTENT_KEY_PURPOSE");
    cr_assert_str_eq(krb_error_name(81), "KDC_ERR_PUBLIC_KEY_ENCRYPTION_NOT_SUPPORTED");
    cr_assert_str_eq(krb_error_name(91), "KDC_ERR_MORE_PREAUTH_DATA_REQUIRED");
}

Test(names, unassigned_errors_have_none)
{
    static const int32_t unassigned[] = {-1, 30, 53, 54, 55, 56,  57,  58,        59,       82,
                                         83, 84, 87, 88, 89, 101, 128, INT32_MAX, INT32_MIN};
    for (size_t i = 0; i < sizeof unassigned / sizeof unassigned[0]; i++) {
        cr_assert_null(krb_error_name(unassigned[i]), "%d", unassigned[i]);
        cr_assert_null(krb_error_meaning(unassigned[i]), "%d", unassigned[i]);
    }
}

/* A capital or a digit first, a full stop last, no line break: fit to stand in a report. */
static void check_sentence(const char *sentence, long number)
{
    size_t len = strlen(sentence);
    cr_assert_gt(len, 5, "%ld", number);
    cr_assert_leq(len, 90, "%ld: %s", number, sentence);
    cr_assert(isupper((unsigned char)sentence[0]), "%ld: %s", number, sentence);
    cr_assert_eq(sentence[len - 1], '.', "%ld: %s", number, sentence);
    cr_assert_null(strchr(sentence, '\n'), "%ld", number);
}

Test(names, every_named_error_has_a_sentence)
{
    size_t named = 0;
    for (int32_t code = -200; code <= 200; code++) {
        cr_assert_eq(krb_error_name(code) == NULL, krb_error_meaning(code) == NULL, "%d", code);
        if (krb_error_name(code) != NULL) {
            check_sentence(krb_error_meaning(code), code);
            named++;
        }
    }
    cr_assert_eq(named, 83);
}

Test(names, ntstatus_values_of_the_account_have_names_and_sentences)
{
    static const struct {
        uint32_t status;
        const char *name;
    } known[] = {
        {0xC0000064, "STATUS_NO_SUCH_USER"},
        {0xC000006A, "STATUS_WRONG_PASSWORD"},
        {0xC000006D, "STATUS_LOGON_FAILURE"},
        {0xC000006E, "STATUS_ACCOUNT_RESTRICTION"},
        {0xC000006F, "STATUS_INVALID_LOGON_HOURS"},
        {0xC0000070, "STATUS_INVALID_WORKSTATION"},
        {0xC0000071, "STATUS_PASSWORD_EXPIRED"},
        {0xC0000072, "STATUS_ACCOUNT_DISABLED"},
        {0xC000005E, "STATUS_NO_LOGON_SERVERS"},
        {0xC0000133, "STATUS_TIME_DIFFERENCE_AT_DC"},
        {0xC000015B, "STATUS_LOGON_TYPE_NOT_GRANTED"},
        {0xC000018A, "STATUS_NO_TRUST_LSA_SECRET"},
        {0xC000018B, "STATUS_NO_TRUST_SAM_ACCOUNT"},
        {0xC000018C, "STATUS_TRUSTED_DOMAIN_FAILURE"},
        {0xC000018D, "STATUS_TRUSTED_RELATIONSHIP_FAILURE"},
        {0xC0000192, "STATUS_NETLOGON_NOT_STARTED"},
        {0xC0000193, "STATUS_ACCOUNT_EXPIRED"},
        {0xC0000224, "STATUS_PASSWORD_MUST_CHANGE"},
        {0xC0000234, "STATUS_ACCOUNT_LOCKED_OUT"},
        {0xC000035B, "STATUS_BAD_BINDINGS"},
        {0xC0000388, "STATUS_DOWNGRADE_DETECTED"},
        {0xC0000413, "STATUS_AUTHENTICATION_FIREWALL_FAILED"},
    };
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        cr_assert_str_eq(krb_ntstatus_name(known[i].status), known[i].name);
        check_sentence(krb_ntstatus_meaning(known[i].status), (long)known[i].status);
    }
    cr_assert_null(krb_ntstatus_name(0xC0000063));
    cr_assert_null(krb_ntstatus_meaning(0xFFFFFFFF));
}

Test(names, etypes_padata_and_name_types)
{
    cr_assert_str_eq(krb_etype_name(18), "aes256-cts-hmac-sha1-96");
    cr_assert_str_eq(krb_etype_name(17), "aes128-cts-hmac-sha1-96");
    cr_assert_str_eq(krb_etype_name(23), "rc4-hmac");
    cr_assert_str_eq(krb_etype_name(3), "des-cbc-md5");
    cr_assert_str_eq(krb_etype_name(-135), "rc4-hmac-old-exp");
    cr_assert_str_eq(krb_etype_name(-128), "rc4-md4");
    cr_assert_null(krb_etype_name(4));
    cr_assert_null(krb_etype_name(-4096)); /* Heimdal's own, never on the wire */

    cr_assert_str_eq(krb_padata_name(1), "PA-TGS-REQ");
    cr_assert_str_eq(krb_padata_name(2), "PA-ENC-TIMESTAMP");
    cr_assert_str_eq(krb_padata_name(19), "PA-ETYPE-INFO2");
    cr_assert_str_eq(krb_padata_name(128), "PA-PAC-REQUEST");
    cr_assert_str_eq(krb_padata_name(136), "PA-FX-FAST");
    cr_assert_str_eq(krb_padata_name(167), "PA-PAC-OPTIONS");
    cr_assert_null(krb_padata_name(0));
    cr_assert_null(krb_padata_name(4));

    cr_assert_str_eq(krb_name_type_name(1), "NT-PRINCIPAL");
    cr_assert_str_eq(krb_name_type_name(2), "NT-SRV-INST");
    cr_assert_str_eq(krb_name_type_name(10), "NT-ENTERPRISE");
    cr_assert_str_eq(krb_name_type_name(-128), "NT-MS-PRINCIPAL");
    cr_assert_null(krb_name_type_name(8));
}

Test(names, message_types)
{
    cr_assert_str_eq(krb_type_name(KRB_AS_REQ), "AS-REQ");
    cr_assert_str_eq(krb_type_name(KRB_TGS_REP), "TGS-REP");
    cr_assert_str_eq(krb_type_name(KRB_ERROR_MSG), "KRB-ERROR");
    cr_assert_null(krb_type_name(KRB_NONE));
    cr_assert_null(krb_type_name((enum krb_type)99));
}

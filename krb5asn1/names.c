/* The tables of the .def files as functions. Each is a switch, so a number that is entered twice is
 * a duplicate case label; and each number is compared with Heimdal's where Heimdal has it. */
#include <krb5_err.h>

#include "krb5asn1/heimdal.h"
#include "krb5asn1/krb.h"

#define NOT_IN_HEIMDAL(number) (number)

#define KRB_PADATA_TYPE(number, name, heimdal)                                                     \
    _Static_assert((number) == (heimdal), "krb_padata.def: " name);
#include "krb5asn1/krb_padata.def"
#undef KRB_PADATA_TYPE

#define KRB_ETYPE(number, name, heimdal)                                                           \
    _Static_assert((number) == (heimdal), "krb_etypes.def: " name);
#include "krb5asn1/krb_etypes.def"
#undef KRB_ETYPE

#define KRB_NAME_TYPE(number, name, heimdal)                                                       \
    _Static_assert((number) == (heimdal), "krb_name_types.def: " name);
#include "krb5asn1/krb_name_types.def"
#undef KRB_NAME_TYPE

/* krb5_err.h counts from the base of its table. */
#undef NOT_IN_HEIMDAL
#define NOT_IN_HEIMDAL(number) (ERROR_TABLE_BASE_krb5 + (number))
#define KRB_ERROR_CODE(number, name, heimdal, meaning)                                             \
    _Static_assert(ERROR_TABLE_BASE_krb5 + (number) == (heimdal), "krb_errors.def: " #name);
#include "krb5asn1/krb_errors.def"
#undef KRB_ERROR_CODE

/* Our message types are the MESSAGE-TYPE numbers of RFC 4120 5.10 too. */
_Static_assert((int)KRB_AS_REQ == (int)krb_as_req, "AS-REQ");
_Static_assert((int)KRB_AS_REP == (int)krb_as_rep, "AS-REP");
_Static_assert((int)KRB_TGS_REQ == (int)krb_tgs_req, "TGS-REQ");
_Static_assert((int)KRB_TGS_REP == (int)krb_tgs_rep, "TGS-REP");
_Static_assert((int)KRB_AP_REQ == (int)krb_ap_req, "AP-REQ");
_Static_assert((int)KRB_AP_REP == (int)krb_ap_rep, "AP-REP");
_Static_assert((int)KRB_SAFE == (int)krb_safe, "KRB-SAFE");
_Static_assert((int)KRB_PRIV == (int)krb_priv, "KRB-PRIV");
_Static_assert((int)KRB_CRED == (int)krb_cred, "KRB-CRED");
_Static_assert((int)KRB_ERROR_MSG == (int)krb_error, "KRB-ERROR");

const char *krb_type_name(enum krb_type type)
{
    switch (type) {
    case KRB_AS_REQ:
        return "AS-REQ";
    case KRB_AS_REP:
        return "AS-REP";
    case KRB_TGS_REQ:
        return "TGS-REQ";
    case KRB_TGS_REP:
        return "TGS-REP";
    case KRB_AP_REQ:
        return "AP-REQ";
    case KRB_AP_REP:
        return "AP-REP";
    case KRB_SAFE:
        return "KRB-SAFE";
    case KRB_PRIV:
        return "KRB-PRIV";
    case KRB_CRED:
        return "KRB-CRED";
    case KRB_ERROR_MSG:
        return "KRB-ERROR";
    case KRB_NONE:
        break;
    }
    return NULL;
}

const char *krb_error_name(int32_t code)
{
    switch (code) {
#define KRB_ERROR_CODE(number, name, heimdal, meaning)                                             \
    case number:                                                                                   \
        return #name;
#include "krb5asn1/krb_errors.def"
#undef KRB_ERROR_CODE
    default:
        return NULL;
    }
}

const char *krb_error_meaning(int32_t code)
{
    switch (code) {
#define KRB_ERROR_CODE(number, name, heimdal, meaning)                                             \
    case number:                                                                                   \
        return meaning;
#include "krb5asn1/krb_errors.def"
#undef KRB_ERROR_CODE
    default:
        return NULL;
    }
}

const char *krb_etype_name(int32_t etype)
{
    switch (etype) {
#define KRB_ETYPE(number, name, heimdal)                                                           \
    case number:                                                                                   \
        return name;
#include "krb5asn1/krb_etypes.def"
#undef KRB_ETYPE
    default:
        return NULL;
    }
}

const char *krb_padata_name(int32_t type)
{
    switch (type) {
#define KRB_PADATA_TYPE(number, name, heimdal)                                                     \
    case number:                                                                                   \
        return name;
#include "krb5asn1/krb_padata.def"
#undef KRB_PADATA_TYPE
    default:
        return NULL;
    }
}

const char *krb_name_type_name(int32_t type)
{
    switch (type) {
#define KRB_NAME_TYPE(number, name, heimdal)                                                       \
    case number:                                                                                   \
        return name;
#include "krb5asn1/krb_name_types.def"
#undef KRB_NAME_TYPE
    default:
        return NULL;
    }
}

const char *krb_ntstatus_name(uint32_t status)
{
    switch (status) {
#define KRB_NTSTATUS(number, name, meaning)                                                        \
    case number:                                                                                   \
        return #name;
#include "krb5asn1/krb_ntstatus.def"
#undef KRB_NTSTATUS
    default:
        return NULL;
    }
}

const char *krb_ntstatus_meaning(uint32_t status)
{
    switch (status) {
#define KRB_NTSTATUS(number, name, meaning)                                                        \
    case number:                                                                                   \
        return meaning;
#include "krb5asn1/krb_ntstatus.def"
#undef KRB_NTSTATUS
    default:
        return NULL;
    }
}

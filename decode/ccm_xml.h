/* The XML inside a CCM_POST: elements and attributes of interest, nothing more. */
#ifndef KRBSCOPE_DECODE_CCM_XML_H
#define KRBSCOPE_DECODE_CCM_XML_H

#include "base/text.h"

#define CCM_VALUE_BYTES_MAX 512 /* one value with its NUL; longer ones are no names */

/* What can be kept, in the order of the names in ccm_xml.c. */
enum ccm_value {
    CCM_SOURCE_HOST,
    CCM_SOURCE_ID,
    CCM_TARGET_HOST,
    CCM_TARGET_ENDPOINT,
    CCM_TARGET_ADDRESS,
    CCM_SENT_TIME,
    CCM_REQUEST_TYPE,
    CCM_SMS_ID,
    CCM_REQUEST_TIME,
    CCM_NETBIOS_NAME,
    CCM_FQ_NAME,
    CCM_VALUE_COUNT,
};

/* Gathered over all parts of one body; zeroed before the first. Of a repeated value the first
 * stays. */
struct ccm_found {
    bool has_message;                                  /* a Msg element */
    bool has_request;                                  /* a ClientRegistrationRequest element */
    char values[CCM_VALUE_COUNT][CCM_VALUE_BYTES_MAX]; /* NUL-terminated */
    size_t lens[CCM_VALUE_COUNT];                      /* 0: not found */
};

/* Reads UTF-8 text that should be XML, whole or cut. true: its root element came to its end.
 * Never loads anything, expands no entity, and stops at a document type. */
bool ccm_xml_read(struct bytes text, struct ccm_found *found);

#endif

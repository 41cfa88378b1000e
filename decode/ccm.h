/* The body of a CCM_POST (ConfigMgr client messaging): enough to tell a registration. */
#ifndef KRBSCOPE_DECODE_CCM_H
#define KRBSCOPE_DECODE_CCM_H

#include "base/arena.h"
#include "base/status.h"

#define CCM_INFLATED_BYTES_MAX 262144 /* of one zlib part; more is cut */

struct ccm_message {
    bool recognised;      /* a Msg element or a registration was found */
    bool is_registration; /* ClientRegistrationRequest, or Msg addressed to MP_ClientRegistration */
    bool complete;        /* false: the body was cut, or inflated beyond the bound */
    struct bytes source_host;     /* UTF-8; Msg/SourceHost */
    struct bytes target_host;     /* Msg/TargetHost */
    struct bytes target_endpoint; /* Msg/TargetEndpoint */
    struct bytes request_type;    /* Data/@RequestType */
    struct bytes sms_id;          /* Data/@SMSID or Msg/SourceID */
    struct bytes netbios_name;    /* Netbios Name property */
    struct bytes fq_name;         /* FQ Name property */
    bool has_sent_time;
    int64_t sent_time_ns; /* Msg/SentTime, UTC: the client's clock */
    bool has_request_time;
    int64_t request_time_ns; /* Data/@TimeStamp, UTC: the client's clock */
};

/* Reads what it can of a body (or its beginning): multipart or plain, UTF-8 or UTF-16 with or
 * without BOM, parts deflated with zlib or not. Never fails: an unknown body is not recognised. */
void ccm_decode(struct bytes body, struct bytes content_type, struct arena *arena,
                struct ccm_message *out);

#endif

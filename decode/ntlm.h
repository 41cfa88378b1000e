/* NTLMSSP messages (MS-NLMP 2.2.1): types, names, times. Responses and keys are never kept. */
#ifndef KRBSCOPE_DECODE_NTLM_H
#define KRBSCOPE_DECODE_NTLM_H

#include "base/arena.h"
#include "base/status.h"

enum ntlm_type { NTLM_NEGOTIATE = 1, NTLM_CHALLENGE = 2, NTLM_AUTHENTICATE = 3 };

struct ntlm_message {
    enum ntlm_type type;
    bool complete;
    uint32_t flags;
    /* Strings are UTF-8 here: UTF-16LE is converted, unpaired surrogates become U+FFFD; OEM bytes
     * are kept raw. */
    struct bytes domain;      /* types 1 and 3; type 2: TargetName */
    struct bytes user;        /* type 3 */
    struct bytes workstation; /* types 1 and 3 */
    struct bytes netbios_computer, netbios_domain, dns_computer, dns_domain, dns_tree; /* AV 1..5 */
    struct bytes target_spn; /* type 3, AV 9 */
    bool has_time;           /* AV 7, or the NTLMv2 blob's own time when AV 7 is absent */
    bool time_is_servers;    /* type 2, or a type 3 that echoes AV 7 */
    int64_t time_ns;         /* since 1970, UTC; resolution 100 ns */
    size_t nt_response_len, lm_response_len;
    bool is_anonymous;         /* type 3 with neither user nor NT response */
    bool has_channel_bindings; /* AV 10 present and not all zero */
};

/* One NTLMSSP message that begins at input.at. DONE, MORE (cut: fixed part read, fields as far as
 * they lie in the input, complete = false), BAD. Field offsets are from the message's start and may
 * overlap; each is checked. */
enum verdict ntlm_decode(struct bytes input, struct arena *arena, struct ntlm_message *out,
                         size_t *used, struct flaw *flaw);

#endif

/* Decoded messages, one line of text or one JSON object each (`krbscope messages`).
 *
 * What a message says becomes a tree of facts (message_tree.h) that both forms share; ciphertext,
 * tickets and tokens are lengths and a hash in it, as they are in the event. */
#ifndef KRBSCOPE_REPORT_MESSAGES_H
#define KRBSCOPE_REPORT_MESSAGES_H

#include "base/status.h"
#include "decode/event.h"
#include "diagnose/reply.h"

#include <stdio.h>

#define MESSAGES_SELECT_MAX 32 /* --type, --error, --protocol, --carrier: each so many */

/* Which messages are shown; a kind of which nothing is named selects all. A message is selected by
 * what it carries too: an HTTP request by the AP-REQ in its token. */
struct messages_selection {
    const char *types[MESSAGES_SELECT_MAX]; /* "TGS-REQ" */
    size_t num_types;
    const char *protocols[MESSAGES_SELECT_MAX]; /* "kerberos" */
    size_t num_protocols;
    const char *carriers[MESSAGES_SELECT_MAX]; /* "smb" */
    size_t num_carriers;
    int32_t errors[MESSAGES_SELECT_MAX]; /* of KRB-ERROR */
    size_t num_errors;
};

struct messages_options {
    bool json;
    bool verbose; /* text: everything that the message says, as an indented tree */
    bool ascii;
    bool has_several; /* captures: text tells which */
    struct messages_selection selection;
};

struct messages;

/* NULL: no memory. */
struct messages *messages_new(FILE *out, const struct messages_options *options);
void messages_free(struct messages *m);

/* Writes the event when it is a message and selected. utc: its capture's zone is known.
 * more_may_come: messages of earlier frames may be told later (decoder_is_waiting()); the lines are
 * kept until then, and come in the order of their frames (message_order.h has the bounds). */
void messages_write(struct messages *m, const struct event *e, const struct reply *reply, bool utc,
                    bool more_may_come);

/* Everything is written. STATUS_OUTPUT or STATUS_NO_MEMORY, trouble says why. */
enum status messages_end(struct messages *m, struct trouble *trouble);

/* The word as it is printed ("tgs-req" gives "TGS-REQ"), or NULL: there is no such type, protocol
 * or carrier. */
const char *messages_type_word(struct bytes word);
const char *messages_protocol_word(struct bytes word);
const char *messages_carrier_word(struct bytes word);

#endif

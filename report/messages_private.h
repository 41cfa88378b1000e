/* The parts of `messages`; messages.c puts them together. */
#ifndef KRBSCOPE_REPORT_MESSAGES_PRIVATE_H
#define KRBSCOPE_REPORT_MESSAGES_PRIVATE_H

#include "report/message_tree.h"
#include "report/messages.h"

/* What kind of message it is, in words of the contract. */
struct message_kind {
    const char *protocol; /* "kerberos", "spnego", "ntlm", "http", "dns" */
    const char *type;     /* "AS-REQ", "HTTP-REQUEST" */
};
struct message_kind message_kind(const struct event *e);
const char *message_ntlm_type(const struct ntlm_message *ntlm);
const char *message_spnego_type(const struct gss_token *gss); /* NULL: no SPNEGO */

/* What a token by itself is: SPNEGO, else the Kerberos or NTLM message that it wraps. */
struct message_kind message_token_kind(const struct token_facts *token);

/* message_krb.c, message_token.c, message_other.c: all members that a message has beside its ends
 * and its kind. */
void message_krb_tree(struct tree_builder *b, const struct krb_message *krb);
void message_krb_nested(struct tree_builder *b, const char *name, const struct krb_message *krb);
void message_kpasswd_tree(struct tree_builder *b, const struct kpasswd_facts *facts,
                          const struct krb_message *krb);
void message_auth_tree(struct tree_builder *b, const char *name, const struct auth *auth);
void message_token_tree(struct tree_builder *b, const struct token_facts *token);
void message_token_nested(struct tree_builder *b, const char *name,
                          const struct token_facts *token);
void message_http_tree(struct tree_builder *b, const struct event *e);
void message_dns_tree(struct tree_builder *b, const struct dns_message *dns,
                      const struct token_facts *token);

/* message_krb.c: names of the bits that are set, bit 0 the most significant. */
enum message_bits { BITS_KDC_OPTIONS, BITS_AP_OPTIONS, BITS_PAC_OPTIONS };
const char *message_bit_name(enum message_bits kind, unsigned bit); /* NULL: unassigned */
bool message_has_option(const struct krb_message *krb, unsigned bit);

/* message_krb.c: members that other files put, too. */
void message_put_bit(struct tree_builder *b, const char *name, unsigned bit); /* NULL: "bit-7" */
void message_put_bits(struct tree_builder *b, const char *name, enum message_bits kind,
                      uint32_t flags);
void message_put_name(struct tree_builder *b, const char *name, const struct krb_name *n);
void message_put_time(struct tree_builder *b, const char *name, const struct krb_time *time);
void message_put_usec(struct tree_builder *b, const char *name, const struct krb_time *time);
void message_put_enc(struct tree_builder *b, const struct krb_enc *enc, bool with_kvno);
void message_put_ntstatus(struct tree_builder *b, uint32_t status);

/* message_padata.c: what the value of a PA-DATA says in clear, but for the message in it. */
void message_padata_contents(struct tree_builder *b, const struct krb_padata *pa);

/* message_krb.c: RFC 3244 2; of a result code that nobody assigned NULL. */
const char *message_kpasswd_result(uint16_t code);
const char *message_kpasswd_operation(const struct kpasswd_facts *facts,
                                      const struct krb_message *krb);

/* message_line.c: what the message is about, in a few words, on the line that was begun. */
struct message_line {
    FILE *out;
    bool ascii;
};
void message_line_text(const struct message_line *l, const char *text);
void message_line_bytes(const struct message_line *l, struct bytes bytes);
void message_line_summary(const struct message_line *l, const struct event *e,
                          const struct reply *reply);

/* messages_text.c, messages_json.c: one message. false: no memory. */
void messages_text_write(FILE *out, const struct messages_options *options, const struct event *e,
                         const struct reply *reply, const struct tree *tree);
bool messages_json_write(FILE *out, const struct tree *tree);

#endif

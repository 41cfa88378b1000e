/* What a message is about, in a few words behind its type. */
#include "report/escape.h"
#include "report/messages_private.h"

#define NUMBER_BYTES_MAX 64
#define OPTION_CNAME_IN_ADDL_TKT 14
#define OPTION_ENC_TKT_IN_SKEY 28
#define OPTION_RENEW 30
#define PA_FOR_USER 129
#define PA_FOR_X509_USER 130
#define ETYPES_SHOWN_MAX 8
#define ANSWERS_SHOWN_MAX 4

void message_line_text(const struct message_line *l, const char *text)
{
    (void)fputs(text, l->out);
}

void message_line_bytes(const struct message_line *l, struct bytes bytes)
{
    escape_text(l->out, bytes, l->ascii);
}

static void put_number(const struct message_line *l, const char *before, int64_t number)
{
    char buffer[NUMBER_BYTES_MAX];
    struct text t;
    text_init(&t, buffer, sizeof buffer);
    text_format(&t, "%s%lld", before, (long long)number);
    message_line_text(l, t.at);
}

/* " before name@realm"; nothing when neither is there. */
static void put_principal(const struct message_line *l, const char *before,
                          const struct krb_name *name, struct bytes realm)
{
    if (!name->present && realm.len == 0) {
        return;
    }
    message_line_text(l, before);
    message_line_bytes(l, name->text);
    if (realm.len > 0) {
        message_line_text(l, "@");
        message_line_bytes(l, realm);
    }
}

static void put_ticket(const struct message_line *l, const struct krb_ticket *ticket)
{
    if (!ticket->present) {
        return;
    }
    put_principal(l, "ticket ", &ticket->sname, ticket->realm);
    if (ticket->enc.present) {
        put_number(l, " etype ", ticket->enc.etype);
    }
    if (ticket->enc.has_kvno) {
        put_number(l, " kvno ", ticket->enc.kvno);
    }
}

static void put_etypes(const struct message_line *l, const struct krb_message *krb)
{
    for (size_t i = 0; i < krb->num_etypes && i < ETYPES_SHOWN_MAX; i++) {
        put_number(l, i == 0 ? ", etypes " : " ", krb->etypes[i]);
    }
    if (krb->num_etypes > ETYPES_SHOWN_MAX) {
        message_line_text(l, " ...");
    }
}

/* MS-SFU 3.1.5.1: for whom, once, though clients say it in PA-FOR-USER and PA-FOR-X509-USER. */
static void put_s4u2self(const struct message_line *l, const struct krb_message *krb)
{
    const struct krb_padata *told = NULL;
    bool is_told_of = false;
    for (size_t i = 0; i < krb->num_padata; i++) {
        const struct krb_padata *pa = &krb->padata[i];
        if (pa->type != PA_FOR_USER && pa->type != PA_FOR_X509_USER) {
            continue;
        }
        is_told_of = true;
        if (pa->user.present && (told == NULL || !bytes_equal(told->user.text, pa->user.text) ||
                                 !bytes_equal(told->user_realm, pa->user_realm))) {
            put_principal(l, ", S4U2Self for ", &pa->user, pa->user_realm);
            told = pa;
        }
    }
    if (is_told_of && told == NULL) {
        message_line_text(l, ", S4U2Self"); /* by a certificate */
    }
}

/* RFC 4120 3.1.1, 3.3.1; MS-SFU 3.1.5.1. */
static void put_purposes(const struct message_line *l, const struct krb_message *krb)
{
    for (size_t i = 0; i < krb->num_padata; i++) {
        const struct krb_padata *pa = &krb->padata[i];
        if (krb->type == KRB_AS_REQ &&
            (pa->type == 2 || pa->type == 138 || pa->type == 16 || pa->type == 151)) {
            message_line_text(l, ", ");
            message_line_text(l, krb_padata_name(pa->type));
        }
    }
    put_s4u2self(l, krb);
    if (krb->is_armored) {
        message_line_text(l, ", armored");
    }
    if (message_has_option(krb, OPTION_CNAME_IN_ADDL_TKT)) {
        message_line_text(l, ", S4U2Proxy");
    }
    if (message_has_option(krb, OPTION_ENC_TKT_IN_SKEY)) {
        message_line_text(l, ", user-to-user");
    }
    if (message_has_option(krb, OPTION_RENEW)) {
        message_line_text(l, ", renewal");
    }
}

static void put_request(const struct message_line *l, const struct krb_message *krb)
{
    if (krb->cname.present) {
        message_line_bytes(l, krb->cname.text);
        message_line_text(l, " asks for ");
    }
    put_principal(l, "", &krb->sname, krb->realm);
    put_purposes(l, krb);
    put_etypes(l, krb);
}

/* RFC 6806 8: a TGT for another realm, in answer to a request for a service. */
static void put_reply(const struct message_line *l, const struct krb_message *krb, bool is_other)
{
    put_principal(l, "", &krb->cname, krb->crealm);
    message_line_text(l, krb->ticket.present ? ", " : "");
    put_ticket(l, &krb->ticket);
    if (is_other) {
        bool is_tgt = bytes_begins_nocase(krb->ticket.sname.text, "krbtgt/");
        message_line_text(l, is_tgt ? ", a referral" : ", another name than asked for");
    }
}

static void put_error(const struct message_line *l, const struct krb_message *krb)
{
    const char *name = krb_error_name(krb->error_code);
    message_line_text(l, name == NULL ? "error" : name);
    put_number(l, " (", krb->error_code);
    message_line_text(l, ")");
    put_principal(l, " for ", &krb->sname, krb->realm);
    if (krb->has_ntstatus) {
        const char *status = krb_ntstatus_name(krb->ntstatus);
        message_line_text(l, ", ");
        message_line_text(l, status == NULL ? "an NTSTATUS" : status);
    }
    if (krb->has_etext && krb->etext.len > 0) {
        message_line_text(l, ", \"");
        message_line_bytes(l, krb->etext);
        message_line_text(l, "\"");
    }
}

static void put_krb(const struct message_line *l, const struct krb_message *krb, bool is_other)
{
    switch (krb->type) {
    case KRB_AS_REQ:
    case KRB_TGS_REQ:
        put_request(l, krb);
        break;
    case KRB_AS_REP:
    case KRB_TGS_REP:
        put_reply(l, krb, is_other);
        break;
    case KRB_AP_REQ:
    case KRB_CRED:
        put_ticket(l, &krb->ticket);
        break;
    case KRB_ERROR_MSG:
        put_error(l, krb);
        break;
    case KRB_AP_REP:
    case KRB_PRIV:
        if (krb->enc_part.present) {
            put_number(l, "etype ", krb->enc_part.etype);
        }
        break;
    case KRB_SAFE:
        put_number(l, "bytes ", (int64_t)krb->safe.user_data_len);
        break;
    case KRB_NONE:
        break;
    }
}

/* RFC 3244 2. */
static void put_kpasswd(const struct message_line *l, const struct kpasswd_facts *facts,
                        const struct krb_message *krb)
{
    message_line_text(l, ", password ");
    message_line_text(l, message_kpasswd_operation(facts, krb));
    if (facts->has_result) {
        const char *name = message_kpasswd_result(facts->result_code);
        message_line_text(l, ": ");
        message_line_text(l, name == NULL ? "an unknown result" : name);
        put_number(l, " (", facts->result_code);
        message_line_text(l, ")");
        if (facts->result_text.len > 0) {
            message_line_text(l, ", \"");
            message_line_bytes(l, facts->result_text);
            message_line_text(l, "\"");
        }
    }
    if (facts->after != NULL) {
        message_line_text(l, ", ");
        message_line_text(l, krb_type_name(facts->after->type));
    }
}

static void put_ntlm(const struct message_line *l, const struct ntlm_message *ntlm)
{
    message_line_text(l, message_ntlm_type(ntlm));
    if (ntlm->type == NTLM_AUTHENTICATE) {
        message_line_text(l, ntlm->is_anonymous ? " anonymous" : " ");
        if (ntlm->domain.len > 0) {
            message_line_bytes(l, ntlm->domain);
            message_line_text(l, "\\");
        }
        message_line_bytes(l, ntlm->user);
    }
}

/* What lies in a token, behind what was said of it. */
static void put_gss(const struct message_line *l, const struct gss_token *gss,
                    const struct ntlm_message *ntlm)
{
    if (gss != NULL && gss->form == TOKEN_NEG_RESP && gss->neg_state != NEG_STATE_ABSENT) {
        message_line_text(l, " ");
        message_line_text(l, neg_state_name(gss->neg_state));
    }
    if (ntlm != NULL) {
        message_line_text(l, ", ");
        put_ntlm(l, ntlm);
    } else if (gss != NULL && gss->krb != NULL) {
        message_line_text(l, ", ");
        message_line_text(l, krb_type_name(gss->krb->type));
        message_line_text(l, " ");
        put_krb(l, gss->krb, false);
    }
}

/* "SMB2 SESSION_SETUP response STATUS_SUCCESS accept-completed, AP-REP etype 18". */
static void put_token(const struct message_line *l, const struct token_facts *token)
{
    message_line_text(l, carrier_pdu_name(token->pdu));
    if (token->pdu != CARRIER_PDU_TOKEN && token->pdu != CARRIER_PDU_RPC_AUTH3) {
        message_line_text(l, token->is_response ? " response" : " request");
    }
    if (token->has_status && token->carrier == CARRIER_SMB) {
        const char *name = krb_ntstatus_name(token->status);
        message_line_text(l, " ");
        message_line_text(l, name == NULL ? "an NTSTATUS" : name);
    } else if (token->has_status) {
        put_number(l, " result ", token->status);
    }
    put_gss(l, token->gss, token->ntlm);
}

static void put_auth(const struct message_line *l, const char *before, const struct auth *auth)
{
    if (auth->num_schemes == 0) {
        return;
    }
    message_line_text(l, before);
    for (size_t i = 0; i < auth->num_schemes; i++) {
        message_line_text(l, i == 0 ? "" : " ");
        message_line_text(l, auth_scheme_name(auth->schemes[i]));
    }
    put_gss(l, auth->gss, auth->ntlm);
}

/* MS-KKDCP 2.2.2. */
static void put_kkdcp(const struct message_line *l, const struct kkdcp_facts *kkdcp)
{
    message_line_text(l, "; KKDCP");
    if (kkdcp->target_domain.len > 0) {
        message_line_text(l, " to ");
        message_line_bytes(l, kkdcp->target_domain);
    }
    if (kkdcp->krb != NULL) {
        message_line_text(l, ", ");
        message_line_text(l, krb_type_name(kkdcp->krb->type));
        message_line_text(l, " ");
        put_krb(l, kkdcp->krb, false);
        if (kkdcp->kpasswd != NULL) {
            put_kpasswd(l, kkdcp->kpasswd, kkdcp->krb);
        }
    }
}

static void put_http(const struct message_line *l, const struct http_facts *http)
{
    const struct http_message *m = &http->message;
    if (m->is_request) {
        message_line_bytes(l, m->method);
        message_line_text(l, " ");
        message_line_bytes(l, m->target);
        if (m->host.len > 0) {
            message_line_text(l, " on ");
            message_line_bytes(l, m->host);
        }
    } else {
        put_number(l, "", m->status);
    }
    put_auth(l, m->status == 401 ? "; offers " : "; ", &http->auth);
    put_auth(l, m->status == 407 ? "; proxy offers " : "; proxy ", &http->proxy_auth);
    if (http->kkdcp != NULL) {
        put_kkdcp(l, http->kkdcp);
    }
}

static void put_type(const struct message_line *l, uint16_t type)
{
    const char *name = dns_type_name(type);
    if (name == NULL) {
        put_number(l, "TYPE", type);
    } else {
        message_line_text(l, name);
    }
}

static void put_record(const struct message_line *l, const struct dns_record *r)
{
    char buffer[NUMBER_BYTES_MAX];
    struct text t;
    put_type(l, r->type);
    if (r->address.family != ADDRESS_NONE) {
        text_init(&t, buffer, sizeof buffer);
        address_print(&t, &r->address);
        message_line_text(l, " ");
        message_line_text(l, t.at);
    } else if (r->target.len > 0) {
        message_line_text(l, " ");
        message_line_bytes(l, r->target);
    }
    if (r->type == DNS_SRV) {
        put_number(l, ":", r->port);
    }
}

static void put_dns(const struct message_line *l, const struct dns_message *dns)
{
    size_t num_shown = 0;
    const char *colon = dns->num_questions > 0 ? ": " : ""; /* NetBIOS repeats no question */
    if (dns->num_questions > 0) {
        put_type(l, dns->question_type);
        message_line_text(l, " ");
        message_line_bytes(l, dns->question);
    }
    if (!dns->is_response) {
        return;
    }
    if (dns->rcode != 0) {
        const char *name = dns_rcode_name(dns->rcode);
        message_line_text(l, colon);
        message_line_text(l, name == NULL ? "an error" : name);
    }
    for (size_t i = 0; i < dns->num_answers && num_shown < ANSWERS_SHOWN_MAX; i++) {
        if (!dns->answers[i].is_additional) {
            message_line_text(l, num_shown++ == 0 ? colon : ", ");
            put_record(l, &dns->answers[i]);
        }
    }
    if (num_shown == 0 && dns->rcode == 0) {
        message_line_text(l, colon);
        message_line_text(l, "no such record");
    }
    message_line_text(l, dns->is_truncated ? ", truncated" : "");
}

void message_line_summary(const struct message_line *l, const struct event *e,
                          const struct reply *reply)
{
    if (e->krb != NULL) {
        put_krb(l, e->krb, reply->asked_for_other);
        if (e->kpasswd != NULL) {
            put_kpasswd(l, e->kpasswd, e->krb);
        }
    } else if (e->http != NULL) {
        put_http(l, e->http);
    } else if (e->dns != NULL) {
        put_dns(l, e->dns);
        if (e->token != NULL) {
            message_line_text(l, "; GSS-TSIG");
            put_gss(l, e->token->gss, e->token->ntlm);
        }
    } else if (e->token != NULL) {
        put_token(l, e->token);
    }
    if (!e->complete) {
        message_line_text(l, " [cut short]");
    }
    if (reply->reply_to.known) {
        put_number(l, " [answers ", reply->reply_to.frame);
        message_line_text(l, "]");
    }
    if (reply->repeats.known) {
        put_number(l, " [repeats ", reply->repeats.frame);
        message_line_text(l, "]");
    }
}

/* docs/CONTRACT.md, "What an attempt is": attempts without HTTP, kerberos-only and approach-only.
 */
#include "story_check.h"

/* An approval over Kerberos: 401, token, 200. */
static struct talk approve(struct story *s)
{
    struct talk t = talk_present(s, TOKEN_KRB);
    ANSWER(&t, .status = 200);
    return t;
}

/* Something better than a failed look-up: HTTP with another host. */
static void get_a_page(struct story *s)
{
    LOOK_UP(s, .name = "web.example.com");
    RESOLVE(s, .name = "web.example.com", .address = MP);
    struct talk t = talk_open(s);
    ASK(&t, .method = "GET", .host = "web.example.com", .path = "/");
    ANSWER(&t, .status = 200);
}

static void get_approved(struct story *s, const char *host)
{
    struct talk t = talk_open(s);
    ASK(&t, .method = "GET", .host = host, .path = "/");
    ANSWER(&t, .status = 401);
    ASK(&t, .token = TOKEN_KRB);
    ANSWER(&t, .status = 200);
}

Test(kerberos_only, failed_logon)
{
    struct story s;
    story_begin(&s, NULL);
    story_meet(&s, CLIENT, KDC);
    story_logon_error(&s, 6, 0);
    END(&s, 1);
    EXPECT_KIND(&s, 0, KIND_KERBEROS_ONLY);
    EXPECT(&s, 0, OUTCOME_FAILED, CAUSE_CLIENT_UNKNOWN, STEP_TGT);
    const struct attempt_record *a = s.analysis.attempts[0];
    cr_expect_eq(a->method.len, 0);
    cr_expect_eq(a->uri.len, 0);
    cr_expect(bytes_is(a->principal, "PC01$@EXAMPLE.COM"));
    story_free(&s);
}

Test(kerberos_only, failed_ticket_for_http)
{
    struct story s;
    story_begin(&s, NULL);
    story_meet(&s, CLIENT, KDC);
    story_logon(&s);
    story_ticket_error(&s, MP_SPN, 7, 0);
    END(&s, 1);
    EXPECT_KIND(&s, 0, KIND_KERBEROS_ONLY);
    EXPECT(&s, 0, OUTCOME_FAILED, CAUSE_SPN_MISSING, STEP_TICKET);
    cr_expect(bytes_is(s.analysis.attempts[0]->spn, "HTTP/mp.example.com@EXAMPLE.COM"));
    story_free(&s);
}

Test(kerberos_only, failed_ticket_for_another_service_is_none)
{
    struct story s;
    story_begin(&s, NULL);
    story_meet(&s, CLIENT, KDC);
    story_logon(&s);
    story_ticket_error(&s, "cifs/files.example.com", 7, 0);
    END(&s, 0);
    cr_assert_eq(s.analysis.num_other_failures, 1);
    cr_expect_eq(s.analysis.other_failures[0].cause, CAUSE_SPN_MISSING);
    story_free(&s);
}

static void srv_fails(struct story *s)
{
    LOOK_UP(s, .name = "_kerberos._udp.EXAMPLE.COM", .type = DNS_SRV);
    RESOLVE(s, .name = "_kerberos._udp.EXAMPLE.COM", .type = DNS_SRV, .rcode = 3);
    LOOK_UP(s, .name = "_kerberos._tcp.EXAMPLE.COM", .type = DNS_SRV);
    RESOLVE(s, .name = "_kerberos._tcp.EXAMPLE.COM", .type = DNS_SRV, .rcode = 3);
}

Test(kerberos_only, all_srv_look_ups_fail)
{
    struct story s;
    story_begin(&s, NULL);
    story_meet(&s, CLIENT, KDC);
    srv_fails(&s);
    story_wait(&s, 5);
    story_meet(&s, KDC, KDC_2);
    END(&s, 1);
    EXPECT_KIND(&s, 0, KIND_KERBEROS_ONLY);
    EXPECT(&s, 0, OUTCOME_FAILED, CAUSE_KDC_NOT_LOCATED, STEP_REACH_KDC);
    EXPECT_CONFIDENCE(&s, 0, CONFIDENCE_LIKELY);
    story_free(&s);
}

Test(kerberos_only, failed_srv_look_ups_beside_a_kdc_are_noise)
{
    struct story s;
    story_begin(&s, NULL);
    story_meet(&s, CLIENT, KDC);
    srv_fails(&s);
    story_logon(&s);
    END(&s, 0);
    story_free(&s);
}

Test(kerberos_only, ticket_without_http_is_incomplete)
{
    struct story s;
    story_begin(&s, NULL);
    story_meet(&s, CLIENT, KDC);
    story_logon(&s);
    story_ticket(&s, MP_SPN, 1);
    END(&s, 1);
    EXPECT_KIND(&s, 0, KIND_KERBEROS_ONLY);
    EXPECT(&s, 0, OUTCOME_INCOMPLETE, CAUSE_NONE, 0);
    story_free(&s);
}

Test(kerberos_only, logon_alone_is_none)
{
    struct story s;
    story_begin(&s, NULL);
    story_meet(&s, CLIENT, KDC);
    story_logon(&s);
    story_ticket(&s, "cifs/files.example.com", 1);
    END(&s, 0);
    story_free(&s);
}

Test(kerberos_only, success_for_changepw_is_no_success)
{
    struct story s;
    story_begin(&s, NULL);
    story_meet(&s, CLIENT, KDC);
    story_logon_error(&s, 23, 0);
    KRB(&s, .type = KRB_AS_REQ, .sname = "kadmin/changepw", .has_preauth = true);
    KRB(&s, .type = KRB_AS_REP, .sname = "kadmin/changepw");
    END(&s, 1);
    EXPECT(&s, 0, OUTCOME_FAILED, CAUSE_CLIENT_PASSWORD_EXPIRED, STEP_TGT);
    story_free(&s);
}

Test(kerberos_only, changepw_alone_is_nothing)
{
    struct story s;
    story_begin(&s, NULL);
    story_meet(&s, CLIENT, KDC);
    KRB(&s, .type = KRB_AS_REQ, .sname = "kadmin/changepw", .has_preauth = true);
    KRB(&s, .type = KRB_AS_REP, .sname = "kadmin/changepw");
    END(&s, 0);
    story_free(&s);
}

Test(kerberos_only, client_with_http_has_none)
{
    struct story s;
    story_begin(&s, NULL);
    story_client_side(&s);
    story_logon(&s);
    story_ticket(&s, MP_SPN, 1);
    struct talk t = talk_present(&s, TOKEN_KRB);
    ANSWER(&t, .status = 200);
    story_wait(&s, 300);
    story_ticket_error(&s, "HTTP/other.example.com", 7, 0);
    END(&s, 1);
    EXPECT_KIND(&s, 0, KIND_CCM_APPROVAL);
    cr_assert_eq(s.analysis.num_other_failures, 1);
    story_free(&s);
}

static void name_fails(struct story *s, const char *name)
{
    LOOK_UP(s, .name = name);
    RESOLVE(s, .name = name, .rcode = 3);
}

Test(approach_only, nothing_better_is_possible)
{
    struct story s;
    story_begin(&s, NULL);
    story_meet(&s, CLIENT, KDC);
    name_fails(&s, MP_NAME);
    END(&s, 1);
    EXPECT_KIND(&s, 0, KIND_APPROACH_ONLY);
    EXPECT(&s, 0, OUTCOME_FAILED, CAUSE_DNS_NAME_NOT_FOUND, STEP_RESOLVE);
    EXPECT_CONFIDENCE(&s, 0, CONFIDENCE_POSSIBLE);
    const struct attempt_record *a = s.analysis.attempts[0];
    cr_expect(bytes_is(a->host, MP_NAME));
    cr_expect_eq(a->method.len, 0);
    cr_expect_eq(a->server.address.family, ADDRESS_NONE);
    story_free(&s);
}

Test(approach_only, one_a_client_and_name)
{
    struct story s;
    story_begin(&s, NULL);
    story_meet(&s, CLIENT, KDC);
    for (int i = 0; i < 3; i++) {
        name_fails(&s, MP_NAME);
        LOOK_UP(&s, .name = MP_NAME, .type = DNS_AAAA);
        RESOLVE(&s, .name = MP_NAME, .type = DNS_AAAA, .rcode = 3);
        story_wait(&s, 10);
    }
    name_fails(&s, "other.example.com");
    s.client = CLIENT_2;
    name_fails(&s, MP_NAME);
    END(&s, 3);
    story_free(&s);
}

Test(approach_only, host_option_names_it)
{
    const char *hosts[] = {"mp.example.com"};
    struct case_options options = {.hosts = hosts, .num_hosts = 1};
    struct story s;
    story_begin(&s, &options);
    story_meet(&s, CLIENT, KDC);
    name_fails(&s, MP_NAME);
    name_fails(&s, "other.example.com");
    get_a_page(&s);
    END(&s, 1);
    EXPECT_KIND(&s, 0, KIND_APPROACH_ONLY);
    EXPECT(&s, 0, OUTCOME_FAILED, CAUSE_DNS_NAME_NOT_FOUND, STEP_RESOLVE);
    EXPECT_CONFIDENCE(&s, 0, CONFIDENCE_LIKELY);
    story_free(&s);
}

Test(approach_only, another_attempt_uses_the_host)
{
    struct story s;
    story_begin(&s, NULL);
    approve(&s);
    s.client = CLIENT_2;
    name_fails(&s, MP_NAME);
    get_a_page(&s);
    END(&s, 2);
    EXPECT_KIND(&s, 1, KIND_APPROACH_ONLY);
    EXPECT_CONFIDENCE(&s, 1, CONFIDENCE_LIKELY);
    story_free(&s);
}

Test(approach_only, client_with_something_better_has_none)
{
    struct story s;
    story_begin(&s, NULL);
    get_approved(&s, "web.example.com");
    name_fails(&s, MP_NAME);
    END(&s, 1);
    EXPECT_KIND(&s, 0, KIND_HTTP_NEGOTIATE);
    story_free(&s);
}

Test(approach_only, suffix_tries_are_one_group)
{
    struct story s;
    story_begin(&s, NULL);
    name_fails(&s, "mp.example.com.corp.example.com");
    name_fails(&s, "mp.example.com.example.com");
    name_fails(&s, "mp.example.com");
    END(&s, 1);
    cr_expect(bytes_is(s.analysis.attempts[0]->host, "mp.example.com"));
    story_free(&s);
}

Test(approach_only, suffix_tries_before_a_success_are_noise)
{
    struct story s;
    story_begin(&s, NULL);
    name_fails(&s, "mp.corp.example.com");
    name_fails(&s, "mp");
    LOOK_UP(&s, .name = "mp.example.com");
    RESOLVE(&s, .name = "mp.example.com", .address = MP);
    struct talk t = talk_open(&s);
    ASK(&t, .host = "mp", .token = TOKEN_KRB, .spn = "HTTP/mp");
    ANSWER(&t, .status = 200);
    END(&s, 1);
    EXPECT(&s, 0, OUTCOME_APPROVED, CAUSE_NONE, 0);
    story_free(&s);
}

Test(approach_only, background_names_are_ignored)
{
    static const char *const names[] = {"wpad",
                                        "wpad.example.com",
                                        "isatap.example.com",
                                        "21.2.0.192.in-addr.arpa",
                                        "8.b.d.0.1.0.0.2.ip6.arpa",
                                        "_ldap._tcp.example.com"};
    struct story s;
    story_begin(&s, NULL);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        name_fails(&s, names[i]);
    }
    END(&s, 0);
    story_free(&s);
}

Test(approach_only, only_addresses_are_asked_for)
{
    struct story s;
    story_begin(&s, NULL);
    LOOK_UP(&s, .name = MP_NAME, .type = DNS_SRV);
    RESOLVE(&s, .name = MP_NAME, .type = DNS_SRV, .rcode = 3);
    LOOK_UP(&s, .name = MP_NAME, .type = DNS_URI);
    RESOLVE(&s, .name = MP_NAME, .type = DNS_URI, .rcode = 3);
    END(&s, 0);
    story_free(&s);
}

Test(approach_only, connection_that_failed_after_dns)
{
    struct story s;
    story_begin(&s, NULL);
    story_client_side(&s);
    story_resolve(&s);
    struct talk t = talk_syn(&s, MP, 80);
    talk_refused(&t);
    END(&s, 1);
    EXPECT_KIND(&s, 0, KIND_APPROACH_ONLY);
    EXPECT(&s, 0, OUTCOME_FAILED, CAUSE_MP_REFUSED, STEP_CONNECT);
    EXPECT_CONFIDENCE(&s, 0, CONFIDENCE_POSSIBLE);
    cr_expect_eq(s.analysis.attempts[0]->server.port, 80);
    story_free(&s);
}

Test(approach_only, connection_that_got_through_later_is_none)
{
    struct story s;
    story_begin(&s, NULL);
    story_client_side(&s);
    story_resolve(&s);
    struct talk t = talk_syn(&s, MP, 80);
    talk_refused(&t);
    approve(&s);
    END(&s, 1);
    EXPECT_KIND(&s, 0, KIND_CCM_APPROVAL);
    EXPECT(&s, 0, OUTCOME_APPROVED, CAUSE_NONE, 0);
    story_free(&s);
}

Test(approach_only, failure_for_good_is_needed)
{
    struct story s;
    story_begin(&s, NULL);
    story_meet(&s, CLIENT, KDC);
    name_fails(&s, MP_NAME);
    LOOK_UP(&s, .name = MP_NAME, .server = KDC_2);
    RESOLVE(&s, .name = MP_NAME, .server = KDC_2, .address = MP);
    END(&s, 0);
    story_free(&s);
}

/* Goal: TLS matters only to who asks for the host. Method: the same connection without --host, with
 * another one, by name and by address; once without any DNS. */
Test(approach_only, tls_alone_is_hidden_only_for_a_named_host)
{
    static const struct {
        const char *host;
        bool has_dns, is_told;
    } cases[] = {
        {NULL, true, false}, {"other.example.com", true, false},
        {MP_2, true, false}, {MP_NAME, true, true},
        {"mp", true, true},  {MP, true, true},
        {MP, false, true},   {MP_NAME, false, false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct story s;
        const char *hosts[] = {cases[i].host};
        const struct case_options options = {.hosts = hosts, .num_hosts = hosts[0] != NULL};
        story_begin(&s, &options);
        story_client_side(&s);
        if (cases[i].has_dns) {
            story_resolve(&s);
        }
        struct talk t = talk_open_to(&s, MP, 443);
        talk_tls(&t);
        talk_end(&t, TCP_END_CLOSED);
        (void)story_end(&s);
        cr_assert_eq(s.analysis.num_attempts, cases[i].is_told, "%zu: %zu attempts", i,
                     s.analysis.num_attempts);
        if (cases[i].is_told) {
            const struct attempt_record *a = s.analysis.attempts[0];
            cr_expect_eq(a->verdict.cause, CAUSE_TLS_HIDDEN);
            cr_expect_eq(a->outcome, OUTCOME_INCOMPLETE);
            cr_expect_gt(a->verdict.evidence.num, 0);
            cr_expect_geq(a->first_time_ns, STORY_NS);
            cr_expect_str_eq(s.flaw, "");
        }
        story_free(&s);
    }
}

/* Goal: a connection is the approach to the name that led to it, not to every name of that address;
 * and it begins with the look-up. Method: two names, long after a logon; the connection follows the
 * second. */
Test(approach_only, connection_belongs_to_the_latest_name)
{
    struct story s;
    story_begin(&s, NULL);
    story_client_side(&s);
    story_logon(&s);
    story_wait(&s, 100);
    LOOK_UP(&s, .name = "dc1.example.com");
    RESOLVE(&s, .name = "dc1.example.com", .address = MP);
    story_resolve(&s);
    struct talk t = talk_syn(&s, MP, 80);
    talk_refused(&t);
    story_wait(&s, 5);
    END(&s, 1);
    EXPECT_KIND(&s, 0, KIND_APPROACH_ONLY);
    EXPECT(&s, 0, OUTCOME_FAILED, CAUSE_MP_REFUSED, STEP_CONNECT);
    cr_expect(bytes_is(s.analysis.attempts[0]->host, MP_NAME));
    cr_expect_geq(s.analysis.attempts[0]->first_time_ns, STORY_NS + INT64_C(100000000000));
    story_free(&s);
}

/* Goal: of several tickets the one that failed is spoken of, and its host named. */
Test(kerberos_only, names_the_host_whose_ticket_failed)
{
    struct story s;
    story_begin(&s, NULL);
    story_client_side(&s);
    story_logon(&s);
    story_ticket(&s, "HTTP/a.example.com", 1);
    story_ticket_error(&s, "HTTP/b.example.com", 7, 0);
    story_ticket(&s, "HTTP/c.example.com", 2);
    END(&s, 1);
    EXPECT_KIND(&s, 0, KIND_KERBEROS_ONLY);
    EXPECT(&s, 0, OUTCOME_FAILED, CAUSE_SPN_MISSING, STEP_TICKET);
    cr_expect(bytes_is(s.analysis.attempts[0]->host, "b.example.com"));
    story_free(&s);
}

/* Goal: a domain controller that a look-up for one named is no server that somebody approached. */
Test(approach_only, domain_controllers_are_no_servers)
{
    struct story s;
    story_begin(&s, NULL);
    story_client_side(&s);
    LOOK_UP(&s, .name = "_kerberos._tcp.EXAMPLE.COM", .type = DNS_SRV);
    RESOLVE(&s, .name = "_kerberos._tcp.EXAMPLE.COM", .type = DNS_SRV, .target = "dc9.example.com");
    LOOK_UP(&s, .name = "dc9.example.com");
    RESOLVE(&s, .name = "dc9.example.com", .rcode = 3);
    story_wait(&s, 5);
    END(&s, 0);
    story_free(&s);
}

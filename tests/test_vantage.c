/* Where a capture was taken, and what it can show from there. */
#include "story_check.h"

#define VIP "192.0.2.20" /* of a cluster, beside the node's own address MP */
#define ROUTER 1
#define NODE 21

/* Two clients at a node, by its own address and by the cluster's. */
static void meet_at_node(struct story *s, uint8_t client_1, uint8_t client_2)
{
    story_meet_by(s, CLIENT, client_1, MP, NODE, false);
    story_meet_by(s, CLIENT, client_1, VIP, NODE, false);
    story_meet_by(s, CLIENT_2, client_2, VIP, NODE, false);
}

static void refuse_without_token(struct story *s)
{
    struct talk t = talk_open(s);
    ASK(&t, .host = MP_NAME);
    ANSWER(&t, .status = 401);
    ASK(&t);
    ANSWER(&t, .status = 401);
}

/* Goal: a node of a cluster is the place by its adapter, and none of its addresses is a third host
 * of the client. */
Test(vantage, host_with_two_addresses)
{
    struct story s;
    story_begin(&s, NULL);
    meet_at_node(&s, 101, 102);
    refuse_without_token(&s);
    END(&s, 1);
    cr_expect_eq(s.capture.vantage, VANTAGE_MP);
    EXPECT(&s, 0, OUTCOME_REFUSED, CAUSE_NO_CREDENTIALS_SENT, STEP_PRESENT);
    EXPECT_CONFIDENCE(&s, 0, CONFIDENCE_POSSIBLE);
    story_free(&s);
}

/* Goal: one client at such a node does not make the capture the client's. Method: the handshake
 * says that the server was near. */
Test(vantage, one_client_at_a_host_with_two_addresses)
{
    struct story s;
    story_begin(&s, NULL);
    story_meet(&s, CLIENT, MP);
    story_meet(&s, CLIENT, VIP);
    struct talk t = talk_syn(&s, MP, 80);
    s.now_ns = t.tcp.syn_time_ns - 490000; /* SYN/ACK after 10 us, the client's answer after 510 */
    talk_connected(&t);
    ASK(&t, .host = MP_NAME);
    ANSWER(&t, .status = 401);
    END(&s, 1);
    cr_expect_neq(s.capture.vantage, VANTAGE_CLIENT);
    story_free(&s);
}

/* Goal: behind a router all hosts have its adapter: the one with few addresses is the place. */
Test(vantage, beside_a_router)
{
    static const char *const far[] = {"198.51.100.1", "198.51.100.2", "198.51.100.3",
                                      "198.51.100.4", "198.51.100.5"};
    struct story s;
    story_begin(&s, NULL);
    meet_at_node(&s, ROUTER, ROUTER);
    for (size_t i = 0; i < sizeof far / sizeof far[0]; i++) {
        story_meet_by(&s, far[i], ROUTER, i % 2 == 0 ? MP : VIP, NODE, false);
    }
    refuse_without_token(&s);
    END(&s, 1);
    cr_expect_eq(s.capture.vantage, VANTAGE_MP);
    story_free(&s);
}

/* Goal: a frame that a switch sent to every port changes nothing; hosts that both answer each other
 * beside the node do: a mirror port. */
Test(vantage, others_at_the_same_place)
{
    for (int is_stray = 0; is_stray < 2; is_stray++) {
        struct story s;
        story_begin(&s, NULL);
        meet_at_node(&s, 101, 102);
        story_meet_by(&s, "192.0.2.7", 7, "192.0.2.8", 8, is_stray);
        refuse_without_token(&s);
        END(&s, 1);
        cr_expect_eq(s.capture.vantage, is_stray ? VANTAGE_MP : VANTAGE_BETWEEN);
        story_free(&s);
    }
}

/* The client asks for a neighbour that often, that far apart. */
static void ask_for(struct story *s, const char *target, unsigned num, double gap_s)
{
    for (unsigned i = 0; i < num; i++) {
        story_arp(s, target, false);
        story_wait(s, gap_s);
    }
}

static enum cause cause_of_asking(bool is_at_client, double gap_s)
{
    static const char *const hosts[] = {MP_NAME};
    struct case_options options = {.hosts = hosts, .num_hosts = 1};
    struct story s;
    story_begin(&s, &options);
    story_meet(&s, s.client, s.kdc);
    if (!is_at_client) {
        story_meet(&s, CLIENT_2, s.kdc);
    }
    KRB(&s, .type = KRB_AS_REQ, .host = CLIENT_2);
    KRB(&s, .type = KRB_AS_REP, .host = CLIENT_2);
    story_resolve(&s);
    ask_for(&s, MP, 4, gap_s);
    story_wait(&s, 5);
    story_meet(&s, CLIENT_2, s.kdc);
    story_end(&s);
    const struct analysis *a = &s.analysis;
    enum cause cause = CAUSE_NONE;
    for (size_t i = 0; i < a->num_attempts; i++) {
        if (a->attempts[i]->kind == KIND_APPROACH_ONLY && a->attempts[i]->has_verdict) {
            cause = a->attempts[i]->verdict.cause;
        }
    }
    story_free(&s);
    return cause;
}

/* Goal: at the KDC the questions for other hosts are seen and their answers are not: only the beat
 * of the timer tells that there are none. */
Test(vantage, questions_for_neighbours_of_others)
{
    cr_expect_eq(cause_of_asking(false, 1.02), CAUSE_MP_UNREACHABLE);
    cr_expect_eq(cause_of_asking(false, 1.5), CAUSE_NONE);
    cr_expect_eq(cause_of_asking(false, 40), CAUSE_NONE);
}

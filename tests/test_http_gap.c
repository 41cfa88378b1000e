/* Conversations with bytes that the capture lacks: what is still framed, what is given up, and
 * above all that no response is ever given to a request that it does not answer. */
#include "tests/http_talk.h"

#include <criterion/criterion.h>

/* Lengths on the wire: R(n) 19 bytes, OK 38 bytes. */
#define R(n) "GET /" n " HTTP/1.1\n\n"
#define R_HOST(n) "GET /" n " HTTP/1.1\nHost: mp\n"
#define OK "HTTP/1.1 200 OK\nContent-Length: 0\n\n"
#define NO "HTTP/1.1 401 No\nContent-Length: 0\n\n"

static const struct talk talks[] = {
    {"inside a request's counted body: framing and pairs stay",
     {">>> POST /1 HTTP/1.1\nContent-Length: 100\n\n0123456789", "><> 80", ">>> 0123456789",
      "<<< " NO, ">>> " R("2"), "<<< " OK},
     "#1 POST /1  body=20 @1-1-3 start\n"
     "#2 401 re=1 body=0 @4-4-4 complete start\n"
     "#3 GET /2  body=0 @5-5-5 complete\n"
     "#4 200 re=3 body=0 @6-6-6 complete start\n"},
    {"a counted body's rest, to the byte",
     {">>> POST /1 HTTP/1.1\nContent-Length: 100\n\n0123456789", "><> 90", "<<< " NO, ">>> " R("2"),
      "<<< " OK},
     "#1 POST /1  body=10 @1-1-1 start\n"
     "#2 401 re=1 body=0 @3-3-3 complete start\n"
     "#3 GET /2  body=0 @4-4-4 complete\n"
     "#4 200 re=3 body=0 @5-5-5 complete start\n"},
    {"a counted body's rest and more: a request may be lost",
     {">>> POST /1 HTTP/1.1\nContent-Length: 100\n\n0123456789", "><> 300", "<<< " NO,
      ">>> " R("2"), "<<< " OK},
     "#1 POST /1  body=10 @1-1-1 start\n"
     "#2 401 re=1 body=0 @3-3-3 complete start\n"
     "#3 GET /2  body=0 @4-4-4 complete\n"
     "#4 200 re=3 body=0 @5-5-5 complete start\n"},
    {"inside a response's counted body",
     {">>> " R("1"), "<<< HTTP/1.1 200 OK\nContent-Length: 100\n\n0123456789", "<>< 89", "<<< x",
      ">>> " R("2"), "<<< " OK},
     "#1 GET /1  body=0 @1-1-1 complete start\n"
     "#2 200 re=1 body=11 @2-2-4 start\n"
     "#3 GET /2  body=0 @5-5-5 complete start\n"
     "#4 200 re=3 body=0 @6-6-6 complete\n"},
    {"a request head: fields as far as read; its response can only be its own",
     {">>> " R_HOST("1") "Authorization: Neg", "><> 500", "<<< " NO, ">>> " R("2"), "<<< " OK},
     "#1 GET /1 mp body=0 @1-1-1 cut-head start\n"
     "#2 401 re=1 body=0 @3-3-3 complete start\n"
     "#3 GET /2  body=0 @4-4-4 complete\n"
     "#4 200 re=3 body=0 @5-5-5 complete start\n"},
    {"a request head whose rest is closed as lost after its response",
     {">>> " R_HOST("1") "Authorization: Neg", "<<<@545 " NO, "><> 500", ">>> " R("2"), "<<< " OK},
     "#1 GET /1 mp body=0 @1-1-1 cut-head start\n"
     "#2 401 re=1 body=0 @2-2-2 complete start\n"
     "#3 GET /2  body=0 @4-4-4 complete\n"
     "#4 200 re=3 body=0 @5-5-5 complete start\n"},
    {"a request head without a whole field is kept: the first response is its",
     {">>> GET /1 HTTP/1.1\nHos", "><> 500", "<<< " NO, ">>> " R("2"), "<<< " OK},
     "#1 GET /1  body=0 @1-1-1 cut-head start\n"
     "#2 401 re=1 body=0 @3-3-3 complete start\n"
     "#3 GET /2  body=0 @4-4-4 complete\n"
     "#4 200 re=3 body=0 @5-5-5 complete start\n"},
    {"a whole request: its response is nobody's",
     {">>> " R("1"), "<<< " NO, "><> 19", "<<< " OK, ">>> " R("3"), "<<< " NO},
     "#1 GET /1  body=0 @1-1-1 complete start\n"
     "#2 401 re=1 body=0 @2-2-2 complete start\n"
     "#3 200 re=0 body=0 @4-4-4 complete start\n"
     "#4 GET /3  body=0 @5-5-5 complete\n"
     "#5 401 re=4 body=0 @6-6-6 complete start\n"},
    {"a whole request, closed as lost when the next one is there",
     {">>> " R("1"), "<<< " NO, "<<<@38 " OK, "><> 19", ">>> " R("3"), "<<< " NO},
     "#1 GET /1  body=0 @1-1-1 complete start\n"
     "#2 401 re=1 body=0 @2-2-2 complete start\n"
     "#3 200 re=0 body=0 @3-3-3 complete start\n"
     "#4 GET /3  body=0 @5-5-5 complete\n"
     "#5 401 re=4 body=0 @6-6-6 complete start\n"},
    {"a whole request, closed as lost after the next one was answered: late means unpaired",
     {">>> " R("1"), "<<< " NO, "<<<@38 " OK, "<<<@57 " NO, "><> 19", ">>> " R("3"), ">>> " R("4"),
      "<<< " OK},
     "#1 GET /1  body=0 @1-1-1 complete start\n"
     "#2 401 re=1 body=0 @2-2-2 complete start\n"
     "#3 200 re=0 body=0 @3-3-3 complete start\n"
     "#4 401 re=0 body=0 @4-4-4 complete start\n"
     "#5 GET /3  body=0 @6-6-6 complete\n"
     "#6 GET /4  body=0 @7-7-7 complete\n"
     "#7 200 re=6 body=0 @8-8-8 complete start\n"},
    {"a gap behind a request that waits: a response beyond it is not the older request's",
     {">>> " R("1"), "><> 19", "<<< " OK},
     "#1 GET /1  body=0 @1-1-1 complete start\n"
     "#2 200 re=0 body=0 @3-3-3 complete start\n"},
    {"… and one that acknowledges that request alone is",
     {">>> " R("1"), "><> 19", "<<<@19 " NO, "<<< " OK},
     "#1 GET /1  body=0 @1-1-1 complete start\n"
     "#2 401 re=1 body=0 @3-3-3 complete start\n"
     "#3 200 re=0 body=0 @4-4-4 complete start\n"},
    {"a whole response: the next one is the second request's",
     {">>> " R("1"), "<>< 38", ">>> " R("2"), "<<< " OK, ">>> " R("3"), "<<< " NO},
     "#1 GET /1  body=0 @1-1-1 complete start\n"
     "#2 GET /2  body=0 @3-3-3 complete start\n"
     "#3 200 re=2 body=0 @4-4-4 complete\n"
     "#4 GET /3  body=0 @5-5-5 complete start\n"
     "#5 401 re=4 body=0 @6-6-6 complete\n"},
    {"a whole response, closed as lost when the next one is there",
     {">>> " R("1"), ">>> " R("2"), "<>< 38", "<<< " OK},
     "#1 GET /1  body=0 @1-1-1 complete start\n"
     "#2 GET /2  body=0 @2-2-2 complete start\n"
     "#3 200 re=2 body=0 @4-4-4 complete\n"},
    {"a whole response of a client that pipelines: it cannot be told",
     {">>> " R("1"), ">>> " R("2"), "<<< " OK, "<<< " OK, ">>> " R("3"), ">>> " R("4"), "<>< 38",
      "<<< " NO, ">>> " R("5"), "<<< " OK},
     "#1 GET /1  body=0 @1-1-1 complete start\n"
     "#2 GET /2  body=0 @2-2-2 complete start\n"
     "#3 200 re=1 body=0 @3-3-3 complete start\n"
     "#4 200 re=2 body=0 @4-4-4 complete start\n"
     "#5 GET /3  body=0 @5-5-5 complete start\n"
     "#6 GET /4  body=0 @6-6-6 complete start\n"
     "#7 401 re=0 body=0 @8-8-8 complete\n"
     "#8 GET /5  body=0 @9-9-9 complete start\n"
     "#9 200 re=8 body=0 @10-10-10 complete\n"},
    {"two requests behind a gap, one response that acknowledges both: whose?",
     {"><> 19", ">>> " R("1"), ">>> " R("2"), "<<< " OK, "<<< " NO, ">>> " R("3"), "<<< " OK},
     "#1 GET /1  body=0 @2-2-2 complete\n"
     "#2 GET /2  body=0 @3-3-3 complete\n"
     "#3 200 re=0 body=0 @4-4-4 complete start\n"
     "#4 401 re=0 body=0 @5-5-5 complete start\n"
     "#5 GET /3  body=0 @6-6-6 complete\n"
     "#6 200 re=5 body=0 @7-7-7 complete start\n"},
    {"a response head: status and fields as far as read",
     {">>> " R("1"), "<<< HTTP/1.1 401 No\nServer: x\nWWW-Auth", "<>< 100", ">>> " R("2"),
      "<<< " OK},
     "#1 GET /1  body=0 @1-1-1 complete start\n"
     "#2 401 re=1 body=0 @2-2-2 cut-head start\n"
     "#3 GET /2  body=0 @4-4-4 complete start\n"
     "#4 200 re=3 body=0 @5-5-5 complete\n"},
    {"a response head without a whole field is kept: its status line answers",
     {">>> " R("1"), "<<< HTTP/1.1 401 No\nServ", "<>< 100", ">>> " R("2"), "<<< " OK},
     "#1 GET /1  body=0 @1-1-1 complete start\n"
     "#2 401 re=1 body=0 @2-2-2 cut-head start\n"
     "#3 GET /2  body=0 @4-4-4 complete start\n"
     "#4 200 re=3 body=0 @5-5-5 complete\n"},
    {"an interim response's cut head is nothing",
     {">>> " R("1"), "<<< HTTP/1.1 100 Continue\nServer: x\nX-", "<>< 100", "<<< " OK},
     "#1 GET /1  body=0 @1-1-1 complete start\n"
     "#2 200 re=1 body=0 @4-4-4 complete\n"},
    {"chunks: resynchronise at a segment, not inside one",
     {">>> " R("1"), "<<< HTTP/1.1 200 OK\nTransfer-Encoding: chunked\n\n100\nabc", "<>< 10",
      "<<+ HTTP/1.1 500 Body\r\n\r\n", "<<< xHTTP/1.1 500 Body\n\n", ">>> " R("2"), "<<< " NO},
     "#1 GET /1  body=0 @1-1-1 complete start\n"
     "#2 200 re=1 body=3 @2-2-2 start\n"
     "#3 GET /2  body=0 @6-6-6 complete start\n"
     "#4 401 re=3 body=0 @7-7-7 complete\n"},
    {"a body to the end of the stream",
     {">>> " R("1"), "<<< HTTP/1.1 200 OK\n\nabc", "<>< 10", "<<< more of it", "<<| fin"},
     "#1 GET /1  body=0 @1-1-1 complete start\n"
     "#2 200 re=1 body=3 @2-2-2 start\n"},
    {"joined midway, in bodies",
     {"><> 0", "<>< 0", "<<< the end of some body", ">>> " R("1"), "<<< " NO, ">>> " R("2"),
      "<<< " OK},
     "#1 GET /1  body=0 @4-4-4 complete\n"
     "#2 401 re=1 body=0 @5-5-5 complete\n"
     "#3 GET /2  body=0 @6-6-6 complete\n"
     "#4 200 re=3 body=0 @7-7-7 complete\n"},
    {"joined midway, between a request and its response",
     {"><> 0", "<>< 0", "<<<@0 HTTP/1.1 200 OK\nContent-Length: 50\n\n01234567890123456789",
      "<<+@0 012345678901234567890123456789", ">>> " R("1"), "<<< " NO},
     "#1 200 re=0 body=50 @3-3-4 complete\n"
     "#2 GET /1  body=0 @5-5-5 complete\n"
     "#3 401 re=2 body=0 @6-6-6 complete\n"},
    {"joined midway, behind a HEAD: its response has a length and no body",
     {"><> 0", "<>< 0", "<<<@0 HTTP/1.1 200 OK\nContent-Length: 5000\n\n", ">>> " R("1"),
      "<<< " NO},
     "#1 200 re=0 body=0 @3-3-3\n"
     "#2 GET /1  body=0 @4-4-4 complete\n"
     "#3 401 re=2 body=0 @5-5-5 complete\n"},
    {"the same with chunks announced",
     {"><> 0", "<>< 0", "<<<@0 HTTP/1.1 200 OK\nTransfer-Encoding: chunked\n\n", ">>> " R("1"),
      "<<< " NO},
     "#1 200 re=0 body=0 @3-3-3\n"
     "#2 GET /1  body=0 @4-4-4 complete\n"
     "#3 401 re=2 body=0 @5-5-5 complete\n"},
    {"after a gap an unknown acknowledgement pairs nothing",
     {"><> 0", ">>> " R("1"), "<<<@0 " NO, ">>> " R("2"), "<<< " OK},
     "#1 GET /1  body=0 @2-2-2 complete\n"
     "#2 401 re=0 body=0 @3-3-3 complete start\n"
     "#3 GET /2  body=0 @4-4-4 complete\n"
     "#4 200 re=3 body=0 @5-5-5 complete start\n"},
    {"both directions: a request and its response",
     {">>> " R("1"), "<<< " NO, "><> 19", "<>< 38", ">>> " R("3"), "<<< " OK},
     "#1 GET /1  body=0 @1-1-1 complete start\n"
     "#2 401 re=1 body=0 @2-2-2 complete start\n"
     "#3 GET /3  body=0 @5-5-5 complete\n"
     "#4 200 re=3 body=0 @6-6-6 complete\n"},
    {"both directions: a response and the request after it",
     {">>> " R("1"), "<>< 38", "><> 19", "<<< " OK, ">>> " R("3"), "<<< " NO},
     "#1 GET /1  body=0 @1-1-1 complete start\n"
     "#2 200 re=0 body=0 @4-4-4 complete\n"
     "#3 GET /3  body=0 @5-5-5 complete\n"
     "#4 401 re=3 body=0 @6-6-6 complete\n"},
    {"text behind a gap is no start line, however much it looks like one",
     {"><> 7", ">>> a word /in a sentence\n", ">>> POST that letter now HTTP/1.1\n\n",
      ">>> SUBJECT http is a protocol\n\n", ">>> GET /in the middle HTTP/1.1\n\n", ">>> " R("1")},
     "#1 GET /1  body=0 @6-6-6 complete\n"},
};

#define NUM_TALKS (sizeof talks / sizeof talks[0])

static void check(const struct talk *talk, struct talk_how how)
{
    static char buffer[TALK_OUT_MAX];
    struct text out;
    text_init(&out, buffer, sizeof buffer);
    talk_play(talk, how, &out);
    cr_assert(strcmp(buffer, talk->expect) == 0,
              "%s (cut %d, step %zu, at %zu)\n--- got\n%s--- expected\n%s", talk->name,
              (int)how.cut, how.step + 1, how.at, buffer, talk->expect);
}

Test(http_gap, conversations_whole_and_per_byte)
{
    for (size_t i = 0; i < NUM_TALKS; i++) {
        check(&talks[i], (struct talk_how){.cut = TALK_WHOLE});
        check(&talks[i], (struct talk_how){.cut = TALK_PER_BYTE});
    }
}

Test(http_gap, conversations_split_in_two_everywhere)
{
    static uint8_t bytes[TALK_BYTES_MAX];
    for (size_t i = 0; i < NUM_TALKS; i++) {
        for (size_t step = 0; talks[i].step[step] != NULL; step++) {
            const char *text = talks[i].step[step];
            size_t len = text[1] == text[0] && text[2] != '|' ? talk_bytes(text, bytes) : 0;
            for (size_t at = 1; at < len; at++) {
                check(&talks[i], (struct talk_how){.cut = TALK_AT_STEP, .step = step, .at = at});
            }
        }
    }
}

Test(http_gap, conversations_split_at_random)
{
    for (size_t i = 0; i < NUM_TALKS; i++) {
        for (size_t seed = 1; seed <= 50; seed++) {
            check(&talks[i], (struct talk_how){.cut = TALK_RANDOM, .at = seed});
        }
    }
}

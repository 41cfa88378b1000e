/* Conversations without loss: framing, pairing, order, and that no way of cutting the bytes into
 * pieces changes what is reported. */
#include "tests/http_talk.h"

#include <criterion/criterion.h>

#define POST "CCM_POST /ccm_system_windowsauth/request HTTP/1.1\nHost: mp.corp.example\n"

static const struct talk talks[] = {
    {"a request without a body and its response",
     {">>> GET /a?b=c HTTP/1.1\nHost: mp\n\n", "<<< HTTP/1.1 200 OK\nContent-Length: 2\n\nok"},
     "#1 GET /a mp body=0 @1-1-1 complete start\n"
     "#2 200 re=1 body=2 @2-2-2 complete start\n"},
    {"the registration: refused, and tried again on the same connection",
     {">>> " POST "Content-Length: 4\n\n", ">>> body", "<<< HTTP/1.1 401 Unauthorized\n",
      "<<< WWW-Authenticate: Negotiate\nContent-Length: 0\n\n",
      ">>> " POST "Authorization: Negotiate YII=\nContent-Length: 4\n\nbody",
      "<<< HTTP/1.1 200 OK\nContent-Length: 0\n\n"},
     "#1 CCM_POST /ccm_system_windowsauth/request mp.corp.example body=4 @1-1-2 complete start\n"
     "#2 401 re=1 body=0 @3-4-4 complete start\n"
     "#3 CCM_POST /ccm_system_windowsauth/request mp.corp.example body=4 @5-5-5 complete start\n"
     "#4 200 re=3 body=0 @6-6-6 complete start\n"},
    {"any token is a method, HTTP/1.0, no Host, no reason phrase",
     {">>> BITS_POST /ccm_incoming/x HTTP/1.0\n\n", "<<< HTTP/1.0 200\n\nall", "<<| fin"},
     "#1 BITS_POST /ccm_incoming/x  body=0 @1-1-1 complete start\n"
     "#2 200 re=1 body=3 @2-2-2 complete start\n"},
    {"a body to the end of the stream is complete by a FIN only",
     {">>> GET / HTTP/1.1\nHost: a\n\n", "<<< HTTP/1.1 200 OK\n\nabc", "<<| rst"},
     "#1 GET / a body=0 @1-1-1 complete start\n"
     "#2 200 re=1 body=3 @2-2-2 start\n"},
    {"chunks with extensions and trailers",
     {">>> POST /c HTTP/1.1\nHost: a\nTransfer-Encoding: chunked\n\n",
      ">>> 4;name=\"v\"\nWiki\n5  \npedia\n0\nTrailer: x\n\n",
      "<<< HTTP/1.1 200 OK\nTransfer-Encoding: gzip, chunked\n\n3\nabc\nA\n0123456789\n",
      "<<< 0\n\n"},
     "#1 POST /c a body=9 @1-1-2 complete start\n"
     "#2 200 re=1 body=13 @3-3-4 complete start\n"},
    {"Transfer-Encoding outweighs Content-Length",
     {">>> POST /c HTTP/1.1\nContent-Length: 100\nTransfer-Encoding: chunked\n\n2\nab\n0\n\n",
      ">>> GET /d HTTP/1.1\n\n"},
     "#1 POST /c  body=2 @1-1-1 complete start\n"
     "#2 GET /d  body=0 @2-2-2 complete start\n"},
    {"two equal lengths are one",
     {">>> POST /c HTTP/1.1\nContent-Length: 2\ncontent-length: 2, 2\n\nabGET /d HTTP/1.1\n\n"},
     "#1 POST /c  body=2 @1-1-1 complete start\n"
     "#2 GET /d  body=0 @1-1-1 complete start\n"},
    {"two lengths that differ: the end is unknown, go on at a segment",
     {">>> POST /c HTTP/1.1\nContent-Length: 2\nContent-Length: 3\n\nab",
      "<<< HTTP/1.1 400 Bad\nContent-Length: 0\n\n", ">>> GET /d HTTP/1.1\n\n"},
     "#1 POST /c  body=0 @1-1-1 start\n"
     "#2 400 re=1 body=0 @2-2-2 complete start\n"
     "#3 GET /d  body=0 @3-3-3 complete start\n"},
    {"statuses and methods without a body",
     {">>> HEAD /h HTTP/1.1\n\n", "<<< HTTP/1.1 200 OK\nContent-Length: 5000\n\n",
      ">>> GET /n HTTP/1.1\n\n", "<<< HTTP/1.1 304 Not Modified\nContent-Length: 5000\n\n",
      ">>> GET /o HTTP/1.1\n\n", "<<< HTTP/1.1 204 No Content\n\n"},
     "#1 HEAD /h  body=0 @1-1-1 complete start\n"
     "#2 200 re=1 body=0 @2-2-2 complete start\n"
     "#3 GET /n  body=0 @3-3-3 complete start\n"
     "#4 304 re=3 body=0 @4-4-4 complete start\n"
     "#5 GET /o  body=0 @5-5-5 complete start\n"
     "#6 204 re=5 body=0 @6-6-6 complete start\n"},
    {"interim responses are no answers",
     {">>> POST /e HTTP/1.1\nExpect: 100-continue\nContent-Length: 4\n\n",
      "<<< HTTP/1.1 100 Continue\n\n", ">>> body",
      "<<< HTTP/1.1 102 Processing\n\nHTTP/1.1 200 OK\nContent-Length: 0\n\n"},
     "#1 POST /e  body=4 @1-1-3 complete start\n"
     "#2 200 re=1 body=0 @4-4-4 complete start\n"},
    {"refused before 100 Continue: the body never comes, the next request does",
     {">>> POST /e HTTP/1.1\nExpect: 100-continue\nContent-Length: 400\n\n",
      "<<< HTTP/1.1 401 No\nContent-Length: 0\n\n", ">>> POST /f HTTP/1.1\nContent-Length: 1\n\nx",
      "<<< HTTP/1.1 200 OK\nContent-Length: 0\n\n"},
     "#1 POST /e  body=0 @1-1-1 start\n"
     "#2 401 re=1 body=0 @2-2-2 complete start\n"
     "#3 POST /f  body=1 @3-3-3 complete start\n"
     "#4 200 re=3 body=0 @4-4-4 complete start\n"},
    {"refused before 100 Continue, and the body comes all the same",
     {">>> POST /e HTTP/1.1\nExpect: 100-continue\nContent-Length: 20\n\n",
      "<<< HTTP/1.1 401 No\nContent-Length: 0\n\n", ">>> 01234567890123456789",
      ">>> GET /f HTTP/1.1\n\n"},
     "#1 POST /e  body=0 @1-1-1 start\n"
     "#2 401 re=1 body=0 @2-2-2 complete start\n"
     "#3 GET /f  body=0 @4-4-4 complete start\n"},
    {"CONNECT: a tunnel after 2xx only",
     {">>> CONNECT mp:443 HTTP/1.1\nHost: mp:443\n\n",
      "<<< HTTP/1.1 407 Auth\nContent-Length: 2\n\nno", ">>> CONNECT [fe80::1]:443 HTTP/1.1\n\n",
      "<<< HTTP/1.1 200 OK\nContent-Length: 7\n\nGET / HTTP/1.1\n\n", ">>> GET /no HTTP/1.1\n\n"},
     "#1 CONNECT  mp:443 body=0 @1-1-1 complete start\n"
     "#2 407 re=1 body=2 @2-2-2 complete start\n"
     "#3 CONNECT  [fe80::1]:443 body=0 @3-3-3 complete start\n"
     "#4 200 re=3 body=0 @4-4-4 complete start\n"},
    {"101 is the last word of HTTP",
     {">>> GET /ws HTTP/1.1\nUpgrade: websocket\n\n", "<<< HTTP/1.1 101 Switching\n\nHTTP/1.1 2",
      ">>> GET /no HTTP/1.1\n\n"},
     "#1 GET /ws  body=0 @1-1-1 complete start\n"
     "#2 101 re=1 body=0 @2-2-2 complete start\n"},
    {"absolute targets, ports, IPv6",
     {">>> GET http://u@proxy.example:8080/a/b?c HTTP/1.1\n\n",
      ">>> GET HTTP://proxy.example HTTP/1.1\nHost: mp:81\n\n",
      ">>> OPTIONS * HTTP/1.1\nHost: [2001:db8::1]:8530\n\n",
      ">>> GET / HTTP/1.1\nHost: 2001:db8::1\n\n", ">>> GET / HTTP/1.1\nHost: mp:none\n\n"},
     "#1 GET /a/b proxy.example:8080 body=0 @1-1-1 complete start\n"
     "#2 GET  mp:81 body=0 @2-2-2 complete start\n"
     "#3 OPTIONS * [2001:db8::1]:8530 body=0 @3-3-3 complete start\n"
     "#4 GET / 2001:db8::1 body=0 @4-4-4 complete start\n"
     "#5 GET / mp body=0 @5-5-5 complete start\n"},
    {"bare LF, blank lines before a start line, a folded line, odd case, a line without colon",
     {">>- \r\n\nGET /lf HTTP/1.1\nhOsT : mp\nX-Fold: a\n b\nnonsense\n\n",
      "<<- \nHTTP/1.1 200 OK\ncontent-LENGTH:2\n\nok"},
     "#1 GET /lf mp body=0 @1-1-1 complete start\n"
     "#2 200 re=1 body=2 @2-2-2 complete start\n"},
    {"pipelining",
     {">>> GET /1 HTTP/1.1\n\nGET /2 HTTP/1.1\n\nGET /3 HTTP/1.1\n\n",
      "<<< HTTP/1.1 200 OK\nContent-Length: 1\n\n1HTTP/1.1 404 No\nContent-Length: 0\n\n",
      "<<< HTTP/1.1 500 Oh\nContent-Length: 1\n\n3"},
     "#1 GET /1  body=0 @1-1-1 complete start\n"
     "#2 GET /2  body=0 @1-1-1 complete start\n"
     "#3 GET /3  body=0 @1-1-1 complete start\n"
     "#4 200 re=1 body=1 @2-2-2 complete start\n"
     "#5 404 re=2 body=0 @2-2-2 complete start\n"
     "#6 500 re=3 body=1 @3-3-3 complete start\n"},
    {"a response that never ends is reported before the next request",
     {">>> GET /1 HTTP/1.1\n\n", "<<< HTTP/1.1 401 No\nContent-Length: 50\n\npart",
      ">>> GET /2 HTTP/1.1\n\n", "<<< 0123456789012345678901234567890123456789012345",
      "<<< HTTP/1.1 200 OK\nContent-Length: 0\n\n"},
     "#1 GET /1  body=0 @1-1-1 complete start\n"
     "#2 401 re=1 body=4 @2-2-2 start\n"
     "#3 GET /2  body=0 @3-3-3 complete start\n"
     "#4 200 re=3 body=0 @5-5-5 complete start\n"},
    {"a response without length that the next request ends",
     {">>> GET /1 HTTP/1.1\n\n", "<<< HTTP/1.1 401 No\n\npart", ">>> GET /2 HTTP/1.1\n\n",
      "<<< HTTP/1.1 200 OK\nContent-Length: 0\n\n"},
     "#1 GET /1  body=0 @1-1-1 complete start\n"
     "#2 401 re=1 body=4 @2-2-2 start\n"
     "#3 GET /2  body=0 @3-3-3 complete start\n"
     "#4 200 re=3 body=0 @4-4-4 complete start\n"},
    {"an answer to half a body",
     {">>> " POST "Content-Length: 10\n\n01234", "<<< HTTP/1.1 401 No\nContent-Length: 0\n\n",
      ">>> 56789", ">>> GET /2 HTTP/1.1\n\n", "<<< HTTP/1.1 200 OK\nContent-Length: 0\n\n"},
     "#1 CCM_POST /ccm_system_windowsauth/request mp.corp.example body=5 @1-1-1 start\n"
     "#2 401 re=1 body=0 @2-2-2 complete start\n"
     "#3 GET /2  body=0 @4-4-4 complete start\n"
     "#4 200 re=3 body=0 @5-5-5 complete start\n"},
    {"an answer to half a head waits for the other half",
     {">>> GET /long HTTP/1.1\nHost: mp\nAuthorization: Nego",
      "<<< HTTP/1.1 400 Bad\nContent-Length: 0\nConnection: close\n\n", ">>> tiate YII=\n\n"},
     "#1 GET /long mp body=0 @1-3-3 complete start\n"
     "#2 400 re=1 body=0 @2-2-2 complete start\n"},
    {"an answer to half a head whose other half never comes",
     {">>> GET /long HTTP/1.1\nHost: mp\nAuthorization: Nego",
      "<<< HTTP/1.1 400 Bad\nContent-Length: 0\nConnection: close\n\n", "<<| fin"},
     "#1 GET /long mp body=0 @1-1-1 cut-head start\n"
     "#2 400 re=1 body=0 @2-2-2 complete start\n"},
    {"frames in disorder: the server acknowledged a body that comes later here",
     {">>> POST /d HTTP/1.1\nContent-Length: 4\n\n",
      "<<<@45 HTTP/1.1 200 OK\nContent-Length: 0\n\n", ">>> body"},
     "#1 POST /d  body=4 @1-1-3 complete start\n"
     "#2 200 re=1 body=0 @2-2-2 complete start\n"},
    {"frames in disorder: a response before its request pairs with nothing, nor does it shift",
     {"<<<@19 HTTP/1.1 200 OK\nContent-Length: 0\n\n", ">>> GET /1 HTTP/1.1\n\n",
      ">>> GET /2 HTTP/1.1\n\n", "<<< HTTP/1.1 404 No\nContent-Length: 0\n\n"},
     "#1 200 re=0 body=0 @1-1-1 complete start\n"
     "#2 GET /1  body=0 @2-2-2 complete start\n"
     "#3 GET /2  body=0 @3-3-3 complete start\n"
     "#4 404 re=3 body=0 @4-4-4 complete start\n"},
    {"a server that times out before the request was sent",
     {">>> GET /1 HTTP/1.1\n\n", "<<< HTTP/1.1 200 OK\nContent-Length: 0\n\n",
      ">>> GET /2 HTTP/1.1\n\n", "<<<@19 HTTP/1.1 408 Timeout\nContent-Length: 0\n\n"},
     "#1 GET /1  body=0 @1-1-1 complete start\n"
     "#2 200 re=1 body=0 @2-2-2 complete start\n"
     "#3 GET /2  body=0 @3-3-3 complete start\n"
     "#4 408 re=0 body=0 @4-4-4 complete start\n"},
    {"half-closed by the client: the response still belongs",
     {">>> GET /1 HTTP/1.1\n\n", ">>| fin", "<<<@20 HTTP/1.1 200 OK\nContent-Length: 0\n\n"},
     "#1 GET /1  body=0 @1-1-1 complete start\n"
     "#2 200 re=1 body=0 @3-3-3 complete start\n"},
    {"cut off: in a head, in a body, before a header line is whole",
     {">>> POST /1 HTTP/1.1\nHost: mp\nContent-Le", "<<< HTTP/1.1 500 Oh\nServer: x\nDa", ">>| rst",
      "<<| rst"},
     "#1 POST /1 mp body=0 @1-1-1 cut-head start\n"
     "#2 500 re=1 body=0 @2-2-2 cut-head start\n"},
    {"a start line alone says what it can",
     {">>> GET /1 HTTP/1.1\n", "<<< HTTP/1.1 500 Oh\n"},
     "#1 GET /1  body=0 @1-1-1 cut-head start\n"
     "#2 500 re=1 body=0 @2-2-2 cut-head start\n"},
    {"flush reports once, and framing goes on",
     {">>> POST /1 HTTP/1.1\nContent-Length: 4\n\nbo", "flush", ">>> dyGET /2 HTTP/1.1\n\n"},
     "#1 POST /1  body=2 @1-1-1 start\n"
     "#2 GET /2  body=0 @3-3-3 complete start\n"},
    {"not HTTP at all", {">>> SSH-2.0-x\n", "<<< SSH-2.0-y\n", ">>- \x16\x03\x01"}, ""},
    {"HTTP/2 and HTTP/0.9 are others' business",
     {">>> PRI * HTTP/2.0\n\nSM\n\n", ">>> GET /\n", "<<< HTTP/2.0 200 OK\n\n"},
     ""},
    {"bad chunk sizes: resynchronise",
     {">>> POST /1 HTTP/1.1\nTransfer-Encoding: chunked\n\nxyz\n", ">>> GET /2 HTTP/1.1\n\n",
      "<<< HTTP/1.1 200 OK\nTransfer-Encoding: chunked\n\n11112222333344445\n",
      "<<< HTTP/1.1 200 OK\nTransfer-Encoding: chunked\n\n1\nabc\n"},
     "#1 POST /1  body=0 @1-1-1 start\n"
     "#2 GET /2  body=0 @2-2-2 complete start\n"
     "#3 200 re=1 body=0 @3-3-3 start\n"
     "#4 200 re=2 body=1 @4-4-4 start\n"},
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

Test(http, conversations_whole)
{
    for (size_t i = 0; i < NUM_TALKS; i++) {
        check(&talks[i], (struct talk_how){.cut = TALK_WHOLE});
    }
}

Test(http, conversations_per_byte)
{
    for (size_t i = 0; i < NUM_TALKS; i++) {
        check(&talks[i], (struct talk_how){.cut = TALK_PER_BYTE});
    }
}

Test(http, conversations_split_in_two_everywhere)
{
    static uint8_t bytes[TALK_BYTES_MAX];
    for (size_t i = 0; i < NUM_TALKS; i++) {
        for (size_t step = 0; talks[i].step[step] != NULL; step++) {
            const char *text = talks[i].step[step];
            size_t len = strchr(text, ' ') != NULL ? talk_bytes(text, bytes) : 0;
            for (size_t at = 1; at < len; at++) {
                check(&talks[i], (struct talk_how){.cut = TALK_AT_STEP, .step = step, .at = at});
            }
        }
    }
}

Test(http, conversations_split_at_random)
{
    for (size_t i = 0; i < NUM_TALKS; i++) {
        for (size_t seed = 1; seed <= 50; seed++) {
            check(&talks[i], (struct talk_how){.cut = TALK_RANDOM, .at = seed});
        }
    }
}

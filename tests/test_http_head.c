/* What is read out of a head, and what a segment's beginning gives away. */
#include "base/text.h"
#include "decode/http.h"

#include <criterion/criterion.h>
#include <string.h>

#define KEPT_MAX 4096

/* The last message seen, its slices copied as text. */
struct seen {
    unsigned num;
    struct http_message m;
    char method[64], target[128], host[128], path[128];
    char auth[HTTP_HEADER_VALUES_MAX][128];
    char proxy_auth[128], challenge[HTTP_HEADER_VALUES_MAX][128], proxy_challenge[128];
    char server[64], date[64], via[64], user_agent[64], allow[64], type[64], location[64];
    char node[64], powered_by[64];
    char body[KEPT_MAX];
};

static void keep(char *out, size_t size, struct bytes b)
{
    size_t len = b.len < size - 1 ? b.len : size - 1;
    if (len > 0) {
        memcpy(out, b.at, len);
    }
    out[len] = '\0';
}

static void sink(void *context, const struct http_message *m)
{
    struct seen *s = context;
    s->num++;
    s->m = *m;
    keep(s->method, sizeof s->method, m->method);
    keep(s->target, sizeof s->target, m->target);
    keep(s->host, sizeof s->host, m->host);
    keep(s->path, sizeof s->path, m->path);
    for (size_t i = 0; i < HTTP_HEADER_VALUES_MAX; i++) {
        keep(s->auth[i], sizeof s->auth[i], m->authorization.at[i]);
        keep(s->challenge[i], sizeof s->challenge[i], m->www_authenticate.at[i]);
    }
    keep(s->proxy_auth, sizeof s->proxy_auth, m->proxy_authorization.at[0]);
    keep(s->proxy_challenge, sizeof s->proxy_challenge, m->proxy_authenticate.at[0]);
    keep(s->server, sizeof s->server, m->server);
    keep(s->date, sizeof s->date, m->date);
    keep(s->via, sizeof s->via, m->via);
    keep(s->user_agent, sizeof s->user_agent, m->user_agent);
    keep(s->allow, sizeof s->allow, m->allow);
    keep(s->type, sizeof s->type, m->content_type);
    keep(s->location, sizeof s->location, m->location);
    keep(s->node, sizeof s->node, m->node);
    keep(s->powered_by, sizeof s->powered_by, m->powered_by);
    keep(s->body, sizeof s->body, m->body);
}

static struct seen read_one(int dir, const char *text)
{
    static struct seen seen;
    seen = (struct seen){0};
    struct http_conn *h = http_conn_new(sink, &seen);
    struct place place = {.frame = 7, .time_ns = 70};
    http_data(h, dir, bytes_of(text), 0, true, 0, &place);
    http_end(h, dir, true, &place);
    http_conn_free(h);
    return seen;
}

Test(http_head, request_fields)
{
    struct seen s = read_one(0, "CCM_POST /ccm_system_windowsauth/request?x=1#f HTTP/1.1\r\n"
                                "Host: MP.corp.example:8080 \r\n"
                                "Host: other\r\n"
                                "User-Agent:ccmhttp\r\n"
                                "AUTHORIZATION: Negotiate YIIa\r\n"
                                "Authorization:\tNTLM TlRM\r\n"
                                "Proxy-Authorization: Basic x\r\n"
                                "WWW-Authenticate: not of a request\r\n"
                                "Content-Type: multipart/mixed; boundary=\"b\"\r\n"
                                "Connection: keep-alive, Close\r\n"
                                "Via: 1.1 p\r\nDate: d\r\n"
                                "Content-Length: 5\r\n\r\nhello");
    cr_assert_eq(s.num, 1);
    cr_assert(s.m.is_request && s.m.head_complete && s.m.complete && s.m.seen_from_start);
    cr_assert_str_eq(s.method, "CCM_POST");
    cr_assert_str_eq(s.target, "/ccm_system_windowsauth/request?x=1#f");
    cr_assert_str_eq(s.path, "/ccm_system_windowsauth/request");
    cr_assert_str_eq(s.host, "MP.corp.example");
    cr_assert_eq(s.m.host_port, 8080);
    cr_assert_eq(s.m.version_minor, 1);
    cr_assert_str_eq(s.user_agent, "ccmhttp");
    cr_assert_eq(s.m.authorization.num, 2);
    cr_assert_str_eq(s.auth[0], "Negotiate YIIa");
    cr_assert_str_eq(s.auth[1], "NTLM TlRM");
    cr_assert_eq(s.m.proxy_authorization.num, 1);
    cr_assert_str_eq(s.proxy_auth, "Basic x");
    cr_assert_eq(s.m.www_authenticate.num, 0);
    cr_assert_str_eq(s.type, "multipart/mixed; boundary=\"b\"");
    cr_assert_str_eq(s.via, "1.1 p");
    cr_assert_str_eq(s.date, "d");
    cr_assert(s.m.connection_close);
    cr_assert(s.m.has_content_length);
    cr_assert_eq(s.m.content_length, 5);
    cr_assert_eq(s.m.body_len, 5);
    cr_assert_str_eq(s.body, "hello");
    cr_assert_eq(s.m.first.frame, 7);
    cr_assert_eq(s.m.head_end.time_ns, 70);
    cr_assert_eq(s.m.num_frames, 1);
    cr_assert_eq(s.m.frames[0], 7);
}

Test(http_head, response_fields)
{
    struct seen s = read_one(1, "HTTP/1.0 401 Access denied\r\n"
                                "Server: Microsoft-IIS/8.5\r\n"
                                "WWW-Authenticate: Negotiate\r\n"
                                "WWW-Authenticate: NTLM\r\n"
                                "www-authenticate: Basic realm=\"a\"\r\n"
                                "Proxy-Authenticate: Negotiate\r\n"
                                "Authorization: not of a response\r\nHost: nor this\r\n"
                                "Date: Tue, 22 Nov 2016 11:12:42 GMT\r\n"
                                "Allow: GET\r\nLocation: /x\r\nContent-Length: 3\r\n\r\nabc");
    cr_assert_eq(s.num, 1);
    cr_assert(!s.m.is_request && s.m.complete);
    cr_assert_eq(s.m.status, 401);
    cr_assert_eq(s.m.version_minor, 0);
    cr_assert_eq(s.m.reply_to, 0);
    cr_assert_eq(s.m.www_authenticate.num, 3);
    cr_assert_str_eq(s.challenge[0], "Negotiate");
    cr_assert_str_eq(s.challenge[1], "NTLM");
    cr_assert_str_eq(s.challenge[2], "Basic realm=\"a\"");
    cr_assert_eq(s.m.proxy_authenticate.num, 1);
    cr_assert_eq(s.m.authorization.num, 0);
    cr_assert_eq(s.m.host.len, 0);
    cr_assert_str_eq(s.server, "Microsoft-IIS/8.5");
    cr_assert_str_eq(s.date, "Tue, 22 Nov 2016 11:12:42 GMT");
    cr_assert_str_eq(s.allow, "GET");
    cr_assert_str_eq(s.location, "/x");
    cr_assert_not(s.m.connection_close);
    cr_assert_eq(s.m.body.len, 0, "only a CCM_POST's body is kept");
    cr_assert_eq(s.m.body_len, 3);
}

/* Goal: the header that says which machine answered is found among the X-headers, the first of
 * several; a request has none. Method: heads with such headers. */
Test(http_head, which_machine_answered)
{
    struct seen s = read_one(1, "HTTP/1.1 401 No\r\nX-Powered-By: ASP.NET\r\nX-Serve: no\r\n"
                                "x-served-by: web2\r\nX-Server-Name: web3\r\n\r\n");
    cr_assert_str_eq(s.powered_by, "ASP.NET");
    cr_assert_str_eq(s.node, "web2");
    cr_assert_str_eq(s.m.node_header, "X-Served-By");
    s = read_one(1, "HTTP/1.1 401 No\r\nX-Node:\r\nServer: a\r\n\r\n");
    cr_assert_null(s.m.node_header);
    s = read_one(0, "GET / HTTP/1.1\r\nX-Node: a\r\nX-Powered-By: b\r\n\r\n");
    cr_assert_null(s.m.node_header);
    cr_assert_str_eq(s.powered_by, "");
}

/* Goal: a proxy that ended TLS is believed in a request only. Method: its headers, on and off. */
Test(http_head, tls_in_front)
{
    static const struct {
        const char *head;
        bool is_behind_tls;
    } cases[] = {
        {"GET / HTTP/1.1\r\nX-Forwarded-Proto: https\r\n\r\n", true},
        {"GET / HTTP/1.1\r\nFront-End-Https: On\r\n\r\n", true},
        {"GET / HTTP/1.1\r\nX-Forwarded-Proto: http\r\nX-Forwarded-Ssl: off\r\n\r\n", false},
        {"HTTP/1.1 200 OK\r\nX-Forwarded-Proto: https\r\n\r\n", false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct seen s = read_one(cases[i].head[0] == 'H', cases[i].head);
        cr_assert_eq(s.num, 1);
        cr_expect_eq(s.m.is_behind_tls, cases[i].is_behind_tls, "%zu", i);
    }
}

Test(http_head, more_challenges_than_are_kept)
{
    struct seen s = read_one(1, "HTTP/1.1 401 No\r\nWWW-Authenticate: 1\r\nWWW-Authenticate: 2\r\n"
                                "WWW-Authenticate: 3\r\nWWW-Authenticate: 4\r\n"
                                "WWW-Authenticate: 5\r\nWWW-Authenticate: 6\r\n"
                                "WWW-Authenticate: 7\r\nWWW-Authenticate: 8\r\n"
                                "WWW-Authenticate: 9\r\n\r\n");
    cr_assert_eq(s.m.www_authenticate.num, HTTP_HEADER_VALUES_MAX);
    cr_assert_str_eq(s.challenge[7], "8");
}

Test(http_head, folded_lines_become_one_value)
{
    struct seen s = read_one(0, "GET / HTTP/1.1\r\nAuthorization: Negotiate\r\n YIIa\r\n\tYIIb\r\n"
                                "User-Agent: x\n y\n\r\n");
    cr_assert_str_eq(s.auth[0], "Negotiate   YIIa  \tYIIb");
    cr_assert_str_eq(s.user_agent, "x  y");
}

Test(http_head, a_fold_cannot_join_the_start_line)
{
    struct seen s = read_one(0, "GET / HTTP/1.1\r\n Host: mp\r\nVia: v\r\n\r\n");
    cr_assert_eq(s.num, 1);
    cr_assert_str_eq(s.target, "/");
    cr_assert_str_eq(s.via, "v");
}

/* host, port and path by target and Host. */
static const struct {
    const char *head, *host, *path;
    uint16_t port;
} hosts[] = {
    {"GET / HTTP/1.1\r\n\r\n", "", "/", 0},
    {"GET / HTTP/1.1\r\nHost:\r\n\r\n", "", "/", 0},
    {"GET / HTTP/1.1\r\nHost: a:80\r\n\r\n", "a", "/", 80},
    {"GET / HTTP/1.1\r\nHost: a:\r\n\r\n", "a", "/", 0},
    {"GET / HTTP/1.1\r\nHost: a:65536\r\n\r\n", "a", "/", 0},
    {"GET / HTTP/1.1\r\nHost: [::1]\r\n\r\n", "[::1]", "/", 0},
    {"GET / HTTP/1.1\r\nHost: [::1]:81\r\n\r\n", "[::1]", "/", 81},
    {"GET / HTTP/1.1\r\nHost: [::1:81\r\n\r\n", "[::1:81", "/", 0},
    {"GET / HTTP/1.1\r\nHost: fe80::1\r\n\r\n", "fe80::1", "/", 0},
    {"GET http://a HTTP/1.1\r\n\r\n", "a", "", 0},
    {"GET http://a?q HTTP/1.1\r\n\r\n", "a", "", 0},
    {"GET https://a:444/p/q?r/s HTTP/1.1\r\n\r\n", "a", "/p/q", 444},
    {"GET http://[::2]:82/p HTTP/1.1\r\n\r\n", "[::2]", "/p", 82},
    {"GET http://a:1/p HTTP/1.1\r\nHost: b\r\n\r\n", "b", "/p", 0},
    {"GET http:// HTTP/1.1\r\n\r\n", "", "", 0},
    {"CONNECT a:443 HTTP/1.1\r\n\r\n", "a", "", 443},
    {"OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", "a", "*", 0},
    {"GET /a b HTTP/1.1\r\nHost: a\r\n\r\n", "a", "/a b", 0},
    {"GET /p   HTTP/1.1 \r\nHost: a\r\n\r\n", "a", "/p", 0},
};

Test(http_head, host_port_and_path)
{
    for (size_t i = 0; i < sizeof hosts / sizeof hosts[0]; i++) {
        struct seen s = read_one(0, hosts[i].head);
        cr_assert_eq(s.num, 1, "%s", hosts[i].head);
        cr_assert_str_eq(s.host, hosts[i].host, "%s: %s", hosts[i].head, s.host);
        cr_assert_str_eq(s.path, hosts[i].path, "%s: %s", hosts[i].head, s.path);
        cr_assert_eq(s.m.host_port, hosts[i].port, "%s", hosts[i].head);
    }
}

/* Start lines that are none. */
static const char *const refused[] = {
    "GET /\r\n\r\n",
    "GET / HTTP/2.0\r\n\r\n",
    "GET / HTTP/1.\r\n\r\n",
    "GET / HTTP/1.11\r\n\r\n",
    "GET / http/1.1\r\n\r\n",
    "GET HTTP/1.1\r\n\r\n",
    "GET/ HTTP/1.1\r\n\r\n",
    " GET / HTTP/1.1\r\n\r\n",
    "G(T / HTTP/1.1\r\n\r\n",
    "GET /\x01 HTTP/1.1\r\n\r\n",
    "GETGETGETGETGETGETGETGETGETGETGETG / HTTP/1.1\r\n\r\n",
};

static const char *const refused_responses[] = {
    "HTTP/1.1 20 OK\r\n\r\n",  "HTTP/1.1 2000 OK\r\n\r\n", "HTTP/1.1 099 OK\r\n\r\n",
    "HTTP/1.1\r\n\r\n",        "HTTP/1.1 abc\r\n\r\n",     "HTTP/1.x 200 OK\r\n\r\n",
    "HTTP/2.0 200 OK\r\n\r\n", "HTTP/1.1200 OK\r\n\r\n",   "http/1.1 200 OK\r\n\r\n",
};

Test(http_head, no_start_lines)
{
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
        cr_assert_eq(read_one(0, refused[i]).num, 0, "%s", refused[i]);
    }
    for (size_t i = 0; i < sizeof refused_responses / sizeof refused_responses[0]; i++) {
        cr_assert_eq(read_one(1, refused_responses[i]).num, 0, "%s", refused_responses[i]);
    }
}

static const char *const lengths_refused[] = {
    "", "-1", "+1", "0x1", "1 2", "1,2", "1;2", "18446744073709551616", "abc"};

Test(http_head, a_length_that_makes_no_sense)
{
    for (size_t i = 0; i < sizeof lengths_refused / sizeof lengths_refused[0]; i++) {
        char text[256];
        struct text t;
        text_init(&t, text, sizeof text);
        text_format(&t, "POST / HTTP/1.1\r\nContent-Length: %s\r\n\r\n", lengths_refused[i]);
        struct seen s = read_one(0, text);
        cr_assert_eq(s.num, 1);
        cr_assert_not(s.m.complete, "%s", lengths_refused[i]);
        cr_assert(s.m.head_complete);
    }
    struct seen s = read_one(0, "POST / HTTP/1.1\r\nContent-Length: 18446744073709551615\r\n\r\nx");
    cr_assert_eq(s.m.content_length, UINT64_MAX);
    cr_assert_eq(s.m.body_len, 1);
}

static const struct {
    const char *text;
    bool request, response;
} looks[] = {
    {"CCM_POST /ccm_system", true, false},
    {"CCM_POST /", true, false},
    {"CCM_POST ", false, false},
    {"C", false, false},
    {"", false, false},
    {"GET / HTTP/1.1\r\n", true, false},
    {"GET /", true, false},
    {"BITS_POST /x", true, false},
    {"PROPFIND http://a", true, false},
    {"GET https://a/b", true, false},
    {"GET htt", false, false},
    {"GET hello", false, false},
    {"OPTIONS * HTTP/1", true, false},
    {"OPTIONS *x", false, false},
    {"CONNECT mp:443 H", true, false},
    {"CONNECT [::1]:443", true, false},
    {"CONNECT /", false, false},
    {"M-SEARCH * HTTP", true, false},
    {"get / HTTP/1.1", false, false},
    {"EHLO mail.example", false, false},
    {"USER anonymous", false, false},
    {"MAIL FROM:<a>", false, false},
    {"\x16\x03\x01\x02 /", false, false},
    {"GET  / HTTP/1.1", false, false},
    {"ABCDEFGHIJKLMNOPQRSTU /", false, false},
    {"HTTP/1.1 200 OK\r\n", false, true},
    {"HTTP/1.0 4", false, true},
    {"HTTP/1.", false, true},
    {"HTTP/1", false, false},
    {"HTTP/2.0 200", false, false},
    {"HTTP/1.x 200", false, false},
    {"HTTP/1.1\t200", false, false},
    {"http/1.1 200", false, false},
};

Test(http_head, what_a_segment_looks_like)
{
    for (size_t i = 0; i < sizeof looks / sizeof looks[0]; i++) {
        struct bytes b = bytes_of(looks[i].text);
        cr_assert_eq(http_looks_like_request(b), looks[i].request, "%s", looks[i].text);
        cr_assert_eq(http_looks_like_response(b), looks[i].response, "%s", looks[i].text);
    }
}

/* Syslog messages (RFC 5424) to the local socket, over UDP (RFC 5426), or over TCP with octet
 * counting (RFC 6587 3.4.1). A receiver that is away costs messages, never the run. */
#include "outlet/outlet_private.h"

#include "base/civil.h"

#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define FACILITY_DAEMON 3
#define DATAGRAM_BYTES_MAX 65000 /* what an IPv4 datagram takes, and local sockets by default */
#define CONNECT_SECONDS 2
#define HEADER_BYTES_MAX 512
#define LOCAL_SOCKET "/dev/log"
#define DEFAULT_PORT "514"

/* "HOST", "HOST:PORT", "[v6]:PORT". */
static bool split(struct syslog_out *s, struct bytes target)
{
    size_t end = target.len > 0 && target.at[0] == '[' ? bytes_find(target, ']', 0) + 1 : 0;
    size_t colon = bytes_find(target, ':', end);
    bool has_port = colon < target.len;
    struct bytes host = bytes_part(target, 0, colon);
    struct bytes port =
        has_port ? bytes_part(target, colon + 1, target.len) : bytes_of(DEFAULT_PORT);
    uint64_t number = 0;
    struct text t;
    if (host.len > 2 && host.at[0] == '[') {
        host = bytes_part(host, 1, host.len - 2);
    }
    text_init(&t, s->host, sizeof s->host);
    text_add_bytes(&t, host);
    bool good = host.len > 0 && !t.cut;
    text_init(&t, s->port, sizeof s->port);
    text_add_bytes(&t, port);
    return good && bytes_to_u64(port, UINT16_MAX, &number) && number > 0;
}

bool syslog_parse(struct syslog_out *s, const char *target, struct trouble *trouble)
{
    struct bytes b = bytes_of(target);
    struct bytes rest = bytes_part(b, 4, b.len);
    bool is_udp = bytes_begins_nocase(b, "udp:");
    bool is_tcp = bytes_begins_nocase(b, "tcp:");
    s->fd = -1;
    s->is_used = true;
    s->transport = is_udp ? SYSLOG_UDP : is_tcp ? SYSLOG_TCP : SYSLOG_LOCAL;
    bool good = is_udp || is_tcp ? split(s, rest) : bytes_is(b, "local");
    if (!good) {
        trouble_set(trouble,
                    "--syslog: '%.200s' is none of local, udp:HOST:PORT and tcp:HOST:PORT.",
                    target);
    }
    if (gethostname(s->name, sizeof s->name - 1) != 0 || s->name[0] == '\0') {
        s->name[0] = '-';
        s->name[1] = '\0';
    }
    return good;
}

void syslog_close(struct syslog_out *s)
{
    if (s->fd >= 0) {
        (void)close(s->fd);
    }
    s->fd = -1;
    s->retry_s = 0;
}

static int connect_local(void)
{
    struct sockaddr_un to = {.sun_family = AF_UNIX, .sun_path = LOCAL_SOCKET};
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd >= 0 && connect(fd, (const struct sockaddr *)&to, sizeof to) != 0) {
        (void)close(fd);
        fd = -1;
    }
    return fd;
}

static int connect_net(const struct syslog_out *s)
{
    struct addrinfo *all = NULL;
    const struct addrinfo wanted = {.ai_family = AF_UNSPEC,
                                    .ai_socktype =
                                        s->transport == SYSLOG_UDP ? SOCK_DGRAM : SOCK_STREAM};
    const struct timeval patience = {.tv_sec = CONNECT_SECONDS};
    int fd = -1;
    if (getaddrinfo(s->host, s->port, &wanted, &all) != 0) {
        errno = EHOSTUNREACH;
        return -1;
    }
    for (const struct addrinfo *a = all; a != NULL && fd < 0; a = a->ai_next) {
        fd = socket(a->ai_family, a->ai_socktype | SOCK_CLOEXEC, a->ai_protocol);
        /* The time-out also holds for connect(). */
        if (fd >= 0 && (setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience) != 0 ||
                        connect(fd, a->ai_addr, a->ai_addrlen) != 0)) {
            (void)close(fd);
            fd = -1;
        }
    }
    freeaddrinfo(all);
    return fd;
}

static int64_t now_s(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec;
}

static bool is_connected(struct syslog_out *s)
{
    if (s->fd < 0 && now_s() >= s->retry_s) {
        s->fd = s->transport == SYSLOG_LOCAL ? connect_local() : connect_net(s);
        s->retry_s = now_s() + OUTLET_SYSLOG_RETRY_S;
        if (s->fd >= 0 && s->is_told) {
            (void)fprintf(stderr, "krbscope: syslog takes messages again; %llu were lost\n",
                          (unsigned long long)s->num_lost);
            s->is_told = false;
        }
    }
    return s->fd >= 0;
}

/* <PRI>1 TIME HOST APP PID MSGID SD MSG (RFC 5424 6). "@cee:" is how rsyslog's mmjsonparse knows
 * JSON; other receivers see it as text. */
static void put_header(struct text *t, const struct syslog_out *s, unsigned severity,
                       int64_t time_ns)
{
    text_format(t, "<%u>1 ", FACILITY_DAEMON * 8 + severity);
    civil_print(t, time_ns, 6, true);
    text_format(t, " %s krbscope %ld attempt - @cee: ", s->name, (long)getpid());
}

static bool send_message(struct syslog_out *s, struct bytes header, struct bytes line)
{
    static uint8_t message[HEADER_BYTES_MAX + DATAGRAM_BYTES_MAX];
    if (s->transport == SYSLOG_TCP) {
        char buffer[24];
        struct text count;
        text_init(&count, buffer, sizeof buffer);
        text_format(&count, "%zu ", header.len + line.len);
        return write_all(s->fd, count.at, count.len) && write_all(s->fd, header.at, header.len) &&
               write_all(s->fd, line.at, line.len);
    }
    memcpy(message, header.at, header.len);
    memcpy(message + header.len, line.at, line.len);
    return send(s->fd, message, header.len + line.len, 0) >= 0;
}

void syslog_put(struct syslog_out *s, unsigned severity, int64_t time_ns, struct bytes line)
{
    char buffer[HEADER_BYTES_MAX];
    struct text header;
    if (!s->is_used) {
        return;
    }
    text_init(&header, buffer, sizeof buffer);
    put_header(&header, s, severity, time_ns);
    bool fits = s->transport == SYSLOG_TCP || line.len <= DATAGRAM_BYTES_MAX;
    bool sent = fits && is_connected(s) && send_message(s, text_bytes(&header), line);
    if (sent) {
        return;
    }
    s->num_lost++;
    if (!s->is_told) {
        outlet_complain("syslog takes no messages", fits ? strerror(errno) : "one was too long");
        s->is_told = true;
    }
    if (fits) {
        syslog_close(s);
        s->retry_s = now_s() + OUTLET_SYSLOG_RETRY_S;
    }
}

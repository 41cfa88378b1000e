/* What a server's log and configuration say, in the pseudonyms of the captures. */
#include "cli/redaction.h"

#include "base/cursor.h"

#include <string.h>

#define NUM_OF(list) (sizeof(list) / sizeof(list)[0])

/* HTTP.sys' own words (Microsoft: "Error logging in HTTP APIs", kinds of errors). */
static const char *const reasons[] = {
    "AppOffline",
    "AppPoolTimer",
    "AppShutdown",
    "BadRequest",
    "Client_Reset",
    "Connection_Abandoned_By_AppPool",
    "Connection_Abandoned_By_ReqQueue",
    "Connection_Dropped",
    "Connection_Dropped_List_Full",
    "ConnLimit",
    "Connections_Refused",
    "Disabled",
    "EntityTooLarge",
    "FieldLength",
    "Forbidden",
    "Header",
    "Hostname",
    "Internal",
    "Invalid_CR/LF",
    "LengthRequired",
    "N/A",
    "N/I",
    "Number",
    "Precondition",
    "QueueFull",
    "RequestLength",
    "Timer_AppPool",
    "Timer_Connection",
    "Timer_ConnectionIdle",
    "Timer_EntityBody",
    "Timer_HeaderWait",
    "Timer_MinBytesPerSecond",
    "Timer_ReqQueue",
    "Timer_Response",
    "Timer_SslRenegotiation",
    "URL",
    "URL_Length",
    "Verb",
    "Version_N/S",
};

/* An HTTP method says nothing of anybody, as in the captures; what is none is a text. */
static bool is_method(struct bytes b)
{
    for (size_t i = 0; i < b.len; i++) {
        bool is_letter = (b.at[i] | 0x20) >= 'a' && (b.at[i] | 0x20) <= 'z';
        if (!is_letter && b.at[i] != '_' && b.at[i] != '-') {
            return false;
        }
    }
    return b.len <= REDACTION_METHOD_BYTES_MAX;
}

static bool is_reason(struct bytes b)
{
    for (size_t i = 0; i < NUM_OF(reasons); i++) {
        if (bytes_is_nocase(b, reasons[i])) {
            return true;
        }
    }
    return false;
}

/* "W3SVC1" or "1": a number that the configuration uses too. */
static bool is_site_number(struct bytes b)
{
    uint64_t number;
    struct bytes digits = bytes_begins_nocase(b, "W3SVC") ? bytes_part(b, 5, b.len) : b;
    return bytes_to_u64(digits, UINT32_MAX, &number);
}

/* Moves the field into room and replaces its names there. */
static void replace(struct redaction *r, struct bytes *field, uint8_t *room, size_t *used)
{
    size_t left = REDACTION_LINE_BYTES - *used;
    size_t len = field->len < left ? field->len : left;
    if (len > 0) {
        memcpy(room + *used, field->at, len);
        pseudonym_text(&r->pseudonyms, room + *used, len);
    }
    *field = (struct bytes){.at = room + *used, .len = len};
    *used += len;
}

static void replace_address(struct redaction *r, struct address *a)
{
    if (a->family != ADDRESS_NONE) {
        pseudonym_address(&r->pseudonyms, a->octets, a->family == ADDRESS_IPV4 ? 4 : 16);
    }
}

void redaction_entry(struct redaction *r, struct log_entry *entry, uint8_t *room)
{
    size_t used = 0;
    replace(r, &entry->path, room, &used);
    replace(r, &entry->user, room, &used);
    replace(r, &entry->host, room, &used);
    replace(r, &entry->queue, room, &used);
    if (!is_method(entry->method)) {
        replace(r, &entry->method, room, &used);
    }
    if (!is_reason(entry->reason)) {
        replace(r, &entry->reason, room, &used);
    }
    if (!is_site_number(entry->site)) {
        replace(r, &entry->site, room, &used);
    }
    replace_address(r, &entry->client);
    replace_address(r, &entry->server);
}

static void replace_text(void *context, uint8_t *at, size_t len)
{
    struct redaction *r = context;
    pseudonym_text(&r->pseudonyms, at, len);
}

bool redaction_config(struct redaction *r, struct iis_config *config)
{
    return iis_config_rewrite(config, replace_text, r);
}

void redaction_log(struct redaction *r, struct log_summary *s, char *path, unsigned number)
{
    struct text t;
    text_init(&t, path, REDACTION_PATH_BYTES);
    text_format(&t, "%s-%u", s->info.format == LOG_FORMAT_CONFIG ? "config" : "log", number);
    s->path = path;
    if (s->info.first_unparsed_len > 0) {
        pseudonym_blank(&r->pseudonyms, s->info.first_unparsed_text, s->info.first_unparsed_len);
    }
    if (s->info.damage.text[0] != '\0') { /* it names the file */
        trouble_set(&s->info.damage, "it is damaged or cut short");
    }
}

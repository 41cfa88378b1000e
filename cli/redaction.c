#include "cli/redaction.h"

#include "cli/progress.h"
#include "redact/redact.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

static enum status read_key(struct redaction *r, const char *path, struct trouble *trouble)
{
    uint8_t bytes[REDACTION_KEY_BYTES_MAX];
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    ssize_t len = fd < 0 ? -1 : read(fd, bytes, sizeof bytes);
    if (len < 0) {
        trouble_set(trouble,
                    "%.200s cannot be read: %s; make a key with: head -c 32 /dev/urandom "
                    "> FILE",
                    path, strerror(errno));
    } else if (len < REDACTION_KEY_BYTES_MIN) {
        trouble_set(trouble, "%.200s has fewer than %d bytes, too few for a key.", path,
                    REDACTION_KEY_BYTES_MIN);
    } else {
        redact_key(&r->pseudonyms, (struct bytes){.at = bytes, .len = (size_t)len});
    }
    if (fd >= 0) {
        (void)close(fd);
    }
    return len < REDACTION_KEY_BYTES_MIN ? STATUS_NO_FILE : STATUS_OK;
}

/* The user asks for real names; what is looked through has pseudonyms. */
static bool replace_names(struct redaction *r, const char **names, size_t num)
{
    for (size_t i = 0; i < num; i++) {
        char *copy = strdup(names[i]);
        if (copy == NULL) {
            return false;
        }
        r->names[r->num_names++] = copy;
        pseudonym_text(&r->pseudonyms, (uint8_t *)copy, bytes_of(copy).len);
        names[i] = copy;
    }
    return true;
}

enum status redaction_new(struct redaction **out, struct options *options, struct trouble *trouble)
{
    *out = NULL;
    if (!options->redact) {
        return STATUS_OK;
    }
    struct redaction *r = calloc(1, sizeof *r);
    enum status status = r == NULL ? STATUS_NO_MEMORY : STATUS_OK;
    if (r != NULL) {
        r->spool_max = options->spool_max != 0 ? options->spool_max : CAPTURE_SPOOL_BYTES_MAX;
    }
    if (r != NULL && options->redact_key != NULL) {
        status = read_key(r, options->redact_key, trouble);
    } else if (r != NULL && getrandom(r->pseudonyms.key, sizeof r->pseudonyms.key, 0) !=
                                (ssize_t)sizeof r->pseudonyms.key) {
        trouble_set(trouble, "No random key can be had; name one with --redact-key.");
        status = STATUS_NO_FILE;
    }
    if (status == STATUS_OK && (!replace_names(r, options->hosts.at, options->hosts.num) ||
                                !replace_names(r, options->clients.at, options->clients.num))) {
        status = STATUS_NO_MEMORY;
    }
    if (status == STATUS_NO_MEMORY) {
        trouble_set(trouble, "There is not enough memory.");
    }
    if (status != STATUS_OK) {
        redaction_free(r);
        return status;
    }
    *out = r;
    return STATUS_OK;
}

void redaction_free(struct redaction *r)
{
    if (r == NULL) {
        return;
    }
    for (size_t i = 0; i < r->num_names; i++) {
        free(r->names[i]);
    }
    free(r->notes);
    explicit_bzero(r->pseudonyms.key, sizeof r->pseudonyms.key);
    free(r);
}

static void tick(void *context, const struct capture_info *info)
{
    progress_tick(context, info->bytes_read, info->frames);
}

enum status redaction_copy(struct redaction *r, struct source *s, unsigned number,
                           bool show_progress, struct trouble *trouble)
{
    struct text t;
    int fd = capture_temporary_file(trouble);
    if (fd < 0) {
        return STATUS_NO_FILE;
    }
    struct progress progress;
    const struct redact_output out = {
        .fd = fd, .bytes_max = r->spool_max, .tick = tick, .context = &progress};
    progress_begin(&progress, show_progress, "redacting", capture_info(s->capture)->bytes);
    enum status status = redact_capture(&r->pseudonyms, s->capture, &out, &s->original, trouble);
    progress_end(&progress);
    capture_close(s->capture);
    s->capture = NULL;
    s->copy_fd = fd;
    s->has_copy = true;
    if (s->original.damage.text[0] != '\0') { /* it names the file */
        trouble_set(&s->original.damage, "The capture is damaged or cut short.");
    }
    text_init(&t, s->copy_path, sizeof s->copy_path);
    text_format(&t, "/proc/self/fd/%d", fd);
    text_init(&t, s->shown_path, sizeof s->shown_path);
    text_format(&t, "capture-%u", number);
    s->path = s->shown_path;
    return status;
}

static void add_kind(struct text *t, uint64_t num, const char *what)
{
    if (num > 0) {
        text_format(t, "%s%" PRIu64 " %s", t->len > 0 && t->at[t->len - 1] != ' ' ? ", " : "", num,
                    what);
    }
}

void redaction_tell(struct redaction *r, struct analysis *analysis)
{
    char buffer[640];
    struct text t;
    const uint64_t *num = r->pseudonyms.num;
    free(r->notes);
    r->notes = calloc(analysis->num_notes + 1, sizeof *r->notes);
    if (r->notes == NULL) {
        return;
    }
    text_init(&t, buffer, sizeof buffer);
    text_add(&t, "Redacted: ");
    add_kind(&t, num[REDACTED_NAMES], "labels of names");
    add_kind(&t, num[REDACTED_IDS], "SMS GUIDs");
    add_kind(&t, num[REDACTED_ADDRESSES], "addresses");
    add_kind(&t, num[REDACTED_MACS], "hardware addresses");
    add_kind(&t, num[REDACTED_CIPHERTEXTS],
             "tickets, ciphertexts, keys and values of certificates");
    add_kind(&t, num[REDACTED_NTLM_SECRETS], "NTLM secrets");
    add_kind(&t, num[REDACTED_TEXTS], "free texts");
    add_kind(&t, num[REDACTED_BODIES], "bodies");
    text_add(&t, ", and all payload that was not decoded. Equal values have equal pseudonyms.");
    for (size_t i = 0; i < analysis->num_notes; i++) {
        r->notes[i] = analysis->notes[i];
    }
    r->notes[analysis->num_notes] =
        (struct note){.id = "redacted", .text = text_keep(&t, &analysis->arena)};
    analysis->notes = r->notes;
    analysis->num_notes++;
}

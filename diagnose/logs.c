/* The entrance: lines to whoever wants them, and the order of work at the end. */
#include "diagnose/logs_private.h"

#include <assert.h>
#include <stdlib.h>

struct logs *logs_new(void)
{
    struct logs *l = calloc(1, sizeof *l);
    if (l == NULL) {
        return NULL;
    }
    l->clients = log_clients_new();
    l->joiner = log_joiner_new();
    l->configs = calloc(LOG_FILES_MAX, sizeof *l->configs);
    if (l->clients == NULL || l->joiner == NULL || l->configs == NULL) {
        logs_free(l);
        return NULL;
    }
    return l;
}

void logs_free(struct logs *l)
{
    if (l != NULL) {
        log_clients_free(l->clients);
        log_joiner_free(l->joiner);
        free(l->configs);
        free(l);
    }
}

void case_log_push(struct case_file *c, uint16_t log, const struct log_entry *entry)
{
    assert(c->logs != NULL && c->is_settled && log < LOG_FILES_MAX);
    log_joiner_push(c, c->logs->joiner, log, entry);
    log_clients_push(c, c->logs->clients, log, entry);
}

void case_log_config(struct case_file *c, uint16_t log, const struct iis_config *config)
{
    assert(c->logs != NULL && c->logs->num_configs < LOG_FILES_MAX);
    c->logs->configs[c->logs->num_configs++] =
        (struct config_witness){.log = log, .config = config};
}

void case_logs_end(struct case_file *c, struct log_summary *files, size_t num_files)
{
    assert(c->logs != NULL);
    c->logs->files = files;
    c->logs->num_files = num_files;
}

void logs_finish(struct case_file *c)
{
    struct logs *l = c->logs;
    if (l == NULL) {
        return;
    }
    c->out.logs.files = l->files;
    c->out.logs.num_files = l->num_files;
    log_joiner_finish(c, l->joiner);
    for (struct record *r = c->first_record; r != NULL; r = r->next) {
        if (!r->is_dropped) {
            log_rules_apply(c, r);
            log_configs_apply(c, r);
        }
    }
    log_clients_finish(c, l->clients, &c->out.logs);
}

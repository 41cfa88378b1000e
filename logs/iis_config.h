/* IIS' applicationHost.config: what it says of a site and path about authentication.
 *
 *      <configuration>
 *        <system.applicationHost> applicationPools, sites: site > application > virtualDirectory
 *        <system.webServer> security: authentication, requestFiltering      for every path …
 *        <location path="Default Web Site/CCM_System_WindowsAuth"> …        … and from there down
 *
 * A location holds for its path and everything below; the deeper one wins, attribute by attribute;
 * collections are inherited and changed by clear, remove and add. What web.config files below say
 * is not in this file. Passwords are never kept. */
#ifndef KRBSCOPE_LOGS_IIS_CONFIG_H
#define KRBSCOPE_LOGS_IIS_CONFIG_H

#include "base/arena.h"
#include "base/status.h"
#include "logs/log.h"

#define IIS_CONFIG_BYTES_MAX 16777216 /* a larger file is refused */
#define IIS_CONFIG_ARENA_BYTES 8388608
#define IIS_LOCATIONS_MAX 4096
#define IIS_SITES_MAX 1024
#define IIS_POOLS_MAX 1024
#define IIS_APPLICATIONS_MAX 8192
#define IIS_BINDINGS_MAX 8 /* kept of one site */
#define IIS_PROVIDERS_MAX 8
#define IIS_VERBS_MAX 32

/* A value and the line that gives it; line 0: IIS' own default. */
struct iis_flag {
    bool value;
    uint32_t line;
};

struct iis_word {
    struct bytes value;
    uint32_t line;
};

struct iis_verb {
    struct bytes name;
    bool is_allowed;
    uint32_t line;
};

/* What holds for one path. Bytes belong to the configuration. */
struct iis_settings {
    struct bytes site, application, pool;
    uint32_t application_line, pool_line; /* 0: not defined */
    struct iis_flag windows, anonymous;   /* enabled */
    struct iis_flag kernel_mode, pool_credentials;
    struct iis_word providers[IIS_PROVIDERS_MAX]; /* in their order */
    size_t num_providers;
    struct iis_word token_checking; /* "None", "Allow", "Require" */
    struct iis_flag allow_unlisted; /* verbs that no entry names */
    struct iis_verb verbs[IIS_VERBS_MAX];
    size_t num_verbs;
    struct iis_word identity; /* "ApplicationPoolIdentity", "SpecificUser", "NetworkService", … */
    struct iis_word user;     /* with SpecificUser */
};

/* How a request reached the server, as far as known. */
struct iis_target {
    uint64_t site_id;              /* from the IIS log; 0: unknown */
    struct bytes host;             /* as the client named it; may be empty */
    const struct address *address; /* may be NULL */
    uint16_t port;                 /* 0: unknown */
    struct bytes path;             /* without query */
};

struct iis_config;

/* Reads path, packed or not. STATUS_NOT_CAPTURE: it is no configuration of IIS (trouble says why);
 * else as log_open(). */
enum status iis_config_read(struct iis_config **out, const char *path, struct trouble *trouble);

/* The same from memory, for tests. */
enum status iis_config_parse(struct iis_config **out, struct bytes text, struct trouble *trouble);

void iis_config_free(struct iis_config *c); /* NULL is fine */

/* Size, lines, compression. */
const struct log_info *iis_config_info(const struct iis_config *c);

/* Hands every name of the configuration to rewrite, which may change it in place: sites, paths,
 * pools, bindings, users. Words of IIS' own, verbs and numbers stay. false: there is no room. */
typedef void iis_rewrite(void *context, uint8_t *at, size_t len);
bool iis_config_rewrite(struct iis_config *c, iis_rewrite *rewrite, void *context);

/* What holds for the target. false: no site of this configuration serves it. */
bool iis_config_settings(const struct iis_config *c, const struct iis_target *target,
                         struct iis_settings *out);

/* Does a built-in identity run the pool (the computer's account on the network)? */
bool iis_identity_is_builtin(struct bytes identity);

/* Does request filtering let the verb through? */
bool iis_verb_is_allowed(const struct iis_settings *s, struct bytes verb, uint32_t *line);

#endif

/* The tables of a configuration: made by iis_config_read.c, asked by iis_config.c. */
#ifndef KRBSCOPE_LOGS_IIS_CONFIG_PRIVATE_H
#define KRBSCOPE_LOGS_IIS_CONFIG_PRIVATE_H

#include "logs/iis_config.h"

enum iis_what { IIS_ADD, IIS_REMOVE, IIS_CLEAR };

/* One change of a collection, in the order of the file. */
struct iis_change {
    struct iis_change *next;
    enum iis_what what;
    bool is_verb; /* else a provider */
    bool is_allowed;
    struct bytes name;
    uint32_t line;
};

/* What one location says; a line of 0: nothing of this. */
struct iis_location {
    struct bytes path; /* "Default Web Site/app"; empty: everywhere */
    struct iis_flag windows, anonymous, kernel_mode, pool_credentials, allow_unlisted;
    struct iis_word token_checking;
    struct iis_change *changes, *last_change;
};

struct iis_site {
    struct bytes name;
    uint64_t id;
    struct bytes bindings[IIS_BINDINGS_MAX]; /* "*:80:", http and https only */
    size_t num_bindings;
};

struct iis_application {
    size_t site;
    struct bytes path, pool; /* "/CCM_System"; pool empty: the default one */
    uint32_t line;
};

struct iis_pool {
    struct bytes name;
    struct iis_word identity, user;
    uint32_t line;
};

struct iis_config {
    struct arena arena;
    struct log_info info;
    struct iis_location *locations; /* by length of path; equal ones in the order of the file */
    size_t num_locations;
    struct iis_site *sites;
    size_t num_sites;
    struct iis_application *applications;
    size_t num_applications;
    struct iis_pool *pools;
    size_t num_pools;
    struct iis_pool pool_defaults;
    struct bytes default_pool;
};

#endif

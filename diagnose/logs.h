/* What the servers' own logs add to a case: lines that tell of a captured request decide between
 * alternatives, and what the logs say alone is a verdict of its own.
 *
 *      case_push() …            the captures
 *      case_settle()            every attempt is judged
 *      case_log_push() …        every line of every log, in the order of time
 *      case_log_config() …      every applicationHost.config
 *      case_logs_end()
 *      case_end()
 *
 * Memory does not grow with the logs: of lines that may tell of a captured request
 * LOG_CANDIDATES_MAX are kept, the nearest in time; of clients LOG_CLIENTS_MAX; the rest is
 * counted. */
#ifndef KRBSCOPE_DIAGNOSE_LOGS_H
#define KRBSCOPE_DIAGNOSE_LOGS_H

#include "diagnose/case.h"
#include "logs/iis_config.h"
#include "logs/log.h"

#define LOG_FILES_MAX 1024 /* logs and configurations of one case */

/* A line of the log with this index; borrowed during the call. Only after case_settle(), and only
 * in a case made with has_logs. */
void case_log_push(struct case_file *c, uint16_t log, const struct log_entry *entry);

/* A configuration, with its index among the logs; borrowed until case_end(). */
void case_log_config(struct case_file *c, uint16_t log, const struct iis_config *config);

/* All logs with what is known of them; clocks and joined lines are filled by case_end(). They are
 * borrowed by the analysis. */
void case_logs_end(struct case_file *c, struct log_summary *files, size_t num_files);

#endif

/* Small phrases that several parts of a report share: numbers with their noun, times, frames. */
#ifndef KRBSCOPE_REPORT_PHRASE_H
#define KRBSCOPE_REPORT_PHRASE_H

#include "diagnose/analysis.h"

/* "1 frame", "3 frames". */
void phrase_count(struct text *t, uint64_t number, const char *one, const char *many);

/* "25.1 kB". */
void phrase_size(struct text *t, uint64_t bytes);

/* "0.312 s", "4 min 10 s" from one time to the other. */
void phrase_duration(struct text *t, int64_t from_ns, int64_t to_ns);

/* "2026-11-22 11:12:42.728905", without a zone. */
void phrase_time(struct text *t, int64_t time_ns);

/* The capture whose clock, and so whose zone, the times of an attempt have. */
uint16_t phrase_time_base(const struct analysis *a, uint16_t capture);

/* utc, given, estimated, unknown: the contract's words. */
const char *phrase_zone_word(const struct capture_summary *c);

/* What stands behind a time of this capture: "UTC", "local time, zone unknown". */
void phrase_zone(struct text *t, const struct capture_summary *c);

/* "+2 min 5 s", "-0.4 s", "0 s". */
void phrase_offset(struct text *t, double seconds);

/* How the file's clock stands to that of the first: "clock -0.5 s to that of file A, within 3 ms";
 * nothing for the first file and when it is not known. */
void phrase_clock(struct text *t, const struct analysis *a, size_t capture);

/* A, B, … Z, AA: the name of a file of a case with several. */
void phrase_file(struct text *t, size_t capture);

/* "41", or "B:41" when the case has several files. */
void phrase_frame(struct text *t, const struct analysis *a, size_t capture, uint32_t frame);

/* "192.0.2.7:80", or the address alone where no port is known. */
void phrase_endpoint(struct text *t, const struct endpoint *e);

/* "frame 41", "frames 12, 13 and 20", "frames 1, 2, 3, 4, 5, 6 and 9 more"; nothing for no
 * evidence. */
void phrase_frames(struct text *t, const struct analysis *a, const struct evidence *evidence);

/* Advice is a sentence: it begins with a capital letter and ends with a full stop or a colon.
 * Anything else is a command, and a command is never wrapped, so that it can be copied. */
bool phrase_is_sentence(struct bytes line);

/* "line 12 of log 1"; "line 12 of the log" when there is one only. */
void phrase_log_line(struct text *t, const struct analysis *a, uint16_t log, uint64_t line);

/* "401 2 2148074254" */
void phrase_log_status(struct text *t, const struct log_status *s);

/* "IIS log" */
const char *phrase_log_format(const struct log_info *info);

/* What a realm's KDC said: "referred", "error KDC_ERR_POLICY (12)". */
void phrase_referral_result(struct text *t, const struct referral *hop);

/* A whole second, UTC. */
void phrase_second(struct text *t, int64_t time_s);

#endif

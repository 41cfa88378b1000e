/* The JSON report: names and values of the contract, hostile strings. */
#include "report_fixture.h"

#include <criterion/criterion.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>

static json_t *json_of(const struct analysis *a, char **text)
{
    char *out = NULL;
    size_t len = 0;
    FILE *stream = open_memstream(&out, &len);
    struct trouble trouble = {{0}};
    json_error_t error;
    cr_assert_eq(report_json(stream, a, &trouble), STATUS_OK, "%s", trouble.text);
    fclose(stream);
    cr_assert_eq(strlen(out), len);
    json_t *root = json_loadb(out, len, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &error);
    cr_assert_not_null(root, "%s at line %d of:\n%s", error.text, error.line, out);
    if (text == NULL) {
        free(out);
    } else {
        *text = out;
    }
    return root;
}

/* "attempts/0/verdict/cause" */
static json_t *at(json_t *root, const char *path)
{
    char copy[128];
    char *rest = copy;
    snprintf(copy, sizeof copy, "%s", path);
    for (char *part = strtok_r(copy, "/", &rest); part != NULL; part = strtok_r(NULL, "/", &rest)) {
        root = json_is_array(root) ? json_array_get(root, (size_t)strtoul(part, NULL, 10))
                                   : json_object_get(root, part);
    }
    return root;
}

static void expect_text(json_t *root, const char *path, const char *value)
{
    json_t *found = at(root, path);
    cr_expect(json_is_string(found), "%s", path);
    cr_expect_str_eq(json_string_value(found), value, "%s", path);
}

static void expect_number(json_t *root, const char *path, double value)
{
    json_t *found = at(root, path);
    cr_expect(json_is_number(found), "%s", path);
    cr_expect_float_eq(json_number_value(found), value, 1e-9, "%s", path);
}

static void expect_null(json_t *root, const char *path)
{
    cr_expect(json_is_null(at(root, path)), "%s", path);
}

/* The members of the object, in this order and no others. */
static void expect_keys(json_t *object, const char *keys)
{
    char found[1024] = "";
    const char *key;
    json_t *value;
    json_object_foreach(object, key, value)
    {
        strcat(found, found[0] == '\0' ? "" : " ");
        strcat(found, key);
    }
    cr_expect_str_eq(found, keys);
}

static void make_one(struct analysis *out, struct attempt_record *a)
{
    static struct capture_summary capture;
    static struct attempt_record *attempts[1];
    capture = fixture_capture("trace.cap");
    attempts[0] = a;
    fixture_analysis(out, attempts, 1, &capture, 1);
}

Test(report_json, has_the_names_of_the_contract_in_order)
{
    struct analysis a;
    make_one(&a, fixture_refused(1));
    a.num_captures = 1;
    json_t *root = json_of(&a, NULL);
    expect_keys(root, "schema tool summary captures logs attempts other_failures notes");
    expect_keys(
        at(root, "captures/0"),
        "path format compression frames bytes first_time last_time time_zone "
        "zone_estimate_s link_types complete damage vantage clock_offset_s clock_offset_low_s "
        "clock_offset_high_s drops");
    expect_keys(at(root, "attempts/0"),
                "id kind client server method uri first_time last_time vantage outcome "
                "authenticated_by "
                "verdict also ruled_out cannot_show next_capture steps clocks connections events "
                "events_dropped notes");
    expect_keys(at(root, "attempts/0/client"), "address port principal");
    expect_keys(at(root, "attempts/0/server"), "address port host spn");
    expect_keys(at(root, "attempts/0/verdict"),
                "cause step confidence summary severity remedy source evidence");
    expect_keys(at(root, "attempts/0/also/0"), "cause step confidence summary tell_apart evidence");
    expect_keys(at(root, "attempts/0/ruled_out/0"), "cause why evidence");
    expect_keys(at(root, "attempts/0/steps/0"), "step state detail evidence");
    expect_keys(at(root, "attempts/0/clocks"),
                "client_to_kdc_s client_to_server_s kdc_to_server_s limit_s");
    expect_keys(at(root, "attempts/0/clocks/kdc_to_server_s"), "value low high evidence");
    expect_keys(at(root, "attempts/0/connections/0"),
                "capture client server first_frame last_frame");
    expect_keys(at(root, "attempts/0/events/0"),
                "capture frame frames time from to kind summary complete fields");
    json_decref(root);
}

Test(report_json, has_the_values)
{
    struct analysis a;
    make_one(&a, fixture_refused(1));
    json_t *root = json_of(&a, NULL);
    expect_text(root, "schema", "krbscope.report/1");
    expect_text(root, "tool/version", KRBSCOPE_VERSION);
    expect_number(root, "summary/attempts", 1);
    expect_number(root, "summary/by_outcome/refused", 1);
    expect_number(root, "summary/by_cause/spn-missing", 1);
    expect_text(root, "captures/0/path", "trace.cap");
    expect_text(root, "captures/0/time_zone", "utc");
    expect_text(root, "captures/0/first_time", "2026-11-22T11:12:41.728905Z");
    expect_text(root, "captures/0/link_types/0", "ethernet");
    expect_text(root, "captures/0/vantage", "client");
    expect_null(root, "captures/0/compression");
    expect_null(root, "captures/0/damage");
    cr_expect_eq(json_object_size(at(root, "captures/0/drops")), 0);
    expect_text(root, "attempts/0/kind", "ccm-approval");
    expect_text(root, "attempts/0/outcome", "refused");
    expect_null(root, "attempts/0/authenticated_by");
    expect_text(root, "attempts/0/server/host", "mp03.corp.test");
    expect_number(root, "attempts/0/server/port", 80);
    expect_text(root, "attempts/0/verdict/cause", "spn-missing");
    expect_text(root, "attempts/0/verdict/confidence", "likely");
    expect_text(root, "attempts/0/verdict/severity", "error");
    expect_number(root, "attempts/0/verdict/evidence/0/frame", 41);
    expect_text(root, "attempts/0/also/0/tell_apart", "setspn -X");
    cr_expect_eq(json_array_size(at(root, "attempts/0/steps")), 8);
    expect_text(root, "attempts/0/steps/5/state", "failed");
    expect_null(root, "attempts/0/steps/7/detail");
    expect_null(root, "attempts/0/clocks/client_to_kdc_s");
    expect_number(root, "attempts/0/clocks/kdc_to_server_s/value", -0.4);
    expect_number(root, "attempts/0/events/6/fields/error_code", 7);
    expect_text(root, "attempts/0/events/6/fields/sname", "HTTP/mp03.corp.test");
    cr_expect_eq(json_array_size(at(root, "logs")), 0);
    json_decref(root);
}

Test(report_json, unknown_is_null)
{
    struct analysis a;
    struct attempt_record *attempt = fixture_refused(1);
    attempt->client.port = 0;
    attempt->server = (struct endpoint){0};
    attempt->principal = attempt->host = attempt->spn = attempt->method = attempt->uri =
        (struct bytes){0};
    attempt->has_verdict = false;
    attempt->num_also = attempt->num_ruled_out = attempt->num_events = 0;
    attempt->clocks.kdc_to_server.low = -INFINITY;
    make_one(&a, attempt);
    json_t *root = json_of(&a, NULL);
    static const char *const nulls[] = {"client/port",    "client/principal",
                                        "server/address", "server/port",
                                        "server/host",    "server/spn",
                                        "method",         "uri",
                                        "verdict",        "clocks/kdc_to_server_s/low"};
    for (size_t i = 0; i < sizeof nulls / sizeof nulls[0]; i++) {
        char path[128];
        snprintf(path, sizeof path, "attempts/0/%s", nulls[i]);
        expect_null(root, path);
    }
    json_decref(root);
}

Test(report_json, times_tell_their_zone_and_all_their_digits)
{
    struct analysis a;
    struct attempt_record *attempt = fixture_refused(1);
    attempt->last_time_ns = FIXTURE_TIME_NS + 1;
    make_one(&a, attempt);
    struct capture_summary capture = a.captures[0];
    a.captures = &capture;
    json_t *root = json_of(&a, NULL);
    expect_text(root, "attempts/0/first_time", "2026-11-22T11:12:42.728905Z");
    expect_text(root, "attempts/0/last_time", "2026-11-22T11:12:42.728905001Z");
    json_decref(root);
    capture.info.zone = CAPTURE_ZONE_UNKNOWN;
    capture.info.has_times = false;
    root = json_of(&a, NULL);
    expect_text(root, "attempts/0/first_time", "2026-11-22T11:12:42.728905");
    expect_text(root, "captures/0/time_zone", "unknown");
    expect_null(root, "captures/0/first_time");
    expect_null(root, "captures/0/zone_estimate_s");
    json_decref(root);
    capture.zone_estimated = true;
    capture.zone_estimate_s = -18000;
    capture.has_clock_offset = false;
    root = json_of(&a, NULL);
    expect_text(root, "captures/0/time_zone", "estimated");
    expect_number(root, "captures/0/zone_estimate_s", -18000);
    expect_null(root, "captures/0/clock_offset_s");
    json_decref(root);
    capture.info.zone = CAPTURE_ZONE_GIVEN;
    root = json_of(&a, NULL);
    expect_text(root, "captures/0/time_zone", "given");
    json_decref(root);
}

Test(report_json, what_is_no_utf8_has_a_twin_in_hex)
{
    struct analysis a;
    struct attempt_record *attempt = fixture_refused(1);
    struct bytes list[] = {BYTES("good"), BYTES("b\xff"
                                                "d")};
    static const struct event_field field = {.name = "cname", .value = BYTES("\xc3\x28")};
    struct event_summary event = attempt->events[0];
    event.fields = &field;
    event.num_fields = 1;
    attempt->events = &event;
    attempt->num_events = 1;
    attempt->host = BYTES("mp\xff\x1b[2J<script>\"\\");
    attempt->notes = list;
    attempt->num_notes = 2;
    attempt->uri = BYTES("/a\0b");
    make_one(&a, attempt);
    char *text;
    json_t *root = json_of(&a, &text);
    expect_text(root, "attempts/0/server/host", "mp\xef\xbf\xbd\x1b[2J<script>\"\\");
    expect_text(root, "attempts/0/server/host_raw", "6d70ff1b5b324a3c7363726970743e225c");
    cr_expect_null(at(root, "attempts/0/server/spn_raw"));
    expect_text(root, "attempts/0/notes/0", "good");
    expect_null(root, "attempts/0/notes_raw/0");
    expect_text(root, "attempts/0/notes_raw/1", "62ff64");
    expect_text(root, "attempts/0/events/0/fields/cname_raw", "c328");
    cr_expect_eq(json_string_length(at(root, "attempts/0/uri")), 4);
    for (const char *c = text; *c != '\0'; c++) {
        cr_assert(*c == '\n' || (*c >= 0x20 && *c < 0x7f), "not plain ASCII");
    }
    json_decref(root);
    free(text);
}

Test(report_json, numbers_that_are_none_stay_text)
{
    static const struct event_field fields[] = {{"a", BYTES("-12"), true},
                                                {"b", BYTES("0.5"), true},
                                                {"c", BYTES("18446744073709551615"), true},
                                                {"d", BYTES("0x10"), true},
                                                {"e", BYTES("nan"), true},
                                                {"f", BYTES(""), true},
                                                {"g", BYTES("1e999"), true}};
    struct analysis a;
    struct attempt_record *attempt = fixture_refused(1);
    struct event_summary event = attempt->events[0];
    event.fields = fields;
    event.num_fields = sizeof fields / sizeof fields[0];
    attempt->events = &event;
    attempt->num_events = 1;
    make_one(&a, attempt);
    json_t *root = json_of(&a, NULL);
    expect_number(root, "attempts/0/events/0/fields/a", -12);
    expect_number(root, "attempts/0/events/0/fields/b", 0.5);
    cr_expect(json_is_real(at(root, "attempts/0/events/0/fields/c")));
    expect_text(root, "attempts/0/events/0/fields/d", "0x10");
    expect_text(root, "attempts/0/events/0/fields/e", "nan");
    expect_text(root, "attempts/0/events/0/fields/f", "");
    expect_text(root, "attempts/0/events/0/fields/g", "1e999");
    json_decref(root);
}

Test(report_json, counts_attempts_that_were_not_kept)
{
    struct analysis a;
    make_one(&a, fixture_refused(1));
    a.num_attempts_dropped = 5;
    a.by_outcome[OUTCOME_APPROVED] = 5;
    json_t *root = json_of(&a, NULL);
    expect_number(root, "summary/attempts", 6);
    expect_number(root, "summary/by_outcome/approved", 5);
    cr_expect_eq(json_array_size(at(root, "attempts")), 1);
    json_decref(root);
}

Test(report_json, a_full_disk_is_told)
{
    struct analysis a;
    struct trouble trouble = {{0}};
    FILE *full = fopen("/dev/full", "w");
    make_one(&a, fixture_refused(1));
    cr_assert_not_null(full);
    cr_expect_eq(report_json(full, &a, &trouble), STATUS_OUTPUT);
    cr_expect_str_not_empty(trouble.text);
    fclose(full);
}

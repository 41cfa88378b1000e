/* Every folder in pcaps/ is one case: its capture must give the attempts of its expect.json, no
 * more and no fewer, and the text report in its report.txt.
 *
 *     KRBSCOPE_CASE=name             only that case
 *     KRBSCOPE_UPDATE_GOLDEN=1       writes report.txt anew, and the report in README.md; `git
 * diff` is the review
 *
 * expect.json: {"attempts": [{"client", "kind", "outcome", "cause", "step", "count"}, ...]}. A list
 * means that any of its values is right; count (default 1) is a number or [least, most]; a member
 * that is left out is not looked at.
 */
#include "recording.h"
#include "report/report.h"
#include "verdicts.h"

#include <criterion/criterion.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EXPECTED_MAX 64 /* entries of one expect.json */

static const char *cause_word(enum cause cause)
{
    return cause == CAUSE_NONE ? "(none)" : cause_id(cause);
}

/* Is word (NULL: null) what the expectation's member asks for? */
static bool member_allows(const json_t *expected, const char *member, const char *word)
{
    const json_t *value = json_object_get(expected, member);
    if (value == NULL) {
        return true;
    }
    size_t num = json_is_array(value) ? json_array_size(value) : 1;
    for (size_t i = 0; i < num; i++) {
        const json_t *one = json_is_array(value) ? json_array_get(value, i) : value;
        const char *text = json_string_value(one);
        if (text == NULL ? word == NULL : word != NULL && strcmp(text, word) == 0) {
            return true;
        }
    }
    return false;
}

static bool line_allowed(const json_t *expected, const struct verdict_line *line)
{
    char address[64];
    struct text t;
    text_init(&t, address, sizeof address);
    address_print(&t, &line->client);
    return member_allows(expected, "client", address) &&
           member_allows(expected, "kind", attempt_kind_word(line->kind)) &&
           member_allows(expected, "outcome", outcome_word(line->outcome)) &&
           member_allows(expected, "cause", cause_id(line->cause)) &&
           (line->cause == CAUSE_NONE || member_allows(expected, "step", step_word(line->step)));
}

static bool count_allowed(const json_t *expected, size_t num)
{
    const json_t *count = json_object_get(expected, "count");
    if (json_is_array(count)) {
        json_int_t least = json_integer_value(json_array_get(count, 0));
        json_int_t most = json_integer_value(json_array_get(count, 1));
        return least <= (json_int_t)num && (json_int_t)num <= most;
    }
    return (json_int_t)num == (count == NULL ? 1 : json_integer_value(count));
}

/* The cause that the expectations name for this client: a row of the confusion matrix. */
static enum cause expected_cause(const json_t *attempts, const struct verdict_line *line)
{
    struct verdict_line other = *line;
    for (size_t i = 0; i < json_array_size(attempts); i++) {
        const json_t *expected = json_array_get(attempts, i);
        for (int c = CAUSE_NONE; c < CAUSE_COUNT; c++) {
            other.cause = (enum cause)c;
            if (member_allows(expected, "cause", cause_id(other.cause))) {
                char address[64];
                struct text t;
                text_init(&t, address, sizeof address);
                address_print(&t, &line->client);
                if (member_allows(expected, "client", address)) {
                    return other.cause;
                }
            }
        }
    }
    return CAUSE_NONE;
}

static unsigned confusion[CAUSE_COUNT][CAUSE_COUNT]; /* [expected][got] */

static bool check_case(const char *name, const struct verdicts *got)
{
    char path[CASE_PATH_MAX];
    json_error_t error;
    size_t matched[EXPECTED_MAX] = {0};
    bool good = true;
    case_path(path, name, "expect.json");
    json_t *root = json_load_file(path, JSON_REJECT_DUPLICATES, &error);
    cr_assert_not_null(root, "%s: line %d: %s", path, error.line, error.text);
    const json_t *attempts = json_object_get(root, "attempts");
    size_t num_expected = json_array_size(attempts);
    cr_assert_leq(num_expected, EXPECTED_MAX);
    for (size_t i = 0; i < got->num; i++) {
        size_t at = 0;
        while (at < num_expected && !line_allowed(json_array_get(attempts, at), &got->lines[i])) {
            at++;
        }
        if (at < num_expected) {
            matched[at]++;
            confusion[got->lines[i].cause][got->lines[i].cause]++;
        } else {
            char text[VERDICT_TEXT_MAX];
            verdict_print(text, &got->lines[i]);
            printf("%s: unexpected: %s\n", name, text);
            confusion[expected_cause(attempts, &got->lines[i])][got->lines[i].cause]++;
            good = false;
        }
    }
    for (size_t i = 0; i < num_expected; i++) {
        if (!count_allowed(json_array_get(attempts, i), matched[i])) {
            char *text = json_dumps(json_array_get(attempts, i), JSON_COMPACT);
            printf("%s: found %zu times: %s\n", name, matched[i], text);
            free(text);
            good = false;
        }
    }
    json_decref(root);
    return good;
}

static void print_confusion(void)
{
    printf("expected cause -> found cause, attempts\n");
    for (int expected = 0; expected < CAUSE_COUNT; expected++) {
        for (int got = 0; got < CAUSE_COUNT; got++) {
            if (confusion[expected][got] > 0) {
                printf("%c %-26s -> %-26s %4u\n", expected == got ? ' ' : '!',
                       cause_word((enum cause)expected), cause_word((enum cause)got),
                       confusion[expected][got]);
            }
        }
    }
}

static bool wanted(const char *name)
{
    const char *only = getenv("KRBSCOPE_CASE");
    return only == NULL || strcmp(only, name) == 0;
}

/* Goal: every case gets its verdicts. Method: judge each capture, compare with expect.json, and
 * show the confusion matrix, whose off-diagonal must be empty. */
Test(cases, every_case_gets_its_verdicts)
{
    static char names[CASES_MAX][CASE_NAME_MAX];
    size_t num = cases_list(names);
    unsigned num_bad = 0;
    cr_assert_gt(num, 0);
    for (size_t i = 0; i < num; i++) {
        struct recording r;
        struct judgement j;
        static struct verdicts got;
        if (!wanted(names[i])) {
            continue;
        }
        cr_assert(recording_load_case(&r, names[i]), "%s: cannot be read", names[i]);
        recording_judge(&r, NULL, &j);
        verdicts_of(&got, &j.analysis);
        num_bad += check_case(names[i], &got) ? 0 : 1;
        judgement_free(&j);
        recording_free(&r);
    }
    print_confusion();
    fflush(stdout);
    cr_assert_eq(num_bad, 0, "%u of %zu cases are not as expected", num_bad, num);
}

/* Notes the causes of which this case's expect.json leaves no choice. */
static void note_causes(const char *name, bool has_case[CAUSE_COUNT])
{
    char path[CASE_PATH_MAX];
    case_path(path, name, "expect.json");
    json_t *root = json_load_file(path, JSON_REJECT_DUPLICATES, NULL);
    cr_assert_not_null(root, "%s cannot be read", path);
    const json_t *attempts = json_object_get(root, "attempts");
    for (size_t i = 0; i < json_array_size(attempts); i++) {
        const char *id = json_string_value(json_object_get(json_array_get(attempts, i), "cause"));
        for (int c = CAUSE_NONE + 1; id != NULL && c < CAUSE_COUNT; c++) {
            if (strcmp(id, cause_id((enum cause)c)) == 0) {
                has_case[c] = true;
            }
        }
    }
    json_decref(root);
}

/* Goal: no cause goes without a capture that shows it. Method: each must stand alone, not in a list
 * of choices, in the expect.json of some case. */
Test(cases, every_cause_has_a_case)
{
    static char names[CASES_MAX][CASE_NAME_MAX];
    bool has_case[CAUSE_COUNT] = {false};
    unsigned num_missing = 0;
    size_t num = cases_list(names);
    for (size_t i = 0; i < num; i++) {
        note_causes(names[i], has_case);
    }
    for (int c = CAUSE_NONE + 1; c < CAUSE_COUNT; c++) {
        if (!has_case[c]) {
            printf("no case of %s\n", cause_id((enum cause)c));
            num_missing++;
        }
    }
    fflush(stdout);
    cr_assert_eq(num_missing, 0, "%u causes have no case", num_missing);
}

static char *file_text(const char *path)
{
    FILE *f = fopen(path, "rb");
    char *text = NULL;
    size_t room = 0;
    if (f == NULL) {
        return NULL;
    }
    ssize_t len = getdelim(&text, &room, '\0', f);
    fclose(f);
    if (len < 0) {
        free(text);
        return NULL;
    }
    return text;
}

static void file_write(const char *path, const char *text, size_t len)
{
    FILE *f = fopen(path, "wb");
    cr_assert_not_null(f, "%s cannot be written", path);
    cr_assert_eq(fwrite(text, 1, len, f), len);
    cr_assert_eq(fclose(f), 0);
}

/* The first line in which the texts differ, on standard output. */
static void print_difference(const char *name, const char *golden, const char *text)
{
    unsigned line = 1;
    while (*golden != '\0' && *golden == *text) {
        line += *golden == '\n';
        golden++;
        text++;
    }
    printf("%s: report.txt line %u differs from here on:\n  was %.70s\n  is  %.70s\n", name, line,
           golden, text);
}

static bool check_report(const char *name)
{
    struct recording r;
    struct judgement j;
    struct trouble trouble = {{0}};
    char path[CASE_PATH_MAX];
    char *text = NULL;
    size_t len = 0;
    cr_assert(recording_load_case(&r, name));
    recording_judge(&r, NULL, &j);
    case_path(path, name, NULL);
    j.summary.path = path + strlen(KRBSCOPE_SOURCE_DIR "/");
    FILE *out = open_memstream(&text, &len);
    cr_assert_not_null(out);
    const struct report_options options = {.width = 80, .ascii = true};
    cr_assert_eq(report_text(out, &j.analysis, &options, &trouble), STATUS_OK);
    fclose(out);
    judgement_free(&j);
    recording_free(&r);

    case_path(path, name, "report.txt");
    if (getenv("KRBSCOPE_UPDATE_GOLDEN") != NULL) {
        file_write(path, text, len);
    }
    char *golden = file_text(path);
    bool same = golden != NULL && strcmp(golden, text) == 0;
    if (!same) {
        print_difference(name, golden == NULL ? "" : golden, text);
    }
    free(golden);
    free(text);
    return same;
}

#define README KRBSCOPE_SOURCE_DIR "/README.md"
#define README_BLOCK "```text\n"

/* README.md and the place of the report in it. */
struct readme {
    char *text;
    char *golden;      /* what the place should hold */
    const char *block; /* what it holds, up to end */
    const char *end;
};

static void readme_read(struct readme *r)
{
    char path[CASE_PATH_MAX];
    case_path(path, "spn-missing", "report.txt");
    r->golden = file_text(path);
    r->text = file_text(README);
    cr_assert_not_null(r->golden);
    cr_assert_not_null(r->text);
    r->block = strstr(r->text, README_BLOCK);
    cr_assert_not_null(r->block);
    r->block += strlen(README_BLOCK);
    r->end = strstr(r->block, "```");
    cr_assert_not_null(r->end);
}

static void readme_drop(struct readme *r)
{
    free(r->text);
    free(r->golden);
}

static void readme_update(void)
{
    struct readme r;
    char *out = NULL;
    size_t len = 0;
    readme_read(&r);
    FILE *f = open_memstream(&out, &len);
    cr_assert_not_null(f);
    fprintf(f, "%.*s%s%s", (int)(r.block - r.text), r.text, r.golden, r.end);
    fclose(f);
    file_write(README, out, len);
    free(out);
    readme_drop(&r);
}

/* Goal: a change of the report is seen by whoever makes it. Method: compare with the text kept in
 * the case's folder. */
Test(cases, every_report_is_as_it_was)
{
    static char names[CASES_MAX][CASE_NAME_MAX];
    size_t num = cases_list(names);
    unsigned num_bad = 0;
    for (size_t i = 0; i < num; i++) {
        if (wanted(names[i])) {
            num_bad += check_report(names[i]) ? 0 : 1;
        }
    }
    if (getenv("KRBSCOPE_UPDATE_GOLDEN") != NULL) {
        readme_update();
    }
    fflush(stdout);
    cr_assert_eq(num_bad, 0,
                 "%u of %zu reports differ; KRBSCOPE_UPDATE_GOLDEN=1 test_cases writes them",
                 num_bad, num);
}

/* Goal: README.md shows a report as it is. Method: its only text block is the report of the case
 * that its first command names. */
Test(cases, readme_shows_a_report_as_it_is)
{
    struct readme r;
    readme_read(&r);
    const size_t len = strlen(r.golden);
    cr_assert(getenv("KRBSCOPE_UPDATE_GOLDEN") != NULL ||
                  ((size_t)(r.end - r.block) == len && strncmp(r.block, r.golden, len) == 0),
              "README.md shows another report than pcaps/spn-missing/report.txt");
    readme_drop(&r);
}

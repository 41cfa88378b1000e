/* Pages for the browser that no capture gives: names that would be markup, and a great many
 * attempts.
 *
 *   write_pages FOLDER    hostile, hostile-many, thousand, ten-thousand, each as .html and .md */
#include "../report_fixture.h"

#include <stdio.h>

#define NUM_MANY 10000
#define NUM_FEWER 1000

static const struct bytes hostile = BYTES(
    "<img src=x onerror=stolen=1><script>stolen=1</script>\"'><b><b>x</b></b>&amp;\xff\x1b[31m"
    "\xe2\x80\xae\n\0\x60\x60\x60 | **x** [a](javascript:stolen=1) "
    "averyveryverylongnamewithoutasinglehyphenorblankinitthatmustnotmakeapagewide.example");

static FILE *page(const char *folder, const char *name)
{
    char path[1024];
    (void)snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "w");
    assert(file != NULL);
    return file;
}

static struct attempt_record *hostile_attempt(uint32_t id)
{
    static struct event_summary events[4];
    static const struct event_field field[] = {
        {.name = "sname", .value = BYTES("<script>stolen=1</script>\xc3\xbc")}};
    struct attempt_record *a = fixture_refused(id);
    for (size_t i = 0; i < 4; i++) {
        events[i] = a->events[i + 4];
        events[i].summary = hostile;
        events[i].fields = field;
        events[i].num_fields = 1;
    }
    a->principal = a->host = a->spn = a->method = a->uri = hostile;
    a->verdict.summary = hostile;
    a->verdict.remedy = &hostile;
    a->verdict.num_remedies = 1;
    a->steps[0].detail = hostile;
    a->notes = &hostile;
    a->num_notes = 1;
    a->events = events;
    a->num_events = 4;
    return a;
}

static void write(const char *folder, const char *name, struct attempt_record **attempts,
                  size_t num, bool markdown)
{
    const struct report_options options = {.all = num <= 2};
    struct capture_summary captures[2] = {fixture_capture("<i>trace</i>.cap"),
                                          fixture_capture("b.cap")};
    struct trouble trouble = {{0}};
    struct analysis a;
    FILE *file = page(folder, name);
    fixture_analysis(&a, attempts, num, captures, num > 1 ? 2 : 1);
    enum status status = markdown ? report_markdown(file, &a, &options, &trouble)
                                  : report_html(file, &a, &options, &trouble);
    assert(status == STATUS_OK);
    (void)fclose(file);
}

int main(int argc, char **argv)
{
    static struct attempt_record *many[NUM_MANY];
    static char names[NUM_MANY][32];
    if (argc != 2) {
        return 2;
    }
    struct attempt_record *attempts[] = {hostile_attempt(1), hostile_attempt(2)};
    write(argv[1], "hostile.html", attempts, 1, false);
    write(argv[1], "hostile.md", attempts, 1, true);
    write(argv[1], "hostile-many.html", attempts, 2, false);
    write(argv[1], "hostile-many.md", attempts, 2, true);
    for (unsigned i = 0; i < NUM_MANY; i++) {
        many[i] = i % 3 == 0 ? fixture_approved(i + 1) : fixture_refused(i + 1);
        (void)snprintf(names[i], sizeof names[i], "PC%03u$@CORP.TEST", i % 60);
        many[i]->principal = bytes_of(names[i]);
        many[i]->client.address.octets[3] = (uint8_t)(i % 60);
        many[i]->first_time_ns += i * INT64_C(7000000000);
    }
    write(argv[1], "thousand.html", many, NUM_FEWER, false);
    write(argv[1], "thousand.md", many, NUM_FEWER, true);
    write(argv[1], "ten-thousand.html", many, NUM_MANY, false);
    write(argv[1], "ten-thousand.md", many, NUM_MANY, true);
    return 0;
}

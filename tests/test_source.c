/* Which files are pieces of one capture. */
#include "cli/source.c"

#include <criterion/criterion.h>

static struct source file(uint16_t index, const char *path, double from_s, double to_s)
{
    struct source s = {.path = path, .index = index};
    s.info = (struct capture_info){.format = CAPTURE_FORMAT_PCAP,
                                   .has_times = true,
                                   .first_time_ns = (int64_t)(from_s * 1e9),
                                   .last_time_ns = (int64_t)(to_s * 1e9),
                                   .link_types = {LINK_TYPE_ETHERNET},
                                   .num_link_types = 1};
    return s;
}

Test(source, pieces_follow_each_other_in_any_order)
{
    struct source s[] = {file(0, "t_3", 20, 30), file(1, "t_1", 0, 10), file(2, "t_2", 10.5, 19)};
    source_join_pieces(s, 3);
    cr_expect(s[1].is_first_piece);
    cr_expect_eq(s[1].next_piece, &s[2]);
    cr_expect_eq(s[2].next_piece, &s[0]);
    cr_expect_null(s[0].next_piece);
    cr_expect_not(s[0].is_first_piece);
    cr_expect_not(s[2].is_first_piece);
}

Test(source, the_borders_of_joining)
{
    static const struct {
        double begin_s;
        bool joined;
    } cases[] = {{10.0, true}, {15.0, true}, {15.001, false}, {9.995, true}, {9.98, false}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct source s[] = {file(0, "a", 0, 10), file(1, "b", cases[i].begin_s, 30)};
        source_join_pieces(s, 2);
        cr_expect_eq(s[0].next_piece != NULL, cases[i].joined, "begins at %g", cases[i].begin_s);
        cr_expect_eq(s[1].is_first_piece, !cases[i].joined);
    }
}

Test(source, overlapping_files_are_vantages)
{
    struct source s[] = {file(0, "client", 0, 3), file(1, "server", 1, 4)};
    source_join_pieces(s, 2);
    cr_expect(s[0].is_first_piece);
    cr_expect(s[1].is_first_piece);
}

Test(source, only_alike_files_are_pieces)
{
    for (int what = 0; what < 4; what++) {
        struct source s[] = {file(0, "a", 0, 10), file(1, "b", 11, 20)};
        if (what == 0) {
            s[1].info.format = CAPTURE_FORMAT_PCAPNG;
        } else if (what == 1) {
            s[1].info.link_types[0] = LINK_TYPE_RAW;
        } else if (what == 2) {
            s[1].info.zone = CAPTURE_ZONE_UNKNOWN;
        } else {
            s[1].info.has_times = false;
        }
        source_join_pieces(s, 2);
        cr_expect(s[1].is_first_piece, "difference %d", what);
    }
}

/* Two rings of files taken side by side: names tell which goes on with which. */
Test(source, two_rings_stay_apart)
{
    struct source s[] = {file(0, "client_1", 0, 10), file(1, "server_1", 0.1, 10.1),
                         file(2, "client_2", 10.2, 20), file(3, "server_2", 10.2, 20)};
    source_join_pieces(s, 4);
    cr_expect_eq(s[0].next_piece, &s[2]);
    cr_expect_eq(s[1].next_piece, &s[3]);
}

Test(source, extreme_times_do_no_harm)
{
    struct source s[] = {file(0, "a", 0, 0), file(1, "b", 0, 0)};
    s[0].info.first_time_ns = INT64_MIN;
    s[0].info.last_time_ns = INT64_MAX;
    s[1].info.first_time_ns = INT64_MIN;
    s[1].info.last_time_ns = INT64_MIN;
    source_join_pieces(s, 2);
    cr_expect(s[0].is_first_piece);
    cr_expect(s[1].is_first_piece);
}

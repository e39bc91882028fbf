/* Files, syncs and power losses, through the plain file access. */
#include "disk_rig.h"
#include <errno.h>

static struct rig *rig_new(uint64_t seed)
{
    struct rig *rig = calloc(1, sizeof *rig);
    rig_init(rig, seed);
    return rig;
}

static void rig_free(struct rig *rig)
{
    rig_done(rig);
    free(rig);
}

static void put(struct rig *rig, const char *text, uint64_t offset)
{
    cr_assert_eq(disk_write(rig->disk, "f", text, strlen(text), offset), 0);
}

/* The whole file as text; zeros as '.'. */
static const char *text_of(struct rig *rig, const char *name)
{
    static char text[4096];
    int got = disk_read(rig->disk, name, text, sizeof text - 1, 0);
    cr_assert_geq(got, 0);
    for (int i = 0; i < got; i++)
        if (text[i] == 0)
            text[i] = '.';
    text[got] = 0;
    return text;
}

Test(disk, reads_see_writes_before_any_sync)
{
    struct rig *rig = rig_new(1);
    put(rig, "hello world", 0);
    put(rig, "W", 6);
    cr_assert_str_eq(text_of(rig, "f"), "hello World");
    cr_assert_eq(disk_size(rig->disk, "f"), 11);
    rig_free(rig);
}

Test(disk, reading_past_the_end_is_short)
{
    struct rig *rig = rig_new(1);
    char data[8];
    put(rig, "abc", 0);
    cr_assert_eq(disk_read(rig->disk, "f", data, sizeof data, 1), 2);
    cr_assert_eq(disk_read(rig->disk, "f", data, sizeof data, 3), 0);
    cr_assert_eq(disk_read(rig->disk, "f", data, sizeof data, 99), 0);
    rig_free(rig);
}

Test(disk, a_gap_reads_as_zeros)
{
    struct rig *rig = rig_new(1);
    put(rig, "ab", 0);
    put(rig, "z", 5);
    cr_assert_str_eq(text_of(rig, "f"), "ab...z");
    rig_free(rig);
}

Test(disk, a_gap_over_what_was_cut_off_reads_as_zeros)
{
    struct rig *rig = rig_new(1);
    put(rig, "abcdefgh", 0);
    cr_assert_eq(disk_truncate(rig->disk, "f", 2), 0);
    put(rig, "z", 5);
    cr_assert_str_eq(text_of(rig, "f"), "ab...z");
    cr_assert_eq(disk_truncate(rig->disk, "f", 1), 0);
    cr_assert_eq(disk_truncate(rig->disk, "f", 7), 0);
    cr_assert_str_eq(text_of(rig, "f"), "a......");
    rig_free(rig);
}

Test(disk, what_does_not_exist_is_an_error)
{
    struct rig *rig = rig_new(1);
    char byte;
    cr_assert_eq(disk_read(rig->disk, "f", &byte, 1, 0), -ENOENT);
    cr_assert_eq(disk_sync(rig->disk, "f"), -ENOENT);
    cr_assert_eq(disk_size(rig->disk, "f"), -ENOENT);
    cr_assert_not(disk_delete(rig->disk, "f"));
    rig_free(rig);
}

Test(disk, a_deleted_file_is_gone_and_comes_back_empty)
{
    struct rig *rig = rig_new(1);
    put(rig, "secret", 0);
    cr_assert(disk_delete(rig->disk, "f"));
    cr_assert_eq(disk_size(rig->disk, "f"), -ENOENT);
    put(rig, "x", 3);
    cr_assert_str_eq(text_of(rig, "f"), "...x");
    rig_free(rig);
}

Test(disk, what_was_synced_survives_every_power_loss)
{
    for (uint64_t seed = 1; seed <= 50; seed++) {
        struct rig *rig = rig_new(seed);
        put(rig, "durable", 0);
        cr_assert_eq(disk_sync(rig->disk, "f"), 0);
        disk_power_loss(rig->disk, rig->node);
        disk_power_loss(rig->disk, rig->node);
        cr_assert_str_eq(text_of(rig, "f"), "durable");
        rig_free(rig);
    }
}

Test(disk, a_kill_without_power_loss_keeps_everything)
{
    for (uint64_t seed = 1; seed <= 20; seed++) {
        struct rig *rig = rig_new(seed);
        put(rig, "written", 0);
        node_boot(rig->node);
        cr_assert(node_kill(rig->node, false, false));
        cr_assert_str_eq(text_of(rig, "f"), "written");
        rig_free(rig);
    }
}

Test(disk, a_node_that_loses_power_takes_its_disk_along)
{
    unsigned lost = 0;
    for (uint64_t seed = 1; seed <= 20; seed++) {
        struct rig *rig = rig_new(seed);
        put(rig, "written", 0);
        node_boot(rig->node);
        cr_assert(node_kill(rig->node, true, false));
        lost += disk_size(rig->disk, "f") == 0;
        rig_free(rig);
    }
    cr_assert(lost > 0 && lost < 20, "lost %u of 20", lost);
}

/* Two sectors "aa..bb" durable, overwritten by "AA..BB": which of the old and new halves are there?
 */
static void overwrite_and_lose(struct rig *rig, char ret_first[2])
{
    char page[1024];
    memset(page, 'a', sizeof page);
    disk_write(rig->disk, "f", page, sizeof page, 0);
    disk_sync(rig->disk, "f");
    memset(page, 'A', sizeof page);
    disk_write(rig->disk, "f", page, sizeof page, 0);
    disk_power_loss(rig->disk, rig->node);
    cr_assert_eq(disk_read(rig->disk, "f", page, sizeof page, 0), 1024);
    for (size_t i = 0; i < sizeof page; i++) /* a sector is one or the other, whole */
        cr_assert_eq(page[i], page[i / 512 * 512]);
    ret_first[0] = page[0];
    ret_first[1] = page[512];
}

Test(disk, a_write_is_dropped_kept_or_torn_by_sector)
{
    unsigned seen[4] = {0};
    for (uint64_t seed = 1; seed <= 100; seed++) {
        struct rig *rig = rig_new(seed);
        char half[2], again[2];
        overwrite_and_lose(rig, half);
        rig_free(rig);
        seen[(half[0] == 'A') * 2 + (half[1] == 'A')]++;

        rig = rig_new(seed);
        overwrite_and_lose(rig, again);
        rig_free(rig);
        cr_assert_arr_eq(half, again, 2, "seed %lu gives the same bytes again", seed);
    }
    for (int i = 0; i < 4; i++)
        cr_assert_gt(seen[i], 0, "outcome %d", i);
}

Test(disk, a_tear_follows_the_sectors_of_the_file_not_of_the_write)
{
    bool torn = false;
    for (uint64_t seed = 1; seed <= 50; seed++) {
        struct rig *rig = rig_new(seed);
        char data[400];
        memset(data, 'x', sizeof data);
        disk_write(rig->disk, "f", data, sizeof data,
                   300); /* 212 bytes in one sector, 188 in the next */
        disk_power_loss(rig->disk, rig->node);
        int64_t size = disk_size(rig->disk, "f");
        cr_assert(size == 0 || size == 512 || size == 700, "size %ld", size);
        torn = torn || size == 512;
        rig_free(rig);
    }
    cr_assert(torn);
}

Test(disk, a_later_write_may_survive_an_earlier_one)
{
    bool reordered = false;
    for (uint64_t seed = 1; seed <= 50 && !reordered; seed++) {
        struct rig *rig = rig_new(seed);
        put(rig, "one", 0);
        put(rig, "two", 512);
        disk_power_loss(rig->disk, rig->node);
        char first = 'o';
        disk_read(rig->disk, "f", &first, 1, 0);
        reordered = disk_size(rig->disk, "f") == 515 && first == 0;
        rig_free(rig);
    }
    cr_assert(reordered);
}

Test(disk, a_truncation_is_pending_too)
{
    unsigned kept = 0, dropped = 0;
    for (uint64_t seed = 1; seed <= 50; seed++) {
        struct rig *rig = rig_new(seed);
        put(rig, "long text", 0);
        disk_sync(rig->disk, "f");
        disk_truncate(rig->disk, "f", 4);
        cr_assert_str_eq(text_of(rig, "f"), "long");
        disk_power_loss(rig->disk, rig->node);
        if (strcmp(text_of(rig, "f"), "long") == 0)
            kept++;
        else if (strcmp(text_of(rig, "f"), "long text") == 0)
            dropped++;
        rig_free(rig);
    }
    cr_assert_eq(kept + dropped, 50);
    cr_assert(kept > 0 && dropped > 0);
}

/* The crash state of the nth change of file "f" of disk "disk", as its tape names it. */
static void edit_outcome(struct rig *rig, uint64_t n, uint64_t outcome)
{
    uint64_t disk = fields_key(&T_STR("disk", "disk"), 1);
    struct choice choice = {.stream = STREAM_DISK,
                            .name = "disk/write/loss",
                            .node = rig->node->id,
                            .key = fields_key(&T_STR("file", "f"), 1) ^ disk,
                            .ordinal = n};
    tape_edit_choice(rig->tape, &choice, outcome);
}

static void change_at_random(struct rig *rig)
{
    static const char noise[700] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
    uint64_t offset = tape_draw(rig->tape, 1200);
    size_t length = tape_draw(rig->tape, sizeof noise);
    if (tape_draw_chance(rig->tape, 1, 3))
        disk_truncate(rig->disk, "f", offset);
    else
        disk_write(rig->disk, "f", noise, length, offset);
}

/* All dropped: the state at the sync. All kept: the state at the end. */
static void check_bounds(uint64_t seed, uint64_t outcome)
{
    struct rig *rig = rig_new(seed);
    char durable[2048], visible[2048], after[2048];
    put(rig, "something to begin with", tape_draw(rig->tape, 600));
    disk_sync(rig->disk, "f");
    int size = disk_read(rig->disk, "f", durable, sizeof durable, 0);
    for (int i = 0; i < 30; i++)
        change_at_random(rig);
    int end = disk_read(rig->disk, "f", visible, sizeof visible, 0);
    for (uint64_t n = 2; n <= 31; n++)
        edit_outcome(rig, n, outcome);
    disk_power_loss(rig->disk, rig->node);
    int got = disk_read(rig->disk, "f", after, sizeof after, 0);
    cr_assert_eq(got, outcome ? end : size, "seed %lu", seed);
    cr_assert_arr_eq(after, outcome ? visible : durable, (size_t)got, "seed %lu", seed);
    rig_free(rig);
}

Test(disk, any_mixture_of_changes_can_be_undone_and_made_again)
{
    for (uint64_t seed = 1; seed <= 200; seed++) {
        check_bounds(seed, 0);
        check_bounds(seed, 1);
    }
}

Test(disk, sparing_one_write_changes_the_fate_of_no_other)
{
    for (uint64_t seed = 1; seed <= 30; seed++) {
        char with[1024] = {0}, without[1024] = {0};
        for (int edited = 0; edited < 2; edited++) {
            struct rig *rig = rig_new(seed);
            put(rig, "one", 0);
            put(rig, "two", 512);
            put(rig, "three", 700);
            if (edited)
                edit_outcome(rig, 1, 1);
            disk_power_loss(rig->disk, rig->node);
            disk_read(rig->disk, "f", edited ? without : with, 1024, 0);
            rig_free(rig);
        }
        cr_assert_eq(without[0], 'o');
        cr_assert_arr_eq(with + 512, without + 512, 512, "seed %lu", seed);
    }
}

Test(disk, a_new_file_of_the_same_name_has_its_own_fate)
{
    unsigned differ = 0;
    for (uint64_t seed = 1; seed <= 40; seed++) {
        struct rig *rig = rig_new(seed);
        int64_t size[2];
        for (int life = 0; life < 2; life++) {
            put(rig, "x", 0);
            disk_power_loss(rig->disk, rig->node);
            size[life] = disk_size(rig->disk, "f");
            disk_delete(rig->disk, "f");
        }
        differ += size[0] != size[1];
        rig_free(rig);
    }
    cr_assert_gt(differ, 0);
}

/* (5) of disk.c: a kernel writes back by itself what is too much. */
Test(disk, what_waits_for_a_sync_is_bounded)
{
    struct rig *rig = rig_new(1);
    size_t chunk = 1 << 20;
    char *data = calloc(1, chunk);
    for (uint64_t i = 0; i < 20; i++)
        disk_write(rig->disk, "f", data, chunk, i * chunk);
    for (uint64_t n = 1; n <= 20; n++)
        edit_outcome(rig, n, 0);
    disk_power_loss(rig->disk, rig->node);
    cr_assert_eq(disk_size(rig->disk, "f"), 16 << 20);
    free(data);
    rig_free(rig);
}

static void see_loss(void *ctx, const struct event *event)
{
    if (strcmp(event->point->name, "world/disk/loss") == 0)
        *(uint64_t *)ctx += event_u64(event, "dropped") + 1000 * event_u64(event, "kept") +
                            1000000 * event_u64(event, "torn");
}

Test(disk, the_trace_says_what_became_of_the_changes)
{
    struct rig *rig = rig_new(1);
    uint64_t counts = 0;
    trace_listen(rig->trace, see_loss, &counts);
    for (uint64_t n = 1; n <= 6; n++) {
        put(rig, "x", n);
        edit_outcome(rig, n, n <= 3 ? 0 : n <= 5 ? 1 : 2);
    }
    disk_power_loss(rig->disk, rig->node);
    cr_assert_eq(counts, 1002003, "%lu", counts);
    rig_free(rig);
}

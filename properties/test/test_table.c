/* The map under the properties, against a plain array. */
#include "properties/table.h"
#include <criterion/criterion.h>

Test(table, an_empty_one_finds_nothing)
{
    struct table table = {0};
    cr_assert_null(table_find(&table, 0));
    table_done(&table);
}

Test(table, an_entry_is_zeroed_when_added_and_kept_afterwards)
{
    struct table table = {0};
    uint64_t *value = TABLE_AT(&table, 0, uint64_t);
    cr_assert_eq(*value, 0);
    *value = 7;
    cr_assert_eq(*TABLE_AT(&table, 0, uint64_t), 7);
    cr_assert_eq(table.count, 1);
    cr_assert_null(table_find(&table, 1));
    table_done(&table);
}

Test(table, ten_thousand_scattered_keys_are_found_and_walked_in_order_of_adding)
{
    enum { COUNT = 10000 };
    struct table table = {0};
    for (uint64_t i = 0; i < COUNT; i++)
        *TABLE_AT(&table, mix64(i), uint64_t) = i;
    cr_assert_eq(table.count, COUNT);
    for (uint64_t i = 0; i < COUNT; i++) {
        const uint64_t *found = table_find(&table, mix64(i));
        cr_assert_not_null(found);
        cr_assert_eq(*found, i);
        cr_assert_eq(*(uint64_t *)table_value(&table, i), i);
        cr_assert_eq(table_key(&table, i), mix64(i));
        cr_assert_null(table_find(&table, mix64(i + COUNT)));
    }
    table_done(&table);
    cr_assert_eq(table.count, 0);
}

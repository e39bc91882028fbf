/* histories.h: small histories as text, for tests of checks.
 *
 * One word is one event: PROCESS, one of `+` (invoke), `=` (ok), `!` (fail), `?` (unknown), the operation's first
 * letter, and what it is about: "1+e5 1=e5" enqueues 5. A completion with a value answers it ("3+d 3=d5"), one with a
 * list in braces answers a list ("2=r{1,2}"). Cas is "1+c2>3". "k7" in front of words sets their key. Each event comes a
 * millisecond after the one before.
 */
#ifndef PROPERTIES_TEST_HISTORIES_H
#define PROPERTIES_TEST_HISTORIES_H

#include "properties/history.h"
#include <criterion/criterion.h>
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#define MS INT64_C(1000000)

/* e d D a m h r w c l u g: enqueue dequeue drain add reMove has read write cas lock unlock generate */
static inline enum operation operation_by_letter(char letter)
{
    static const char letters[] = "edDamhrwclug";
    const char *at = strchr(letters, letter);
    cr_assert(letter && at, "no operation: %c", letter);
    return (enum operation)(at - letters);
}

static inline void history_answer(struct history *history, size_t number, char *text)
{
    int64_t values[32];
    size_t count = 0;
    if (*text == '{') {
        for (char *word; (word = strsep(&text, ",}")) && count < 32;) {
            if (isdigit((unsigned char)word[*word == '{']))
                values[count++] = strtoll(word + (*word == '{'), NULL, 10);
        }
        history_list(history, number, values, count);
    } else if (*text == '-') {
        history->ops[number].value = VALUE_NONE;
    } else if (isdigit((unsigned char)*text)) {
        history->ops[number].value = strtoll(text, NULL, 10);
        if (strchr(text, '>'))
            history->ops[number].next = strtoll(strchr(text, '>') + 1, NULL, 10);
    }
}

/* The newest operation of the process that is still open. */
static inline size_t history_open(const struct history *history, uint64_t process)
{
    size_t number = history->count;
    while (number-- > 0) {
        if (history->ops[number].process == process)
            break;
    }
    cr_assert_lt(number, history->count, "process %d has invoked nothing", (int)process);
    return number;
}

static inline struct history history_of(const char *text)
{
    static const enum op_outcome outcomes[] = {['='] = OP_OK, ['!'] = OP_FAIL, ['?'] = OP_UNKNOWN};
    struct history history = {0};
    char *copy = strdup(text), *rest = copy, *word;
    uint64_t key = 0;
    int64_t now_ns = 0;
    while ((word = strsep(&rest, " "))) {
        if (*word == 'k')
            key = strtoull(word + 1, NULL, 10);
        if (!isdigit((unsigned char)*word))
            continue;
        char *at;
        uint64_t process = strtoull(word, &at, 10);
        size_t number;
        if (*at == '+') {
            struct op op = {.process = process, .key = key, .f = operation_by_letter(at[1])};
            number = history_invoke(&history, op, now_ns);
        } else {
            number = history_open(&history, process);
            history_complete(&history, number, outcomes[(unsigned char)*at], now_ns);
        }
        history_answer(&history, number, at + 2);
        now_ns += MS;
    }
    free(copy);
    return history;
}

/* What a check says about it, in one line; everything that it reports counts as failing. */
static inline const char *history_said(void (*check)(const struct history *, struct findings *),
                                       const char *text, uint32_t failing,
                                       enum judgement *ret_judgement)
{
    static char out[400];
    struct history history = history_of(text);
    struct findings found = {0};
    check(&history, &found);
    *ret_judgement = findings_judge(&found, failing);
    findings_print(&found, KIND_ANY, out, sizeof out);
    findings_done(&found);
    history_done(&history);
    return out;
}

struct history_case {
    const char *text, *said;
    enum judgement judgement;
};

static inline void expect_histories(void (*check)(const struct history *, struct findings *),
                                    uint32_t failing, const struct history_case *cases)
{
    for (size_t i = 0; cases[i].text; i++) {
        enum judgement judgement;
        const char *said = history_said(check, cases[i].text, failing, &judgement);
        cr_expect_str_eq(said, cases[i].said, "%s: %s", cases[i].text, said);
        cr_expect_eq(judgement, cases[i].judgement, "%s: %d", cases[i].text, (int)judgement);
    }
}

#endif

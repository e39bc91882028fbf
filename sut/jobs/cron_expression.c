/* cron_expression.c: reads what people write. What is wrong with it is said with its place in the text, and with advice. */
#include "sut/jobs/cron_expression.h"
#include "sut/jobs/calendar.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define TEXT_SHOWN 20 /* characters of a value that a message repeats */

static const char *const month_names[] = {"JAN", "FEB", "MAR", "APR", "MAY", "JUN",
                                          "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"};
static const char *const weekday_names[] = {"SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"};

static const struct field {
    const char *noun;
    unsigned least, most;
    const char *const *names; /* of least .. most; NULL: none */
} fields[CRON_FIELD_COUNT] = {
    [CRON_MINUTE] = {"minute", 0, 59, NULL},
    [CRON_HOUR] = {"hour", 0, 23, NULL},
    [CRON_DAY] = {"day", 1, 31, NULL},
    [CRON_MONTH] = {"month", 1, 12, month_names},
    [CRON_WEEKDAY] = {"weekday", 0, 6, weekday_names},
};

struct reader {
    const char *text, *at;
    const struct field *field;
    char *why;
    size_t why_size;
};

/* ---- what is wrong ---- */

__attribute__((format(printf, 3, 4))) static bool wrong(struct reader *reader, const char *place,
                                                        const char *format, ...)
{
    int length =
        snprintf(reader->why, reader->why_size, "'%.*s', character %zu (%s): ", CRON_EXPRESSION_MAX,
                 reader->text, (size_t)(place - reader->text) + 1, reader->field->noun);
    va_list args;
    va_start(args, format);
    if (length > 0 && (size_t)length < reader->why_size)
        vsnprintf(reader->why + length, reader->why_size - (size_t)length, format, args);
    va_end(args);
    return false;
}

static bool wrong_number(struct reader *reader, const char *place, unsigned long number)
{
    const struct field *field = reader->field;
    const char *advice = "";
    if (field == &fields[CRON_WEEKDAY] && number == 7)
        advice = "; Sunday is 0";
    else if (field == &fields[CRON_HOUR] && number == 24)
        advice = "; midnight is hour 0";
    return wrong(reader, place, "%.*s is not in %u-%u%s",
                 TEXT_SHOWN < reader->at - place ? TEXT_SHOWN : (int)(reader->at - place), place,
                 field->least, field->most, advice);
}

static size_t word_length(const char *word)
{
    return strspn(word, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz");
}

static bool wrong_word(struct reader *reader)
{
    const struct field *field = reader->field;
    int length = (int)word_length(reader->at);
    int shown = length < TEXT_SHOWN ? length : TEXT_SHOWN;
    if (!field->names)
        return wrong(reader, reader->at, "'%.*s' is no number; only months and weekdays have names",
                     shown, reader->at);
    for (unsigned i = 0; i <= field->most - field->least && length >= 3; ++i)
        if (strncasecmp(reader->at, field->names[i], 3) == 0)
            return wrong(reader, reader->at, "'%.*s' is no name; write %s", shown, reader->at,
                         field->names[i]);
    return wrong(reader, reader->at, "'%.*s' is no name; names are %s to %s", shown, reader->at,
                 field->names[0], field->names[field->most - field->least]);
}

static bool wrong_sign(struct reader *reader)
{
    char sign = *reader->at;
    if (!sign || isspace((unsigned char)sign) || sign == ',')
        return wrong(reader, reader->at, "a value is missing");
    if (sign == '?')
        return wrong(reader, reader->at, "'?' is not known here; write *");
    return wrong(reader, reader->at,
                 "'%c' is not known here; a field is made of values, * , - and /", sign);
}

/* ---- values ---- */

static bool read_digits(struct reader *reader, unsigned long *ret_number)
{
    unsigned long number = 0;
    if (!isdigit((unsigned char)*reader->at))
        return false;
    for (; isdigit((unsigned char)*reader->at); ++reader->at)
        if (number < 1000000) /* more is out of range anyway */
            number = number * 10 + (unsigned long)(*reader->at - '0');
    *ret_number = number;
    return true;
}

static bool read_name(struct reader *reader, unsigned *ret_value)
{
    const struct field *field = reader->field;
    for (unsigned i = 0; field->names && i <= field->most - field->least; ++i)
        if (word_length(reader->at) == 3 && strncmp(reader->at, field->names[i], 3) == 0) {
            reader->at += 3;
            *ret_value = field->least + i;
            return true;
        }
    return wrong_word(reader);
}

static bool read_value(struct reader *reader, unsigned *ret_value)
{
    const char *place = reader->at;
    unsigned long number;
    if (isalpha((unsigned char)*place))
        return read_name(reader, ret_value);
    if (!read_digits(reader, &number))
        return wrong_sign(reader);
    if (number < reader->field->least || number > reader->field->most)
        return wrong_number(reader, place, number);
    *ret_value = (unsigned)number;
    return true;
}

/* A step larger than the largest value would never come to a second one: not what somebody meant who wrote it. */
static bool read_step(struct reader *reader, unsigned *ret_step)
{
    const char *place = ++reader->at;
    unsigned long step;
    if (!read_digits(reader, &step))
        return wrong(reader, place, "after / comes a step, 1 to %u", reader->field->most);
    if (step < 1 || step > reader->field->most)
        return wrong(reader, place, "a step is 1 to %u: it begins anew with each %s",
                     reader->field->most,
                     reader->field == fields       ? "hour"
                     : reader->field == fields + 1 ? "day"
                                                   : "round");
    *ret_step = (unsigned)step;
    return true;
}

static bool read_range(struct reader *reader, unsigned *first, unsigned *last)
{
    const struct field *field = reader->field;
    const char *place = reader->at;
    *first = field->least;
    *last = field->most;
    if (*reader->at == '*') {
        ++reader->at;
        return true;
    }
    if (!read_value(reader, first))
        return false;
    if (*reader->at == '-') {
        ++reader->at;
        if (!read_value(reader, last))
            return false;
        if (*last < *first)
            return wrong(reader, place, "the range goes backwards; write %u-%u,%u-%u", *first,
                         field->most, field->least, *last);
    } else if (*reader->at != '/') {
        *last = *first;
    }
    return true;
}

static bool read_item(struct reader *reader, uint64_t *values)
{
    unsigned first, last, step = 1;
    if (!read_range(reader, &first, &last))
        return false;
    if (*reader->at == '/' && !read_step(reader, &step))
        return false;
    for (unsigned value = first; value <= last; value += step)
        *values |= UINT64_C(1) << value;
    return true;
}

static bool read_field(struct reader *reader, uint64_t *ret_values)
{
    uint64_t values = 0;
    for (;; ++reader->at) {
        if (!read_item(reader, &values))
            return false;
        if (*reader->at != ',')
            break;
    }
    if (*reader->at && !isspace((unsigned char)*reader->at))
        return isalnum((unsigned char)*reader->at) ? wrong(reader, reader->at, "a comma is missing")
                                                   : wrong_sign(reader);
    *ret_values = values;
    return true;
}

/* ---- the whole ---- */

static const char *skip_space(const char *text)
{
    while (isspace((unsigned char)*text))
        ++text;
    return text;
}

static size_t field_count(const char *text)
{
    size_t count = 0;
    for (text = skip_space(text); *text; text = skip_space(text), ++count)
        while (*text && !isspace((unsigned char)*text))
            ++text;
    return count;
}

static bool wrong_count(struct reader *reader, size_t count)
{
    snprintf(reader->why, reader->why_size,
             "'%.*s' has %zu field%s; write five: minute hour day month weekday%s",
             CRON_EXPRESSION_MAX, reader->text, count, count == 1 ? "" : "s",
             count == 6 ? " (there are no seconds)" : "");
    return false;
}

/* In a leap year. */
static bool date_possible(const struct cron_expression *expression)
{
    for (unsigned month = 1; month <= 12; ++month) {
        uint64_t days = (UINT64_C(2) << month_length(2000, month)) - 1;
        if (expression->values[CRON_MONTH] >> month & 1 && expression->values[CRON_DAY] & days)
            return true;
    }
    return false;
}

static bool read_fields(struct reader *reader, struct cron_expression *expression)
{
    const char *day = NULL;
    size_t count = field_count(reader->text);
    if (count != CRON_FIELD_COUNT)
        return wrong_count(reader, count);
    for (size_t i = 0; i < CRON_FIELD_COUNT; ++i) {
        reader->field = &fields[i];
        reader->at = skip_space(reader->at);
        if (i == CRON_DAY)
            day = reader->at;
        if (!read_field(reader, &expression->values[i]))
            return false;
    }
    reader->field = &fields[CRON_DAY];
    return date_possible(expression) ||
           wrong(reader, day, "no such day in any of these months; it would never be due");
}

static bool read_nickname(struct reader *reader, struct cron_expression *expression)
{
    static const char *const nicknames[][2] = {
#define X(word, same) {word, same},
        CRON_NICKNAMES(X)
#undef X
    };
    size_t length = strcspn(reader->at, " \t\r\n");
    expression->reboot =
        length == strlen(CRON_REBOOT) && strncmp(reader->at, CRON_REBOOT, length) == 0;
    for (size_t i = 0; i < sizeof nicknames / sizeof *nicknames; ++i)
        if (length == strlen(nicknames[i][0]) &&
            strncmp(reader->at, nicknames[i][0], length) == 0) {
            struct reader same = {.text = nicknames[i][1], .at = nicknames[i][1]};
            return *skip_space(reader->at + length) ? wrong_count(reader, field_count(reader->text))
                                                    : read_fields(&same, expression);
        }
    if (expression->reboot && !*skip_space(reader->at + length))
        return true;
    snprintf(reader->why, reader->why_size,
             "'%.*s' is no nickname; there are "
#define X(word, same) word " "
             CRON_NICKNAMES(X)
#undef X
                 "and " CRON_REBOOT,
             CRON_EXPRESSION_MAX, reader->text);
    return false;
}

bool cron_parse(const char *text, struct cron_expression *ret_expression, char *why,
                size_t why_size)
{
    struct cron_expression expression = {0};
    struct reader reader = {.text = text, .at = skip_space(text), .why = why, .why_size = why_size};
    if (strlen(text) > CRON_EXPRESSION_MAX) {
        snprintf(why, why_size, "a cron expression has %d characters at most", CRON_EXPRESSION_MAX);
        return false;
    }
    if (!(*reader.at == '@' ? read_nickname : read_fields)(&reader, &expression))
        return false;
    *ret_expression = expression;
    return true;
}

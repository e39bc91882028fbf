/* passes_lists.c: two lists that follow one another become one, or elements go from the second to the first.
 */
#include "harness/sequence/shrink_internal.h"

static size_t next_list(const struct shrinker *s, size_t list)
{
    for (size_t i = list + 1; i < s->span_count; i++)
        if (s->spans[i].begin >= s->spans[list].end && s->spans[i].depth == s->spans[list].depth &&
            sequence_span_is(&s->spans[i], "list"))
            return i;
    return SIZE_MAX;
}

static bool has_own_end(const struct shrinker *s, size_t list)
{
    const struct sequence_span *span = &s->spans[list];
    return span->end > span->begin && s->choices[span->end - 1].role == SEQUENCE_MORE;
}

/* Where the first part of an element begins; its end if it has none. */
static size_t first_part(const struct shrinker *s, size_t element)
{
    size_t first = element + 1;
    bool has_part = first < s->span_count && s->spans[first].parent == element;
    return has_part ? s->spans[first].begin : s->spans[element].end;
}

/* The elements of a list, without what stands between their "more?" and their first part, such as a branch that says
 * of which kind they are. false: there is nothing such. */
static bool append_bare_elements(struct shrinker *s, size_t list)
{
    bool any = false;
    for (size_t i = list + 1; i < s->span_count; i++) {
        const struct sequence_span *element = &s->spans[i];
        if (element->parent != list)
            continue;
        size_t part = first_part(s, i);
        bool is_bare = part <= element->begin + 1 || part == element->end;
        shrink_trial_append(s, element->begin, element->begin + 1);
        shrink_trial_append(s, is_bare ? element->begin + 1 : part, element->end);
        any |= !is_bare;
    }
    return any;
}

/* The elements of the second become elements of the first, by what they hold. */
static void move_bare_elements(struct shrinker *s, size_t first, size_t second)
{
    size_t end = s->spans[first].end, second_end = s->spans[second].end;
    s->trial_count = 0;
    shrink_trial_append(s, 0, end - 1);
    if (!append_bare_elements(s, second))
        return;
    shrink_trial_append(s, end - 1, s->spans[second].begin);
    shrink_trial_append(s, second_end - 1, s->length);
    shrink_try(s);
}

void shrink_pass_join_lists(struct shrinker *s, size_t position)
{
    size_t next;
    if (!sequence_span_is(&s->spans[position], "list") || !has_own_end(s, position) ||
        (next = next_list(s, position)) == SIZE_MAX || !has_own_end(s, next))
        return;
    shrink_trial_reset(s);
    shrink_trial_delete(s, s->spans[position].end - 1, s->spans[next].begin);
    if (!shrink_try(s))
        move_bare_elements(s, position, next);
}

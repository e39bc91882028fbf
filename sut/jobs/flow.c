/* flow.c: the words of flows. */
#include "sut/jobs/flow.h"

#include <string.h>

static const char *const kinds[] = {
#define X(e, word) word,
    FLOW_KINDS(X)
#undef X
};

static const char *const reactions[] = {
#define X(e, word) word,
    FLOW_REACTIONS(X)
#undef X
};

static const char *const events[] = {
#define X(e, word) word,
    FLOW_EVENTS(X)
#undef X
};

/* Its place, or `count`. */
static unsigned place_of(const char *word, const char *const *words, unsigned count)
{
    unsigned place = 0;
    while (place < count && (!word || strcmp(word, words[place]) != 0))
        ++place;
    return place;
}

const char *flow_kind_word(enum flow_kind kind)
{
    return kind < FLOW_KIND_COUNT ? kinds[kind] : "?";
}

bool flow_kind_by_word(const char *word, enum flow_kind *ret_kind)
{
    *ret_kind = (enum flow_kind)place_of(word, kinds, FLOW_KIND_COUNT);
    return *ret_kind < FLOW_KIND_COUNT;
}

const char *flow_reaction_word(enum flow_reaction reaction)
{
    return reaction < FLOW_REACTION_COUNT ? reactions[reaction] : "?";
}

bool flow_reaction_by_word(const char *word, enum flow_reaction *ret_reaction)
{
    *ret_reaction = (enum flow_reaction)place_of(word, reactions, FLOW_REACTION_COUNT);
    return *ret_reaction < FLOW_REACTION_COUNT;
}

const char *flow_event_word(enum flow_event event)
{
    return event < FLOW_EVENT_COUNT ? events[event] : "?";
}

bool flow_event_by_word(const char *word, enum flow_event *ret_event)
{
    *ret_event = (enum flow_event)place_of(word, events, FLOW_EVENT_COUNT);
    return *ret_event < FLOW_EVENT_COUNT;
}

/* act.c: what all steps of workers have in common. */
#include "scenarios/trees/trees.h"

#define NAMES 5

bool act_begin(struct act *act, const char *does, const char *whom, enum tree_param param)
{
    const struct plan *plan = &act->seat->tree->plan;
    if (tree_is_healed(act->seat->tree) || !seat_chance(act->seat, does, act->nth, param))
        return false;
    act->whom = plan->seats[act_choose(act, whom, (int64_t)plan->seat_count - 1)].last;
    return true;
}

struct seat *act_seat(const struct act *act, const struct seat *seat)
{
    struct seat *seats = act->seat->tree->plan.seats;
    return &seats[seat - seats];
}

struct seat *act_any_seat(const struct act *act, const char *name)
{
    const struct plan *plan = &act->seat->tree->plan;
    return &plan->seats[act_choose(act, name, (int64_t)plan->seat_count - 1)];
}

int64_t act_choose(const struct act *act, const char *name, int64_t hi)
{
    return seat_choose(act->seat, name, act->nth, 0, hi);
}

void act_name(const struct act *act, const char *name, char letter, char out[static 4])
{
    out[0] = letter;
    out[1] = (char)('0' + act_choose(act, name, NAMES - 1));
    out[2] = '\0';
}

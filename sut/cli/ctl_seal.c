/* ctl_seal.c: jobctl's side of encrypted arguments: they are sealed here, before the database sees them. */
#include "sut/cli/jobctl.h"
#include "sut/live/env_live.h"

const struct job_spec *ctl_seal(struct ctl *ctl, const struct job_spec *specs, size_t count,
                                struct heap *heap)
{
    char why[700];
    const struct env_ops ops = {.entropy = env_live_entropy};
    struct env env = {.ops = &ops};
    struct key_ring *ring = heap_alloc(heap, sizeof *ring);
    if (!config_keys(&ctl->config, ring, why, sizeof why))
        ctl_fail(CTL_USAGE, "%s", why);
    if (!ring->count)
        ctl_fail(CTL_USAGE, "--encrypt: there is no key: give --keys FILE, or JOBD_KEYS, or `keys "
                            "= FILE` in the configuration");
    const struct job_spec *sealed = specs_seal(ring, &env, specs, count, heap, why, sizeof why);
    key_ring_forget(ring);
    if (!sealed)
        ctl_fail(CTL_USAGE, "%s", why);
    return sealed;
}

void ctl_seal_update(struct ctl *ctl)
{
    struct job_spec spec = {.worker = "update", .args = ctl->update.args, .encrypted = true};
    if (!ctl->update.args)
        ctl_fail(CTL_USAGE, "--encrypt is of the new arguments: give --set-args");
    ctl->update.args = ctl_seal(ctl, &spec, 1, ctl->env.heap)->args;
    ctl->update.encrypted = false;
}

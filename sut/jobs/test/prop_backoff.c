/* The backoff formula: its window, its growth, and that jitter stays inside. */
#include "properties/prop.h"
#include "sut/jobs/job.h"

PROPERTY(backoff, delay_lies_in_its_window, .runs = 1000)
{
    unsigned max = (unsigned)prop_int("max_attempts", 1, 1000);
    unsigned attempt = (unsigned)prop_int("attempt", 1, max);
    uint64_t entropy = prop_unsigned("entropy", 0, UINT64_MAX);
    int64_t base = job_backoff_base_s(attempt, max), delay = job_backoff_s(attempt, max, entropy);
    prop_assert(base >= 16 && base <= 15 + (INT64_C(1) << 20), "base %lld", (long long)base);
    prop_assert(delay >= base && delay <= base + base / 10, "base %lld, delay %lld",
                (long long)base, (long long)delay);
}

PROPERTY(backoff, later_attempts_never_wait_for_less, .runs = 1000)
{
    unsigned max = (unsigned)prop_int("max_attempts", 2, 1000);
    unsigned attempt = (unsigned)prop_int("attempt", 1, max - 1);
    int64_t now = job_backoff_base_s(attempt, max), next = job_backoff_base_s(attempt + 1, max);
    prop_cover(10, max > 20, "stretched");
    prop_assert(next >= now, "%lld s, then %lld s", (long long)now, (long long)next);
}

/* leader.h: who leads, by the clock of the database. */

static struct store_reply lead_for(const char *term, int64_t lease_ms)
{
    return run_ok((struct store_request){
        .op = STORE_LEAD,
        .leader = {.group = "jobs", .term = term, .node = term},
        .lease_ms = lease_ms,
    });
}

static bool lead(const char *term)
{
    return lead_for(term, 1000).leads;
}

CONFORMS(c78_of_three_exactly_one_leads)
{
    cr_assert(lead("a"));
    cr_assert_not(lead("b"));
    cr_assert_not(lead("c"));
    struct store_reply reply = lead_for("c", 1000);
    cr_assert_str_eq(reply.leader_node, "a");
    cr_assert_eq(reply.next_ms, 1000);
    struct store_reply other = run_ok((struct store_request){
        .op = STORE_LEAD, .leader = {.group = "others", .term = "c"}, .lease_ms = 1000});
    cr_assert(other.leads, "groups are apart");
}

CONFORMS(c79_a_leader_renews_and_others_concede)
{
    cr_assert(lead("a"));
    for (int i = 0; i < 5; ++i) {
        clock_ms += 999;
        cr_assert_not(lead("b"));
        cr_assert(lead("a"));
    }
    cr_assert_events(
        "store/leader/take group=jobs term=a was_ms=0 now_ms=1700000000000 until_ms=1700000001000\n"
        "store/leader/renew group=jobs term=a now_ms=1700000000999 until_ms=1700000001999\n"
        "store/leader/renew group=jobs term=a now_ms=1700000001998 until_ms=1700000002998\n"
        "store/leader/renew group=jobs term=a now_ms=1700000002997 until_ms=1700000003997\n"
        "store/leader/renew group=jobs term=a now_ms=1700000003996 until_ms=1700000004996\n"
        "store/leader/renew group=jobs term=a now_ms=1700000004995 until_ms=1700000005995\n");
}

CONFORMS(c80_a_lease_that_ran_out_is_taken_over)
{
    cr_assert(lead("a"));
    clock_ms += 1000;
    cr_assert(lead("b"));
    cr_assert_not(lead("a"), "who was late is refused");
    cr_assert_str_eq(lead_for("a", 1000).leader_node, "b");
}

CONFORMS(c81_what_is_given_back_is_free)
{
    cr_assert(lead("a"));
    cr_assert_not(lead_for("b", 0).leads);
    cr_assert(lead("a"), "nobody gives back what is another's");
    cr_assert_not(lead_for("a", 0).leads);
    cr_assert_not(lead_for("a", 0).leads, "again: nothing happens");
    cr_assert(lead("b"));
}

CONFORMS(a_clock_set_back_does_not_leave_all_without_a_leader)
{
    cr_assert(lead("a"));
    sql_run("UPDATE duress_leaders SET expires_ms=expires_ms+2000");
    cr_assert(lead("b"), "so long a lease was never given by this clock");
    sql_run("UPDATE duress_leaders SET expires_ms=expires_ms+1000");
    cr_assert_not(lead("a"), "a little may be");
}

CONFORMS(a_leader_without_a_term_is_refused)
{
    cr_assert_eq(run((struct store_request){.op = STORE_LEAD, .lease_ms = 1}).err, -EINVAL);
    cr_assert_eq(run((struct store_request){
                         .op = STORE_LEAD, .leader = {.group = "jobs", .term = ""}, .lease_ms = 1})
                     .err,
                 -EINVAL);
}

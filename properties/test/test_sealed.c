/* The property on encrypted arguments. */
#include "feed.h"

#define SEAL(nonce, print) "1s n1 #4 job/args/seal nonce=" nonce " print=" print "\n"
#define OPEN(lease)        "2s n1 #5 job/args/open job=1 lease=" lease "\n"
#define OPENED(print)      "2s n1 #5 job/args/opened job=1 lease=1 print=" print "\n"
#define STOP(outcome)      "3s n1 #5 job/perform/stop job=1 lease=1 outcome=" outcome "\n"

Test(sealed_args, holds_when_what_was_sealed_is_opened)
{
    expect_holds("sealed_args", SEAL("7", "70") OPEN("1") OPENED("70") STOP("ok"));
    expect_holds("sealed_args", SEAL("7", "70") SEAL("8", "70") OPEN("1") STOP("error"));
    expect_vacuous("sealed_args", STOP("ok"));
}

Test(sealed_args, refuses_a_nonce_for_two)
{
    expect_fails("sealed_args", SEAL("7", "70") SEAL("7", "80"), 1, "a nonce was used twice");
}

Test(sealed_args, refuses_what_nobody_sealed)
{
    expect_fails("sealed_args", SEAL("7", "70") OPEN("1") OPENED("71"), 2,
                 "job 1 opened arguments that nobody had sealed");
}

Test(sealed_args, refuses_a_run_with_what_it_cannot_read)
{
    expect_fails("sealed_args", SEAL("7", "70") OPEN("1") STOP("discard"), 2,
                 "job 1 ended as discard though its arguments were not opened");
    expect_holds("sealed_args", SEAL("7", "70") OPEN("1") OPENED("70") OPEN("2") STOP("ok"));
}

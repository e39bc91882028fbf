/* main.c: otp-oracle reads a scenario from standard input and prints what the runtime does. Exit code 4: bad input. */
#include "sut/runtime/oracle/oracle.h"

#include <string.h>

int main(int argc, char **argv)
{
    static const char usage[] =
        "usage: otp-oracle <SCENARIO\n\nRuns a scenario of processes or supervision trees, in "
        "virtual time, and prints what the\n"
        "runtime does, in OTP's words. The format: sut/runtime/test/cases/*.cases.\n";
    char wrong[512];
    if (argc == 2 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0))
        return fputs(usage, stdout) >= 0 && fflush(stdout) == 0 ? 0 : 3;
    if (argc > 1) {
        fprintf(stderr, "otp-oracle: %s: it reads one scenario from standard input\n", argv[1]);
        return 4;
    }
    if (!oracle_run(stdin, stdout, wrong, sizeof wrong)) {
        fflush(stdout);
        fprintf(stderr, "otp-oracle: %s\n", wrong);
        return 4;
    }
    return fflush(stdout) == 0 ? 0 : 3;
}

/* main.c: otp-oracle reads a scenario from standard input and prints what the runtime does. Exit code 4: bad input. */
#include "sut/runtime/oracle/oracle.h"

int main(int argc, char **argv)
{
    char wrong[512];
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

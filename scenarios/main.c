/* The program `duress`, with the systems under test that this project brings along. */
#include "scenarios/jobs/jobs_system.h"
#include "scenarios/trees/trees_system.h"

int main(int argc, char **argv)
{
    static const struct system *const systems[] = {&jobs_system, &trees_system};
    return duress_main(argc, argv, systems, sizeof systems / sizeof systems[0]);
}

/* oracle_trees.c: scenarios on supervision trees. */
#include "sut/runtime/oracle/oracle.h"

void oracle_trees(struct oracle *oracle)
{
    oracle_reject(oracle, &oracle->lines[0], "scenarios on trees are not understood yet");
}

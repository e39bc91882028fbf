/* env.c: the one piece of the environment that both implementations share. A line longer than the
 * limit is cut; nothing else can be lost here. */
#include "sut/env.h"

#include <stdarg.h>
#include <stdio.h>

enum { LOG_LINE_MAX = 512 };

void env_log(struct env *env, enum log_level level, const char *format, ...)
{
    char line[LOG_LINE_MAX];
    va_list args;
    va_start(args, format);
    vsnprintf(line, sizeof line, format, args);
    va_end(args);
    env->ops->log(env, level, line);
}

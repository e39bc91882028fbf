/* job_log.h: jobd's line about each run of a job, as it ends: for people, or as JSON for machines. A listener of telemetry.h. */
#ifndef SUT_CLI_JOB_LOG_H
#define SUT_CLI_JOB_LOG_H

#include "sut/telemetry.h"

enum job_log { JOB_LOG_TEXT, JOB_LOG_JSON, JOB_LOG_NONE };

/* text: into the environment's log. json: an object per line to standard error, beside the log. */
void job_log_attach(struct telemetry *telemetry, enum job_log kind, struct env *env);

#endif

/* zone_file.h: the data of a time zone, as the package tzdata installs them. */
#ifndef SUT_CLI_ZONE_FILE_H
#define SUT_CLI_ZONE_FILE_H

#include <stddef.h>

/* A jobs_zone_read: the bytes of the zone's TZif file. `directory`: where the files are; NULL: /usr/share/zoneinfo.
 * Returns how many bytes, at most `room`; or a negative errno, -ENOENT if there is no such zone. */
long zone_file_read(void *directory, const char *name, unsigned char *out, size_t room);

#endif

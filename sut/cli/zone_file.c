/* zone_file.c: see zone_file.h. */
#include "sut/cli/zone_file.h"
#include "sut/jobs/time_zone.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <unistd.h>

static long file_read(int file, unsigned char *out, size_t room)
{
    size_t size = 0;
    for (;;) {
        ssize_t got = read(file, out + size, room - size);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return -errno;
        size += (size_t)got;
        if (got == 0)
            return (long)size;
        if (size == room)
            return -EFBIG;
    }
}

long zone_file_read(void *directory, const char *name, unsigned char *out, size_t room)
{
    char path[PATH_MAX];
    const char *root = directory ? directory : "/usr/share/zoneinfo";
    if (time_zone_name_check(name))
        return -EINVAL; /* no way out of the directory */
    if ((size_t)snprintf(path, sizeof path, "%s/%s", root, name) >= sizeof path)
        return -ENAMETOOLONG;
    int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0)
        return -errno;
    long size = file_read(file, out, room);
    close(file);
    return size;
}

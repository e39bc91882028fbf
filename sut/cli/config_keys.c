/* config_keys.c: the keys of encrypted arguments, from a file that nobody else may read, or from the environment. They are in memory
 * as long as the program, and in no message. */
#include "sut/cli/config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define TEXT_MAX 16384

static const char *file_wrong(int fd)
{
    struct stat stat;
    if (fd < 0 || fstat(fd, &stat) != 0)
        return strerror(errno);
    if (!S_ISREG(stat.st_mode))
        return "is not a regular file";
    if (stat.st_mode & (S_IRWXG | S_IRWXO))
        return "can be read or written by others than its owner; chmod 600";
    return stat.st_size >= TEXT_MAX ? "is longer than 16 KiB" : NULL;
}

static bool keys_of_file(const char *path, struct key_ring *ring, char *why, size_t why_size)
{
    char text[TEXT_MAX] = "", problem[200];
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    const char *wrong = file_wrong(fd);
    ssize_t size = wrong ? 0 : read(fd, text, sizeof text - 1);
    if (size < 0)
        wrong = strerror(errno);
    if (!wrong) {
        text[size] = '\0';
        if (!key_ring_read(ring, text, problem, sizeof problem))
            wrong = problem;
    }
    if (wrong)
        snprintf(why, why_size, "%s: the keys cannot be used: %s", path, wrong);
    explicit_bzero(text, sizeof text);
    if (fd >= 0)
        close(fd);
    return !wrong;
}

bool config_keys(const struct config *config, struct key_ring *ret_ring, char *why, size_t why_size)
{
    char problem[200];
    const char *text = getenv("JOBD_KEYS");
    *ret_ring = (struct key_ring){0};
    if (config->keys)
        return keys_of_file(config->keys, ret_ring, why, why_size);
    if (!text || !*text || key_ring_read(ret_ring, text, problem, sizeof problem))
        return true;
    snprintf(why, why_size, "JOBD_KEYS: the keys cannot be used: %s", problem);
    return false;
}

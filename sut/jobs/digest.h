/* digest.h: SHA-256 (FIPS 180-4). */
#ifndef SUT_DIGEST_H
#define SUT_DIGEST_H

#include <stddef.h>

void sha256(const void *bytes, size_t size, unsigned char out[static 32]);

#endif

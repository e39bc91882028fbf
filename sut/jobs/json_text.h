/* json_text.h: JSON as the text that it is: enough to refuse what is none where it enters, without making anything of it. */
#ifndef SUT_JSON_TEXT_H
#define SUT_JSON_TEXT_H

#include <stdbool.h>

#define JSON_DEPTH_MAX 128 /* objects and arrays inside each other; deeper is refused */

/* RFC 8259, in UTF-8. */
bool json_valid(const char *text);
bool json_object_valid(const char *text);
bool json_too_deep(
    const char *text); /* that much is nested in it, whatever else is wrong with it */
bool utf8_valid(const char *text);

#endif

/*
 * What differs between the releases of Postfix that files can be for, as far as templates must know
 * it. Sources: the RELEASE_NOTES of Postfix and postconf(5). Pure; a release is a number, 307
 * for 3.7.
 */
#ifndef POSTERN_RELEASES_H
#define POSTERN_RELEASES_H

#include <jansson.h>
#include <stdbool.h>

/* By the name of each feature: whether that release has it. The caller owns the reference. */
json_t *releases_view(unsigned release);

/* Whether the release has that feature. */
bool releases_have(unsigned release, const char *name);

#endif

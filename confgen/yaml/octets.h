/*
 * The characters of a YAML text, before its grammar. Pure functions but for the list.
 *
 * Refused is what libyaml would refuse with a vaguer message, and what it would take for the end
 * of a line although editors and print_source() do not (lone CR, NEL, U+2028, U+2029): line
 * numbers must mean the same to all. Lines that begin with %TAG go with the tags.
 */
#ifndef CONFGEN_YAML_OCTETS_H
#define CONFGEN_YAML_OCTETS_H

#include "common/diagnostics.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The octets of the byte order mark that the text begins with: 3 or 0. */
size_t octets_mark(const struct source *source);

/* Whether the text is all of allowed characters. Reports the first that is not. */
bool octets_check(const struct source *source, struct diagnostics *list);

/*
 * The first character of a decoded text (in which escapes may have stood for anything) that the
 * file itself must not hold: what it is called, and `code`; or NULL. CR is let through.
 */
const char *octets_find_refused(const char *text, size_t length, uint32_t *code);

/* The address `count` characters further on in text that passed octets_check(), at most `end`. */
const char *octets_skip(const char *text, const char *end, size_t count);

#endif

/* UTF-8 as RFC 3629 defines it: no overlong forms, no surrogates, nothing above U+10FFFF. */
#ifndef POSTERN_UTF8_H
#define POSTERN_UTF8_H

#include <stddef.h>
#include <stdint.h>

/*
 * Decodes the character that `text` begins with; `left` octets are there, at least one. Returns
 * its length in octets, or 0, leaving `code` untouched, where the octets are not valid UTF-8.
 */
size_t utf8_decode(const char *text, size_t left, uint32_t *code);

#endif

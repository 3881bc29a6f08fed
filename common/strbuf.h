/*
 * Growable text. Running out of memory aborts: for tools and tests, not for text whose size a
 * remote sender decides. Not thread-safe.
 */
#ifndef POSTERN_STRBUF_H
#define POSTERN_STRBUF_H

#include <stdbool.h>
#include <stddef.h>

struct strbuf {
	char *text; /* NUL-terminated; NULL while nothing was ever added */
	size_t length, size;
};

/* clang-format off */
#define STRBUF_INIT {0}
/* clang-format on */

void strbuf_done(struct strbuf *buf);

/* Empties the buffer and keeps its memory. */
void strbuf_reset(struct strbuf *buf);

void strbuf_add(struct strbuf *buf, const char *text, size_t length);
void strbuf_adds(struct strbuf *buf, const char *text);
void strbuf_addch(struct strbuf *buf, char c);
void strbuf_addf(struct strbuf *buf, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Hands over the text, which the caller frees; the buffer is empty and needs no strbuf_done(). */
char *strbuf_take(struct strbuf *buf);

/* The text so far, never NULL; belongs to the buffer. */
const char *strbuf_text(const struct strbuf *buf);

#endif

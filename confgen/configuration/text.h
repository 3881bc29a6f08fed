/*
 * Text that knows where each of its octets was written.
 *
 * A value of main.cf may be spread over lines with comments between them, and its expansion over
 * several parameters; a finding still has to point at the place that the administrator edits. So a
 * text carries spans, and a position is computed only when something is to be reported.
 *
 * Texts live in an arena without limit and refer to the sources that they came from. They are
 * values: copy them freely. `text` is NUL-terminated and holds no NUL before `length`. Not
 * thread-safe: the arena is not.
 */
#ifndef CONFGEN_CONFIGURATION_TEXT_H
#define CONFGEN_CONFIGURATION_TEXT_H

#include "common/arena.h"
#include "common/diagnostics.h"
#include "common/strbuf.h"

#include <stdbool.h>
#include <stddef.h>

/* Where the octets from `start` on (of the text that was read or expanded) were written. */
struct text_span {
	size_t start;
	const struct source *source; /* NULL: nowhere, as with built-in defaults */
	const char *raw;	     /* in source->text */
	unsigned line;
	bool whole; /* all octets of the span come from the one at `raw` */
};

struct text_map {
	struct text_span *items;
	size_t count;
};

struct text {
	const char *text;
	size_t length;
	const struct text_map *map; /* NULL: from no file */
	size_t offset;		    /* of `text` in what the map describes */
};

/* A text that comes from no file. `text` is not copied. */
struct text text_constant(const char *text);

/* A part of a text, which `start` and `length` must lie in. The octets are copied. */
struct text text_slice(struct arena *arena, const struct text *text, size_t start, size_t length);

/* The same without white space (isspace(3) of the C locale) at both ends. */
struct text text_trim(struct arena *arena, const struct text *text, size_t start, size_t length);

/* Where the octet at `at` was written (`at` may be the length: just behind the last). */
struct position text_position_at(const struct text *text, size_t at);

/* Where the text begins. */
struct position text_position(const struct text *text);

/*
 * The octets of a file that the text stands for, as it is: where they start in `(*source)->text`.
 * False where it is put together from several places, or from none.
 */
bool text_range(const struct text *text, const struct source **source, size_t *start);

bool text_equal(const struct text *text, const char *word);

/* The same, ASCII letter case aside: for restriction names, yes and no. */
bool text_equal_case(const struct text *text, const char *word);

/* isspace(3) in the C locale: what Postfix trims and what lets a line continue. */
bool text_is_space(char c);

/* Puts a text together from parts. text_writer_take() ends it, text_writer_drop() gives it up. */
struct text_writer {
	struct arena *arena;
	struct strbuf buf;
	struct text_map *map;
};

void text_writer_init(struct text_writer *writer, struct arena *arena);

/* Appends octets written at `raw`, on line `line` of `source`. */
void text_writer_add_raw(struct text_writer *writer, const struct source *source, const char *raw,
			 size_t length, unsigned line);

/* Appends a part of a text, which keeps its places. */
void text_writer_add(struct text_writer *writer, const struct text *text, size_t start,
		     size_t length);

/* Appends octets that were written nowhere, on account of the octet `at` of `cause`. */
void text_writer_add_for(struct text_writer *writer, const char *octets, size_t length,
			 const struct text *cause, size_t at);

struct text text_writer_take(struct text_writer *writer);
void text_writer_drop(struct text_writer *writer);

#endif

/*
 * Arena: many small allocations that live and die together.
 *
 * postern-confgen has one arena for a run; postern-milter has one for each message, with a limit,
 * because what it stores comes from strangers. Not thread-safe: one arena belongs to one thread at
 * a time. Memory is zeroed and suitably aligned for any object.
 */
#ifndef POSTERN_ARENA_H
#define POSTERN_ARENA_H

#include <stdarg.h>
#include <stddef.h>

struct arena;

/*
 * A new arena. `limit` is the most it will hand out in total, in octets.
 * 0 means no limit, and then running out of memory aborts the process: a command-line tool has
 * nothing better to do, and its code stays readable. With a limit, allocation functions return
 * NULL when the limit is reached or memory is short. Returns NULL only with a limit.
 */
struct arena *arena_new(size_t limit);

/* Frees the arena and all that came from it. NULL is accepted. */
void arena_free(struct arena *arena);

/* Forgets all allocations but keeps the first block for reuse. */
void arena_reset(struct arena *arena);

/* Octets handed out so far. */
size_t arena_used(const struct arena *arena);

void *arena_alloc(struct arena *arena, size_t size);

/*
 * Makes the arena, one without limit, free what malloc() gave when the arena itself is freed: for
 * what is too large to copy. It does not count as used. Not for an arena that is reset.
 */
void arena_adopt(struct arena *arena, void *allocated);

/* Room for `count` objects of `size` octets; overflow counts as exhaustion. */
void *arena_array(struct arena *arena, size_t count, size_t size);

/* A copy of `text`, or of its first `length` octets, always NUL-terminated. */
char *arena_strdup(struct arena *arena, const char *text);
char *arena_strndup(struct arena *arena, const char *text, size_t length);

char *arena_printf(struct arena *arena, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
char *arena_vprintf(struct arena *arena, const char *format, va_list args)
	__attribute__((format(printf, 2, 0)));

/*
 * Makes room for one more element in an array that grows by doubling: returns the array to use,
 * with at least `count + 1` elements of `size` octets, or NULL when the arena is exhausted; `items`
 * stays valid then. `items` may be NULL when `count` is 0. The capacity is derived from `count`, so
 * an array must only ever grow by one at a time.
 */
void *arena_grow(struct arena *arena, void *items, size_t count, size_t size);

/*
 * Appends a zeroed element to `list` (a struct with members `items` and `count`); gives its
 * address. Only for arenas without limit: with one, arena_grow() can be checked.
 */
#define arena_push(arena, list)                                                             \
	((list)->items =                                                                    \
		 arena_grow((arena), (list)->items, (list)->count, sizeof(*(list)->items)), \
	 &(list)->items[(list)->count++])

#endif

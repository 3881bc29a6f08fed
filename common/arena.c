/* Bump allocation in blocks that double; see arena.h. */
#include "common/arena.h"

#include <assert.h>
#include <stdbool.h>
#include <stdint.h>

#define ALIGNMENT   _Alignof(max_align_t)
#define FIRST_BLOCK ((size_t)4096)
#define LARGEST	    ((size_t)1 << 20)

/* AddressSanitizer sees an arena as one object. These tell it what was handed out, with gaps. */
#ifdef __has_feature
#define WITH_ASAN __has_feature(address_sanitizer)
#elif defined(__SANITIZE_ADDRESS__)
#define WITH_ASAN 1
#else
#define WITH_ASAN 0
#endif
#if WITH_ASAN
#include <sanitizer/asan_interface.h>
#define GAP		    ALIGNMENT
#define CLOSE(memory, size) ASAN_POISON_MEMORY_REGION(memory, size)
#define OPEN(memory, size)  ASAN_UNPOISON_MEMORY_REGION(memory, size)
#else
#define GAP		    0
#define CLOSE(memory, size) ((void)(memory))
#define OPEN(memory, size)  ((void)(memory))
#endif

struct block {
	struct block *older;
	size_t size, used;
	_Alignas(max_align_t) unsigned char data[];
};

struct adopted {
	struct adopted *older;
	void *memory;
};

struct arena {
	struct block *newest;
	size_t limit, used;
	struct adopted *adopted; /* in the arena itself */
};

static void *exhausted(const struct arena *arena)
{
	if (arena->limit == 0)
		abort();
	return NULL;
}

struct arena *arena_new(size_t limit)
{
	struct arena *arena = calloc(1, sizeof(*arena));

	if (!arena && limit == 0)
		abort();
	if (arena)
		arena->limit = limit;
	return arena;
}

static void free_blocks(struct block *block, const struct block *keep)
{
	while (block != keep) {
		struct block *older = block->older;

		OPEN(block->data, block->size);
		free(block);
		block = older;
	}
}

void arena_free(struct arena *arena)
{
	if (!arena)
		return;
	for (const struct adopted *item = arena->adopted; item; item = item->older)
		free(item->memory);
	free_blocks(arena->newest, NULL);
	free(arena);
}

void arena_reset(struct arena *arena)
{
	struct block *first = arena->newest;

	while (first && first->older)
		first = first->older;
	free_blocks(arena->newest, first);
	arena->newest = first;
	if (first) {
		OPEN(first->data, first->used);
		memset(first->data, 0, first->used);
		CLOSE(first->data, first->used);
		first->used = 0;
	}
	arena->used = 0;
}

size_t arena_used(const struct arena *arena)
{
	return arena->used;
}

static struct block *add_block(struct arena *arena, size_t need)
{
	size_t size = arena->newest ? arena->newest->size * 2 : FIRST_BLOCK;
	struct block *block;

	if (size > LARGEST)
		size = LARGEST;
	if (size < need)
		size = need;
	block = calloc(1, sizeof(*block) + size);
	if (!block)
		return NULL;
	block->size = size;
	CLOSE(block->data, size);
	block->older = arena->newest;
	arena->newest = block;
	return block;
}

void *arena_alloc(struct arena *arena, size_t size)
{
	struct block *block = arena->newest;
	size_t need;
	void *memory;

	if (size > SIZE_MAX / 4)
		return exhausted(arena);
	need = size ? (size + ALIGNMENT - 1) & ~(ALIGNMENT - 1) : ALIGNMENT;
	if (arena->limit && need > arena->limit - arena->used)
		return exhausted(arena);
	if (!block || block->size - block->used < need + GAP)
		block = add_block(arena, need + GAP);
	if (!block)
		return exhausted(arena);
	memory = block->data + block->used;
	OPEN(memory, size);
	block->used += need + GAP;
	arena->used += need;
	return memory;
}

void arena_adopt(struct arena *arena, void *allocated)
{
	struct adopted *item = arena_alloc(arena, sizeof(*item));

	assert(arena->limit == 0);
	*item = (struct adopted){arena->adopted, allocated};
	arena->adopted = item;
}

void *arena_array(struct arena *arena, size_t count, size_t size)
{
	if (size && count > SIZE_MAX / 4 / size)
		return exhausted(arena);
	return arena_alloc(arena, count * size);
}

char *arena_strndup(struct arena *arena, const char *text, size_t length)
{
	char *copy = arena_alloc(arena, length + 1);

	if (copy)
		memcpy(copy, text, length);
	return copy;
}

char *arena_strdup(struct arena *arena, const char *text)
{
	return arena_strndup(arena, text, strlen(text));
}

char *arena_vprintf(struct arena *arena, const char *format, va_list args)
{
	va_list again;
	char *text;
	int length;

	va_copy(again, args);
	length = vsnprintf(NULL, 0, format, again);
	va_end(again);
	assert(length >= 0);
	text = arena_alloc(arena, (size_t)length + 1);
	if (text)
		vsnprintf(text, (size_t)length + 1, format, args);
	return text;
}

char *arena_printf(struct arena *arena, const char *format, ...)
{
	va_list args;
	char *text;

	va_start(args, format);
	text = arena_vprintf(arena, format, args);
	va_end(args);
	return text;
}

/* Arrays hold 4, 8, 16, ... elements, so a full one is one whose count is such a power of two. */
void *arena_grow(struct arena *arena, void *items, size_t count, size_t size)
{
	bool full = count >= 4 && (count & (count - 1)) == 0;
	void *larger;

	if (count != 0 && !full)
		return items;
	larger = arena_array(arena, count == 0 ? 4 : count * 2, size);
	if (larger && count)
		memcpy(larger, items, count * size);
	return larger;
}

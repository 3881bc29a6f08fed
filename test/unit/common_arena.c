/* common/arena and common/strbuf. */
#include "common/arena.h"
#include "common/strbuf.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <cmocka.h>

static void test_memory_is_zeroed_and_aligned(void **state)
{
	struct arena *arena = arena_new(0);

	(void)state;
	for (unsigned round = 0; round < 3; round++) {
		for (size_t size = 0; size < 3000; size += 7) {
			unsigned char *memory = arena_alloc(arena, size);

			assert_int_equal((uintptr_t)memory % _Alignof(max_align_t), 0);
			for (size_t i = 0; i < size; i++)
				assert_int_equal(memory[i], 0);
			memset(memory, 0xff, size);
		}
		/* what a reset gives again is zero again */
		arena_reset(arena);
		assert_int_equal(arena_used(arena), 0);
	}
	arena_free(arena);
	arena_free(NULL);
}

static void test_allocations_do_not_overlap(void **state)
{
	struct arena *arena = arena_new(0);
	unsigned char *memory[300];

	(void)state;
	for (size_t i = 0; i < 300; i++) {
		memory[i] = arena_alloc(arena, i * 31 % 9000 + 1);
		memset(memory[i], (int)(i & 0xff), i * 31 % 9000 + 1);
	}
	for (size_t i = 0; i < 300; i++)
		for (size_t j = 0; j < i * 31 % 9000 + 1; j++)
			assert_int_equal(memory[i][j], i & 0xff);
	arena_free(arena);
}

static void test_limit(void **state)
{
	struct arena *arena = arena_new(1000);
	size_t count = 0;
	char *text;

	(void)state;
	while (arena_alloc(arena, 10))
		count++;
	assert_in_range(count, 1000 / 32, 100);
	assert_in_range(arena_used(arena), 900, 1000);
	assert_null(arena_strdup(arena, "a text that finds no room in what is left of the limit, "
					"which is less than hundred octets long"));
	arena_reset(arena);
	/* more than the limit, overflowing sizes, and a format that grows beyond it */
	assert_null(arena_alloc(arena, 1001));
	assert_null(arena_alloc(arena, SIZE_MAX));
	assert_null(arena_alloc(arena, SIZE_MAX - 8));
	assert_null(arena_array(arena, SIZE_MAX / 2, 3));
	assert_null(arena_array(arena, SIZE_MAX / 16 + 2, 16));
	assert_null(arena_printf(arena, "%2000d", 1));
	assert_int_equal(arena_used(arena), 0);
	text = arena_printf(arena, "%s-%d", "x", 5);
	assert_string_equal(text, "x-5");
	arena_free(arena);
}

static void test_texts(void **state)
{
	struct arena *arena = arena_new(0);
	const char *text = "abcdef";

	(void)state;
	assert_string_equal(arena_strdup(arena, text), text);
	assert_string_equal(arena_strndup(arena, text, 3), "abc");
	assert_string_equal(arena_strndup(arena, text, 0), "");
	assert_int_equal(strlen(arena_printf(arena, "%5000s", "x")), 5000);
	arena_free(arena);
}

static void test_growing_array(void **state)
{
	struct {
		unsigned *items;
		size_t count;
	} list = {0};
	struct arena *arena = arena_new(0);

	(void)state;
	for (unsigned i = 0; i < 5000; i++) {
		unsigned *item = arena_push(arena, &list);

		assert_int_equal(*item, 0);
		*item = i;
		/* something else moves in behind the array */
		arena_strdup(arena, "neighbour");
	}
	assert_int_equal(list.count, 5000);
	for (unsigned i = 0; i < 5000; i++)
		assert_int_equal(list.items[i], i);
	arena_free(arena);
}

/* At the limit the caller is told, and the old array is as it was. */
static void test_growing_to_the_limit(void **state)
{
	struct arena *arena = arena_new(400);
	unsigned *items = NULL, *larger;
	size_t count = 0;

	(void)state;
	while ((larger = arena_grow(arena, items, count, sizeof(*items)))) {
		items = larger;
		items[count] = (unsigned)count;
		count++;
	}
	/* 4, 8, 16 and 32 numbers of 4 octets make 240; 64 more do not fit */
	assert_int_equal(count, 32);
	for (size_t i = 0; i < count; i++)
		assert_int_equal(items[i], i);
	arena_free(arena);
}

static void test_strbuf(void **state)
{
	struct strbuf buf = STRBUF_INIT;

	(void)state;
	assert_string_equal(strbuf_text(&buf), "");
	strbuf_add(&buf, NULL, 0);
	assert_string_equal(strbuf_text(&buf), "");
	strbuf_adds(&buf, "ab");
	strbuf_addch(&buf, 'c');
	strbuf_add(&buf, "def", 2);
	strbuf_addf(&buf, "%d%s", 7, "");
	assert_string_equal(strbuf_text(&buf), "abcde7");
	assert_int_equal(buf.length, 6);
	strbuf_reset(&buf);
	assert_string_equal(strbuf_text(&buf), "");
	/* across every size at which the buffer grows */
	for (size_t i = 0; i < 5000; i++) {
		strbuf_addf(&buf, "%c", (char)('a' + i % 26));
		assert_int_equal(buf.text[buf.length], '\0');
	}
	assert_int_equal(buf.length, 5000);
	strbuf_addf(&buf, "%*s", 100000, "");
	assert_int_equal(strlen(strbuf_text(&buf)), 105000);
	assert_int_equal(buf.text[4999], 'a' + 4999 % 26);
	strbuf_add(&buf, "a\0b", 3);
	assert_int_equal(buf.length, 105003);
	strbuf_done(&buf);
	assert_string_equal(strbuf_text(&buf), "");
	strbuf_done(&buf);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_memory_is_zeroed_and_aligned),
		cmocka_unit_test(test_allocations_do_not_overlap),
		cmocka_unit_test(test_limit),
		cmocka_unit_test(test_texts),
		cmocka_unit_test(test_growing_array),
		cmocka_unit_test(test_growing_to_the_limit),
		cmocka_unit_test(test_strbuf),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

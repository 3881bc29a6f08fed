/* common/suggest, common/utf8 and common/log. */
#include "common/log.h"
#include "common/strbuf.h"
#include "common/suggest.h"
#include "common/utf8.h"

#include <errno.h>
#include <iconv.h>
#include <setjmp.h>
#include <stdarg.h>
#include <unistd.h>
#include <cmocka.h>

static void test_suggest(void **state)
{
	static const char *const words[] = {"hostname", "addresses", NULL, "kind",
					    "tls",	"listeners", "to", "from"};
	static const struct {
		const char *wrong, *expected;
	} cases[] = {
		{"hostnam", "hostname"},
		{"hostnames", "hostname"},
		{"hotsname", "hostname"},
		{"hostmame", "hostname"},
		{"Hostname", "hostname"},
		{"adresses", "addresses"},
		{"knid", "kind"},
		{"tsl", "tls"},
		{"listener", "listeners"},
		{"form", "from"},
		{"", NULL},
		{"x", NULL},
		{"xyzzy", NULL},
		{"hostility", NULL},
		{"smtp", NULL},
	};
	char longest[80];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const char *got = suggest(cases[i].wrong, words, sizeof(words) / sizeof(words[0]));

		assert_string_equal(got ? got : "none",
				    cases[i].expected ? cases[i].expected : "none");
	}
	assert_null(suggest("a", NULL, 0));
	/* nothing in common; and of two as near, the first */
	assert_null(suggest("x", (const char *const[]){"y"}, 1));
	assert_string_equal(suggest("cat", (const char *const[]){"bat", "hat"}, 2), "bat");
	memset(longest, 'a', sizeof(longest));
	longest[79] = '\0';
	assert_null(suggest(longest, (const char *const[]){longest}, 1));
	longest[64] = '\0';
	assert_ptr_equal(suggest(longest, (const char *const[]){longest}, 1), longest);
}

/* The number of edits, by the plain recursive definition: right because it is short. */
static size_t edits(const char *a, size_t m, const char *b, size_t n)
{
	size_t best, other;

	if (m == 0 || n == 0)
		return m + n;
	best = edits(a, m - 1, b, n - 1) + (a[m - 1] != b[n - 1]);
	other = edits(a, m - 1, b, n) + 1;
	best = other < best ? other : best;
	other = edits(a, m, b, n - 1) + 1;
	best = other < best ? other : best;
	if (m > 1 && n > 1 && a[m - 1] == b[n - 2] && a[m - 2] == b[n - 1]) {
		other = edits(a, m - 2, b, n - 2) + 1;
		best = other < best ? other : best;
	}
	return best;
}

/* All words of up to 4 letters of two against each other: one edit is always a slip, three never.
 */
static void test_distance(void **state)
{
	char words[30][5] = {{0}};
	size_t count = 0;

	(void)state;
	for (unsigned length = 2; length <= 4; length++)
		for (unsigned bits = 0; bits < 1U << length; bits++, count++)
			for (unsigned i = 0; i < length; i++)
				words[count][i] = bits >> i & 1 ? 'b' : 'a';
	assert_int_equal(count, 28);
	for (size_t i = 0; i < count; i++) {
		for (size_t j = 0; j < count; j++) {
			const char *word = words[j];
			size_t steps = edits(words[i], strlen(words[i]), word, strlen(word));
			const char *got = suggest(words[i], &word, 1);

			if (steps <= 1)
				assert_ptr_equal(got, word);
			if (steps >= 3)
				assert_null(got);
		}
	}
}

/*
 * All first and second octets, and what may follow at its borders, against iconv.
 * UTF-32 has no surrogates and nothing above U+10FFFF, like UTF-8 in RFC 3629.
 */
static void check_utf8(iconv_t oracle, const char *octets, size_t length)
{
	unsigned char wide[4];
	char *in = (char *)(uintptr_t)octets, *out = (char *)wide;
	size_t left = length, room = sizeof(wide);
	uint32_t code = 0xdeadbeef;
	size_t got = utf8_decode(octets, length, &code);
	size_t used;

	iconv(oracle, NULL, NULL, NULL, NULL);
	iconv(oracle, &in, &left, &out, &room);
	used = room == 0 ? length - left : 0;
	assert_int_equal(got, used);
	if (used)
		assert_int_equal(code, (uint32_t)wide[0] << 24 | (uint32_t)wide[1] << 16 |
					       (uint32_t)wide[2] << 8 | wide[3]);
	else
		assert_int_equal(code, 0xdeadbeef);
}

static void test_utf8(void **state)
{
	iconv_t oracle = iconv_open("UTF-32BE", "UTF-8");

	(void)state;
	assert_true(oracle != (iconv_t)-1);
	for (uint32_t bits = 0; bits < 1U << 18; bits++) {
		/* all first octets, all second, and third and fourth at their borders */
		static const char borders[] = {0x00, 0x7f, (char)0x80, (char)0xbf, (char)0xc0};
		char octets[4] = {(char)(bits & 0xff), (char)(bits >> 8 & 0xff)};
		uint32_t rest = bits >> 16;

		octets[2] = borders[rest % 4];
		octets[3] = borders[1 + rest % 4];
		for (size_t length = 1; length <= 4; length++)
			check_utf8(oracle, octets, length);
	}
	iconv_close(oracle);
}

/* What log_write() sends to stderr. */
static void read_log(int fd, char *text, size_t size)
{
	ssize_t got = read(fd, text, size - 1);

	assert_true(got >= 0);
	text[got] = '\0';
}

static void test_log(void **state)
{
	static const struct {
		enum log_level level;
		const char *message, *expected;
	} cases[] = {
		{LOG_LEVEL_ERROR, "a", "prog: error: a\n"},
		{LOG_LEVEL_WARNING, "a", "prog: warning: a\n"},
		{LOG_LEVEL_INFO, "a", "prog: a\n"},
		{LOG_LEVEL_DEBUG, "a", ""},
		{LOG_LEVEL_INFO, "a\r\nprog: forged", "prog: a??prog: forged\n"},
		{LOG_LEVEL_INFO, "\033[2J\t\x7f\x01", "prog: ?[2J???\n"},
		{LOG_LEVEL_INFO,
		 "\xc3\xa4 \xc2\x9b"
		 "31m \xff\xe2\x82 \xe2\x82\xac",
		 "prog: \xc3\xa4 ??31m ??? \xe2\x82\xac\n"},
		{LOG_LEVEL_INFO, "%s%n%d", "prog: %s%n%d\n"},
	};
	char text[8192], longest[5000];
	int ends[2], saved = dup(STDERR_FILENO);

	(void)state;
	assert_int_equal(pipe(ends), 0);
	assert_true(dup2(ends[1], STDERR_FILENO) >= 0);
	log_open("prog", LOG_TO_STDERR, LOG_LEVEL_INFO);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		errno = ENOTTY;
		log_write(cases[i].level, "%s", cases[i].message);
		assert_int_equal(errno, ENOTTY);
		log_write(LOG_LEVEL_ERROR, "end");
		read_log(ends[0], text, sizeof(text));
		*strstr(text, "prog: error: end") = '\0';
		assert_string_equal(text, cases[i].expected);
	}
	/* one line, cut, and not a torn one */
	memset(longest, 'x', sizeof(longest));
	longest[4999] = '\0';
	log_write(LOG_LEVEL_INFO, "%s", longest);
	read_log(ends[0], text, sizeof(text));
	assert_int_equal(strlen(text), strlen("prog: ") + 2047 + 1);
	assert_int_equal(text[strlen(text) - 1], '\n');
	/* a log that cannot be written is no reason to report the wrong error */
	close(STDERR_FILENO);
	errno = ENOTTY;
	log_write(LOG_LEVEL_INFO, "lost");
	assert_int_equal(errno, ENOTTY);
	assert_true(dup2(saved, STDERR_FILENO) >= 0);
	close(saved);
	close(ends[0]);
	close(ends[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_suggest),
		cmocka_unit_test(test_distance),
		cmocka_unit_test(test_utf8),
		cmocka_unit_test(test_log),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

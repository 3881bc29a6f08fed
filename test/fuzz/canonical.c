/*
 * Fuzz target: line ends and canonical forms (milter/line_ends.c, milter/canonical.c), fed in
 * pieces, against a plain reading of RFC 6376 3.4 below, which has the whole text and goes octet by
 * octet.
 *
 * The first octet says how many octets follow that are sizes of pieces, taken in turn; then comes
 * the body, which is taken for a header field as well.
 */
#include "milter/canonical.h"
#include "milter/line_ends.h"

#include <assert.h>
#include <openssl/evp.h>

#define MOST_CUTS   16
#define MOST_OCTETS 20000

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct input {
	const unsigned char *cuts, *text;
	size_t cut_count, length;
};

/* A text that grows to at most twice the input and a line end. */
struct grown {
	unsigned char *text;
	size_t length;
};

static struct grown grown_new(struct arena *arena, size_t most)
{
	return (struct grown){arena_alloc(arena, most), 0};
}

static void add(struct grown *out, unsigned char octet)
{
	out->text[out->length++] = octet;
}

static bool is_blank(unsigned char c)
{
	return c == ' ' || c == '\t';
}

static bool ends_line(const unsigned char *text, size_t length, size_t at)
{
	return at + 1 < length && text[at] == '\r' && text[at + 1] == '\n';
}

/* RFC 6376 5.3: every line ends in CRLF. */
static struct grown with_line_ends(struct arena *arena, const unsigned char *text, size_t length)
{
	struct grown out = grown_new(arena, 2 * length + 3);

	for (size_t i = 0; i < length; i++) {
		if (text[i] == '\n' && (i == 0 || text[i - 1] != '\r'))
			add(&out, '\r');
		add(&out, text[i]);
	}
	if (out.length && out.text[out.length - 1] != '\n') {
		add(&out, '\r');
		add(&out, '\n');
	}
	return out;
}

/* 3.4.4: runs of blanks become one space, and go at the end of a line. */
static struct grown with_blanks_reduced(struct arena *arena, const unsigned char *text,
					size_t length)
{
	struct grown out = grown_new(arena, length + 3);

	for (size_t i = 0; i < length; i++) {
		if (is_blank(text[i])) {
			if (out.length && out.text[out.length - 1] == ' ')
				continue;
			add(&out, ' ');
			continue;
		}
		if (ends_line(text, length, i) && out.length && out.text[out.length - 1] == ' ')
			out.length--;
		add(&out, text[i]);
	}
	if (out.length && out.text[out.length - 1] == ' ')
		out.length--; /* the last line ends here, too */
	return out;
}

/* 3.4.3 and 3.4.4: no empty lines at the end, and one line end. */
static void end_body(struct grown *body, bool relaxed)
{
	while (body->length >= 2 && body->text[body->length - 2] == '\r' &&
	       body->text[body->length - 1] == '\n')
		body->length -= 2;
	if (body->length || !relaxed) {
		add(body, '\r');
		add(body, '\n');
	}
}

static void check_digest(const struct grown *wanted, const unsigned char *digest)
{
	unsigned char other[CANONICAL_DIGEST_SIZE];

	assert(EVP_Digest(wanted->text, wanted->length, other, NULL, EVP_sha256(), NULL) == 1);
	assert(memcmp(digest, other, sizeof(other)) == 0);
}

/* The size of the next piece of what is left. */
static size_t cut(const struct input *input, size_t number, size_t left)
{
	size_t size = input->cut_count ? input->cuts[number % input->cut_count] + 1u : left;

	return size < left ? size : left;
}

/* As message.c gives a body to the hash of a signature; or without minding line ends. */
static void hash_body(const struct input *input, enum canonicalization form, bool any_ends,
		      unsigned char *digest)
{
	struct canonical_hash *hash = canonical_new(form);
	struct line_ends ends = {.any = false};
	size_t done = 0, number = 0;

	assert(hash);
	while (done < input->length) {
		size_t size = cut(input, number++, input->length - done), length;
		/* a copy, so that reading beyond a piece is seen */
		unsigned char *copy = malloc(size);
		const unsigned char *at = copy;

		assert(copy);
		memcpy(copy, input->text + done, size);
		done += size;
		if (!any_ends)
			canonical_body(hash, copy, size);
		while (any_ends && size) {
			const unsigned char *piece = line_ends_next(&ends, &at, &size, &length);

			assert(length);
			canonical_body(hash, piece, length);
		}
		free(copy);
	}
	if (line_ends_missing(&ends))
		canonical_body(hash, "\r\n", 2);
	assert(canonical_finish_body(hash, digest) == 0);
	canonical_free(hash);
}

static void test_body(struct arena *arena, const struct input *input, bool any_ends)
{
	unsigned char digest[CANONICAL_DIGEST_SIZE];
	struct grown text = {(unsigned char *)input->text, input->length}, body;

	if (any_ends)
		text = with_line_ends(arena, input->text, input->length);
	body = grown_new(arena, text.length + 3);
	memcpy(body.text, text.text, text.length);
	body.length = text.length;
	end_body(&body, false);
	hash_body(input, CANONICALIZATION_SIMPLE, any_ends, digest);
	check_digest(&body, digest);
	body = with_blanks_reduced(arena, text.text, text.length);
	end_body(&body, true);
	hash_body(input, CANONICALIZATION_RELAXED, any_ends, digest);
	check_digest(&body, digest);
}

static void test_stray_cr(const struct input *input)
{
	struct line_ends ends = {.any = false};
	size_t done = 0, number = 0, length;
	bool stray = false;

	while (done < input->length) {
		size_t size = cut(input, number++, input->length - done);
		const unsigned char *at = input->text + done;

		for (done += size; size;)
			line_ends_next(&ends, &at, &size, &length);
	}
	for (size_t i = 0; i < input->length; i++)
		stray = stray || (input->text[i] == '\r' &&
				  (i + 1 == input->length || input->text[i + 1] != '\n'));
	assert(line_ends_stray_cr(&ends) == stray);
}

/* 3.4.2: name in lower case, folds undone, runs of blanks as one, none at the ends of the value. */
static struct grown relax_header(struct arena *arena, const char *text, size_t length)
{
	const char *colon = memchr(text, ':', length);
	struct grown out = grown_new(arena, length + 3);
	bool value = false, blank = false;

	for (const char *p = text; p < text + length; p++) {
		if (p == colon) {
			add(&out, ':');
			value = true;
			blank = false;
		} else if (value &&
			   ends_line((const unsigned char *)p, (size_t)(text + length - p), 0)) {
			p++;
		} else if (is_blank((unsigned char)*p)) {
			blank = true;
		} else {
			/* blanks before the colon go, those within the name are no name's */
			if (blank && !(value && out.text[out.length - 1] == ':' &&
				       !memchr(out.text, ':', out.length - 1)))
				add(&out, ' ');
			blank = false;
			add(&out, !value && *p >= 'A' && *p <= 'Z' ? (unsigned char)(*p + 32)
								   : (unsigned char)*p);
		}
	}
	return out;
}

static void test_header(struct arena *arena, const struct input *input)
{
	const char *value = arena_strndup(arena, (const char *)input->text, input->length);
	unsigned char digest[CANONICAL_DIGEST_SIZE];
	size_t length, folds = 0;
	const char *text = line_ends_header(arena, "X-Name ", ":", value, &length);
	struct grown wanted = {(unsigned char *)text, length};

	for (const char *p = value; *p; p++)
		folds += *p == '\n' && (p == value || p[-1] != '\r');
	assert(length == strlen(text) && length == strlen("X-Name :") + strlen(value) + folds);
	for (int form = 0; form < 2; form++) {
		struct canonical_hash *hash = canonical_new((enum canonicalization)form);

		assert(hash);
		canonical_header(hash, text, length, false);
		assert(canonical_finish_header(hash, digest) == 0);
		canonical_free(hash);
		if (form == CANONICALIZATION_RELAXED)
			wanted = relax_header(arena, text, length);
		check_digest(&wanted, digest);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *arena;
	struct input input;

	if (size < 1 || size > MOST_OCTETS)
		return 0;
	input.cut_count = data[0] % MOST_CUTS;
	if (input.cut_count > size - 1)
		input.cut_count = size - 1;
	input.cuts = data + 1;
	input.text = data + 1 + input.cut_count;
	input.length = size - 1 - input.cut_count;
	arena = arena_new(0);
	test_body(arena, &input, true);
	test_body(arena, &input, false);
	test_stray_cr(&input);
	test_header(arena, &input);
	arena_free(arena);
	return 0;
}

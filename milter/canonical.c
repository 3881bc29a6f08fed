/* Hashes canonical forms with little state between the pieces of a message; see canonical.h. */
#include "milter/canonical.h"

#include <ctype.h>
#include <errno.h>
#include <openssl/evp.h>

#define BLOCK 64 /* octets that are looked at together */

struct canonical_hash {
	EVP_MD_CTX *digest;
	enum canonicalization form;
	bool failed;
	/* where a body stands */
	enum {
		NO_BLANK,
		BLANK,	  /* blanks that may turn out to end the line */
		BLANK_CR, /* and a CR after them that may be half of a line's end */
	} blank;
	bool cr;       /* a CR that may be half of a line's end */
	uint64_t held; /* line ends that may turn out to end the body */
	bool any;      /* there is more than line ends */
	size_t used;
	unsigned char out[4096];
};

struct canonical_hash *canonical_new(enum canonicalization form)
{
	struct canonical_hash *hash = malloc(sizeof(*hash));

	if (!hash)
		return NULL;
	memset(hash, 0, offsetof(struct canonical_hash, out));
	hash->form = form;
	hash->digest = EVP_MD_CTX_new();
	if (hash->digest && EVP_DigestInit_ex(hash->digest, EVP_sha256(), NULL))
		return hash;
	canonical_free(hash);
	return NULL;
}

void canonical_free(struct canonical_hash *hash)
{
	if (!hash)
		return;
	EVP_MD_CTX_free(hash->digest);
	free(hash);
}

static void update(struct canonical_hash *hash, const void *data, size_t size)
{
	if (!EVP_DigestUpdate(hash->digest, data, size))
		hash->failed = true;
}

static void flush(struct canonical_hash *hash)
{
	update(hash, hash->out, hash->used);
	hash->used = 0;
}

static void put(struct canonical_hash *hash, unsigned char octet)
{
	if (hash->used == sizeof(hash->out))
		flush(hash);
	hash->out[hash->used++] = octet;
}

/* What is short is gathered; what is long is hashed where it is. */
static void put_octets(struct canonical_hash *hash, const void *data, size_t size)
{
	if (size > sizeof(hash->out) - hash->used)
		flush(hash);
	if (size > sizeof(hash->out) / 4) {
		flush(hash);
		update(hash, data, size);
		return;
	}
	memcpy(hash->out + hash->used, data, size);
	hash->used += size;
}

static void put_line_end(struct canonical_hash *hash)
{
	put_octets(hash, "\r\n", 2);
}

static bool is_blank(int c)
{
	return c == ' ' || c == '\t';
}

/* Name in lower case, colon, value with runs of blanks as one and none at the ends (3.4.2). */
static void put_relaxed_header(struct canonical_hash *hash, const char *text, size_t length)
{
	const char *colon = memchr(text, ':', length), *end = text + length;
	const char *name_end = colon ? colon : end;
	bool blank = false, any = false;

	while (name_end > text && is_blank(name_end[-1]))
		name_end--;
	for (const char *p = text; p < name_end; p++)
		put(hash, (unsigned char)tolower((unsigned char)*p));
	put(hash, ':');
	for (const char *p = colon ? colon + 1 : end; p < end; p++) {
		if (p[0] == '\r' && p + 1 < end && p[1] == '\n') {
			p++;
		} else if (is_blank(*p)) {
			blank = true;
		} else {
			if (blank && any)
				put(hash, ' ');
			put(hash, (unsigned char)*p);
			blank = false;
			any = true;
		}
	}
}

void canonical_header(struct canonical_hash *hash, const char *text, size_t length, bool end)
{
	if (hash->form == CANONICALIZATION_RELAXED)
		put_relaxed_header(hash, text, length);
	else
		put_octets(hash, text, length);
	if (end)
		put_line_end(hash);
}

/* More than line ends comes: those before it count. */
static void release(struct canonical_hash *hash)
{
	for (; hash->held; hash->held--)
		put_line_end(hash);
	hash->any = true;
}

static void release_cr(struct canonical_hash *hash)
{
	release(hash);
	put(hash, '\r');
	hash->cr = false;
}

/* Hashes a piece of a body as it is, but for the line ends at its end, which are held back. */
static void put_body(struct canonical_hash *hash, const unsigned char *p, const unsigned char *end)
{
	uint64_t lines = 0;

	if (hash->cr && p < end) {
		if (*p == '\n') {
			hash->cr = false;
			hash->held++;
			p++;
		} else {
			release_cr(hash);
		}
	}
	if (p == end)
		return;
	if (end[-1] == '\r') {
		hash->cr = true;
		end--;
	}
	for (; end - p >= 2 && end[-1] == '\n' && end[-2] == '\r'; end -= 2)
		lines++;
	if (p < end) {
		release(hash);
		put_octets(hash, p, (size_t)(end - p));
	}
	hash->held += lines;
}

static void put_body_text(struct canonical_hash *hash, const char *text)
{
	put_body(hash, (const unsigned char *)text, (const unsigned char *)text + strlen(text));
}

/*
 * Whether none of BLOCK octets begins what the relaxed form changes; the octet behind them is read,
 * too. Without a way out of the loop, so that compilers make it a few vector instructions.
 */
static bool block_is_plain(const unsigned char *p)
{
	unsigned char found = 0;

	for (size_t i = 0; i < BLOCK; i++) {
		unsigned char space = p[i] == ' ', next = p[i + 1];

		found |= (unsigned char)((p[i] == '\t') | (space & ((next == ' ') | (next == '\t') |
								    (next == '\r'))));
	}
	return !found;
}

/*
 * The first octet that the relaxed form may change, or `end`: a tab, or a space before another
 * blank, a CR, or what is not there yet. All other spaces stay as they are.
 */
static const unsigned char *find_change(const unsigned char *p, const unsigned char *end)
{
	while (end - p > BLOCK && block_is_plain(p))
		p += BLOCK;
	for (; p < end; p++)
		if (*p == '\t' || (*p == ' ' && (p + 1 == end || is_blank(p[1]) || p[1] == '\r')))
			break;
	return p;
}

/* Goes on behind blanks: they are one if the line does. Returns false when that is open still. */
static bool end_blanks(struct canonical_hash *hash, const unsigned char **at,
		       const unsigned char *end)
{
	const unsigned char *p = *at;

	if (hash->blank == BLANK_CR) {
		put_body_text(hash, *p == '\n' ? "\r" : " \r");
		hash->blank = NO_BLANK;
		return true;
	}
	while (p < end && is_blank(*p))
		p++;
	*at = p;
	if (p == end)
		return false;
	if (*p == '\r' && p + 1 == end) {
		hash->blank = BLANK_CR;
		return false;
	}
	if (*p != '\r' || p[1] != '\n')
		put_body_text(hash, " ");
	hash->blank = NO_BLANK;
	return true;
}

void canonical_body(struct canonical_hash *hash, const void *data, size_t size)
{
	const unsigned char *p = data, *end = p + size, *stop;

	if (hash->form == CANONICALIZATION_SIMPLE) {
		put_body(hash, p, end);
		return;
	}
	while (p < end) {
		if (hash->blank != NO_BLANK && !end_blanks(hash, &p, end))
			return;
		stop = find_change(p, end);
		put_body(hash, p, stop);
		if (stop < end)
			hash->blank = BLANK;
		p = stop;
	}
}

static int finish(struct canonical_hash *hash, unsigned char *digest)
{
	unsigned size;

	flush(hash);
	if (hash->failed || !EVP_DigestFinal_ex(hash->digest, digest, &size))
		return -EIO;
	return 0;
}

int canonical_finish_body(struct canonical_hash *hash, unsigned char *digest)
{
	if (hash->blank == BLANK_CR)
		put_body_text(hash, " \r");
	if (hash->cr)
		release_cr(hash);
	/* an empty body is CRLF in the simple form (3.4.3), and nothing in the relaxed one (3.4.4)
	 */
	if (hash->any || hash->form == CANONICALIZATION_SIMPLE)
		put_line_end(hash);
	return finish(hash, digest);
}

int canonical_finish_header(struct canonical_hash *hash, unsigned char *digest)
{
	return finish(hash, digest);
}

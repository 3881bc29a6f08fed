/* Hashes canonical forms with little state between the pieces of a message; see canonical.h. */
#include "milter/canonical.h"

#include <ctype.h>
#include <errno.h>
#include <openssl/evp.h>

struct canonical_hash {
	EVP_MD_CTX *digest;
	enum canonicalization form;
	bool failed;
	/* where a body stands */
	bool blank;	/* blanks that may turn out to end the line */
	bool cr;	/* a CR that may be half of a line's end */
	bool in_line;	/* the line is not empty */
	uint64_t empty; /* lines that may turn out to end the body */
	bool any;	/* something was hashed */
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

static void flush(struct canonical_hash *hash)
{
	if (!EVP_DigestUpdate(hash->digest, hash->out, hash->used))
		hash->failed = true;
	hash->used = 0;
}

static void put(struct canonical_hash *hash, unsigned char octet)
{
	if (hash->used == sizeof(hash->out))
		flush(hash);
	hash->out[hash->used++] = octet;
}

static void put_line_end(struct canonical_hash *hash)
{
	put(hash, '\r');
	put(hash, '\n');
	hash->any = true;
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
		for (size_t i = 0; i < length; i++)
			put(hash, (unsigned char)text[i]);
	if (end)
		put_line_end(hash);
}

static void put_body(struct canonical_hash *hash, unsigned char octet)
{
	for (; hash->empty; hash->empty--)
		put_line_end(hash);
	if (hash->blank)
		put(hash, ' ');
	hash->blank = false;
	hash->in_line = true;
	put(hash, octet);
}

static void end_body_line(struct canonical_hash *hash)
{
	if (hash->in_line)
		put_line_end(hash);
	else
		hash->empty++;
	hash->in_line = false;
	hash->blank = false; /* blanks at the end of a line are not hashed */
}

void canonical_body(struct canonical_hash *hash, const void *data, size_t size)
{
	const unsigned char *p = data, *end = p + size;
	bool relaxed = hash->form == CANONICALIZATION_RELAXED;

	for (; p < end; p++) {
		if (hash->cr) {
			hash->cr = false;
			if (*p == '\n') {
				end_body_line(hash);
				continue;
			}
			put_body(hash, '\r');
		}
		if (*p == '\r')
			hash->cr = true;
		else if (relaxed && is_blank(*p))
			hash->blank = true;
		else
			put_body(hash, *p);
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
	if (hash->cr)
		put_body(hash, '\r');
	hash->cr = false;
	/* an empty body is CRLF in the simple form (3.4.3), and nothing in the relaxed one (3.4.4)
	 */
	if (hash->in_line || (!hash->any && hash->form == CANONICALIZATION_SIMPLE))
		put_line_end(hash);
	return finish(hash, digest);
}

int canonical_finish_header(struct canonical_hash *hash, unsigned char *digest)
{
	return finish(hash, digest);
}

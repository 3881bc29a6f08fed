/*
 * Fuzz target: whole signatures of both engines (milter/signer.h), by OpenSSL and by libopendkim,
 * in all four pairs of canonical forms: bh= must be the same, and the other engine's b= must be the
 * signature of the hash that our canonical forms give for its own DKIM-Signature field.
 *
 * The first octet has the forms; the second says how many octets follow that are sizes of the
 * body's pieces. Then come fields, each an octet that chooses its name and a value up to an octet
 * 0; an empty value, then the body. A field that message.c would not sign (a stray CR or LF), and a
 * body with a bare CR, which libopendkim is known to hash in another way, are left out; so are
 * fields in the relaxed form with a vertical tab or a form feed, which it takes for blanks (RFC
 * 6376 2.8 has but space and tab; Mail::DKIM agrees with us, dkimpy within a value but not at its
 * end). `canonical` has them all.
 */
#include "milter/already_signed.h"
#include "milter/canonical.h"
#include "milter/line_ends.h"
#include "milter/signer.h"

#include <assert.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define MOST_CUTS   16
#define MOST_FIELDS 24
#define MOST_OCTETS 20000
#define TIME	    1800000000

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct engines {
	struct config config, reference;
	struct signer_library *openssl, *opendkim;
};

struct message {
	unsigned form;
	const unsigned char *cuts, *body;
	size_t cut_count, size;
	struct message_field fields[MOST_FIELDS];
	size_t count;
};

/* A new key at each opening; it lives in memory. */
static int open_key(const struct opener *opener, const char *path, bool folder)
{
	int fd = memfd_create(path, MFD_CLOEXEC);
	FILE *file = fdopen(dup(fd), "w");
	EVP_PKEY *pkey = EVP_RSA_gen(1024); /* as short as may be: it is signed with all the time */

	(void)opener, (void)folder;
	assert(file && pkey && fchmod(fd, 0600) == 0);
	assert(PEM_write_PrivateKey(file, pkey, NULL, NULL, 0, NULL, NULL) == 1);
	assert(fclose(file) == 0 && lseek(fd, 0, SEEK_SET) == 0);
	EVP_PKEY_free(pkey);
	return fd;
}

static struct engines *engines_new(struct arena *arena)
{
	static const char text[] = "user = \"nobody\"\nsocket_group = \"nogroup\"\n"
				   "domain \"d0.test\" { canonicalization = \"simple/simple\" key "
				   "\"s\" { file = \"/k\" } }\n"
				   "domain \"d1.test\" { canonicalization = \"simple/relaxed\" key "
				   "\"s\" { file = \"/k\" } }\n"
				   "domain \"d2.test\" { canonicalization = \"relaxed/simple\" key "
				   "\"s\" { file = \"/k\" } }\n"
				   "domain \"d3.test\" { canonicalization = \"relaxed/relaxed\" "
				   "key \"s\" { file = \"/k\" } }\n";
	static const struct source source = {"fuzz.conf", text, sizeof(text) - 1};
	static const struct opener opener = {open_key, -1};
	struct engines *engines = arena_alloc(arena, sizeof(*engines));
	struct diagnostics *list = diagnostics_new(arena);

	config_read(arena, &source, list, &engines->config);
	keys_load(arena, &engines->config, &opener, list);
	assert(!diagnostics_count(list, SEVERITY_ERROR) && engines->config.domain_count == 4);
	engines->reference = engines->config;
	engines->config.engine = ENGINE_OPENSSL;
	engines->reference.engine = ENGINE_OPENDKIM;
	engines->openssl = signer_library_new(&engines->config);
	engines->opendkim = signer_library_new(&engines->reference);
	assert(engines->openssl && engines->opendkim);
	return engines;
}

/* Gives the body in pieces to whoever wants it: as message.c does. */
static void give_body(const struct message *message, struct signer *signer,
		      struct canonical_hash *hash)
{
	struct line_ends ends = {.any = false};
	size_t done = 0, number = 0;

	while (done < message->size) {
		size_t left = message->size - done, length;
		size_t size = message->cut_count ? message->cuts[number++ % message->cut_count] + 1u
						 : left;
		const unsigned char *at = message->body + done;

		size = size < left ? size : left;
		for (done += size; size;) {
			const unsigned char *piece = line_ends_next(&ends, &at, &size, &length);

			if (signer)
				assert(signer_body(signer, piece, length) == 0);
			if (hash)
				canonical_body(hash, piece, length);
		}
	}
	if (!line_ends_missing(&ends))
		return;
	if (signer)
		assert(signer_body(signer, "\r\n", 2) == 0);
	if (hash)
		canonical_body(hash, "\r\n", 2);
}

/* The DKIM-Signature field that an engine gives; NULL when it cannot. */
static const char *sign(struct arena *arena, struct signer_library *library,
			const struct signature_request *request, const struct message *message,
			const unsigned char *digest)
{
	struct signer *signer = signer_begin(library, request);
	const char *value, *text = NULL;
	size_t length;
	int error = 0;

	assert(signer);
	for (size_t i = 0; i < message->count && !error; i++)
		error = signer_header(signer, message->fields[i].text, message->fields[i].length);
	if (!error)
		error = signer_headers_done(signer);
	if (!error && signer_wants_body(signer))
		give_body(message, signer, NULL);
	if (!error && signer_finish(signer, digest, &value) == 0)
		text = line_ends_header(arena, "DKIM-Signature", ": ", value, &length);
	assert(text || *signer_error(signer));
	signer_free(signer);
	return text;
}

static void compare(struct arena *arena, const struct engines *engines,
		    const struct message *message)
{
	const struct signing_domain *domain = &engines->config.domains[message->form];
	const struct signature_request request = {
		.id = "fuzz",
		.domain = domain->name,
		.selector = "s",
		.key = domain->keys[0].key,
		.method = domain->method,
	};
	struct canonical_hash *hash = canonical_new(domain->method->body);
	unsigned char digest[CANONICAL_DIGEST_SIZE];
	struct signature_tags our_tags, their_tags;
	const char *ours, *theirs;
	struct message_field own = {.name = "DKIM-Signature"};

	assert(hash);
	give_body(message, NULL, hash);
	assert(canonical_finish_body(hash, digest) == 0);
	canonical_free(hash);
	ours = sign(arena, engines->openssl, &request, message, digest);
	theirs = sign(arena, engines->opendkim, &request, message, NULL);
	assert(ours && theirs);
	assert(signature_tags_read(arena, strchr(ours, ':') + 1, TIME, &our_tags));
	assert(signature_tags_read(arena, strchr(theirs, ':') + 1, TIME, &their_tags));
	assert(strcmp(our_tags.body_hash, their_tags.body_hash) == 0);
	for (int i = 0; i < 2; i++) {
		own.text = i ? theirs : ours;
		own.length = strlen(own.text);
		assert(signature_is_good(arena, i ? &their_tags : &our_tags, &own, message->fields,
					 message->count, digest, request.key));
	}
}

/* Reads the next field. Returns false at the end of the header. */
static bool read_field(struct arena *arena, const uint8_t **at, const uint8_t *end,
		       struct message *message)
{
	static const char *const names[] = {"From",	  "Subject", "To",	     "Date",
					    "Message-ID", "Cc",	     "Content-Type", "List-Id"};
	const uint8_t *stop = memchr(*at, 0, (size_t)(end - *at));
	struct message_field *field = &message->fields[message->count];
	const char *separator = ": ", *value;
	unsigned choice;

	if (!stop || stop - *at < 2 || message->count == MOST_FIELDS - 1) {
		*at = stop && stop - *at < 2 ? stop + 1 : *at;
		return false;
	}
	choice = (*at)[0];
	value = (const char *)*at + 1; /* ends in the octet 0 */
	*at = stop + 1;
	/* libopendkim takes a blank before the colon, but in the relaxed form none comes to it */
	if (choice & 0x80)
		separator = message->form & 2 ? ":" : " :";
	field->name = names[choice % 8];
	if (line_ends_stray_in_header(value) || (message->form & 2 && strpbrk(value, "\v\f")))
		return true;
	field->text = line_ends_header(arena, field->name, separator, value, &field->length);
	message->count++;
	return true;
}

static bool has_bare_cr(const uint8_t *at, const uint8_t *end)
{
	while ((at = memchr(at, '\r', (size_t)(end - at))))
		if (++at == end || *at != '\n')
			return true;
	return false;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct engines *engines;
	static const char from[] = "From: u@d0.test";
	const uint8_t *end = data + size;
	struct message message = {.count = 0};
	struct arena *arena;

	if (!engines)
		engines = engines_new(arena_new(0)); /* kept to the end of the program */
	if (size < 3 || size > MOST_OCTETS)
		return 0;
	arena = arena_new(0);
	message.form = data[0] % 4;
	message.cut_count = data[1] % MOST_CUTS;
	if (message.cut_count > size - 2)
		message.cut_count = size - 2;
	message.cuts = data + 2;
	data += 2 + message.cut_count;
	while (read_field(arena, &data, end, &message))
		;
	message.body = data;
	message.size = (size_t)(end - data);
	/* what has no author is not signed, and libopendkim would not */
	message.fields[message.count++] = (struct message_field){"From", from, sizeof(from) - 1};
	if (!has_bare_cr(data, end))
		compare(arena, engines, &message);
	arena_free(arena);
	return 0;
}

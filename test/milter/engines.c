/*
 * Both signing engines on the same odd messages: they must agree.
 *
 * Usage: engines COUNT SEED FOLDER
 * Each message is generated, and half of them have octets changed at random; each is signed by both
 * engines in one of the four pairs of canonical forms, its body cut at random.
 *
 * - bh= must be the same text.
 * - libopendkim's whole signature must be the one that our hash of the header gives for its own
 *   DKIM-Signature field. PKCS #1 v1.5 has one signature for a hash, so b= is the same, too.
 * - libopendkim, as a verifier, must find the signature by OpenSSL good.
 *
 * One difference is a known defect of libopendkim: a body with a CR that no LF follows, after a
 * blank in the relaxed form or after an empty line in any. Such a body is left in FOLDER as NUMBER,
 * after a line with its form and the bh= of the engine by OpenSSL, for another verifier to judge
 * (engines.py). Anything else that differs is printed.
 * Prints the counts. Exits 0 if nothing differs but for that.
 */
#include "milter/already_signed.h"
#include "milter/canonical.h"
#include "milter/line_ends.h"
#include "milter/signer.h"

#include <assert.h>
#include <fcntl.h>
#include <opendkim/dkim.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <unistd.h>

#define MOST_FIELDS 24
#define MOST_BODY   20000
#define MOST_CUTS   4

static uint64_t state; /* of the generator: splitmix64 */

struct text {
	char data[MOST_BODY + 256];
	size_t length;
};

struct message {
	struct message_field fields[MOST_FIELDS];
	size_t count;
	struct text body;
	size_t cuts[MOST_CUTS];
};

struct counts {
	unsigned long messages, changed, differ, bare_cr;
};

static uint64_t number(void)
{
	uint64_t z = state += 0x9e3779b97f4a7c15u;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return z ^ (z >> 31);
}

static size_t below(size_t limit)
{
	return number() % limit;
}

static void add(struct text *text, const char *piece)
{
	size_t length = strlen(piece);

	if (text->length + length > MOST_BODY)
		return;
	memcpy(text->data + text->length, piece, length);
	text->length += length;
}

/* Pieces of which lines are made; the first four are rarer. */
static const char *const pieces[] = {
	"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
	"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
	"\t \t",
	"\x7f",
	"\xe4\xff\x80",
	"word",
	" ",
	"  ",
	"\t",
	"gr\xc3\xbc\xc3\x9f"
	"e",
	".",
	";",
	"=",
	"a:b",
	" ",
	"Word"};

static void add_words(struct text *text, size_t most)
{
	for (size_t n = below(most + 1); n; n--)
		add(text, pieces[below(sizeof(pieces) / sizeof(pieces[0]))]);
}

static void change(char *data, size_t length, bool nul)
{
	for (size_t n = below(6); n && length; n--) {
		unsigned char octet = (unsigned char)below(256);

		data[below(length)] = (char)(octet || nul ? octet : 1);
	}
}

/* "Name:value", folded or not, with CRLF in the folds. */
static struct message_field make_field(struct arena *arena, const char *name, bool blanks)
{
	static const char *const folds[] = {"\r\n ", "\r\n\t", "\r\n  \t"};
	struct text text = {.length = 0};

	add(&text, name);
	if (blanks && below(8) == 0)
		add(&text, " "); /* libopendkim takes no more than one */
	add(&text, ":");
	if (below(8))
		add(&text, below(2) ? " " : "\t");
	add_words(&text, 12);
	for (size_t n = below(4); n; n--) {
		add(&text, folds[below(3)]);
		add_words(&text, 6);
		add(&text, "x"); /* a line of blanks alone ends the header for some */
	}
	text.data[text.length] = '\0';
	return (struct message_field){name, arena_strndup(arena, text.data, text.length),
				      text.length};
}

static void make_message(struct arena *arena, bool simple, struct message *out,
			 struct counts *counts)
{
	static const char *const names[] = {"Subject", "SUBJECT",    "to",	"Date",
					    "cc",      "Message-ID", "List-Id", "Content-Type"};
	static const char from[] = "FROM: \tA  b\r\n  <u@d0.test>";
	static const char *const ends[] = {"",		"\r\n", "\r\n\r\n\r\n", " \r\n\t\r\n",
					   "\r\n \r\n", "\n",	" \t"};

	out->body.length = 0;
	for (out->count = 0; out->count < 2 + below(MOST_FIELDS - 2); out->count++)
		out->fields[out->count] = make_field(arena, names[below(8)], simple);
	/* libopendkim verifies nothing without an author that it can read */
	out->fields[out->count++] = (struct message_field){"From", from, sizeof(from) - 1};
	for (size_t n = below(60); n; n--) {
		add_words(&out->body, 14);
		add(&out->body, below(20) ? "\r\n" : "\n");
	}
	add(&out->body, ends[below(7)]);
	if (below(2)) {
		change(out->body.data, out->body.length, true);
		counts->changed++;
	}
	for (size_t i = 0; i < MOST_CUTS; i++)
		out->cuts[i] = below(out->body.length + 1);
}

/* Gives the body in pieces to whoever wants it: as message.c does. */
static void give_body(const struct message *message, struct signer *signer,
		      struct canonical_hash *hash, DKIM *dkim, FILE *file)
{
	struct line_ends ends = {.any = false};
	const unsigned char *at = (const unsigned char *)message->body.data;
	size_t done = 0;

	for (size_t i = 0; i <= MOST_CUTS; i++) {
		size_t stop = i == MOST_CUTS ? message->body.length : message->cuts[i];
		size_t size = stop > done ? stop - done : 0, length;

		for (done += size; size;) {
			const unsigned char *piece = line_ends_next(&ends, &at, &size, &length);

			if (signer)
				assert(signer_body(signer, piece, length) == 0);
			if (hash)
				canonical_body(hash, piece, length);
			if (dkim)
				assert(dkim_body(dkim, (u_char *)piece, length) == DKIM_STAT_OK);
			if (file)
				assert(fwrite(piece, 1, length, file) == length);
		}
	}
	if (!line_ends_missing(&ends))
		return;
	if (signer)
		assert(signer_body(signer, "\r\n", 2) == 0);
	if (hash)
		canonical_body(hash, "\r\n", 2);
	if (dkim)
		assert(dkim_body(dkim, (u_char *)"\r\n", 2) == DKIM_STAT_OK);
	if (file)
		assert(fputs("\r\n", file) >= 0);
}

/* The DKIM-Signature field that an engine gives. */
static const char *sign(struct arena *arena, struct signer_library *library,
			const struct signature_request *request, const struct message *message,
			const unsigned char *digest)
{
	struct signer *signer = signer_begin(library, request);
	const char *value;
	size_t length;

	assert(signer);
	for (size_t i = 0; i < message->count; i++)
		assert(signer_header(signer, message->fields[i].text, message->fields[i].length) ==
		       0);
	assert(signer_headers_done(signer) == 0);
	if (signer_wants_body(signer))
		give_body(message, signer, NULL, NULL, NULL);
	assert(signer_finish(signer, digest, &value) == 0);
	value = line_ends_header(arena, "DKIM-Signature", ": ", value, &length);
	signer_free(signer);
	return value;
}

static const char *record; /* of the key, in DNS */

static DKIM_CBSTAT look_up(DKIM *dkim, DKIM_SIGINFO *signature, u_char *buffer, size_t size)
{
	(void)dkim, (void)signature;
	snprintf((char *)buffer, size, "%s", record);
	return DKIM_CBSTAT_CONTINUE;
}

/* Whether libopendkim verifies a signature. */
static bool verifies(DKIM_LIB *library, const struct message *message, const char *signature)
{
	DKIM_STAT status;
	DKIM *dkim = dkim_verify(library, (const u_char *)"engines", NULL, &status);
	bool good;

	assert(dkim && dkim_header(dkim, (u_char *)signature, strlen(signature)) == DKIM_STAT_OK);
	for (size_t i = 0; i < message->count; i++)
		assert(dkim_header(dkim, (u_char *)message->fields[i].text,
				   message->fields[i].length) == DKIM_STAT_OK);
	assert(dkim_eoh(dkim) == DKIM_STAT_OK);
	give_body(message, NULL, NULL, dkim, NULL);
	good = dkim_eom(dkim, NULL) == DKIM_STAT_OK;
	dkim_free(dkim);
	return good;
}

/* Whether a CR stands in the body that no LF follows. */
static bool bare_cr(const struct message *message)
{
	const char *at = message->body.data, *end = at + message->body.length;

	while ((at = memchr(at, '\r', (size_t)(end - at))))
		if (++at == end || *at != '\n')
			return true;
	return false;
}

static void show(const struct message *message, const char *what, unsigned long number)
{
	printf("message %lu: %s\n", number, what);
	for (size_t i = 0; i < message->count; i++)
		printf("  %s\n", message->fields[i].text);
	printf("  body:");
	for (size_t i = 0; i < message->body.length && i < 400; i++)
		printf(" %02x", (unsigned char)message->body.data[i]);
	puts("");
}

struct judges {
	const struct config *config;
	struct signer_library *openssl, *opendkim;
	DKIM_LIB *verifier;
	const char *folder;
};

/* Leaves a body for another verifier. */
static void leave(struct arena *arena, const struct judges *judges, const struct message *message,
		  bool relaxed, const char *body_hash, unsigned long number)
{
	FILE *file = fopen(arena_printf(arena, "%s/%lu", judges->folder, number), "w");

	assert(file && fprintf(file, "%s %s\n", relaxed ? "relaxed" : "simple", body_hash) > 0);
	give_body(message, NULL, NULL, NULL, file);
	assert(fclose(file) == 0);
}

/* What the engines disagree about, or NULL. */
static const char *compare(struct arena *arena, const struct judges *judges,
			   const struct signing_domain *domain, const struct message *message,
			   struct counts *counts)
{
	const struct signature_request request = {
		.id = "engines",
		.domain = domain->name,
		.selector = "s",
		.key = domain->keys[0].key,
		.method = domain->method,
	};
	struct canonical_hash *hash = canonical_new(domain->method->body);
	unsigned char digest[CANONICAL_DIGEST_SIZE];
	const char *ours, *theirs;
	struct signature_tags our_tags, their_tags;
	struct message_field field = {.name = "DKIM-Signature"};

	assert(hash);
	give_body(message, NULL, hash, NULL, NULL);
	assert(canonical_finish_body(hash, digest) == 0);
	canonical_free(hash);
	ours = sign(arena, judges->openssl, &request, message, digest);
	theirs = sign(arena, judges->opendkim, &request, message, NULL);
	assert(signature_tags_read(arena, strchr(ours, ':') + 1, 0, &our_tags));
	assert(signature_tags_read(arena, strchr(theirs, ':') + 1, 0, &their_tags));
	if (strcmp(our_tags.body_hash, their_tags.body_hash) != 0) {
		if (!bare_cr(message))
			return "bh= differs";
		leave(arena, judges, message, our_tags.body == CANONICALIZATION_RELAXED,
		      our_tags.body_hash, counts->messages);
		counts->bare_cr++;
		return NULL;
	}
	field.text = theirs;
	field.length = strlen(theirs);
	if (!signature_is_good(arena, &their_tags, &field, message->fields, message->count, digest,
			       domain->keys[0].key))
		return "b= differs";
	return verifies(judges->verifier, message, ours) ? NULL : "libopendkim finds ours bad";
}

static EVP_PKEY *make_key(const char *path)
{
	EVP_PKEY *pkey = EVP_RSA_gen(2048);
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL, 0600);
	FILE *file = fdopen(fd, "w");

	assert(pkey && file && PEM_write_PrivateKey(file, pkey, NULL, NULL, 0, NULL, NULL) == 1);
	assert(fclose(file) == 0);
	return pkey;
}

static const char *make_record(struct arena *arena, EVP_PKEY *pkey)
{
	unsigned char *der = NULL, text[1024];
	int length = i2d_PUBKEY(pkey, &der);

	assert(length > 0 && (size_t)length * 4 / 3 + 4 < sizeof(text));
	EVP_EncodeBlock(text, der, length);
	OPENSSL_free(der);
	return arena_printf(arena, "v=DKIM1; k=rsa; p=%s", (char *)text);
}

/* A configuration with a domain for each pair of forms, and its key in a file for a moment. */
static void configure(struct arena *arena, struct config *config)
{
	static const char *const pairs[] = {"simple/simple", "simple/relaxed", "relaxed/simple",
					    "relaxed/relaxed"};
	char path[] = "/tmp/postern-engines-XXXXXX";
	struct diagnostics *list = diagnostics_new(arena);
	const char *key;
	struct source *source = arena_alloc(arena, sizeof(*source));
	EVP_PKEY *pkey;
	char *text = arena_strdup(arena, "user = \"nobody\"\nsocket_group = \"nogroup\"\n");

	assert(mkdtemp(path));
	key = arena_printf(arena, "%s/key", path);
	pkey = make_key(key);
	record = make_record(arena, pkey);
	EVP_PKEY_free(pkey);
	for (size_t i = 0; i < 4; i++)
		text = arena_printf(arena,
				    "%sdomain \"d%zu.test\" { canonicalization = \"%s\" key \"s\" "
				    "{ file = \"%s\" } }\n",
				    text, i, pairs[i], key);
	*source = (struct source){.name = "engines.conf", .text = text, .length = strlen(text)};
	config_read(arena, source, list, config);
	keys_load(arena, config, &opener_direct, list);
	diagnostics_print(list, stderr, false);
	unlink(key);
	rmdir(path);
	assert(config->domain_count == 4 && config->domains[3].keys[0].key);
}

int main(int argc, char **argv)
{
	unsigned long count;
	struct arena *arena = arena_new(0), *scratch = arena_new(0);
	struct config config = {.domain_count = 0}, reference;
	struct judges judges = {.config = &config, .verifier = dkim_init(NULL, NULL)};
	struct message *message = calloc(1, sizeof(*message));
	struct counts counts = {.messages = 0};

	if (argc != 4)
		return 2;
	count = strtoul(argv[1], NULL, 10);
	state = strtoul(argv[2], NULL, 10);
	judges.folder = argv[3];
	configure(arena, &config);
	reference = config;
	reference.engine = ENGINE_OPENDKIM;
	judges.openssl = signer_library_new(&config);
	judges.opendkim = signer_library_new(&reference);
	assert(message && judges.verifier && judges.openssl && judges.opendkim);
	assert(dkim_set_key_lookup(judges.verifier, look_up) == DKIM_STAT_OK);
	for (; counts.messages < count; counts.messages++) {
		const struct signing_domain *domain = &config.domains[counts.messages % 4];
		bool simple = domain->method->header == CANONICALIZATION_SIMPLE;
		const char *what;

		make_message(scratch, simple, message, &counts);
		what = compare(scratch, &judges, domain, message, &counts);
		if (what && counts.differ++ < 5)
			show(message, what, counts.messages);
		arena_reset(scratch);
	}
	printf("%lu messages, %lu of them with octets changed: %lu differ, and %lu with a bare "
	       "CR\n",
	       counts.messages, counts.changed, counts.differ, counts.bare_cr);
	signer_library_free(judges.openssl);
	signer_library_free(judges.opendkim);
	dkim_close(judges.verifier);
	keys_free(&config);
	free(message);
	arena_free(scratch);
	arena_free(arena);
	return counts.differ != 0;
}

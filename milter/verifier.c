/*
 * The verifying engine on libopendkim; see verifier.h.
 *
 * What is known about libopendkim is kept away from it. It parses, canonicalizes and hashes; the
 * keys and the checking of signatures are done here. For its own resolver is one state for all
 * threads, without a lock; it takes records up to 1024 octets; it stops at the first signature that
 * passes or breaks; and it never frees what it makes to check an Ed25519 signature, so that
 * strangers could make us grow. It hashes the body once more for each l=, and compares each name in
 * h= with each field, so what it is shown is bounded. And where h= names every field of the message
 * and one more, it writes behind the list that it makes of them; so there is one that h= cannot
 * name.
 */
#include "milter/verifier.h"
#include "milter/verifier_key.h"

#include <errno.h>
#include <opendkim/dkim.h>
#include <stdatomic.h>
#include <strings.h>
#include <time.h>

#define ARENA_LIMIT	((size_t)1 << 20)
#define FEWEST_BITS	1024 /* RFC 8301 3.2 */
#define MOST_COLONS	1000 /* in a signature: names in h=, each compared with each field */
#define LONGEST_LIST	4096 /* octets of h= that the engine reads: DKIM_MAXHEADER */
#define LONGEST_NAME	1000 /* octets of a field's name; nobody signs longer ones */
#define SHORTEST_PREFIX 8    /* RFC 6008 4 */

struct verifier_library {
	DKIM_LIB *lib;
	const struct dns_resolver *resolver;
	unsigned seconds;    /* that DNS may take for a message */
	atomic_uint waiting; /* messages that wait for DNS */
};

struct verifier {
	struct verifier_library *library;
	struct arena *arena;
	DKIM *dkim;
	size_t fields, octets, froms, signatures;
	size_t most; /* signatures that are tried */
	bool needs_body, out_of_memory;
	const char *refused; /* why no signature of this message is tried */
	long long dns_left;  /* milliseconds */
	struct verifier_key key;
	struct verified_signature items[VERIFIER_MOST_SIGNATURES];
	size_t count;
};

/* How errors of the engine count. Not listed: what is wrong with the signature's own syntax. */
static const struct {
	DKIM_SIGERROR error;
	enum dkim_result result;
	const char *reason;
} errors[] = {
	{DKIM_SIGERROR_TOOLARGE_L, DKIM_RESULT_FAIL, "body shorter than l= tells"},
	{DKIM_SIGERROR_EXPIRED, DKIM_RESULT_POLICY, "signature expired"},
	{DKIM_SIGERROR_FUTURE, DKIM_RESULT_POLICY, "signature from the future"},
	{DKIM_SIGERROR_INVALID_A, DKIM_RESULT_NEUTRAL, "unknown algorithm"},
	{DKIM_SIGERROR_VERSION, DKIM_RESULT_NEUTRAL, "unknown version of signature"},
};

const char *dkim_result_name(enum dkim_result result)
{
	static const char *const names[] = {
		[DKIM_RESULT_NONE] = "none",	       [DKIM_RESULT_PASS] = "pass",
		[DKIM_RESULT_FAIL] = "fail",	       [DKIM_RESULT_POLICY] = "policy",
		[DKIM_RESULT_NEUTRAL] = "neutral",     [DKIM_RESULT_TEMPERROR] = "temperror",
		[DKIM_RESULT_PERMERROR] = "permerror",
	};

	return names[result];
}

static void set_result(struct verified_signature *item, enum dkim_result result, const char *reason)
{
	item->result = result;
	item->reason = reason;
}

static void set_engine_error(struct verified_signature *item, DKIM_SIGERROR error)
{
	for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++)
		if (errors[i].error == error) {
			set_result(item, errors[i].result, errors[i].reason);
			return;
		}
	set_result(item, DKIM_RESULT_NEUTRAL, "signature malformed");
}

static const char *tag(DKIM_SIGINFO *signature, const char *name)
{
	return (const char *)dkim_sig_gettagvalue(signature, false, (u_char *)name);
}

/* A copy of a tag, without the blanks that folds leave; NULL where there is none. */
static const char *copy_tag(struct verifier *verifier, DKIM_SIGINFO *signature, const char *name)
{
	const char *value = tag(signature, name);
	char *copy = value ? arena_alloc(verifier->arena, strlen(value) + 1) : NULL;
	size_t length = 0;

	if (!copy) {
		verifier->out_of_memory |= value != NULL;
		return NULL;
	}
	for (; *value; value++)
		if (!strchr(" \t\r\n", *value))
			copy[length++] = *value;
	return copy;
}

/* Looks the key of the signature in work up, with what is left of the time for the message. */
static void find_key(struct verifier *verifier, const char *domain, const char *selector)
{
	struct verifier_library *library = verifier->library;
	bool waits = atomic_fetch_add(&library->waiting, 1) < VERIFIER_MOST_WAITING &&
		     verifier->dns_left > 0;
	struct timespec begin, end;

	clock_gettime(CLOCK_MONOTONIC, &begin);
	verifier_key_find(&verifier->key, library->resolver, verifier->arena, domain, selector,
			  waits ? (unsigned)verifier->dns_left : 0);
	clock_gettime(CLOCK_MONOTONIC, &end);
	atomic_fetch_sub(&library->waiting, 1);
	verifier->dns_left -=
		(end.tv_sec - begin.tv_sec) * 1000LL + (end.tv_nsec - begin.tv_nsec) / 1000000;
}

/* The engine shall ask nobody for keys. */
static DKIM_CBSTAT give_no_key(DKIM *dkim, DKIM_SIGINFO *signature, u_char *buffer, size_t size)
{
	(void)dkim, (void)signature, (void)buffer, (void)size;
	return DKIM_CBSTAT_ERROR;
}

/* The engine has the hashes; the key tells what the signature is worth. */
static void check_signature(struct verifier *verifier, DKIM_SIGINFO *signature,
			    struct verified_signature *item)
{
	void *header, *body;
	size_t header_size = 0, body_size = 0;
	const char *b = copy_tag(verifier, signature, "b");
	const char *bh = copy_tag(verifier, signature, "bh");

	if (!b || !bh ||
	    dkim_sig_gethashes(signature, &header, &header_size, &body, &body_size) != DKIM_STAT_OK)
		set_result(item, DKIM_RESULT_TEMPERROR, "out of memory");
	else if (!verifier_key_hash_is(bh, body, body_size))
		set_result(item, DKIM_RESULT_FAIL, "body hash did not verify");
	else if (!verifier_key_check(&verifier->key, b, header, header_size))
		set_result(item, DKIM_RESULT_FAIL, "signature verification failed");
	else
		set_result(item, DKIM_RESULT_PASS, NULL);
}

/* Whether the key may be used for this signature; tells the reason otherwise. */
static bool key_is_good(const struct verifier *verifier, struct verified_signature *item)
{
	const struct verifier_key *key = &verifier->key;
	bool ed25519 = strcasecmp(item->algorithm, "ed25519-sha256") == 0;
	const char *at = strrchr(item->identity, '@');

	if (key->wrong)
		set_result(item, key->result, key->wrong);
	else if (key->ed25519 != ed25519)
		set_result(item, DKIM_RESULT_PERMERROR, "key not for this algorithm");
	else if (!ed25519 && key->bits < FEWEST_BITS)
		set_result(item, DKIM_RESULT_POLICY, "key too short");
	else if (key->strict && at && strcasecmp(at + 1, item->domain) != 0)
		set_result(item, DKIM_RESULT_PERMERROR, "key not for subdomains");
	else
		return true;
	return false;
}

static void judge(struct verifier *verifier, DKIM_SIGINFO *signature,
		  struct verified_signature *item)
{
	DKIM_SIGERROR error = dkim_sig_geterror(signature);

	if (error != DKIM_SIGERROR_UNKNOWN && error != DKIM_SIGERROR_OK) {
		set_engine_error(item, error);
		return;
	}
	if (!item->domain || !item->selector || !item->algorithm || !item->identity) {
		set_result(item, DKIM_RESULT_NEUTRAL, "signature malformed");
		return;
	}
	if (strcasecmp(item->algorithm, "rsa-sha1") == 0) {
		set_result(item, DKIM_RESULT_PERMERROR, "algorithm no longer valid");
		return;
	}
	find_key(verifier, item->domain, item->selector);
	item->testing = verifier->key.testing;
	item->bits = verifier->key.bits;
	if (key_is_good(verifier, item))
		check_signature(verifier, signature, item);
}

static void describe(struct verifier *verifier, DKIM_SIGINFO *signature,
		     struct verified_signature *item)
{
	ssize_t whole = 0, hashed = 0, limit = 0;

	item->domain = copy_tag(verifier, signature, "d");
	item->identity = copy_tag(verifier, signature, "i");
	item->selector = copy_tag(verifier, signature, "s");
	item->algorithm = copy_tag(verifier, signature, "a");
	item->prefix = copy_tag(verifier, signature, "b");
	if (!item->identity && item->domain)
		item->identity = arena_printf(verifier->arena, "@%s", item->domain);
	item->partial = tag(signature, "l") != NULL;
	if (item->partial && dkim_sig_geterror(signature) == DKIM_SIGERROR_UNKNOWN &&
	    dkim_sig_getcanonlen(verifier->dkim, signature, &whole, &hashed, &limit) ==
		    DKIM_STAT_OK) {
		item->body_octets = (unsigned long long)whole;
		item->signed_octets = (unsigned long long)hashed;
	}
}

/* Called by the engine when body and header are hashed. */
static DKIM_CBSTAT judge_all(DKIM *dkim, DKIM_SIGINFO **signatures, int count)
{
	struct verifier *verifier = dkim_get_user_context(dkim);

	for (int i = 0; i < count; i++) {
		struct verified_signature *item;

		if (verifier->count < verifier->most) {
			item = &verifier->items[verifier->count++];
			describe(verifier, signatures[i], item);
			judge(verifier, signatures[i], item);
			verifier_key_done(&verifier->key);
		}
		dkim_sig_ignore(signatures[i]);
	}
	return DKIM_CBSTAT_CONTINUE;
}

struct verifier_library *verifier_library_new(const struct dns_resolver *resolver, unsigned seconds)
{
	unsigned flags = DKIM_LIBFLAGS_DELAYSIGPROC | DKIM_LIBFLAGS_BADSIGHANDLES;
	struct verifier_library *library = calloc(1, sizeof(*library));

	if (!library)
		return NULL;
	library->resolver = resolver;
	library->seconds = seconds;
	library->lib = dkim_init(NULL, NULL);
	if (library->lib &&
	    dkim_options(library->lib, DKIM_OP_SETOPT, DKIM_OPTS_FLAGS, &flags, sizeof(flags)) ==
		    DKIM_STAT_OK &&
	    dkim_set_key_lookup(library->lib, give_no_key) == DKIM_STAT_OK &&
	    dkim_set_final(library->lib, judge_all) == DKIM_STAT_OK)
		return library;
	verifier_library_free(library);
	return NULL;
}

void verifier_library_free(struct verifier_library *library)
{
	if (!library)
		return;
	if (library->lib)
		dkim_close(library->lib);
	free(library);
}

struct verifier *verifier_begin(struct verifier_library *library, const char *id, size_t most)
{
	struct verifier *verifier = calloc(1, sizeof(*verifier));
	DKIM_STAT status;

	if (!verifier)
		return NULL;
	verifier->library = library;
	verifier->most = most < VERIFIER_MOST_SIGNATURES ? most : VERIFIER_MOST_SIGNATURES;
	verifier->dns_left = 1000LL * library->seconds;
	verifier->arena = arena_new(ARENA_LIMIT);
	verifier->dkim = dkim_verify(library->lib, (const unsigned char *)id, NULL, &status);
	if (verifier->arena && verifier->dkim &&
	    dkim_set_user_context(verifier->dkim, verifier) == DKIM_STAT_OK)
		return verifier;
	verifier_free(verifier);
	return NULL;
}

void verifier_free(struct verifier *verifier)
{
	if (!verifier)
		return;
	if (verifier->dkim)
		dkim_free(verifier->dkim);
	arena_free(verifier->arena);
	free(verifier);
}

static bool is_named(const char *text, size_t length, const char *name)
{
	while (length && (text[length - 1] == ' ' || text[length - 1] == '\t'))
		length--;
	return length == strlen(name) && strncasecmp(text, name, length) == 0;
}

/* Whether the engine shall see this signature; those that it shall not are counted all the same. */
static bool take_signature(struct verifier *verifier, const char *text, size_t length)
{
	size_t colons = 0;

	verifier->signatures++;
	if (verifier->signatures > verifier->most)
		return false;
	for (size_t i = 0; i < length; i++)
		colons += text[i] == ':';
	if (length <= VERIFIER_LONGEST_SIGNATURE && colons <= MOST_COLONS)
		return true;
	set_result(&verifier->items[verifier->count++], DKIM_RESULT_NEUTRAL, "signature too large");
	return false;
}

int verifier_header(struct verifier *verifier, const char *text, size_t length)
{
	const char *colon = memchr(text, ':', length);
	size_t name = colon ? (size_t)(colon - text) : 0;
	DKIM_STAT status;

	verifier->fields++;
	verifier->octets += length;
	if (is_named(text, name, "From"))
		verifier->froms++;
	if (verifier->fields > VERIFIER_MOST_FIELDS || verifier->octets > VERIFIER_MOST_HEADER) {
		verifier->refused = "header too large";
		verifier->signatures += is_named(text, name, DKIM_SIGNHEADER);
		return 0;
	}
	if (name == 0 || name > LONGEST_NAME || memchr(text, '\0', length))
		return 0; /* nobody can have signed it */
	if (is_named(text, name, DKIM_SIGNHEADER) && !take_signature(verifier, text, length))
		return 0;
	status = dkim_header(verifier->dkim, (u_char *)text, length);
	return status == DKIM_STAT_NORESOURCE ? -ENOMEM : 0;
}

/* Adds a field with a name that is longer than any list. */
static DKIM_STAT add_unnamed(DKIM *dkim)
{
	unsigned char text[LONGEST_LIST + 2];

	memset(text, 'x', sizeof(text));
	text[sizeof(text) - 1] = ':';
	return dkim_header(dkim, text, sizeof(text));
}

int verifier_headers_done(struct verifier *verifier)
{
	DKIM_STAT status;

	if (!verifier->refused && verifier->signatures && verifier->froms != 1)
		verifier->refused = verifier->froms ? "several From fields" : "no From field";
	if (verifier->refused || verifier->signatures == 0)
		return 0;
	status = add_unnamed(verifier->dkim);
	if (status == DKIM_STAT_OK)
		status = dkim_eoh(verifier->dkim);
	if (status == DKIM_STAT_NORESOURCE)
		return -ENOMEM;
	verifier->needs_body = status == DKIM_STAT_OK;
	if (status != DKIM_STAT_OK && status != DKIM_STAT_NOSIG)
		verifier->refused = "header malformed";
	return 0;
}

bool verifier_needs_body(const struct verifier *verifier)
{
	return verifier->needs_body;
}

int verifier_body(struct verifier *verifier, const void *data, size_t size)
{
	if (verifier->needs_body &&
	    dkim_body(verifier->dkim, (u_char *)data, size) == DKIM_STAT_NORESOURCE)
		return -ENOMEM;
	return 0;
}

/* Makes the parts of b= as short as tells them apart. */
static void shorten_prefixes(struct verifier *verifier)
{
	size_t lengths[VERIFIER_MOST_SIGNATURES];

	for (size_t i = 0; i < verifier->count; i++) {
		const char *text = verifier->items[i].prefix;
		size_t length = SHORTEST_PREFIX;

		for (size_t j = 0; text && j < verifier->count; j++) {
			const char *other = verifier->items[j].prefix;

			while (j != i && other && length < strlen(text) &&
			       strncmp(text, other, length) == 0)
				length++;
		}
		lengths[i] = length;
	}
	for (size_t i = 0; i < verifier->count; i++)
		if (verifier->items[i].prefix) {
			verifier->items[i].prefix =
				arena_strndup(verifier->arena, verifier->items[i].prefix,
					      strnlen(verifier->items[i].prefix, lengths[i]));
			verifier->out_of_memory |= !verifier->items[i].prefix;
		}
}

int verifier_finish(struct verifier *verifier, struct verification *out)
{
	bool test;

	if (verifier->needs_body) {
		if (dkim_eom(verifier->dkim, &test) == DKIM_STAT_NORESOURCE)
			return -ENOMEM;
		shorten_prefixes(verifier);
	}
	if (verifier->out_of_memory)
		return -ENOMEM;
	if (verifier->refused && verifier->signatures) {
		verifier->items[0] = (struct verified_signature){.result = DKIM_RESULT_PERMERROR,
								 .reason = verifier->refused};
		verifier->count = 1;
	}
	*out = (struct verification){.signatures = verifier->items, .count = verifier->count};
	if (verifier->signatures > verifier->most)
		out->skipped = verifier->signatures - verifier->most;
	return 0;
}

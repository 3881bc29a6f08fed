/* Feeds the verifier with a message as a mail server hands it over; see inbound.h. */
#include "milter/inbound.h"
#include "milter/authentication_results.h"
#include "milter/line_ends.h"

#include <errno.h>
#include <strings.h>

#define FIELD_NAME "Authentication-Results"

/* A field of VERIFIER_MOST_HEADER octets, all of them LF. */
#define FIELD_LIMIT  (2 * VERIFIER_MOST_HEADER + 8192)
#define RESULT_LIMIT ((size_t)1 << 20)

struct inbound {
	struct verifier *verifier;
	const char *authserv_id;
	struct arena *field;  /* of the field that is given to the verifier */
	struct arena *result; /* of what is composed */
	struct line_ends line_ends;
	unsigned seen; /* Authentication-Results fields */
	unsigned forged[INBOUND_MOST_FORGED];
	size_t forged_count;
	bool failed; /* memory was short */
};

struct inbound *inbound_begin(struct verifier_library *library, size_t most,
			      const char *authserv_id)
{
	struct inbound *inbound = calloc(1, sizeof(*inbound));

	if (!inbound)
		return NULL;
	inbound->authserv_id = authserv_id;
	inbound->field = arena_new(FIELD_LIMIT);
	inbound->result = arena_new(RESULT_LIMIT);
	inbound->verifier = verifier_begin(library, "-", most);
	if (inbound->field && inbound->result && inbound->verifier)
		return inbound;
	inbound_free(inbound);
	return NULL;
}

void inbound_free(struct inbound *inbound)
{
	if (!inbound)
		return;
	verifier_free(inbound->verifier);
	arena_free(inbound->field);
	arena_free(inbound->result);
	free(inbound);
}

/* Mail servers count a field by its name without the blanks before the colon (RFC 5322 4.5). */
static bool is_results(const char *name)
{
	size_t length = strlen(name);

	while (length && (name[length - 1] == ' ' || name[length - 1] == '\t'))
		length--;
	return length == strlen(FIELD_NAME) && strncasecmp(name, FIELD_NAME, length) == 0;
}

static void look_at_results(struct inbound *inbound, const char *value)
{
	inbound->seen++;
	if (!authentication_results_is_ours(value, inbound->authserv_id))
		return;
	if (inbound->forged_count < INBOUND_MOST_FORGED)
		inbound->forged[inbound->forged_count] = inbound->seen;
	inbound->forged_count++;
}

void inbound_header(struct inbound *inbound, const char *name, const char *separator,
		    const char *value)
{
	size_t length;
	char *text;

	if (is_results(name))
		look_at_results(inbound, value);
	text = line_ends_header(inbound->field, name, separator, value, &length);
	if (!text || verifier_header(inbound->verifier, text, length) != 0)
		inbound->failed = true;
	arena_reset(inbound->field);
}

const char *inbound_headers_done(struct inbound *inbound)
{
	if (inbound->forged_count > INBOUND_MOST_FORGED)
		return "too many forged " FIELD_NAME " fields";
	if (verifier_headers_done(inbound->verifier) != 0)
		inbound->failed = true;
	return NULL;
}

static void feed(struct inbound *inbound, const void *data, size_t size)
{
	if (verifier_body(inbound->verifier, data, size) != 0)
		inbound->failed = true;
}

void inbound_body(struct inbound *inbound, const unsigned char *data, size_t size)
{
	while (size && !inbound->failed && verifier_needs_body(inbound->verifier)) {
		size_t length;
		const unsigned char *piece =
			line_ends_next(&inbound->line_ends, &data, &size, &length);

		feed(inbound, piece, length);
	}
}

int inbound_finish(struct inbound *inbound, struct inbound_result *out)
{
	static const struct verified_signature unknown = {.result = DKIM_RESULT_TEMPERROR,
							  .reason = "out of memory"};
	struct inbound_result result = {.forged = inbound->forged,
					.forged_count = inbound->forged_count};

	if (line_ends_missing(&inbound->line_ends))
		feed(inbound, "\r\n", 2);
	if (inbound->failed || verifier_finish(inbound->verifier, &result.verification) != 0)
		result.verification = (struct verification){&unknown, 1, 0};
	result.field = authentication_results_compose(inbound->result, inbound->authserv_id,
						      &result.verification);
	if (!result.field)
		return -ENOMEM;
	*out = result;
	return 0;
}

/*
 * Signatures with RSA keys by libopendkim; see engine.h. It reads the key anew for each message and
 * each octet of it alone, so it serves as the reference for the other engine.
 *
 * What is known about libopendkim is kept away from it: no DKIM_OPTS_SKIPHDRS (long names crash
 * it), no dkim_chunk() (drops headers beyond 64 KiB), no DKIM_LIBFLAGS_FIXCRLF (bad signatures), no
 * malloc hooks (some objects are freed with free()), no Ed25519 (dkim_free() leaks those keys).
 * Without DKIM_OPTS_SIGNHDRS it signs every field that it is given, so the caller's choice is the
 * only list of names.
 */
#include "milter/engine.h"

#include <errno.h>
#include <opendkim/dkim.h>

struct engine_state {
	DKIM *dkim;
	DKIM_STAT status; /* of the last call */
};

static bool set_options(DKIM_LIB *lib, const struct signing_method *method)
{
	const size_t size = sizeof(char *); /* of a pointer: what the engine asks for */
	const struct words *oversigned = &method->oversigned_fields;
	const char **names = calloc(oversigned->count + 1, sizeof(*names));
	uint64_t lifetime = method->lifetime;
	DKIM_STAT status = DKIM_STAT_OK;

	if (!names)
		return false;
	for (size_t i = 0; i < oversigned->count; i++)
		names[i] = oversigned->items[i];
	if (oversigned->count)
		status = dkim_options(lib, DKIM_OP_SETOPT, DKIM_OPTS_OVERSIGNHDRS, names, size);
	if (status == DKIM_STAT_OK && lifetime)
		status = dkim_options(lib, DKIM_OP_SETOPT, DKIM_OPTS_SIGNATURETTL, &lifetime,
				      sizeof(lifetime));
	free(names);
	return status == DKIM_STAT_OK;
}

void *opendkim_engine_new(const struct signing_method *method)
{
	DKIM_LIB *lib = dkim_init(NULL, NULL);

	if (lib && set_options(lib, method))
		return lib;
	opendkim_engine_free(lib);
	return NULL;
}

void opendkim_engine_free(void *shared)
{
	if (shared)
		dkim_close(shared);
}

static dkim_canon_t form(enum canonicalization canonicalization)
{
	return canonicalization == CANONICALIZATION_RELAXED ? DKIM_CANON_RELAXED
							    : DKIM_CANON_SIMPLE;
}

static struct engine_state *begin(void *shared, const struct signature_request *request)
{
	struct engine_state *state = calloc(1, sizeof(*state));
	const struct signing_method *method = request->method;

	if (!state)
		return NULL;
	state->dkim = dkim_sign(
		shared, (const unsigned char *)request->id, NULL, (dkim_sigkey_t)request->key->pem,
		(const unsigned char *)request->selector, (const unsigned char *)request->domain,
		form(method->header), form(method->body), DKIM_SIGN_RSASHA256, -1, &state->status);
	if (state->dkim &&
	    (!request->identity ||
	     dkim_set_signer(state->dkim, (const unsigned char *)request->identity) ==
		     DKIM_STAT_OK))
		return state;
	if (state->dkim)
		dkim_free(state->dkim);
	free(state);
	return NULL;
}

static void free_state(struct engine_state *state)
{
	dkim_free(state->dkim);
	free(state);
}

static int result(struct engine_state *state, DKIM_STAT status)
{
	state->status = status;
	if (status == DKIM_STAT_OK)
		return 0;
	return status == DKIM_STAT_NORESOURCE ? -ENOMEM : -EIO;
}

static int header(struct engine_state *state, const char *text, size_t length)
{
	return result(state, dkim_header(state->dkim, (u_char *)text, length));
}

static int headers_done(struct engine_state *state)
{
	return result(state, dkim_eoh(state->dkim));
}

static int body(struct engine_state *state, const void *data, size_t size)
{
	return result(state, dkim_body(state->dkim, (u_char *)data, size));
}

static int finish(struct engine_state *state, const unsigned char *body_digest, char **signature)
{
	u_char *text;
	size_t length, kept = 0;
	int error = result(state, dkim_eom(state->dkim, NULL));
	char *copy;

	(void)body_digest;
	if (!error)
		error = result(state, dkim_getsighdr_d(state->dkim, strlen("DKIM-Signature: "),
						       &text, &length));
	if (error)
		return error;
	copy = malloc(length + 1);
	if (!copy)
		return result(state, DKIM_STAT_NORESOURCE);
	for (size_t i = 0; i < length; i++)
		if (text[i] != '\r')
			copy[kept++] = (char)text[i];
	copy[kept] = '\0';
	*signature = copy;
	return 0;
}

static const char *error_text(const struct engine_state *state)
{
	const char *text = dkim_geterror(state->dkim);

	return text ? text : dkim_getresultstr(state->status);
}

const struct engine opendkim_engine = {begin, free_state, header,    headers_done,
				       body,  finish,	  error_text};

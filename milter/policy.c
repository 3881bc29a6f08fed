/*
 * The rules of signing, in one place and without side effects, so that tables can test them; see
 * policy.h.
 */
#include "milter/policy.h"

static bool is_internal(const struct config *config, const struct ip_address *address)
{
	struct ip_address plain = ip_unmap(*address);

	if (plain.family == IP_NONE)
		return false;
	for (size_t i = 0; i < config->internal_count; i++)
		if (ip_network_contains(&config->internal[i], &plain))
			return true;
	return false;
}

enum client_kind policy_client(const struct config *config, const struct client *client)
{
	if (client->relay)
		return CLIENT_STRANGER;
	if (client->authenticated)
		return CLIENT_AUTHENTICATED;
	if (client->local)
		return CLIENT_LOCAL;
	return is_internal(config, &client->address) ? CLIENT_INTERNAL : CLIENT_STRANGER;
}

const char *client_kind_name(enum client_kind kind)
{
	static const char *const names[] = {"stranger", "internal", "authenticated", "local"};

	return names[kind];
}

/* A domain of ours that stands somewhere in a malformed value. */
static const struct signing_domain *find_mention(const struct config *config, const char *value)
{
	for (size_t i = 0; i < config->domain_count; i++) {
		const struct signing_domain *domain = &config->domains[i];

		if (from_mentions(value, domain->name))
			return domain;
	}
	return NULL;
}

/* What all From fields together say. */
struct authors {
	const struct signing_domain *ours; /* the first domain of ours, or NULL */
	bool unread;			   /* a field could not be read: it may be ours */
	const char *cause;		   /* why they cannot be signed, or NULL */
};

static void add_domains(const struct config *config, const struct from *from,
			struct authors *authors)
{
	for (size_t i = 0; i < from->count; i++) {
		const struct signing_domain *domain = config_signer(config, from->domains[i]);

		if (domain && authors->ours && domain != authors->ours && !authors->cause)
			authors->cause = "authors in several signing domains";
		if (domain && !authors->ours)
			authors->ours = domain;
	}
}

static struct authors read_authors(const struct config *config, const struct from_field *fields,
				   size_t count)
{
	struct authors authors = {.cause = count > 1 ? "several From fields" : NULL};

	for (size_t i = 0; i < count; i++) {
		if (!fields[i].value) {
			authors.unread = true;
			authors.cause = "From field too large";
			continue;
		}
		add_domains(config, &fields[i].parsed, &authors);
		if (!fields[i].parsed.malformed)
			continue;
		if (!authors.cause)
			authors.cause = "malformed From field";
		if (!authors.ours)
			authors.ours = find_mention(config, fields[i].value);
	}
	return authors;
}

struct decision policy_message(const struct config *config, const struct from_field *fields,
			       size_t count, const char *obstacle)
{
	struct authors authors = read_authors(config, fields, count);
	struct decision decision = {.verdict = VERDICT_PASS, .domain = authors.ours};

	if (!authors.ours && !authors.unread) {
		decision.cause = count ? "From domain is not ours" : "no From field";
		return decision;
	}
	decision.cause = obstacle ? obstacle : authors.cause;
	decision.verdict = decision.cause ? VERDICT_DEFER : VERDICT_SIGN;
	return decision;
}

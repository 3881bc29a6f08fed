/*
 * The rules of signing, in one place and without side effects, so that tables can test them; see
 * policy.h.
 */
#include "milter/policy.h"
#include "milter/idna.h"

#include <ctype.h>
#include <errno.h>

/* What is malformed and longer is not searched for our domains, but taken for ours. */
#define LARGEST_MALFORMED  ((size_t)16 << 10)
#define MOST_INTERNATIONAL 16 /* names in it that are not ASCII; likewise */

/*
 * A PROXY header may claim any address: those that it cannot bring are never internal. And behind a
 * proxy whose header got lost there may be anybody.
 */
static bool may_be_internal(const struct config *config, const struct listener *listener,
			    const struct ip_address *address)
{
	struct ip_address plain = ip_unmap(*address);

	if (networks_contain(&listener->proxies, &plain))
		return false;
	if (!listener->proxied)
		return !networks_contain(&config->all_proxies, &plain);
	return !(ip_is_loopback(&plain) || ip_is_unspecified(&plain) || ip_is_link_local(&plain) ||
		 ip_is_multicast(&plain));
}

static bool is_internal(const struct config *config, const struct client *client)
{
	const struct listener *listener = client->listener;

	if (!listener)
		return networks_contain(&config->internal, &client->address);
	if (!may_be_internal(config, listener, &client->address))
		return false;
	if (listener->has_internal)
		return networks_contain(&listener->internal, &client->address);
	return !listener->proxied && networks_contain(&config->internal, &client->address);
}

enum client_kind policy_client(const struct config *config, const struct client *client)
{
	if (client->relay)
		return CLIENT_STRANGER;
	if (client->authenticated)
		return CLIENT_AUTHENTICATED;
	if (client->local && !(client->listener && client->listener->proxied))
		return CLIENT_LOCAL;
	return is_internal(config, client) ? CLIENT_INTERNAL : CLIENT_STRANGER;
}

const char *client_kind_name(enum client_kind kind)
{
	static const char *const names[] = {"stranger", "internal", "authenticated", "local"};

	return names[kind];
}

/* What all From fields together say. */
struct authors {
	const struct signing_domain *ours; /* the first domain of ours, or NULL */
	bool unread;			   /* a field could not be read: it may be ours */
	bool several;			   /* `cause` is that there are several */
	const char *cause;		   /* why they cannot be signed, or NULL */
};

static bool is_of_domain(char c)
{
	return isalnum((unsigned char)c) || (unsigned char)c >= 0x80 || c == '-' || c == '_' ||
	       c == '.';
}

/* One of ours that a run of a name's characters begins with. */
static const struct signing_domain *find_prefix(const struct config *config, const char *run,
						size_t length)
{
	const struct signing_domain *found = NULL;
	char name[IDNA_LONGEST + 1];

	for (size_t i = 0; i <= length && !found; i++) {
		if (i < length && run[i] != '.')
			continue;
		memcpy(name, run, i);
		name[i] = '\0';
		found = name_map_find(config->exact, name);
		if (!found)
			found = name_map_find(config->below, name);
	}
	return found;
}

/*
 * A domain of ours that stands somewhere in a malformed value, after '@' or '.', where nobody can
 * say which address a reader will see.
 */
static void find_mention(const struct config *config, const char *value, struct authors *authors)
{
	size_t international = 0;

	if (strlen(value) > LARGEST_MALFORMED) {
		authors->unread = true;
		return;
	}
	for (; *value && !authors->ours; value++) {
		const char *run = value + 1;
		size_t length = 0;
		bool plain = true;

		if (*value != '@' && *value != '.')
			continue;
		for (; length < IDNA_LONGEST && is_of_domain(run[length]); length++)
			plain = plain && (unsigned char)run[length] < 0x80;
		if (plain) {
			authors->ours = find_prefix(config, run, length);
		} else if (++international > MOST_INTERNATIONAL) {
			authors->unread = true;
			return;
		} else {
			struct arena *arena = arena_new(4096);
			char *ascii;
			int error = arena ? idna_to_ascii(arena, run, length, &ascii) : -ENOMEM;

			if (error)
				authors->unread = authors->unread || error == -ENOMEM;
			else
				authors->ours =
					find_prefix(config, ascii, strnlen(ascii, IDNA_LONGEST));
			arena_free(arena);
		}
	}
}

static void add_domains(const struct config *config, const struct from *from,
			struct authors *authors)
{
	for (size_t i = 0; i < from->count; i++) {
		const struct signing_domain *domain = config_signer(config, from->domains[i]);

		if (domain && authors->ours && domain != authors->ours && !authors->cause) {
			authors->cause = "authors in several signing domains";
			authors->several = true;
		}
		if (domain && !authors->ours)
			authors->ours = domain;
	}
}

static struct authors read_authors(const struct config *config, const struct from_field *fields,
				   size_t count)
{
	struct authors authors = {.cause = count > 1 ? "several From fields" : NULL,
				  .several = count > 1};

	for (size_t i = 0; i < count; i++) {
		if (!fields[i].value) {
			authors.unread = true;
			authors.several = false;
			authors.cause = "From field too large";
			continue;
		}
		add_domains(config, &fields[i].parsed, &authors);
		if (!fields[i].parsed.malformed)
			continue;
		if (!authors.cause)
			authors.cause = "malformed From field";
		if (!authors.ours)
			find_mention(config, fields[i].value, &authors);
	}
	return authors;
}

/* The domain of ours that a Sender field names, if it names no other. */
static const struct signing_domain *read_sender(const struct config *config,
						const struct from *sender)
{
	if (!sender || sender->malformed || sender->count != 1)
		return NULL;
	return config_signer(config, sender->domains[0]);
}

struct decision policy_message(const struct config *config, const struct from_field *fields,
			       size_t count, const struct from *sender, const char *obstacle)
{
	struct authors authors = read_authors(config, fields, count);
	struct decision decision = {.verdict = VERDICT_PASS};

	if (count && !authors.ours && !authors.unread)
		authors.ours = read_sender(config, sender);
	decision.domain = authors.ours;
	if (!authors.ours && !authors.unread) {
		decision.cause = count ? "From domain is not ours" : "no From field";
		return decision;
	}
	decision.cause = obstacle ? obstacle : authors.cause;
	decision.verdict = decision.cause ? VERDICT_DEFER : VERDICT_SIGN;
	if (decision.cause && authors.several && config->several_authors_reject)
		decision.verdict = VERDICT_REJECT;
	return decision;
}

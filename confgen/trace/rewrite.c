/* Addresses as cleanup(8) rewrites them; see host.h. */
#include "confgen/trace/host_private.h"

#include <string.h>
#include <strings.h>

#define MOST_RECIPIENTS 1000 /* virtual_alias_expansion_limit */
#define DEEPEST		50   /* less than virtual_alias_recursion_limit: a loop is one at once */

static const struct value *main_value(const struct host *host, const char *name)
{
	return configuration_value(host->configuration, NULL, name);
}

static bool has_class(const struct host *host, const char *name, const char *word)
{
	const struct value *value = main_value(host, name);
	struct list list = list_split(host->arena, &value->text);

	for (size_t i = 0; i < list.count; i++)
		if (text_equal(&list.items[i].text, word))
			return true;
	return false;
}

static bool is_below(const char *name, const char *domain)
{
	size_t length = strlen(domain), all = strlen(name);

	return all > length && name[all - length - 1] == '.' &&
	       strcasecmp(name + all - length, domain) == 0;
}

/* The first domain in masquerade_domains that fits decides; '!' in front of it keeps the address.
 */
static const char *masquerade(struct host *host, const char *address, struct text *item)
{
	const struct value *value = main_value(host, "masquerade_domains");
	struct list list = list_split(host->arena, &value->text);
	const char *at = strrchr(address, '@');

	for (size_t i = 0; at && i < list.count; i++) {
		const char *domain = list.items[i].text.text;

		if (strcasecmp(at + 1, domain) == 0)
			return address;
		if (!is_below(at + 1, domain))
			continue;
		*item = list.items[i].text;
		return list.items[i].negated ? address
					     : arena_printf(host->arena, "%.*s@%s",
							    (int)(at - address), address, domain);
	}
	return address;
}

/* An address of the result keeps the extension where propagate_unmatched_extensions says so; "@new"
 * is the same user elsewhere. */
static const char *result_of(struct host *host, const char *address, const struct found *found)
{
	const char *result = found->value.text;

	if (*result == '@')
		return arena_printf(host->arena, "%.*s%s", (int)strcspn(address, "@"), address,
				    result);
	return result;
}

static const char *canonical(struct host *host, const char *address, const char *own,
			     const char *class, struct steps *steps)
{
	const char *const names[] = {own, "canonical_maps"};
	const char *const classes[] = {NULL, "canonical_classes"};
	struct found found;
	struct step *step;

	for (size_t i = 0; *address && i < 2; i++) {
		if (classes[i] && !has_class(host, classes[i], class))
			continue;
		if (lookup_address(host, main_value(host, names[i]), address, &found) !=
		    LOOKUP_FOUND)
			continue;
		step = steps_add(steps, STEP_REWRITE, "%s: %s becomes %s", names[i], address,
				 result_of(host, address, &found));
		host_place_text(host, &found.place, step);
		address = result_of(host, address, &found);
	}
	return address;
}

static const char *rewrite(struct host *host, const char *address, const char *own,
			   const char *class, struct steps *steps)
{
	const char *result;
	struct step *step;
	struct text item;

	address = canonical(host, address, own, class, steps);
	if (!has_class(host, "masquerade_classes", class))
		return address;
	result = masquerade(host, address, &item);
	if (result != address && strcmp(result, address) != 0) {
		step = steps_add(steps, STEP_REWRITE, "masquerade_domains: %s %s becomes %s",
				 strcmp(class, "header_sender") == 0 ? "From" : "the sender",
				 address, result);
		host_place_text(host, &item, step);
	}
	return result;
}

struct expansion {
	struct host *host;
	struct steps *steps;
	struct rewritten *out;
};

static void expand_alias(struct expansion *expansion, const char *address, int depth)
{
	struct host *host = expansion->host;
	struct rewritten *out = expansion->out;
	struct found found = {0};
	struct list list;
	struct step *step;

	if (out->count >= MOST_RECIPIENTS)
		return;
	if (depth >= DEEPEST || lookup_address(host, main_value(host, "virtual_alias_maps"),
					       address, &found) != LOOKUP_FOUND) {
		out->recipients[out->count++] = address;
		return;
	}
	step = steps_add(expansion->steps, STEP_REWRITE, "virtual_alias_maps: %s becomes %s",
			 address, found.value.text);
	host_place_text(host, &found.place, step);
	list = list_split(host->arena, &found.value);
	for (size_t i = 0; i < list.count; i++) {
		struct found one = {list.items[i].text, list.items[i].text};
		const char *next = result_of(host, address, &one);

		/* an address that is its own alias stays */
		expand_alias(expansion, next, strcasecmp(next, address) == 0 ? DEEPEST : depth + 1);
	}
}

bool host_rewrites_headers(struct host *host, const char *service, const struct mail *mail)
{
	const struct service *at = host_find_service(host, service);
	const struct value *value =
		configuration_value(host->configuration, at, "local_header_rewrite_clients");
	struct list list = list_split(host->arena, &value->text);
	struct text item;

	if (!service)
		return true;
	for (size_t i = 0; i < list.count; i++) {
		const struct text *name = &list.items[i].text;

		if ((text_equal(name, "permit_mynetworks") &&
		     match_client(host, at, "mynetworks", &mail->client, &item)) ||
		    (text_equal(name, "permit_inet_interfaces") && ip_is_loopback(&mail->client)) ||
		    (text_equal(name, "permit_sasl_authenticated") && mail->user))
			return true;
	}
	return false;
}

void host_rewrite(struct host *host, const struct mail *mail, const char *author, bool headers,
		  struct rewritten *out, struct steps *steps)
{
	struct rewritten result = {.recipients = arena_array(host->arena, MOST_RECIPIENTS,
							     sizeof(*result.recipients))};
	struct expansion expansion = {host, steps, &result};

	result.sender = *mail->sender ? rewrite(host, mail->sender, "sender_canonical_maps",
						"envelope_sender", steps)
				      : "";
	result.author = headers && *author ? rewrite(host, author, "sender_canonical_maps",
						     "header_sender", steps)
					   : author;
	expand_alias(&expansion,
		     rewrite(host, mail->recipient, "recipient_canonical_maps",
			     "envelope_recipient", steps),
		     0);
	*out = result;
}

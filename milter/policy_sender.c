/*
 * Which addresses cannot be true, and who may use which sender domains; see policy.h.
 */
#include "milter/idna.h"
#include "milter/policy.h"

#include <ctype.h>
#include <strings.h>

/* What each rule says to the client, and to the log. */
static const struct {
	const char *cause, *text;
} rules[RULE_COUNT] = {
	[RULE_LOOPBACK] = {"claimed address is loopback",
			   "the proxy's header claims a loopback address"},
	[RULE_UNSPECIFIED] = {"claimed address is unspecified",
			      "the proxy's header claims no address"},
	[RULE_LINK_LOCAL] = {"claimed address is link-local",
			     "the proxy's header claims a link-local address"},
	[RULE_MULTICAST] = {"claimed address is multicast",
			    "the proxy's header claims a multicast address"},
	[RULE_PROXY] = {"the client is the proxy itself",
			"the proxy itself connects, and sends no mail of its own"},
	[RULE_INTERNAL] = {"claimed address is internal",
			   "the proxy's header claims an internal address"},
	[RULE_LOST_HEADER] = {"PROXY header lost: the client is a proxy",
			      "the proxy's header got lost, its own address is seen: this service "
			      "expects none, or the proxy sends none"},
};

const char *const policy_rule_names[RULE_COUNT + 1] = {
	[RULE_LOOPBACK] = "claimed_loopback",	  [RULE_UNSPECIFIED] = "claimed_unspecified",
	[RULE_LINK_LOCAL] = "claimed_link_local", [RULE_MULTICAST] = "claimed_multicast",
	[RULE_PROXY] = "claimed_proxy",		  [RULE_INTERNAL] = "claimed_internal",
	[RULE_LOST_HEADER] = "lost_header",
};

static bool find_claim(const struct config *config, const struct client *client,
		       enum address_rule *rule)
{
	const struct listener *listener = client->listener;
	struct ip_address plain = ip_unmap(client->address);

	if (ip_is_unspecified(&plain))
		*rule = RULE_UNSPECIFIED;
	else if (networks_contain(&listener->proxies, &plain))
		*rule = RULE_PROXY; /* before loopback: the proxy may stand there */
	else if (ip_is_loopback(&plain))
		*rule = RULE_LOOPBACK;
	else if (ip_is_link_local(&plain))
		*rule = RULE_LINK_LOCAL;
	else if (ip_is_multicast(&plain))
		*rule = RULE_MULTICAST;
	else if (!listener->has_internal && networks_contain(&config->internal, &plain))
		*rule = RULE_INTERNAL;
	else
		return false;
	return true;
}

static bool find_lost_header(const struct config *config, const struct client *client,
			     enum address_rule *rule)
{
	*rule = RULE_LOST_HEADER;
	return !client->local && (networks_contain(&config->all_proxies, &client->address) ||
				  networks_contain(&client->listener->proxies, &client->address));
}

struct judgement policy_address(const struct config *config, const struct client *client)
{
	const struct listener *listener = client->listener;
	struct judgement judgement = {.kind = JUDGEMENT_GOOD};
	char address[IP_TEXT_SIZE];
	enum address_rule rule;

	if (!listener || client->address.family == IP_NONE)
		return judgement;
	if (!(listener->proxied ? find_claim : find_lost_header)(config, client, &rule))
		return judgement;
	judgement.cause = rules[rule].cause;
	judgement.rule = policy_rule_names[rule];
	judgement.later = rule == RULE_PROXY;
	switch (listener->actions[rule]) {
	case ACTION_LOG:
		return judgement;
	case ACTION_QUARANTINE:
		judgement.kind = JUDGEMENT_QUARANTINE;
		return judgement;
	case ACTION_TEMPFAIL:
		judgement.kind = JUDGEMENT_TEMPFAIL;
		judgement.code = "451";
		judgement.status = "4.7.1";
		break;
	case ACTION_REJECT:
		judgement.kind = JUDGEMENT_REJECT;
		judgement.code = "550";
		judgement.status = "5.7.1";
		break;
	}
	if (listener->reply)
		snprintf(judgement.text, sizeof(judgement.text), "%s", listener->reply);
	else
		snprintf(judgement.text, sizeof(judgement.text), "Client address %s: %s",
			 ip_format(&client->address, address), rules[rule].text);
	return judgement;
}

static bool binds(const struct sender_binding *binding, const struct client *client)
{
	const char *listener = client->listener ? client->listener->name : "*";

	if (binding->networks.count && !networks_contain(&binding->networks, &client->address))
		return false;
	if (binding->users.count && !(client->user && words_contain(&binding->users, client->user)))
		return false;
	return !binding->listeners.count || words_contain(&binding->listeners, listener);
}

static bool allows(const struct sender_binding *binding, const char *domain)
{
	return domain ? domain_set_allows(&binding->domains, domain) : binding->null_sender;
}

/* What a client forwards was written by strangers, and is not signed: no name of ours is lent. */
static bool allows_author(const struct config *config, const struct sender_binding *binding,
			  const char *domain)
{
	return allows(binding, domain) ||
	       (binding->from == AUTHORS_OURS && *domain && !config_signer(config, domain));
}

/* A domain as a stranger wrote it, fit to be shown. */
static void write_domain(char *out, size_t size, const char *domain)
{
	size_t i;

	for (i = 0; domain[i] && i + 1 < size; i++)
		out[i] = isalnum((unsigned char)domain[i]) || strchr(".-_[]:", domain[i])
				 ? domain[i]
				 : '?';
	out[i] = '\0';
}

static struct judgement refuse_sender(const char *domain, const char *cause)
{
	struct judgement judgement = {
		.kind = JUDGEMENT_REJECT, .code = "550", .status = "5.7.1", .cause = cause};
	char shown[256];

	if (!domain) {
		snprintf(judgement.text, sizeof(judgement.text),
			 "The null sender is not allowed for this client");
	} else if (!*domain) {
		snprintf(judgement.text, sizeof(judgement.text),
			 "A sender without a domain is not allowed for this client");
	} else {
		write_domain(shown, sizeof(shown), domain);
		snprintf(judgement.text, sizeof(judgement.text),
			 "Sender domain %s is not allowed for this client", shown);
	}
	return judgement;
}

static struct judgement judge(const struct config *config, const struct client *client,
			      const char *domain, bool author)
{
	bool bound = false;

	for (size_t i = 0; i < config->binding_count; i++) {
		const struct sender_binding *binding = &config->bindings[i];

		if (!binds(binding, client))
			continue;
		if (author ? allows_author(config, binding, domain) : allows(binding, domain))
			return (struct judgement){.kind = JUDGEMENT_GOOD};
		bound = true;
	}
	if (bound)
		return refuse_sender(domain, "sender domain is not bound to the client");
	if (config->binding_default_deny && !client->local)
		return refuse_sender(domain, "no sender binding matches the client");
	return (struct judgement){.kind = JUDGEMENT_GOOD};
}

struct judgement policy_sender(const struct config *config, const struct client *client,
			       const char *domain)
{
	return judge(config, client, domain, false);
}

struct judgement policy_author(const struct config *config, const struct client *client,
			       const char *domain)
{
	return judge(config, client, domain, true);
}

struct judgement policy_envelope(struct arena *arena, const struct config *config,
				 const struct client *client, const char *sender,
				 const char **domain)
{
	bool is_null = strcmp(sender, "<>") == 0 || !*sender;

	*domain = "";
	if (!is_null && idna_envelope_domain(arena, sender, domain) != 0)
		*domain = "";
	return policy_sender(config, client, is_null ? NULL : *domain);
}

/* Whether links can carry mail, and whether what they trust is only what they need. */
#include "confgen/topology/load.h"
#include "confgen/topology/providers.h"
#include "confgen/topology/rules.h"
#include "confgen/topology/schema.h"
#include "confgen/topology/syntax.h"

#include <strings.h>

static bool is_mail_node(const struct node *node)
{
	return node->kind.value == KIND_POSTFIX || node->kind.value == KIND_DMS;
}

static bool verify_ends(const struct topology *topology, const struct link *link,
			struct diagnostics *list)
{
	struct position at = link->head.at;

	if (link->between.count != 2 || !link->ends[0] || !link->ends[1]) {
		if (link->head.given && link->between.count != 2 && link->between.count > 0)
			report(list, LINK_ENDS, at, "a link joins two nodes, not %zu",
			       link->between.count);
		return false;
	}
	if (link->ends[0] == link->ends[1]) {
		report(list, LINK_ENDS, at, "a link joins two different nodes");
		return false;
	}
	for (size_t i = 0; i < 2; i++)
		if (!is_mail_node(link->ends[i])) {
			report(list, LINK_ENDS, link->between.items[i].at,
			       "no link is needed to '%s'", link->between.items[i].value);
			diagnostics_hint(
				list, "how a smarthost or the internet is reached follows from the "
				      "routes; links join nodes of kind postfix or dms");
			return false;
		}
	if (topology_link(topology, link->ends[0], link->ends[1]) != link)
		report(list, LINK_TWICE, at, "'%s' and '%s' are linked already",
		       link->between.items[0].value, link->between.items[1].value);
	return true;
}

/* An address family that both ends have in the link's network, as far as they have addresses. */
static bool share_family(const struct attachment *a, const struct attachment *b)
{
	for (size_t i = 0; i < a->addresses.count; i++)
		for (size_t j = 0; j < b->addresses.count; j++)
			if (a->addresses.items[i].value.family ==
			    b->addresses.items[j].value.family)
				return true;
	return a->addresses.count == 0 || b->addresses.count == 0;
}

static void verify_network(const struct link *link, struct diagnostics *list)
{
	const struct attachment *attachments[2];

	for (size_t i = 0; i < 2; i++) {
		attachments[i] = node_attachment(link->ends[i], link->network);
		/* a node without any address has been told so */
		if (attachments[i] || !link->over.value || !link->ends[i]->addresses.count)
			continue;
		report(list, NO_SHARED_NETWORK, link->over.at, "'%s' has no address in '%s'",
		       link->ends[i]->head.name.value, link->over.value);
		diagnostics_hint(list,
				 "give the node one under addresses, or link over another network");
	}
	if (attachments[0] && attachments[1] && !share_family(attachments[0], attachments[1]))
		report(list, NO_SHARED_NETWORK, link->over.at,
		       "in '%s' one end has only IPv4 addresses and the other only IPv6",
		       link->over.value);
}

/* trust: network reaches whoever has an address there: it must be a closed circle. */
static void verify_trusted_network(const struct topology *topology, const struct link *link,
				   struct diagnostics *list)
{
	char text[IP_TEXT_SIZE];

	if (!link->network) {
		report(list, OPEN_RELAY, link->trust.at,
		       "to trust the internet is to be an open relay");
		diagnostics_hint(list, "use trust: address or trust: sasl");
		return;
	}
	for (size_t i = 0; i < link->network->cidrs.count; i++)
		if (!ip_network_is_private(&link->network->cidrs.items[i].value)) {
			report(list, OPEN_RELAY, link->trust.at,
			       "%s holds public addresses: strangers could relay",
			       ip_network_format(&link->network->cidrs.items[i].value, text));
			diagnostics_hint(list, "use trust: address or trust: sasl");
		}
	for (size_t i = 0; i < topology->nodes.count; i++) {
		const struct node *node = &topology->nodes.items[i];

		if (node == link->ends[0] || node == link->ends[1] ||
		    !node_attachment(node, link->network))
			continue;
		if (node->kind.value == KIND_PROXY) {
			report(list, TRUST_OVERLAP, link->trust.at,
			       "trust in all of '%s' includes the proxy '%s', behind which are "
			       "strangers",
			       link->over.value, node->head.name.value);
			diagnostics_hint(list, "use trust: address or trust: sasl");
			return;
		}
		for (size_t end = 0; end < 2; end++) {
			const struct link *other = topology_link(topology, node, link->ends[end]);

			if (other && other->trust.value == TRUST_NETWORK)
				continue;
			report(list, TRUST_OVERLAP, link->trust.at,
			       "trust in all of '%s' also lets '%s' relay through '%s'",
			       link->over.value, node->head.name.value,
			       link->ends[end]->head.name.value);
			diagnostics_hint(
				list,
				"use trust: address, so that only '%s' and '%s' trust each other",
				link->between.items[0].value, link->between.items[1].value);
			return;
		}
	}
}

static void verify_credentials(const struct link *link, struct diagnostics *list)
{
	for (size_t i = 0; i < link->credentials.count; i++) {
		const struct credentials *login = &link->credentials.items[i];

		if (login->node && login->node != link->ends[0] && login->node != link->ends[1])
			report(list, CREDENTIALS, login->head.name.at,
			       "'%s' is not an end of this link", login->head.name.value);
	}
	if (link->credentials.count && link->trust.value != TRUST_SASL) {
		report(list, CREDENTIALS, link->credentials.items[0].head.name.at,
		       "a login without trust: sasl would never be used");
		diagnostics_hint(list, "add trust: sasl to the link, or drop the credentials");
	}
	if (link->trust.value == TRUST_SASL && link->tls.value < TLS_ENCRYPT) {
		report(list, CREDENTIALS_CLEAR, link->tls.at,
		       "the login would cross the network in clear");
		diagnostics_hint(list,
				 "drop the key (encrypt is the default here), or ask for verify");
	}
}

/* A level that needs fingerprints has them, and no other; DANE needs a host name to look up. */
static void verify_level(const struct choice *level, const struct text_list *fingerprints,
			 bool by_address, struct position place, struct diagnostics *list)
{
	struct position at = level->given ? level->at : place;

	if (level->value == TLS_FINGERPRINT && !fingerprints->count) {
		report(list, MISSING_KEY, at, "TLS by fingerprint needs 'fingerprints'");
		diagnostics_hint(list, "openssl x509 -in CERTIFICATE -noout -fingerprint -sha256");
	}
	if (level->value != TLS_FINGERPRINT && fingerprints->count)
		report(list, MISPLACED_KEY, fingerprints->items[0].at,
		       "fingerprints are looked at with the TLS level fingerprint only");
	if (by_address && (level->value == TLS_DANE || level->value == TLS_DANE_ONLY)) {
		report(list, BAD_VALUE, at,
		       "DANE looks the next hop up by name, but a link goes to an address");
		diagnostics_hint(list, "use fingerprint or secure between your own hosts");
	}
}

/* Where logins are taken: not where strangers are, and at one port of a host. */
static void verify_login_port(const struct topology *topology, const struct link *link,
			      const struct credentials *login, struct diagnostics *list)
{
	struct position at = link->port.given ? link->port.at : link->head.at;

	if (!login->node || link->trust.value != TRUST_SASL)
		return;
	if (login->node->kind.value == KIND_DMS && login->username.value &&
	    check_mailbox(login->username.value))
		report(list, CREDENTIALS, login->username.at,
		       "an account of docker-mailserver is a mail address");
	if (link->port.value == 25 || link->port.value == 465)
		report(list, BAD_VALUE, at,
		       link->port.value == 25 ? "port 25 is for mail from strangers, not for logins"
					      : "port 465 wants TLS from the first octet, where "
						"Postfix would wait for a greeting");
	for (const struct link *other = topology->links.items; other < link; other++)
		for (size_t i = 0; i < other->credentials.count; i++)
			if (login->node->kind.value == KIND_POSTFIX &&
			    other->trust.value == TRUST_SASL &&
			    other->credentials.items[i].node == login->node &&
			    other->port.value != link->port.value)
				report(list, BAD_VALUE, at, "'%s' takes logins at port %lu already",
				       login->head.name.value, other->port.value);
}

static void verify_certificates(const struct link *link, struct diagnostics *list)
{
	for (size_t i = 0; i < 2; i++) {
		const struct node *node = link->ends[i];

		if (link->tls.value < TLS_ENCRYPT || node->kind.value != KIND_POSTFIX ||
		    node->tls.head.given)
			continue;
		report(list, NO_CERTIFICATE, link->tls.given ? link->tls.at : link->head.at,
		       "the link needs TLS, but '%s' has no certificate", node->head.name.value);
		diagnostics_hint(list, "give the node tls: {certificate: ..., key: ...}");
	}
}

/* A node tells its peers apart by their logins. */
static void verify_login_names(const struct topology *topology, const struct link *link,
			       struct diagnostics *list)
{
	for (const struct link *other = topology->links.items; other < link; other++)
		for (size_t i = 0; i < link->credentials.count; i++)
			for (size_t j = 0; j < other->credentials.count; j++) {
				const struct credentials *a = &link->credentials.items[i];
				const struct credentials *b = &other->credentials.items[j];

				if (a->node && a->node == b->node && a->username.value &&
				    b->username.value &&
				    strcasecmp(a->username.value, b->username.value) == 0)
					report(list, CREDENTIALS, a->username.at,
					       "another host logs in at '%s' as '%s' already",
					       a->head.name.value, a->username.value);
			}
}

/* Postfix finds a login by the next hop, so there can be one for each. */
static void verify_smarthost_login(const struct topology *topology, const struct node *node,
				   struct diagnostics *list)
{
	for (const struct node *other = topology->nodes.items; other < node; other++)
		if (other->kind.value == KIND_SMARTHOST && other->credentials.head.given &&
		    node->credentials.head.given && other->host.value && node->host.value &&
		    strcasecmp(other->host.value, node->host.value) == 0 &&
		    other->port.value == node->port.value)
			report(list, CREDENTIALS, node->credentials.head.at,
			       "'%s' has a login at the same host and port: only one would be used",
			       other->head.name.value);
}

static void verify_smarthost(const struct node *node, struct diagnostics *list)
{
	const struct provider_row *provider = &providers[node->provider.value];

	if (node->tls_mode.value == TLS_WRAPPER && node->tls_level.value < TLS_ENCRYPT)
		report(list, BAD_VALUE, node->tls_level.at, "TLS from the first octet cannot be %s",
		       tls_level_words[node->tls_level.value]);
	if (node->port.value == 465 && node->tls_mode.value == TLS_STARTTLS) {
		report(list, BAD_VALUE, node->tls_mode.at,
		       "port 465 wants TLS from the first octet, where Postfix would wait for a "
		       "greeting");
		diagnostics_hint(list, "drop tls_mode, or use port 587");
	}
	if (provider->host && !node->credentials.head.given && !node->sender_credentials.count)
		report(list, CREDENTIALS, node->provider.at, "%s takes no mail without a login",
		       provider_words[node->provider.value]);
	if (node->host.value && !check_ip(node->host.value) && node->tls_level.value >= TLS_VERIFY)
		report(list, BAD_VALUE, node->tls_level.at,
		       "there is no name to verify: the smarthost is given by its address");
	if ((!node->credentials.head.given && !node->sender_credentials.count) ||
	    node->tls_level.value >= TLS_ENCRYPT)
		return;
	report(list, CREDENTIALS_CLEAR, node->tls_level.at,
	       "the login would cross the network in clear");
	diagnostics_hint(list, "tls_level: encrypt, verify or secure");
}

void topology_verify_links(const struct topology *topology, struct diagnostics *list)
{
	for (size_t i = 0; i < topology->links.count; i++) {
		const struct link *link = &topology->links.items[i];

		if (!verify_ends(topology, link, list))
			continue;
		verify_network(link, list);
		verify_credentials(link, list);
		verify_login_names(topology, link, list);
		for (size_t j = 0; j < link->credentials.count; j++)
			verify_login_port(topology, link, &link->credentials.items[j], list);
		verify_certificates(link, list);
		verify_level(&link->tls, &link->fingerprints, true, link->head.at, list);
		if (link->trust.value == TRUST_NETWORK)
			verify_trusted_network(topology, link, list);
	}
	for (size_t i = 0; i < topology->nodes.count; i++) {
		const struct choice *outbound = &topology->nodes.items[i].outbound_tls;

		if (outbound->value > TLS_DANE_ONLY)
			report(list, BAD_VALUE, outbound->at,
			       "the hosts of the whole Internet cannot be asked for %s",
			       tls_level_words[outbound->value]);
		if (topology->nodes.items[i].kind.value == KIND_SMARTHOST) {
			verify_smarthost(&topology->nodes.items[i], list);
			verify_level(&topology->nodes.items[i].tls_level,
				     &topology->nodes.items[i].fingerprints, false,
				     topology->nodes.items[i].head.at, list);
			verify_smarthost_login(topology, &topology->nodes.items[i], list);
		}
	}
}

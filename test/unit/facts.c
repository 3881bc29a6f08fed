/*
 * facts_derive(): what follows from the example and the golden topologies for each of their hosts,
 * against expectations written from the YAML by hand. "@26" is the line that must be the cause.
 */
#include "confgen/derive/facts.h"
#include "common/strbuf.h"
#include "confgen/topology/load.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <cmocka.h>

#define EXAMPLE POSTERN_SOURCE "/examples/dms-relay/topology.yaml"
#define PROXIED POSTERN_SOURCE "/examples/proxy-haproxy/topology.yaml"
#define GOLDEN	POSTERN_SOURCE "/test/golden/topologies/"

struct expected {
	const char *topology, *node, *facts;
};

static const struct expected expected[] = {
	{EXAMPLE, "public",
	 "host mail.example.com, internet, IPv4\n"
	 "trusts 192.168.2.3/32 (private) @26\n"
	 "limits private @26 by 192.168.2.3/32 to example.com@30"
	 " internal-mail.example.com@22 <>@30\n"
	 "relays example.com -> OK @29\n"
	 "transport example.com -> relay:[192.168.2.3]:25 @29\n"
	 "recipient @example.com -> OK @29\n"
	 "asks example.com -> reject_unverified_recipient @29\n"
	 "role postmaster@mail.example.com -> postmaster@example.com @15\n"
	 "role abuse@mail.example.com -> postmaster@example.com @15\n"
	 "role root@mail.example.com -> postmaster@example.com @15\n"},
	{EXAMPLE, "private",
	 "host internal-mail.example.com, IPv4\n"
	 "trusts 192.168.2.2/32 (public) @26\n"
	 "relayhost [192.168.2.2]:25 @30\n"
	 "way out @example.com -> [192.168.2.2]:25 @30\n"
	 "way out <> -> [192.168.2.2]:25 @30\n"
	 "signs example.com, mail, /etc/postern/keys/example.com/mail.private,"
	 " internal-mail.example.com @7\n"},

	/* who logs in is not trusted by address, and both ways are on port 587 and encrypted */
	{GOLDEN "sasl.yaml", "public",
	 "host mail.example.com, internet, IPv4, IPv6\n"
	 "limits private @21 by login private-host to example.com@27"
	 " internal-mail.example.com@16 <>@27\n"
	 "port 587 @21\n"
	 "accepts private-host of private @23\n"
	 "presents relay@example.com to [192.168.2.3]:587 @24\n"
	 "relays example.com -> OK @26\n"
	 "transport example.com -> relay:[192.168.2.3]:587 @26\n"
	 "recipient @example.com -> OK @26\n"
	 "asks example.com -> reject_unverified_recipient @26\n"
	 "role postmaster@mail.example.com -> postmaster@example.com @11\n"
	 "role abuse@mail.example.com -> postmaster@example.com @11\n"
	 "role root@mail.example.com -> postmaster@example.com @11\n"
	 "policy [192.168.2.3]:587 -> encrypt @19\n"
	 "signs example.com, s2026, /etc/postern/keys/example.com/s2026.private,"
	 " internal-mail.example.com mail.example.com @5\n"},
	{GOLDEN "sasl.yaml", "private",
	 "host internal-mail.example.com, IPv4, IPv6\n"
	 "port 587 @21\n"
	 "accepts relay@example.com of public @24\n"
	 "presents private-host to [192.168.2.2]:587 @23\n"
	 "relayhost [192.168.2.2]:587 @27\n"
	 "way out @example.com -> [192.168.2.2]:587 @27\n"
	 "way out <> -> [192.168.2.2]:587 @27\n"
	 "policy [192.168.2.2]:587 -> encrypt @19\n"
	 /* what comes by this login was written by strangers */
	 "no author relay@example.com\n"},

	/* the limit and the trust are the network's; only one of the domains is signed */
	{GOLDEN "smarthost.yaml", "public",
	 "host mail.example.com, internet, IPv4\n"
	 "trusts 192.168.2.0/24 (private) @27\n"
	 "limits vpn @27 by 192.168.2.0/24 to example.com@30"
	 " internal-mail.example.com@18 <>@30 example.org@31\n"
	 "presents apikey to [smtp.provider.example]:587 @25\n"
	 "relays example.com -> OK @29\n"
	 "relays example.org -> OK @29\n"
	 "transport example.com -> relay:[192.168.2.3]:25 @29\n"
	 "transport example.org -> relay:[192.168.2.3]:25 @29\n"
	 "recipient @example.com -> OK @29\n"
	 "recipient @example.org -> OK @29\n"
	 "asks example.com -> reject_unverified_recipient @29\n"
	 "asks example.org -> reject_unverified_recipient @29\n"
	 "role postmaster@mail.example.com -> postmaster@example.com @12\n"
	 "role abuse@mail.example.com -> postmaster@example.com @12\n"
	 "role root@mail.example.com -> postmaster@example.com @12\n"
	 "way out @example.com -> [smtp.provider.example]:587 @30\n"
	 "way out <> -> [smtp.provider.example]:587 @30\n"
	 "policy [192.168.2.3]:25 -> encrypt @27\n"
	 "policy [smtp.provider.example]:587 -> secure match=smtp.provider.example @24\n"
	 "signs example.com, mail, /etc/postern/keys/example.com/mail.private,"
	 " internal-mail.example.com mail.example.com @5\n"
	 "signs for 192.168.2.0/24 (private) @27\n"},
	{GOLDEN "smarthost.yaml", "private",
	 "host internal-mail.example.com, IPv4\n"
	 "trusts 192.168.2.0/24 (public) @27\n"
	 "relayhost [192.168.2.2]:25 @30\n"
	 "way out @example.com -> [192.168.2.2]:25 @30\n"
	 "way out @example.org -> [192.168.2.2]:25 @31\n"
	 "way out <> -> [192.168.2.2]:25 @30\n"
	 "policy [192.168.2.2]:25 -> encrypt @27\n"},

	/* what the outer relay brings, logged in, was written by strangers; the inner one signs */
	{GOLDEN "chain.yaml", "outer",
	 "host mx.example.com, internet, IPv4, IPv6\n"
	 "limits inner @30 by login from-inner to example.com@39"
	 " inner.example.com@20 <>@39\n"
	 "port 2587 @30\n"
	 "accepts from-inner of inner @34\n"
	 "presents from-outer to [fd00:1::2]:2587 @35\n"
	 "relays example.com -> OK @38\n"
	 "transport example.com -> relay:[fd00:1::2]:2587 @38\n"
	 "recipient user@example.com -> OK @7\n"
	 "recipient postmaster@example.com -> OK @7\n"
	 "role postmaster@mx.example.com -> postmaster@example.com @15\n"
	 "role abuse@mx.example.com -> postmaster@example.com @15\n"
	 "role root@mx.example.com -> postmaster@example.com @15\n"
	 "policy [fd00:1::2]:2587 -> verify match=inner.example.com @31\n"},
	{GOLDEN "chain.yaml", "inner",
	 "host inner.example.com, IPv6\n"
	 "trusts fd00:2::3/128 (home) @36\n"
	 "limits home @36 by fd00:2::3/128 to example.com@39"
	 " home.example.com@25 <>@39\n"
	 "port 2587 @30\n"
	 "accepts from-outer of outer @35\n"
	 "presents from-inner to [fd00:1::1]:2587 @34\n"
	 "relays example.com -> OK @38\n"
	 "transport example.com -> relay:[fd00:2::3]:25 @38\n"
	 "recipient user@example.com -> OK @7\n"
	 "recipient postmaster@example.com -> OK @7\n"
	 "role postmaster@inner.example.com -> postmaster@example.com @20\n"
	 "role abuse@inner.example.com -> postmaster@example.com @20\n"
	 "role root@inner.example.com -> postmaster@example.com @20\n"
	 "relayhost [fd00:1::1]:2587 @39\n"
	 "way out @example.com -> [fd00:1::1]:2587 @39\n"
	 "way out <> -> [fd00:1::1]:2587 @39\n"
	 "policy [fd00:2::3]:25 -> none @36\n"
	 "policy [fd00:1::1]:2587 -> verify match=mx.example.com @31\n"
	 "signs example.com, mail, /etc/postern/keys/example.com/mail.private,"
	 " home.example.com inner.example.com @8\n"
	 "signs for fd00:2::3/128 (home) @36\n"
	 "no author from-outer\n"},
	{GOLDEN "chain.yaml", "home",
	 "host home.example.com, IPv6\n"
	 "trusts fd00:2::2/128 (inner) @36\n"
	 "relayhost [fd00:2::2]:25 @39\n"
	 "way out @example.com -> [fd00:2::2]:25 @39\n"
	 "way out <> -> [fd00:2::2]:25 @39\n"
	 "policy [fd00:2::2]:25 -> none @36\n"},

	/* each private host has its first relay and the other one to fall back on */
	{GOLDEN "two-of-each.yaml", "mx1",
	 "host mx1.example.net, internet, IPv4\n"
	 "trusts 10.8.0.11/32 (home) @38\n"
	 "trusts 10.8.0.12/32 (office) @40\n"
	 "limits home @38 by 10.8.0.11/32 to example.com@47"
	 " home.example.com@30 <>@47\n"
	 "limits office @40 by 10.8.0.12/32 to example.org@50"
	 " office.example.org@34 <>@50\n"
	 "relays example.com -> OK @43\n"
	 "relays example.org -> OK @45\n"
	 "transport example.com -> relay:[10.8.0.11]:25 @43\n"
	 "transport example.org -> relay:[10.8.0.12]:25 @45\n"
	 "recipient user@example.com -> OK @7\n"
	 "recipient postmaster@example.com -> OK @7\n"
	 "recipient @example.org -> OK @45\n"
	 "asks example.org -> reject_unverified_recipient @45\n"
	 "role postmaster@mx1.example.net -> hostmaster@example.org @21\n"
	 "role abuse@mx1.example.net -> hostmaster@example.org @21\n"
	 "role root@mx1.example.net -> hostmaster@example.org @21\n"},
	{GOLDEN "two-of-each.yaml", "mx2",
	 "host mx2.example.net, internet, IPv4\n"
	 "trusts 10.8.0.11/32 (home) @39\n"
	 "trusts 10.8.0.12/32 (office) @41\n"
	 "limits home @39 by 10.8.0.11/32 to example.com@48"
	 " home.example.com@30 <>@48\n"
	 "limits office @41 by 10.8.0.12/32 to example.org@49"
	 " office.example.org@34 <>@49\n"
	 "relays example.com -> OK @44\n"
	 "relays example.org -> OK @46\n"
	 "transport example.com -> relay:[10.8.0.11]:25 @44\n"
	 "transport example.org -> relay:[10.8.0.12]:25 @46\n"
	 "recipient user@example.com -> OK @7\n"
	 "recipient postmaster@example.com -> OK @7\n"
	 "recipient @example.org -> OK @46\n"
	 "asks example.org -> reject_unverified_recipient @46\n"
	 "role postmaster@mx2.example.net -> postmaster@example.com @24\n"
	 "role abuse@mx2.example.net -> postmaster@example.com @24\n"
	 "role root@mx2.example.net -> postmaster@example.com @24\n"},
	{GOLDEN "two-of-each.yaml", "home",
	 "host home.example.com, IPv4\n"
	 "trusts 10.8.0.1/32 (mx1) @38\n"
	 "trusts 10.8.0.2/32 (mx2) @39\n"
	 "relayhost [10.8.0.1]:25 @47\n"
	 "fallback [10.8.0.2]:25 @48\n"
	 "way out @example.com -> [10.8.0.1]:25 @47\n"
	 "way out <> -> [10.8.0.1]:25 @47\n"
	 "signs example.com, mail, /etc/postern/keys/example.com/mail.private,"
	 " news.example.com home.example.com @8\n"},
	{GOLDEN "two-of-each.yaml", "office",
	 "host office.example.org, IPv4\n"
	 "trusts 10.8.0.1/32 (mx1) @40\n"
	 "trusts 10.8.0.2/32 (mx2) @41\n"
	 "relayhost [10.8.0.2]:25 @49\n"
	 "fallback [10.8.0.1]:25 @50\n"
	 "way out @example.org -> [10.8.0.2]:25 @49\n"
	 "way out <> -> [10.8.0.2]:25 @49\n"
	 "signs example.org, mail, /etc/postern/keys/org.pem, office.example.org @11\n"},

	/* a proxy is on the path, and trusted by nobody */
	{PROXIED, "edge", "host -, IPv4, IPv6\nleads 25 to mail, 10.20.0.3 10025 @25\n"},
	{PROXIED, "mail",
	 "host mail.example.com, internet, IPv4, IPv6\n"
	 "trusts 10.20.0.4/32 (private) @35\n"
	 "trusts fd00:20::4/128 (private) @35\n"
	 "limits private @35 by 10.20.0.4/32 fd00:20::4/128 to example.com@39"
	 " internal-mail.example.com@31 <>@39\n"
	 "relays example.com -> OK @38\n"
	 "transport example.com -> relay:[10.20.0.4]:25 @38\n"
	 "recipient @example.com -> OK @38\n"
	 "asks example.com -> reject_unverified_recipient @38\n"
	 "role postmaster@mail.example.com -> postmaster@example.com @22\n"
	 "role abuse@mail.example.com -> postmaster@example.com @22\n"
	 "role root@mail.example.com -> postmaster@example.com @22\n"
	 "behind edge smtp 10025 from 10.20.0.2 fd00:20::2 @25\n"},
	/* all that leads to one node, by the network in which the two meet */
	{GOLDEN "proxies.yaml", "front",
	 "host -, IPv4, IPv6\n"
	 "leads 25 to mail, 10.20.0.3 10025 @31\n"
	 "leads 2587 to mail, 10.20.0.3 12587 @33\n"
	 "leads 465 to mail, 10.20.0.3 465 @34\n"},
	{GOLDEN "proxies.yaml", "spare", "host -, IPv4\nleads 25 to mail, 10.20.0.3 10026 @32\n"},
	{GOLDEN "proxies.yaml", "inner",
	 "host -, IPv4, IPv6\n"
	 "leads 465 to home, 10.30.0.4 465 @41\n"
	 "leads 993 to home, 10.30.0.4 993 @42\n"
	 "leads 4190 to home, 10.30.0.4 14190 @43\n"},
	{GOLDEN "proxies.yaml", "home",
	 "host home.example.com, IPv4, IPv6\n"
	 "port 587 @47\n"
	 "accepts relay@example.com of mail @50\n"
	 "presents home to [10.30.0.3]:587 @49\n"
	 "relayhost [10.30.0.3]:587 @54\n"
	 "way out @example.com -> [10.30.0.3]:587 @54\n"
	 "way out @example.org -> [10.30.0.3]:587 @54\n"
	 "way out <> -> [10.30.0.3]:587 @54\n"
	 "policy [10.30.0.3]:587 -> encrypt @45\n"
	 "no author relay@example.com\n"
	 "behind inner submissions 465 from 10.30.0.2 @41\n"
	 "behind inner imaps 993 from 10.30.0.2 @42\n"
	 "behind inner sieve 14190 from 10.30.0.2 @43\n"},
};

/* --- facts in words --- */

static void tell_trusted(struct strbuf *out, const char *what, const struct trusted_list *list)
{
	char text[IP_TEXT_SIZE];

	for (size_t i = 0; i < list->count; i++)
		strbuf_addf(out, "%s %s (%s) @%u\n", what,
			    ip_network_format(&list->items[i].network, text), list->items[i].peer,
			    list->items[i].at.line);
}

static void tell_entries(struct strbuf *out, const char *what, const struct entry_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		strbuf_addf(out, "%s %s -> %s @%u\n", what, list->items[i].key,
			    list->items[i].value, list->items[i].at.line);
}

static void tell_limits(struct strbuf *out, const struct facts *facts)
{
	char text[IP_TEXT_SIZE];

	for (size_t i = 0; i < facts->limits.count; i++) {
		const struct sender_limit *limit = &facts->limits.items[i];

		strbuf_addf(out, "limits %s @%u%s by", limit->name, limit->at.line,
			    limit->inbound ? ", inbound as well," : "");
		for (size_t j = 0; j < limit->clients.count; j++)
			strbuf_addf(out, " %s",
				    ip_network_format(&limit->clients.items[j].network, text));
		if (limit->username)
			strbuf_addf(out, " login %s", limit->username);
		strbuf_adds(out, " to");
		for (size_t j = 0; j < limit->senders.count; j++)
			strbuf_addf(out, " %s@%u", limit->senders.items[j].key,
				    limit->senders.items[j].at.line);
		strbuf_addch(out, '\n');
	}
}

static void tell_logins(struct strbuf *out, const struct facts *facts)
{
	if (facts->submission)
		strbuf_addf(out, "port %u @%u\n", facts->submission, facts->submission_at.line);
	for (size_t i = 0; i < facts->accounts.count; i++)
		strbuf_addf(out, "accepts %s of %s @%u\n", facts->accounts.items[i].username,
			    facts->accounts.items[i].peer->head.name.value,
			    facts->accounts.items[i].at.line);
	for (size_t i = 0; i < facts->logins.count; i++)
		strbuf_addf(out, "presents %s to %s @%u\n", facts->logins.items[i].username,
			    facts->logins.items[i].next_hop, facts->logins.items[i].at.line);
}

static void tell_ways_out(struct strbuf *out, const struct facts *facts)
{
	if (facts->relayhost)
		strbuf_addf(out, "relayhost %s @%u\n", facts->relayhost, facts->relayhost_at.line);
	for (size_t i = 0; i < facts->fallbacks.count; i++)
		strbuf_addf(out, "fallback %s @%u\n", facts->fallbacks.items[i].value,
			    facts->fallbacks.items[i].at.line);
	tell_entries(out, "way out", &facts->relayhosts);
	tell_entries(out, "policy", &facts->tls_policies);
}

static void tell_signing(struct strbuf *out, const struct facts *facts)
{
	for (size_t i = 0; i < facts->signs.count; i++) {
		const struct signing_domain *signs = &facts->signs.items[i];

		strbuf_addf(out, "signs %s,", signs->name);
		for (size_t j = 0; j < signs->keys.count; j++)
			strbuf_addf(out, " %s, %s,", signs->keys.items[j].selector,
				    signs->keys.items[j].path);
		for (size_t j = 0; j < signs->subdomains.count; j++)
			strbuf_addf(out, " %s", signs->subdomains.items[j].value);
		strbuf_addf(out, " @%u\n", signs->at.line);
	}
	tell_trusted(out, "signs for", &facts->signed_clients);
	for (size_t i = 0; i < facts->relay_users.count; i++)
		strbuf_addf(out, "no author %s\n", facts->relay_users.items[i].key);
}

static void tell_proxied(struct strbuf *out, const struct facts *facts)
{
	char text[IP_TEXT_SIZE];

	for (size_t i = 0; i < facts->proxied.count; i++) {
		const struct proxied *proxied = &facts->proxied.items[i];

		strbuf_addf(out, "behind %s %s %lu from", proxied->listener->proxy->head.name.value,
			    proxied->listener->head.name.value,
			    proxied->listener->proxy_port.value);
		for (size_t j = 0; j < proxied->from->addresses.count; j++)
			strbuf_addf(out, " %s",
				    ip_format(&proxied->from->addresses.items[j].value, text));
		strbuf_addf(out, "%s @%u\n", proxied->other_family ? ", other family" : "",
			    proxied->listener->head.name.at.line);
	}
	for (size_t i = 0; i < facts->forwards.count; i++) {
		const struct forward *forward = &facts->forwards.items[i];

		strbuf_addf(out, "leads %lu to %s, %s %lu @%u\n", forward->listener->port.value,
			    forward->node->head.name.value, ip_format(&forward->address, text),
			    forward->listener->proxy_port.value,
			    forward->listener->head.name.at.line);
	}
}

static void tell(struct strbuf *out, const struct facts *facts)
{
	strbuf_addf(out, "host %s%s%s%s\n", facts->hostname ? facts->hostname : "-",
		    facts->internet ? ", internet" : "", facts->ipv4 ? ", IPv4" : "",
		    facts->ipv6 ? ", IPv6" : "");
	tell_trusted(out, "trusts", &facts->trusted);
	tell_limits(out, facts);
	tell_logins(out, facts);
	tell_entries(out, "relays", &facts->relay_domains);
	tell_entries(out, "transport", &facts->transports);
	tell_entries(out, "recipient", &facts->recipients);
	tell_entries(out, "asks", &facts->unlisted);
	tell_entries(out, "role", &facts->postmasters);
	tell_ways_out(out, facts);
	tell_signing(out, facts);
	tell_proxied(out, facts);
}

/* --- the tests --- */

static struct topology *load(struct arena *arena, const char *path)
{
	struct diagnostics *list = diagnostics_new(arena);
	struct topology *topology = NULL;

	assert_int_equal(topology_load(arena, path, SECRETS_LOOK, list, &topology), 0);
	if (diagnostics_count(list, SEVERITY_ERROR))
		diagnostics_print(list, stderr, false);
	assert_int_equal(diagnostics_count(list, SEVERITY_ERROR), 0);
	return topology;
}

static const struct node *find(const struct topology *topology, const char *name)
{
	for (size_t i = 0; i < topology->nodes.count; i++)
		if (strcmp(topology->nodes.items[i].head.name.value, name) == 0)
			return &topology->nodes.items[i];
	return NULL;
}

static void facts_follow_from_the_yaml(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(expected) / sizeof(expected[0]); i++) {
		struct arena *arena = arena_new(0);
		const struct topology *topology = load(arena, expected[i].topology);
		const struct node *node = find(topology, expected[i].node);
		struct strbuf told = STRBUF_INIT;

		assert_non_null(node);
		tell(&told, facts_derive(arena, topology, node));
		assert_string_equal(strbuf_text(&told), expected[i].facts);
		strbuf_done(&told);
		arena_free(arena);
	}
}

/* With SECRETS_LOOK no secret is read: a stranger's topology must not get at the files it names. */
static void looking_reads_no_secret(void **state)
{
	struct arena *arena = arena_new(0);
	const struct topology *topology = load(arena, GOLDEN "sasl.yaml");
	const struct facts *facts = facts_derive(arena, topology, find(topology, "private"));

	(void)state;
	assert_int_equal(facts->logins.count, 1);
	assert_string_equal(facts->logins.items[0].password, "placeholder");
	arena_free(arena);
}

static struct topology *parse(struct arena *arena, const char *text)
{
	struct source *source = arena_alloc(arena, sizeof(*source));
	struct diagnostics *list = diagnostics_new(arena);
	struct topology *topology;

	*source = (struct source){.name = "t", .text = text, .length = strlen(text)};
	topology = topology_parse(arena, source, ".", SECRETS_LOOK, list);
	if (diagnostics_count(list, SEVERITY_ERROR))
		diagnostics_print(list, stderr, false);
	assert_int_equal(diagnostics_count(list, SEVERITY_ERROR), 0);
	return topology;
}

/* Two domains with a relay each: what no domain decides takes the first way, never the direct one.
 */
static void no_mail_bypasses_the_relays(void **state)
{
	static const char text[] =
		"postern: 1\n"
		"domains: {a.example: {mailboxes: home}, b.example: {mailboxes: home}}\n"
		"networks: {vpn: \"fd00::/64\"}\n"
		"nodes:\n"
		"  one: {kind: postfix, hostname: one.example.net,\n"
		"        addresses: {internet: \"2001:db8::1\", vpn: \"fd00::1\"}}\n"
		"  two: {kind: postfix, hostname: two.example.net,\n"
		"        addresses: {internet: \"2001:db8::2\", vpn: \"fd00::2\"}}\n"
		"  home: {kind: dms, hostname: home.example.net, addresses: {vpn: \"fd00::3\"}}\n"
		"links: [{between: [one, home], over: vpn}, {between: [two, home], over: vpn}]\n"
		"routes:\n"
		"  - {name: a, to: a.example, path: [internet, one, home]}\n"
		"  - {name: b, to: b.example, path: [internet, two, home]}\n"
		"  - {name: a-out, from: a.example, path: [home, one, internet]}\n"
		"  - {name: b-out, from: b.example, path: [home, two, internet]}\n";
	struct arena *arena = arena_new(0);
	const struct topology *topology = parse(arena, text);
	struct strbuf told = STRBUF_INIT;

	(void)state;
	tell(&told, facts_derive(arena, topology, find(topology, "home")));
	assert_string_equal(strbuf_text(&told), "host home.example.net, IPv6\n"
						"trusts fd00::1/128 (one) @10\n"
						"trusts fd00::2/128 (two) @10\n"
						"relayhost [fd00::1]:25 @14\n"
						"way out @a.example -> [fd00::1]:25 @14\n"
						"way out @b.example -> [fd00::2]:25 @15\n"
						"way out <> -> [fd00::1]:25 @14\n");
	strbuf_done(&told);
	arena_free(arena);
}

/* A domain below another one, with a host of its own: neither host may write as the other. */
static void subdomains_of_others_are_not_covered(void **state)
{
	static const char text[] =
		"postern: 1\n"
		"domains:\n"
		"  example.com: {mailboxes: home}\n"
		"  shop.example.com: {mailboxes: shop}\n"
		"networks: {vpn: 10.0.0.0/24}\n"
		"nodes:\n"
		"  mx: {kind: postfix, hostname: mx.example.net,\n"
		"       addresses: {internet: 192.0.2.1, vpn: 10.0.0.1}}\n"
		"  home: {kind: dms, hostname: home.example.com, addresses: {vpn: 10.0.0.2}}\n"
		"  shop: {kind: dms, hostname: h.shop.example.com, addresses: {vpn: 10.0.0.3}}\n"
		"links: [{between: [mx, home], over: vpn}, {between: [mx, shop], over: vpn}]\n"
		"routes:\n"
		"  - {name: a, to: example.com, path: [internet, mx, home]}\n"
		"  - {name: b, to: shop.example.com, path: [internet, mx, shop]}\n"
		"  - {name: a-out, from: example.com, path: [home, mx, internet]}\n"
		"  - {name: b-out, from: shop.example.com, path: [shop, mx, internet]}\n";
	struct arena *arena = arena_new(0);
	const struct topology *topology = parse(arena, text);
	const struct facts *facts = facts_derive(arena, topology, find(topology, "mx"));
	const struct entry_list *home = &facts->limits.items[0].senders;
	struct strbuf told = STRBUF_INIT;

	(void)state;
	assert_int_equal(facts->limits.count, 2);
	tell_entries(&told, "home:", home);
	tell_entries(&told, "shop:", &facts->limits.items[1].senders);
	assert_string_equal(strbuf_text(&told), "home: example.com -> OK @15\n"
						"home: home.example.com -> OK @9\n"
						"home: <> -> OK @15\n"
						"home: shop.example.com -> REJECT @4\n"
						"shop: shop.example.com -> OK @16\n"
						"shop: h.shop.example.com -> OK @10\n"
						"shop: <> -> OK @16\n");
	strbuf_done(&told);
	arena_free(arena);
}

/* A peer that brings both strangers' mail and its own: the limit must not hold up the strangers'.
 */
static void limits_let_strangers_mail_in(void **state)
{
	static const char text[] =
		"postern: 1\n"
		"domains: {a.example: {mailboxes: one}, b.example: {mailboxes: two}}\n"
		"networks: {vpn: 10.0.0.0/24}\n"
		"nodes:\n"
		"  edge: {kind: postfix, hostname: edge.example.net,\n"
		"         addresses: {internet: 192.0.2.1, vpn: 10.0.0.1}}\n"
		"  hub: {kind: postfix, hostname: hub.example.net,\n"
		"        addresses: {internet: 192.0.2.2, vpn: 10.0.0.2}}\n"
		"  one: {kind: dms, hostname: one.example.net, addresses: {vpn: 10.0.0.3}}\n"
		"  two: {kind: dms, hostname: two.example.net, addresses: {vpn: 10.0.0.4}}\n"
		"links: [{between: [edge, hub], over: vpn}, {between: [hub, one], over: vpn},\n"
		"        {between: [edge, two], over: vpn}]\n"
		"routes:\n"
		"  - {name: a, to: a.example, path: [internet, edge, hub, one]}\n"
		"  - {name: b, to: b.example, path: [internet, edge, two]}\n"
		"  - {name: a-out, from: a.example, path: [one, hub, internet]}\n"
		"  - {name: b-out, from: b.example, path: [two, edge, hub, internet]}\n";
	struct arena *arena = arena_new(0);
	const struct topology *topology = parse(arena, text);
	const struct facts *facts = facts_derive(arena, topology, find(topology, "hub"));
	struct strbuf told = STRBUF_INIT;

	(void)state;
	tell_limits(&told, facts);
	assert_string_equal(strbuf_text(&told),
			    "limits one @11 by 10.0.0.3/32 to a.example@16"
			    " one.example.net@9 <>@16\n"
			    "limits edge @11, inbound as well, by 10.0.0.1/32 to b.example@17"
			    " edge.example.net@5 <>@17\n");
	strbuf_done(&told);
	arena_free(arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(facts_follow_from_the_yaml),
		cmocka_unit_test(looking_reads_no_secret),
		cmocka_unit_test(no_mail_bypasses_the_relays),
		cmocka_unit_test(limits_let_strangers_mail_in),
		cmocka_unit_test(subdomains_of_others_are_not_covered),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

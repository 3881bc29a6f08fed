/* The records of a mail domain, policies among them. */
#include "confgen/dns/build.h"
#include "confgen/dns/rules.h"
#include "confgen/keys/store.h"

#include <ctype.h>
#include <openssl/evp.h>
#include <strings.h>

#define FIRST_PREFERENCE 10
#define MOST_LOOKUPS	 10 /* RFC 7208 4.6.4 */
#define POLICY_ID_OCTETS 10 /* of the hash; RFC 8461 3.1 takes 32 characters */
/* How long senders keep the policy: a mistake in testing should not stay long. */
#define TESTING_SECONDS 86400
#define ENFORCE_SECONDS 1209600

/* A record of the domain, with its name below it, or the domain itself for "". */
static struct dns_record record_of(const struct builder *builder, const struct domain *domain,
				   const char *below, enum dns_type type, enum dns_purpose purpose)
{
	const char *name = domain->head.name.value;

	return (struct dns_record){
		.owner = *below ? arena_printf(builder->arena, "%s.%s", below, name) : name,
		.type = type,
		.purpose = purpose,
		.domain = domain,
		.at = domain->head.name.at,
	};
}

static void add_mx(struct builder *builder, const struct domain *domain)
{
	struct position at;
	const struct node *node;

	for (unsigned i = 0; (node = build_entry(domain, i, &at)); i++) {
		struct dns_record record = record_of(builder, domain, "", DNS_MX, PURPOSE_MX);

		record.number = FIRST_PREFERENCE * (i + 1);
		record.data =
			arena_printf(builder->arena, "%u %s.", record.number, node->hostname.value);
		record.node = node;
		record.why = arena_printf(builder->arena,
					  i ? "mail for %s comes in at '%s' when the ones before "
					      "it are down"
					    : "mail for %s comes in at '%s'",
					  domain->head.name.value, node->head.name.value);
		record.at = at;
		build_add(builder, &record);
	}
}

static void add_spf(struct builder *builder, const struct domain *domain)
{
	static const char *const rest[] = {
		[SPF_SOFTFAIL] = "~all", [SPF_FAIL] = "-all", [SPF_NEUTRAL] = "?all"};
	const struct domain_dns *dns = &domain->dns;
	struct dns_record record = record_of(builder, domain, "", DNS_TXT, PURPOSE_SPF);
	struct spf_terms terms = build_spf_terms(builder, domain);
	const char *text = "v=spf1";

	for (size_t i = 0; i < dns->spf_include.count; i++)
		build_spf_add(builder, &terms,
			      arena_printf(builder->arena, "include:%s",
					   dns->spf_include.items[i].value));
	if (terms.lookups > MOST_LOOKUPS)
		dns_report(builder->list, SPF_LOOKUPS, domain->head.name.at,
			   "SPF of %s would include %zu domains: receivers make no more than 10 "
			   "look-ups, and then refuse",
			   domain->head.name.value, terms.lookups);
	if (terms.count == 0) {
		build_note(builder, domain->head.name.at,
			   "%s has no SPF record here: no route takes its mail out to a place that "
			   "the topology knows",
			   domain->head.name.value);
		return;
	}
	for (size_t i = 0; i < terms.count; i++)
		text = arena_printf(builder->arena, "%s %s", text, terms.items[i]);
	/* where not all is known, nothing may be said against the rest */
	text = arena_printf(builder->arena, "%s %s", text,
			    terms.unknown ? "?all" : rest[dns->spf.value]);
	record.why = terms.unknown
			     ? "where its mail leaves from; ?all, for not all of that is known"
			     : "where its mail leaves from, and what to think of all other hosts";
	build_add_text(builder, &record, text);
}

static void add_dkim_key(struct builder *builder, const struct domain *domain,
			 const struct text *selector, const struct dkim_key *key)
{
	struct dns_record record = record_of(
		builder, domain, arena_printf(builder->arena, "%s._domainkey", selector->value),
		DNS_TXT, PURPOSE_DKIM);
	const char *why = NULL;
	const char *text = store_record(builder->arena, builder->options->keys,
					domain->head.name.value, selector->value, &why);

	record.selector = selector->value;
	record.at = selector->at;
	record.why = "the public key of its signatures";
	if (key && key->active_from.value)
		record.why = arena_printf(builder->arena, "the public key of signatures from %s on",
					  key->active_from.value);
	else if (key && key->retire_after.value)
		record.why = arena_printf(builder->arena,
					  "the public key of signatures until %s; a week later the "
					  "record may go",
					  key->retire_after.value);
	if (text) {
		build_add_text(builder, &record, text);
		return;
	}
	dns_report(builder->list, NO_KEY, selector->at, "no record for the key '%s' of %s: %s",
		   selector->value, domain->head.name.value, why);
	diagnostics_hint(builder->list, "'postern-confgen keys' makes it; keys that lie elsewhere "
					"are found with --keys");
}

static void add_dkim(struct builder *builder, const struct domain *domain)
{
	const struct dkim *dkim = &domain->dkim;

	if (dkim->selector.value)
		add_dkim_key(builder, domain, &dkim->selector, NULL);
	for (size_t i = 0; i < dkim->keys.count; i++)
		add_dkim_key(builder, domain, &dkim->keys.items[i].selector, &dkim->keys.items[i]);
}

/* mailto: URIs with commas between them; what ends one there is written as %NN (RFC 6068). */
static const char *mail_uris(struct arena *arena, const struct text_list *addresses)
{
	const char *text = "";

	for (size_t i = 0; i < addresses->count; i++) {
		text = arena_printf(arena, "%s%smailto:", text, i ? "," : "");
		for (const char *p = addresses->items[i].value; *p; p++)
			text = arena_printf(arena,
					    isalnum((unsigned char)*p) || strchr("@.-_+", *p)
						    ? "%s%c"
						    : "%s%%%02X",
					    text, (unsigned char)*p);
	}
	return text;
}

/* RFC 7489 7.1: whoever gets reports on a strange domain must have said so. */
static void allow_reports(struct builder *builder, const struct domain *domain,
			  const struct text *address)
{
	const char *name = domain->head.name.value, *host = strchr(address->value, '@') + 1;
	const struct domain *receiver = build_domain_of(builder, host);
	struct dns_record record = {
		.owner = arena_printf(builder->arena, "%s._report._dmarc.%s", name, host),
		.type = DNS_TXT,
		.purpose = PURPOSE_DMARC_REPORT,
		.why = arena_printf(builder->arena, "lets reports on %s come to %s", name, host),
		.at = address->at,
		.domain = domain,
	};

	if (strcasecmp(build_zone(builder, name), build_zone(builder, host)) == 0)
		return;
	if (receiver)
		build_add_text(builder, &record, "v=DMARC1;");
	else
		build_note(builder, address->at,
			   "reports on %s reach %s only if %s publishes: %s. IN TXT \"v=DMARC1;\"",
			   name, address->value, host, record.owner);
}

static void add_dmarc(struct builder *builder, const struct domain *domain)
{
	static const char *const policies[] = {"none", "quarantine", "reject"};
	const struct domain_dns *dns = &domain->dns;
	struct dns_record record = record_of(builder, domain, "_dmarc", DNS_TXT, PURPOSE_DMARC);
	const char *text =
		arena_printf(builder->arena, "v=DMARC1; p=%s", policies[dns->dmarc.value]);

	if (dns->dmarc_rua.count)
		text = arena_printf(builder->arena, "%s; rua=%s", text,
				    mail_uris(builder->arena, &dns->dmarc_rua));
	record.why =
		dns->dmarc.value == DMARC_NONE
			? "asks for nothing yet; large receivers want the record all the same"
			: "what receivers are to do with mail that neither SPF nor DKIM bears out";
	if (dns->dmarc.given)
		record.at = dns->dmarc.at;
	build_add_text(builder, &record, text);
	for (size_t i = 0; i < dns->dmarc_rua.count; i++)
		allow_reports(builder, domain, &dns->dmarc_rua.items[i]);
}

static const char *policy_text(struct builder *builder, const struct domain *domain)
{
	bool enforce = domain->dns.mta_sts.value == MTA_STS_ENFORCE;
	const char *text = arena_printf(builder->arena, "version: STSv1\r\nmode: %s\r\n",
					enforce ? "enforce" : "testing");
	struct position at;
	const struct node *node;

	for (size_t i = 0; (node = build_entry(domain, i, &at)); i++)
		text = arena_printf(builder->arena, "%smx: %s\r\n", text, node->hostname.value);
	return arena_printf(builder->arena, "%smax_age: %u\r\n", text,
			    enforce ? ENFORCE_SECONDS : TESTING_SECONDS);
}

/* The id changes when the policy does, and only then. */
static const char *policy_id(struct arena *arena, const char *policy)
{
	unsigned char hash[EVP_MAX_MD_SIZE] = {0};
	const char *id = "";

	EVP_Digest(policy, strlen(policy), hash, NULL, EVP_sha256(), NULL);
	for (size_t i = 0; i < POLICY_ID_OCTETS; i++)
		id = arena_printf(arena, "%s%02x", id, hash[i]);
	return id;
}

static void add_policy_host(struct builder *builder, const struct domain *domain)
{
	const struct domain_dns *dns = &domain->dns;
	struct dns_record record =
		record_of(builder, domain, "mta-sts", DNS_CNAME, PURPOSE_MTA_STS_HOST);

	if (!dns->mta_sts_host.value) {
		build_note(builder, dns->mta_sts.at,
			   "mta-sts.%s must lead to a web server with a certificate for that name; "
			   "'mta_sts_host' names it",
			   domain->head.name.value);
		return;
	}
	if (strcasecmp(dns->mta_sts_host.value, record.owner) == 0)
		return;
	record.data = arena_printf(builder->arena, "%s.", dns->mta_sts_host.value);
	record.why = "the web server that gives the MTA-STS policy";
	record.at = dns->mta_sts_host.at;
	build_add(builder, &record);
}

static void add_mta_sts(struct builder *builder, const struct domain *domain)
{
	struct dns_record record = record_of(builder, domain, "_mta-sts", DNS_TXT, PURPOSE_MTA_STS);
	struct dns_records *out = builder->out;
	struct position unused;
	const char *policy;

	if (domain->dns.mta_sts.value == MTA_STS_OFF || !build_entry(domain, 0, &unused))
		return;
	policy = policy_text(builder, domain);
	out->policies = arena_grow(builder->arena, out->policies, out->policy_count,
				   sizeof(*out->policies));
	out->policies[out->policy_count++] = (struct dns_policy){domain, policy};
	record.at = domain->dns.mta_sts.at;
	record.why = "tells senders that there is an MTA-STS policy; the id changes with it";
	build_add_text(
		builder, &record,
		arena_printf(builder->arena, "v=STSv1; id=%s;", policy_id(builder->arena, policy)));
	add_policy_host(builder, domain);
}

static void add_tls_rpt(struct builder *builder, const struct domain *domain)
{
	struct dns_record record =
		record_of(builder, domain, "_smtp._tls", DNS_TXT, PURPOSE_TLS_RPT);

	if (domain->dns.tls_rpt.count == 0)
		return;
	record.at = domain->dns.tls_rpt.items[0].at;
	record.why = "where senders report that TLS failed";
	build_add_text(builder, &record,
		       arena_printf(builder->arena, "v=TLSRPTv1; rua=%s",
				    mail_uris(builder->arena, &domain->dns.tls_rpt)));
}

void build_domain(struct builder *builder, const struct domain *domain)
{
	add_mx(builder, domain);
	add_spf(builder, domain);
	add_dkim(builder, domain);
	add_dmarc(builder, domain);
	add_mta_sts(builder, domain);
	add_tls_rpt(builder, domain);
	build_autoconfig(builder, domain);
}

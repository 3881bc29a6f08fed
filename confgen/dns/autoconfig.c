/* Where the users' mail programs find their servers (RFC 6186, RFC 8314): SRV records. */
#include "confgen/dns/build.h"

/* In the order of model.h's services, of which SMTP has no record. */
static const char *const labels[] = {
	[SERVICE_SMTP] = NULL,
	[SERVICE_SUBMISSION] = "_submission._tcp",
	[SERVICE_SUBMISSIONS] = "_submissions._tcp",
	[SERVICE_IMAP] = "_imap._tcp",
	[SERVICE_IMAPS] = "_imaps._tcp",
	[SERVICE_POP3] = "_pop3._tcp",
	[SERVICE_POP3S] = "_pop3s._tcp",
	[SERVICE_SIEVE] = "_sieve._tcp",
};

static void add(struct builder *builder, const struct domain *domain, const struct node *node,
		int service, unsigned port, struct position at)
{
	struct dns_record record = {
		.owner = arena_printf(builder->arena, "%s.%s", labels[service],
				      domain->head.name.value),
		.type = DNS_SRV,
		.data = arena_printf(builder->arena, "0 1 %u %s.", port, node->hostname.value),
		.number = port,
		.purpose = PURPOSE_AUTOCONFIG,
		.why = "where mail programs find the server",
		.at = at,
		.domain = domain,
		.node = node,
	};

	build_add(builder, &record);
}

/* What docker-mailserver offers on its own, and encrypted, if the Internet reaches it. */
static void add_usual(struct builder *builder, const struct domain *domain, const struct node *home)
{
	static const int services[] = {SERVICE_SUBMISSION, SERVICE_SUBMISSIONS, SERVICE_IMAPS};

	for (size_t i = 0; i < sizeof(services) / sizeof(services[0]); i++)
		add(builder, domain, home, services[i], service_port(services[i]),
		    domain->mailboxes.at);
}

void build_autoconfig(struct builder *builder, const struct domain *domain)
{
	const struct node *home = domain->home;
	bool proxied = false;

	if (!home)
		return;
	for (size_t i = 0; i < home->listeners.count; i++) {
		const struct listener *listener = &home->listeners.items[i];

		proxied |= listener->proxy != NULL;
		if (listener->proxy && node_attachment(listener->proxy, NULL) &&
		    labels[listener->service.value])
			add(builder, domain, home, listener->service.value,
			    (unsigned)listener->port.value, listener->head.name.at);
	}
	if (!proxied && node_attachment(home, NULL))
		add_usual(builder, domain, home);
}

/* Judges what a mail server says of its client; see caller.h. */
#include "milter/caller.h"
#include "common/config_value.h"
#include "milter/listener_names.h"

#include <netinet/in.h>

static in_port_t port_of(const struct sockaddr *address)
{
	return address->sa_family == AF_INET6 ? ((const struct sockaddr_in6 *)address)->sin6_port
					      : ((const struct sockaddr_in *)address)->sin_port;
}

/*
 * Postfix has no network client for what sendmail(1) and its own daemons submit: it shows
 * localhost without an address, or a loopback address with port 0, which no TCP connection has. A
 * client that vanished is shown without an address too, but as "unknown".
 */
static bool is_local(const char *hostname, const struct sockaddr *address,
		     const struct ip_address *ip)
{
	if (!address || ip->family == IP_NONE)
		return strcmp(hostname, "localhost") == 0;
	return ip_is_loopback(ip) && port_of(address) == 0;
}

static void keep_text(char *out, size_t size, const char *text)
{
	snprintf(out, size, "%s", text ? text : "");
}

void caller_connect(struct caller *caller, const char *hostname, const struct sockaddr *address,
		    const struct connect_macros *macros)
{
	struct client client = {.address = {.family = IP_NONE}};

	if (address)
		client.address = ip_unmap(ip_from_sockaddr(address));
	client.local = is_local(hostname, address, &client.address);
	caller->client = client;
	caller->connected = true;
	keep_text(caller->client_text, sizeof(caller->client_text), macros->client);
	keep_text(caller->listener, sizeof(caller->listener), macros->listener);
	keep_text(caller->server, sizeof(caller->server), macros->server);
	if (!is_domain_name(caller->server))
		keep_text(caller->server, sizeof(caller->server), "localhost");
}

void caller_meet(struct caller *caller, const struct config *config)
{
	caller->client.listener = config_listener(config, caller->listener);
	listener_names_note(config, caller->listener);
}

static bool is_same(const struct caller *caller, const char *client_macro)
{
	return strncmp(caller->client_text, client_macro ? client_macro : "",
		       sizeof(caller->client_text) - 1) == 0;
}

void caller_mail(struct caller *caller, const char *client_macro)
{
	struct ip_address address;

	if (caller->connected && is_same(caller, client_macro))
		return;
	caller->connected = false;
	caller->client = (struct client){.address = {.family = IP_NONE}};
	if (client_macro && ip_parse(client_macro, &address) == IP_OK)
		caller->client.address = ip_unmap(address);
}

void caller_login(struct caller *caller, const struct config *config, const char *user)
{
	if (!user || !*user)
		return;
	keep_text(caller->user, sizeof(caller->user), user);
	caller->client.user = caller->user;
	caller->client.authenticated = true;
	caller->client.relay = config_is_relay_user(config, user);
}

void caller_rest(struct caller *caller)
{
	caller->client.listener = NULL;
	caller->client.authenticated = caller->client.relay = false;
	caller->client.user = NULL;
}

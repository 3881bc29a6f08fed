/* IP addresses and networks as values; see network.h. */
#include "common/network.h"

#include <arpa/inet.h>
#include <assert.h>
#include <netinet/in.h>
#include <strings.h>

static unsigned width(enum ip_family family)
{
	return family == IP_V4 ? 32 : 128;
}

static enum ip_error parse_bare(const char *text, struct ip_address *out)
{
	struct ip_address address = {0};

	if (inet_pton(AF_INET, text, address.octets) == 1)
		address.family = IP_V4;
	else if (inet_pton(AF_INET6, text, address.octets) == 1)
		address.family = IP_V6;
	else
		return IP_ERROR_SYNTAX;
	*out = address;
	return IP_OK;
}

/* What stands in brackets; the tag of RFC 5321 goes with IPv6 only. */
static enum ip_error parse_bracketed(const char *text, struct ip_address *out)
{
	bool tag = strncasecmp(text, "IPv6:", 5) == 0;
	struct ip_address address;
	enum ip_error error = parse_bare(tag ? text + 5 : text, &address);

	if (error == IP_OK && tag && address.family != IP_V6)
		return IP_ERROR_SYNTAX;
	if (error == IP_OK)
		*out = address;
	return error;
}

enum ip_error ip_parse(const char *text, struct ip_address *out)
{
	char bare[IP_TEXT_SIZE];
	size_t length = strlen(text);

	if (length >= sizeof(bare))
		return IP_ERROR_SYNTAX;
	if (text[0] != '[')
		return parse_bare(text, out);
	if (text[length - 1] != ']')
		return IP_ERROR_SYNTAX;
	memcpy(bare, text + 1, length - 2);
	bare[length - 2] = '\0';
	return parse_bracketed(bare, out);
}

static enum ip_error parse_prefix(const char *text, unsigned most, unsigned *out)
{
	unsigned value = 0;

	if (*text == '\0' || (text[0] == '0' && text[1] != '\0'))
		return IP_ERROR_PREFIX;
	for (; *text; text++) {
		if (*text < '0' || *text > '9')
			return IP_ERROR_PREFIX;
		value = value * 10 + (unsigned)(*text - '0');
		if (value > most)
			return IP_ERROR_PREFIX;
	}
	*out = value;
	return IP_OK;
}

static unsigned char prefix_mask(unsigned prefix, unsigned octet)
{
	if (prefix >= octet * 8 + 8)
		return 0xff;
	if (prefix <= octet * 8)
		return 0;
	return (unsigned char)(0xff << (8 - (prefix - octet * 8)));
}

enum ip_error ip_network_parse(const char *text, struct ip_network *out)
{
	const char *slash = strchr(text, '/');
	size_t length = slash ? (size_t)(slash - text) : strlen(text);
	struct ip_network network = {0};
	char address[IP_TEXT_SIZE];
	enum ip_error error;

	if (length >= sizeof(address))
		return IP_ERROR_SYNTAX;
	memcpy(address, text, length);
	address[length] = '\0';
	error = ip_parse(address, &network.address);
	if (error != IP_OK)
		return error;
	network.prefix = width(network.address.family);
	if (slash)
		error = parse_prefix(slash + 1, network.prefix, &network.prefix);
	if (error != IP_OK)
		return error;
	for (unsigned i = 0; i < width(network.address.family) / 8; i++)
		if (network.address.octets[i] & (unsigned char)~prefix_mask(network.prefix, i))
			return IP_ERROR_HOST_BITS;
	*out = network;
	return IP_OK;
}

struct ip_address ip_from_sockaddr(const struct sockaddr *address)
{
	struct ip_address ip = {0};

	if (!address)
		return ip;
	if (address->sa_family == AF_INET) {
		ip.family = IP_V4;
		memcpy(ip.octets, &((const struct sockaddr_in *)(const void *)address)->sin_addr,
		       4);
	} else if (address->sa_family == AF_INET6) {
		ip.family = IP_V6;
		memcpy(ip.octets, &((const struct sockaddr_in6 *)(const void *)address)->sin6_addr,
		       16);
	}
	return ip;
}

struct ip_address ip_unmap(struct ip_address address)
{
	static const unsigned char mapped[12] = {[10] = 0xff, [11] = 0xff};
	struct ip_address v4 = {.family = IP_V4};

	if (address.family != IP_V6 || memcmp(address.octets, mapped, sizeof(mapped)) != 0)
		return address;
	memcpy(v4.octets, address.octets + 12, 4);
	return v4;
}

char *ip_format(const struct ip_address *address, char *text)
{
	const char *done = inet_ntop(address->family == IP_V4 ? AF_INET : AF_INET6, address->octets,
				     text, IP_TEXT_SIZE);

	assert(done && address->family != IP_NONE);
	(void)done;
	return text;
}

char *ip_network_format(const struct ip_network *network, char *text)
{
	size_t length = strlen(ip_format(&network->address, text));

	snprintf(text + length, IP_TEXT_SIZE - length, "/%u", network->prefix);
	return text;
}

char *ip_network_format_postfix(const struct ip_network *network, char *text)
{
	char bare[INET6_ADDRSTRLEN];

	if (network->address.family == IP_V4)
		return ip_network_format(network, text);
	if (!inet_ntop(AF_INET6, network->address.octets, bare, sizeof(bare)))
		assert(!"an IPv6 address always has a text");
	snprintf(text, IP_TEXT_SIZE, "[%s]/%u", bare, network->prefix);
	return text;
}

bool ip_equal(const struct ip_address *a, const struct ip_address *b)
{
	return a->family == b->family && memcmp(a->octets, b->octets, sizeof(a->octets)) == 0;
}

struct ip_network ip_host_network(const struct ip_address *address)
{
	return (struct ip_network){.address = *address, .prefix = width(address->family)};
}

bool ip_network_contains(const struct ip_network *network, const struct ip_address *address)
{
	if (network->address.family != address->family || address->family == IP_NONE)
		return false;
	for (unsigned i = 0; i < width(address->family) / 8; i++)
		if ((address->octets[i] & prefix_mask(network->prefix, i)) !=
		    network->address.octets[i])
			return false;
	return true;
}

bool ip_network_overlaps(const struct ip_network *a, const struct ip_network *b)
{
	return ip_network_contains(a, &b->address) || ip_network_contains(b, &a->address);
}

bool ip_network_equal(const struct ip_network *a, const struct ip_network *b)
{
	return a->prefix == b->prefix && ip_equal(&a->address, &b->address);
}

static bool in_table(const struct ip_address *address, const char *const *table)
{
	struct ip_network network;

	for (; *table; table++)
		if (ip_network_parse(*table, &network) == IP_OK &&
		    ip_network_contains(&network, address))
			return true;
	return false;
}

bool ip_is_loopback(const struct ip_address *address)
{
	static const char *const table[] = {"127.0.0.0/8", "::1/128", NULL};

	return in_table(address, table);
}

bool ip_is_unspecified(const struct ip_address *address)
{
	static const char *const table[] = {"0.0.0.0/32", "::/128", NULL};

	return in_table(address, table);
}

bool ip_is_link_local(const struct ip_address *address)
{
	static const char *const table[] = {"169.254.0.0/16", "fe80::/10", NULL};

	return in_table(address, table);
}

bool ip_is_multicast(const struct ip_address *address)
{
	static const char *const table[] = {"224.0.0.0/4", "ff00::/8", NULL};

	return in_table(address, table);
}

bool ip_network_is_private(const struct ip_network *network)
{
	static const char *const table[] = {
		"10.0.0.0/8",	 "172.16.0.0/12", "192.168.0.0/16", "127.0.0.0/8", "169.254.0.0/16",
		"100.64.0.0/10", "fc00::/7",	  "fe80::/10",	    "::1/128",	   NULL};
	struct ip_network private;

	for (const char *const *row = table; *row; row++)
		if (ip_network_parse(*row, &private) == IP_OK &&
		    network->prefix >= private.prefix &&
		    ip_network_contains(&private, &network->address))
			return true;
	return false;
}

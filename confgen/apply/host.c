/* Is this machine the node? See host.h. */
#include "confgen/apply/host.h"

#include <ifaddrs.h>
#include <netdb.h>
#include <netinet/in.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

const char *host_name(struct arena *arena)
{
	char name[256] = "";

	gethostname(name, sizeof(name) - 1);
	return arena_strdup(arena, name);
}

/* The host name, or its first part where the machine says no more than that. */
static bool has_name(struct arena *arena, const char *wanted)
{
	const char *name = host_name(arena);
	size_t length = strlen(name);

	if (!length)
		return false;
	if (strcasecmp(name, wanted) == 0)
		return true;
	return !strchr(name, '.') && strncasecmp(name, wanted, length) == 0 &&
	       wanted[length] == '.';
}

static bool same_address(const struct sockaddr *has, const struct ip_address *wanted)
{
	char text[IP_TEXT_SIZE], other[NI_MAXHOST];
	socklen_t size = has->sa_family == AF_INET ? sizeof(struct sockaddr_in)
						   : sizeof(struct sockaddr_in6);

	if (has->sa_family != AF_INET && has->sa_family != AF_INET6)
		return false;
	if (getnameinfo(has, size, other, sizeof(other), NULL, 0, NI_NUMERICHOST) != 0)
		return false;
	other[strcspn(other, "%")] = '\0';
	return strcmp(other, ip_format(wanted, text)) == 0;
}

static bool has_address(const struct node *node)
{
	struct ifaddrs *all = NULL;
	bool found = false;

	if (getifaddrs(&all) < 0)
		return false;
	for (const struct ifaddrs *one = all; one && !found; one = one->ifa_next)
		for (size_t i = 0; one->ifa_addr && i < node->addresses.count && !found; i++) {
			const struct attachment *in = &node->addresses.items[i];

			for (size_t j = 0; j < in->addresses.count && !found; j++)
				found = same_address(one->ifa_addr, &in->addresses.items[j].value);
		}
	freeifaddrs(all);
	return found;
}

bool host_is(struct arena *arena, const struct node *node)
{
	return (node->hostname.value && has_name(arena, node->hostname.value)) || has_address(node);
}

static bool is_ours(const struct node *node)
{
	return node->kind.value == KIND_POSTFIX || node->kind.value == KIND_DMS;
}

const struct node *host_find(struct arena *arena, const struct topology *topology)
{
	const struct node *found = NULL;

	for (size_t i = 0; i < topology->nodes.count; i++) {
		const struct node *node = &topology->nodes.items[i];

		if (!is_ours(node) || !host_is(arena, node))
			continue;
		if (found)
			return NULL;
		found = node;
	}
	return found;
}

const struct node *host_named(const struct topology *topology, const char *name)
{
	for (size_t i = 0; i < topology->nodes.count; i++)
		if (strcmp(topology->nodes.items[i].head.name.value, name) == 0)
			return is_ours(&topology->nodes.items[i]) ? &topology->nodes.items[i]
								  : NULL;
	return NULL;
}

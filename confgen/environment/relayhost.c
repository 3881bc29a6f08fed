/* Host and port of a next hop; see relayhost.h. */
#include "confgen/environment/relayhost.h"
#include "common/network.h"

#include <string.h>

static const struct {
	const char *name;
	unsigned port;
} services[] = {{"smtp", 25}, {"submission", 587}, {"submissions", 465}, {"smtps", 465}};

/* A number, or a service by name; 0 if it is neither. */
static unsigned parse_port(const char *text)
{
	unsigned port = 0;

	for (size_t i = 0; i < sizeof(services) / sizeof(services[0]); i++)
		if (strcmp(text, services[i].name) == 0)
			return services[i].port;
	for (const char *p = text; *p; p++) {
		if (*p < '0' || *p > '9' || port > 65535)
			return 0;
		port = port * 10 + (unsigned)(*p - '0');
	}
	return port > 65535 ? 0 : port;
}

const char *relayhost_parse(struct arena *arena, const char *value, struct relayhost *out)
{
	bool brackets = value[0] == '[';
	const char *end = brackets ? strchr(value, ']') : strchrnul(value, ':');
	const char *after = end ? end + brackets : NULL;
	struct relayhost result = {.port = 25};
	struct ip_address address;

	if (!end || (*after && *after != ':') || (!brackets && *after && strchr(after + 1, ':')))
		return "is no next hop: write [HOST]:PORT";
	if (value[strcspn(value, ", \t")])
		return "is more than one next hop: write a topology for several";
	result.host = arena_strndup(arena, value + brackets, (size_t)(end - value) - brackets);
	result.mx = !brackets && ip_parse(result.host, &address) != IP_OK;
	if (*after)
		result.port = parse_port(after + 1);
	if (!result.port)
		return "has no port between 1 and 65535 after its colon";
	*out = result;
	return NULL;
}

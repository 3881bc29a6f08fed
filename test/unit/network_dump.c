/*
 * Prints what common/network.h says of each line of standard input, two networks and a blank
 * between them, for comparison with another library: seven fields about the first network, then
 * whether it contains the second's address, shares one with it, and equals it.
 */
#include "common/network.h"

#include <stdio.h>

static const char *const verdicts[] = {
	[IP_OK] = "ok",
	[IP_ERROR_SYNTAX] = "syntax",
	[IP_ERROR_PREFIX] = "prefix",
	[IP_ERROR_HOST_BITS] = "host-bits",
};

static void dump(const char *first, const char *second)
{
	char plain[IP_TEXT_SIZE], postfix[IP_TEXT_SIZE], unmapped[IP_TEXT_SIZE];
	struct ip_network a, b;
	struct ip_address v4;
	enum ip_error error = ip_network_parse(first, &a);

	if (error != IP_OK) {
		puts(verdicts[error]);
		return;
	}
	v4 = ip_unmap(a.address);
	printf("ok %s %s %s %d%d%d%d%d", ip_network_format(&a, plain),
	       ip_network_format_postfix(&a, postfix), ip_format(&v4, unmapped),
	       ip_is_loopback(&a.address), ip_is_unspecified(&a.address),
	       ip_is_link_local(&a.address), ip_is_multicast(&a.address),
	       ip_network_is_private(&a));
	if (ip_network_parse(second, &b) == IP_OK)
		printf(" %d%d%d", ip_network_contains(&a, &b.address), ip_network_overlaps(&a, &b),
		       ip_network_equal(&a, &b));
	putchar('\n');
}

int main(void)
{
	char *line = NULL;
	size_t size = 0;

	while (getline(&line, &size, stdin) > 0) {
		char *second = strchr(line, ' ');

		line[strcspn(line, "\n")] = '\0';
		if (second)
			*second++ = '\0';
		dump(line, second ? second : "");
	}
	free(line);
	return 0;
}

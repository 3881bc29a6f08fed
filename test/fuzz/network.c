/* Networks: what is read can be written and read again as the same, and holds itself. */

#include "common/network.h"

#include <assert.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const struct ip_network *network, const char *text)
{
	struct ip_network again;

	assert(ip_network_parse(text, &again) == IP_OK);
	assert(ip_network_equal(network, &again));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char plain[IP_TEXT_SIZE], postfix[IP_TEXT_SIZE], *text = malloc(size + 1);
	struct ip_network network, host;
	struct ip_address unmapped;

	if (!text)
		return 0;
	if (size)
		memcpy(text, data, size);
	text[size] = '\0';
	if (ip_network_parse(text, &network) == IP_OK) {
		check(&network, ip_network_format(&network, plain));
		check(&network, ip_network_format_postfix(&network, postfix));
		assert((strchr(postfix, '[') != NULL) == (network.address.family == IP_V6));
		assert(ip_network_contains(&network, &network.address));
		host = ip_host_network(&network.address);
		assert(ip_network_overlaps(&network, &host) &&
		       ip_network_overlaps(&host, &network));
		assert(!ip_network_is_private(&network) || ip_network_is_private(&host));
		unmapped = ip_unmap(network.address);
		assert(unmapped.family == IP_V4 || ip_equal(&unmapped, &network.address));
	}
	free(text);
	return 0;
}

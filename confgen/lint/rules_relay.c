/* Who may send through this host; the rows are in rows_relay.h. */
#include "common/network.h"
#include "confgen/lint/rules.h"

void lint_R01(const struct lint *lint, const struct lint_rule *rule)
{
	const struct configuration *configuration = lint->configuration;
	const struct value *value = configuration_value(configuration, NULL, "mynetworks");
	struct list items = list_split(lint->arena, &value->text);
	struct ip_network network;

	for (size_t i = 0; i < items.count; i++) {
		const struct list_item *item = &items.items[i];

		if (item->negated || ip_network_parse(item->text.text, &network) != IP_OK ||
		    ip_network_is_private(&network))
			continue;
		lint_report(lint, rule,
			    configuration_part_position(configuration, NULL, value, &item->text),
			    "'%s' is public, and may relay", item->text.text);
		diagnostics_hint(lint->list, "name single hosts: ADDRESS/32");
	}
}

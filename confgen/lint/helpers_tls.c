/* Levels of TLS; see helpers_tls.h. */
#include "confgen/lint/helpers_tls.h"

#include <strings.h>

static bool level_parse(const char *word, size_t length, enum tls_level *out)
{
	static const struct {
		const char *name;
		enum tls_level level;
	} names[] = {{"none", TLS_NONE},
		     {"may", TLS_MAY},
		     {"encrypt", TLS_ENCRYPT},
		     {"dane", TLS_DANE},
		     {"dane-only", TLS_DANE_ONLY},
		     {"half-dane", TLS_DANE},
		     {"fingerprint", TLS_FINGERPRINT},
		     {"verify", TLS_VERIFY},
		     {"secure", TLS_SECURE}};

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (strlen(names[i].name) == length &&
		    strncasecmp(names[i].name, word, length) == 0) {
			*out = names[i].level;
			return true;
		}
	return false;
}

bool tls_client_level(const struct lint *lint, const struct service *client, enum tls_level *out)
{
	const struct configuration *configuration = lint->configuration;
	const struct value *value =
		configuration_value(configuration, client, "smtp_tls_security_level");

	if (value->failed ||
	    configuration_value(configuration, client, "smtp_tls_per_site")->text.length)
		return false;
	if (value->text.length)
		return level_parse(value->text.text, value->text.length, out);
	*out = configuration_yes(configuration, client, "smtp_enforce_tls") ? TLS_ENCRYPT
	       : configuration_yes(configuration, client, "smtp_use_tls")   ? TLS_MAY
									    : TLS_NONE;
	return true;
}

bool tls_hop_level(const struct lint *lint, const struct hop *hop, enum tls_level *out)
{
	const struct value *maps =
		configuration_value(lint->configuration, hop->client, "smtp_tls_policy_maps");
	struct readable readable = routing_readable(lint, maps);
	const struct table_entry *entry;

	for (size_t i = 0; i < readable.count; i++) {
		if (!readable.items[i]->index)
			return false;
		entry = table_find(readable.items[i], hop->next.text.text);
		if (entry)
			return level_parse(entry->value.text, strcspn(entry->value.text, " \t,"),
					   out);
	}
	return readable.whole && tls_client_level(lint, hop->client, out);
}

struct position tls_level_position(const struct lint *lint, const struct service *client)
{
	const struct value *value =
		configuration_value(lint->configuration, client, "smtp_tls_security_level");

	return configuration_position(lint->configuration, value->set ? client : NULL, value);
}

enum tls_level tls_server_level(const struct lint *lint, const struct service *service)
{
	const struct configuration *configuration = lint->configuration;
	const struct value *value =
		configuration_value(configuration, service, "smtpd_tls_security_level");
	enum tls_level level = TLS_NONE;

	if (configuration_yes(configuration, service, "smtpd_tls_wrappermode") ||
	    configuration_yes(configuration, service, "smtpd_enforce_tls"))
		return TLS_ENCRYPT;
	if (value->text.length)
		level_parse(value->text.text, value->text.length, &level);
	else if (configuration_yes(configuration, service, "smtpd_use_tls"))
		level = TLS_MAY;
	return level;
}

bool tls_has_word(const struct lint *lint, const struct service *service, const char *name,
		  const char *word)
{
	struct list list = list_split(
		lint->arena, &configuration_value(lint->configuration, service, name)->text);

	for (size_t i = 0; i < list.count; i++)
		if (strcasecmp(list.items[i].text.text, word) == 0)
			return true;
	return false;
}

/* Milters that sign; the rows are in rows_operation.h. */
#include "confgen/lint/helpers_listener.h"
#include "confgen/lint/helpers_routing.h"
#include "confgen/lint/rules.h"

#include <strings.h>

/* Whether the name of a socket is that of a milter that signs with DKIM. */
static bool signs(const char *milter)
{
	static const char *const marks[] = {"dkim", "postern", ":8891", ":12301", ":8894"};

	for (size_t i = 0; i < sizeof(marks) / sizeof(*marks); i++)
		if (strcasestr(milter, marks[i]))
			return true;
	return false;
}

/* The first milter of a list that signs; false: there is none. */
static bool find_signer(const struct lint *lint, const struct service *service,
			const char *parameter, struct list_item *out)
{
	const struct value *value = configuration_value(lint->configuration, service, parameter);
	struct list list = list_split(lint->arena, &value->text);

	for (size_t i = 0; i < list.count; i++)
		if (signs(list.items[i].text.text)) {
			*out = list.items[i];
			return true;
		}
	return false;
}

void lint_I05(const struct lint *lint, const struct lint_rule *rule)
{
	const struct configuration *configuration = lint->configuration;
	static const char *const lists[] = {"smtpd_milters", "non_smtpd_milters"};
	const struct service *service = NULL;
	struct places places = {0};
	struct list_item signer;
	size_t at = 0;

	do {
		const struct value *action =
			configuration_value(configuration, service, "milter_default_action");
		struct position where = configuration_position(configuration, service, action);

		for (size_t i = 0; i < 2; i++) {
			if (!text_equal_case(&action->text, "accept") || !action->set ||
			    (service && !configuration_reads(service, lists[i])) ||
			    !find_signer(lint, service, lists[i], &signer) ||
			    strstr(signer.text.text, "default_action") ||
			    !routing_first(lint, &places, where))
				continue;
			lint_report(lint, rule, where,
				    "while '%s' is down, mail leaves without its signature",
				    signer.text.text);
			diagnostics_hint(lint->list,
					 "set it to tempfail, or for that milter alone: "
					 "{ %s, default_action=tempfail }",
					 signer.text.text);
		}
	} while ((service = configuration_next(configuration, NULL, &at)));
}

void lint_I06(const struct lint *lint, const struct lint_rule *rule)
{
	const struct configuration *configuration = lint->configuration;
	const struct value *other = configuration_value(configuration, NULL, "non_smtpd_milters");
	const struct value *milters = configuration_value(configuration, NULL, "smtpd_milters");
	struct list_item signer;

	if (other->text.length || other->failed ||
	    !find_signer(lint, NULL, "smtpd_milters", &signer))
		return;
	lint_report(lint, rule, configuration_position(configuration, NULL, milters),
		    "what programs of this host send with sendmail(1) is not signed");
	diagnostics_hint(lint->list, "set non_smtpd_milters = $smtpd_milters");
}

void lint_I17(const struct lint *lint, const struct lint_rule *rule)
{
	const struct configuration *configuration = lint->configuration;
	const struct value *classes =
		configuration_value(configuration, NULL, "internal_mail_filter_classes");
	struct list_item signer;

	if (strcasestr(classes->text.text, "bounce") || classes->failed ||
	    !find_signer(lint, NULL, "non_smtpd_milters", &signer))
		return;
	lint_report(lint, rule,
		    configuration_part_position(
			    configuration, NULL,
			    configuration_value(configuration, NULL, "non_smtpd_milters"),
			    &signer.text),
		    "bounces do not pass non_smtpd_milters, and leave unsigned");
	diagnostics_hint(lint->list, "set internal_mail_filter_classes = bounce");
}

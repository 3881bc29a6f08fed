/* Parameters that are set again, or by an old name; the rows are in rows_syntax.h. */
#include "confgen/lint/helpers_fix.h"
#include "confgen/lint/helpers_syntax.h"
#include "confgen/lint/rules.h"

static void check_again(const struct lint *lint, const struct lint_rule *rule,
			const struct syntax_setting *setting)
{
	const struct assignment *now = setting->assignment, *before = now->replaced;

	if (!before || !text_equal(&before->value, now->value.text))
		return;
	lint_report(lint, rule, text_position(&now->name),
		    "'%s' is set to the same in line %u: who changes that one changes nothing",
		    setting->name, text_position(&before->name).line);
	diagnostics_hint(lint->list, "remove the other one");
	if (!setting->service)
		fix_delete(lint, before);
}

void lint_S21(const struct lint *lint, const struct lint_rule *rule)
{
	syntax_each(lint, rule, check_again);
}

/* Whether some value that is set refers to the name. */
static bool is_referred_to(const struct lint *lint, const char *name)
{
	struct syntax_settings settings = syntax_settings(lint);

	for (size_t i = 0; i < settings.count; i++) {
		const char *at = settings.items[i].assignment->value.text;

		for (; (at = strstr(at, name)); at++)
			if (at > settings.items[i].assignment->value.text && strchr("$({", at[-1]))
				return true;
	}
	return false;
}

/* Whether the default of the new name is the value of the old one, and nothing is added to it. */
static bool takes_over(const char *value, const char *old)
{
	size_t length = strlen(old), all = value ? strlen(value) : 0;

	if (all > length && value[0] == '$' && strcmp(value + 1, old) == 0)
		return true;
	return all > length + 3 && strncmp(value, "${", 2) == 0 &&
	       strncmp(value + 2, old, length) == 0 && strchr("?:", value[2 + length]) &&
	       list_balanced(value, 1, all) == all - 1;
}

static void check_old_name(const struct lint *lint, const struct lint_rule *rule,
			   const struct syntax_setting *setting)
{
	enum postfix_release release = lint->configuration->release;
	const struct parameter *old = parameter_find(setting->name), *new;

	new = old && old->successor ? parameter_find(old->successor) : NULL;
	if (!new || parameter_in(old, release) || !parameter_in(new, release) ||
	    !setting->value->raw.length ||
	    !takes_over(parameter_default(new, release), setting->name))
		return;
	if (configuration_value(lint->configuration, setting->service, new->name)->set) {
		lint_report(lint, rule, text_position(&setting->assignment->name),
			    "'%s' is the old name of '%s', which is set as well: this does nothing",
			    setting->name, new->name);
		diagnostics_hint(lint->list, "delete it");
		return;
	}
	lint_report(lint, rule, text_position(&setting->assignment->name),
		    "'%s' is the old name of '%s'", setting->name, new->name);
	diagnostics_hint(lint->list, "write %s", new->name);
	if (!setting->service && !fix_is_overridden(lint, setting->name) &&
	    !fix_is_overridden(lint, new->name) && !is_referred_to(lint, setting->name))
		lint_fix(lint, &setting->assignment->name, new->name);
}

void lint_S22(const struct lint *lint, const struct lint_rule *rule)
{
	syntax_each(lint, rule, check_old_name);
}

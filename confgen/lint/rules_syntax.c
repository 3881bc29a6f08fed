/* Parameters and values that are not what they look like; the rows are in rows_syntax.h. */
#include "common/suggest.h"
#include "confgen/lint/helpers_fix.h"
#include "confgen/lint/helpers_syntax.h"
#include "confgen/lint/rules.h"

#include <ctype.h>
#include <strings.h>

/* Texts for people, and commands, in which a '#' may be meant. */
static bool may_hold_hash(const struct syntax_setting *setting, size_t at)
{
	const struct text *value = &setting->assignment->value;

	if (at == 0)
		return !memchr(value->text, ' ', value->length) && value->length < 4;
	return setting->kind == PARAMETER_STRING && !text_is_space(value->text[at + 1]);
}

/* The comment comes before the assignment, if that is one line of main.cf. */
static void fix_comment(const struct lint *lint, const struct syntax_setting *setting, size_t at)
{
	const struct text *value = &setting->assignment->value;
	struct text comment = text_slice(lint->arena, value, at, value->length - at);
	const struct source *source;
	struct fix_range range;
	size_t hash, end;

	if (setting->kind == PARAMETER_STRING || !fix_lines(setting->assignment, &range) ||
	    memchr(range.source->text + range.start, '\n', range.end - range.start) ||
	    !text_range(&comment, &source, &hash) || source != range.source)
		return;
	for (end = hash; end > range.start && text_is_space(source->text[end - 1]);)
		end--;
	fix_replace(lint, setting->assignment,
		    arena_printf(lint->arena, "%s\n%.*s", comment.text, (int)(end - range.start),
				 source->text + range.start));
}

static void check_comment(const struct lint *lint, const struct lint_rule *rule,
			  const struct syntax_setting *setting)
{
	const struct text *value = &setting->assignment->value;

	for (size_t at = 0; at < value->length; at++) {
		if (value->text[at] != '#' || (at && !text_is_space(value->text[at - 1])) ||
		    may_hold_hash(setting, at))
			continue;
		lint_report(lint, rule, text_position_at(value, at),
			    "this is no comment, but part of the value of '%s'", setting->name);
		diagnostics_hint(lint->list, "put the comment on a line of its own");
		fix_comment(lint, setting, at);
		return;
	}
}

void lint_S03(const struct lint *lint, const struct lint_rule *rule)
{
	syntax_each(lint, rule, check_comment);
}

static void check_twice(const struct lint *lint, const struct lint_rule *rule,
			const struct syntax_setting *setting)
{
	const struct assignment *now = setting->assignment, *before = now->replaced;

	if (!before || text_equal(&before->value, now->value.text))
		return;
	lint_report(lint, rule, text_position(&now->name),
		    "'%s' is set already, in line %u: only this one counts", setting->name,
		    text_position(&before->name).line);
	diagnostics_hint(lint->list, "remove one of them");
}

void lint_S04(const struct lint *lint, const struct lint_rule *rule)
{
	syntax_each(lint, rule, check_twice);
}

static void report_other_release(const struct lint *lint, const struct lint_rule *rule,
				 const struct syntax_setting *setting)
{
	const struct parameter *parameter = parameter_find(setting->name);
	unsigned short version = syntax_version(lint);
	struct position at = text_position(&setting->assignment->name);
	size_t prefix;

	if (!parameter->releases && parameter_suffix_find(setting->name, &prefix))
		return;
	if (parameter->since > version) {
		lint_report(lint, rule, at, "'%s' is of Postfix %s: %s ignores it", setting->name,
			    syntax_version_text(lint, parameter->since),
			    syntax_version_text(lint, version));
		diagnostics_hint(lint->list, "remove it, or give the release that is meant: "
					     "--target-postfix");
		return;
	}
	lint_report(lint, rule, at, "'%s' is no parameter of Postfix %s any more", setting->name,
		    syntax_version_text(lint, version));
	if (parameter->successor && *parameter->successor)
		diagnostics_hint(lint->list, "use %s", parameter->successor);
	else
		diagnostics_hint(lint->list, "remove it");
}

/* Whether a default refers to the name: then the old name still does what it did. */
static bool is_default(const struct lint *lint, const char *name)
{
	size_t count, length = strlen(name);
	const struct parameter *all = parameter_all(&count);

	for (size_t i = 0; i < count; i++) {
		const char *text =
			parameter_in(&all[i], lint->configuration->release)
				? parameter_default(&all[i], lint->configuration->release)
				: NULL;

		while (text && (text = strchr(text, '$'))) {
			text++;
			text += *text == '{';
			if (strncmp(text, name, length) == 0 &&
			    !isalnum((unsigned char)text[length]) && text[length] != '_')
				return true;
		}
	}
	return false;
}

static void report_unknown(const struct lint *lint, const struct lint_rule *rule,
			   const struct syntax_setting *setting)
{
	const struct configuration *configuration = lint->configuration;
	size_t count, prefix;
	const char *const *names = parameter_names(&count);
	const char *near = lint_suggest(lint, setting->name, names, count);
	const struct parameter_suffix *suffix = parameter_suffix_find(setting->name, &prefix);

	/* what only the other file could tell */
	if ((suffix && !configuration->has_master) ||
	    (setting->service && !configuration->has_main))
		return;
	lint_report(lint, rule, text_position(&setting->assignment->name),
		    "Postfix knows no parameter '%s', and nothing refers to it", setting->name);
	if (near)
		diagnostics_hint(lint->list, "did you mean '%s'?", near);
	else if (suffix)
		diagnostics_hint(lint->list, "master.cf has no service '%.*s' that this is for",
				 (int)prefix, setting->name);
	else
		diagnostics_hint(lint->list, "remove it, or see postconf(5) for its name");
}

static void check_name(const struct lint *lint, const struct lint_rule *rule,
		       const struct syntax_setting *setting)
{
	enum name_class class = configuration_classify(lint->configuration, setting->name);

	if (class == NAME_OTHER_RELEASE && !is_default(lint, setting->name))
		report_other_release(lint, rule, setting);
	else if (class == NAME_UNKNOWN)
		report_unknown(lint, rule, setting);
}

void lint_S05(const struct lint *lint, const struct lint_rule *rule)
{
	syntax_each(lint, rule, check_name);
}

/* Parameters whose $names are for shells, mailboxes and replies, not for main.cf. */
static bool is_raw(const struct lint *lint, const struct undefined_name *undefined)
{
	static const char *const names[] = {"command_execution_directory",
					    "default_rbl_reply",
					    "forward_path",
					    "luser_relay",
					    "mailbox_command",
					    "postscreen_reject_footer",
					    "smtpd_reject_footer"};

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		const struct value *value =
			configuration_value(lint->configuration, undefined->service, names[i]);

		if (value->set && value->set->value.map == undefined->name.map)
			return true;
	}
	return false;
}

/* A name as environments have it: the file is what envsubst or a script is given. */
static bool is_environment(const char *name)
{
	size_t capitals = 0;

	for (; *name; name++) {
		if (islower((unsigned char)*name))
			return false;
		capitals += isupper((unsigned char)*name) != 0;
	}
	return capitals > 1;
}

/* Whether the value that refers to the name is that of `setting`: it would refer to itself. */
static bool is_own(const struct lint *lint, const struct undefined_name *undefined,
		   const char *setting)
{
	const struct value *value =
		configuration_value(lint->configuration, undefined->service, setting);

	return value->set && value->set->value.map == undefined->name.map;
}

void lint_S06(const struct lint *lint, const struct lint_rule *rule)
{
	const struct undefined_names *undefined = &lint->configuration->undefined;
	size_t count;
	const char *const *names = parameter_names(&count);

	/* what main.cf would define is not known without it */
	for (size_t i = 0; lint->configuration->has_main && i < undefined->count; i++) {
		const char *name = undefined->items[i].name.text;
		const char *near = lint_suggest(lint, name, names, count);

		if (is_raw(lint, &undefined->items[i]))
			continue;
		lint_report(lint, rule, text_position(&undefined->items[i].name),
			    "nothing defines $%s: Postfix takes it for empty", name);
		if (is_environment(name))
			diagnostics_hint(lint->list,
					 "Postfix does not read environment variables: if a script "
					 "puts values here, give lint what it writes");
		else if (near && !is_own(lint, &undefined->items[i], near))
			diagnostics_hint(lint->list, "did you mean '%s'?", near);
		else
			diagnostics_hint(lint->list, "define it in main.cf; environment variables "
						     "are not read, and a '$' is written $$");
	}
}

static bool is_word_of(const char *word, const char *digits, const char *units)
{
	size_t used = strspn(word, digits);

	return used && (!word[used] || (*units && strchr(units, word[used]) && !word[used + 1]));
}

/* What is wrong with a value of this kind; NULL: nothing. */
static const char *why_wrong(const struct syntax_setting *setting)
{
	const char *text = setting->value->text.text;

	if (setting->kind == PARAMETER_BOOLEAN)
		return strcasecmp(text, "yes") == 0 || strcasecmp(text, "no") == 0
			       ? NULL
			       : "must be yes or no";
	if (*text == '-')
		text++;
	/* feedback is a number or an expression, see SCHEDULER_README */
	if (setting->kind == PARAMETER_INTEGER && !strstr(setting->name, "_feedback"))
		return is_word_of(text, "0123456789", "") ? NULL : "must be a number";
	if (setting->kind == PARAMETER_TIME)
		return is_word_of(text, "0123456789", "smhdw")
			       ? NULL
			       : "must be a time: a number and s, m, h, d or w";
	return NULL;
}

/* What a word for yes or no in other languages means; NULL: none that is known. */
static const char *boolean_of(const char *word)
{
	static const struct {
		const char *word, *meaning;
	} words[] = {{"true", "yes"}, {"on", "yes"}, {"1", "yes"}, {"enabled", "yes"},
		     {"false", "no"}, {"off", "no"}, {"0", "no"},  {"disabled", "no"}};

	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
		if (strcasecmp(word, words[i].word) == 0)
			return words[i].meaning;
	return NULL;
}

static void check_kind(const struct lint *lint, const struct lint_rule *rule,
		       const struct syntax_setting *setting)
{
	const struct parameter *parameter = parameter_find(setting->name);
	const char *why;
	size_t prefix;

	/* S03 speaks of comments, S06 of names that nothing defines; a level has a syntax of its
	 * own */
	if (setting->value->failed ||
	    (!setting->value->text.length && strchr(setting->assignment->value.text, '$')) ||
	    strchr(setting->assignment->value.text, '#') ||
	    strcmp(setting->name, "compatibility_level") == 0 ||
	    (setting->service && !lint->configuration->has_main) ||
	    (parameter && !parameter_in(parameter, lint->configuration->release) &&
	     !parameter_suffix_find(setting->name, &prefix)))
		return;
	why = why_wrong(setting);
	if (!why)
		return;
	lint_report(lint, rule, syntax_place(lint, setting, &setting->value->text),
		    "'%s' is '%.40s', but %s: Postfix does not start with it", setting->name,
		    setting->value->text.text, why);
	if (setting->kind == PARAMETER_BOOLEAN) {
		const char *meaning = boolean_of(setting->assignment->value.text);

		diagnostics_hint(lint->list, "write yes or no: true, 1 and on are not taken");
		if (meaning)
			lint_fix(lint, &setting->assignment->value, meaning);
	} else {
		diagnostics_hint(lint->list, "the default is '%s'",
				 parameter && parameter->value ? parameter->value : "0");
	}
}

void lint_S20(const struct lint *lint, const struct lint_rule *rule)
{
	syntax_each(lint, rule, check_kind);
}

static void check_restrictions(const struct lint *lint, const struct lint_rule *rule,
			       const struct syntax_setting *setting,
			       void (*check)(const struct lint *lint, const struct lint_rule *rule,
					     const struct syntax_setting *setting,
					     const struct restriction_use *use))
{
	struct restriction_uses uses;

	if (setting->kind != PARAMETER_RESTRICTIONS)
		return;
	uses = restrictions_read(lint->arena, &setting->value->text);
	for (size_t i = 0; i < uses.count; i++)
		check(lint, rule, setting, &uses.items[i]);
}

static void report_unknown_restriction(const struct lint *lint, const struct lint_rule *rule,
				       const struct syntax_setting *setting, const char *name)
{
	size_t count;
	const char *const *names = restriction_names(&count);
	const char *near = lint_suggest(lint, name, names, count);

	(void)rule;
	if (configuration_value(lint->configuration, setting->service, name)->set)
		diagnostics_hint(lint->list, "if it is a class, name it in "
					     "smtpd_restriction_classes");
	else if (near)
		diagnostics_hint(lint->list, "did you mean '%s'?", near);
	else
		diagnostics_hint(lint->list, "see postconf(5) smtpd_recipient_restrictions");
}

static void check_known(const struct lint *lint, const struct lint_rule *rule,
			const struct syntax_setting *setting, const struct restriction_use *use)
{
	const struct restriction *restriction = use->restriction;
	const char *name = use->name->text.text;
	struct position at = syntax_place(lint, setting, &use->name->text);
	unsigned short version = syntax_version(lint);

	if (!restriction && (use->name->kind == LIST_ITEM_TABLE ||
			     configuration_classify(lint->configuration, name) == NAME_CLASS))
		return;
	if (!restriction) {
		lint_report(lint, rule, at,
			    "Postfix knows no restriction '%s': it answers clients with 451", name);
		report_unknown_restriction(lint, rule, setting, name);
	} else if (restriction->since > version) {
		lint_report(lint, rule, at, "'%s' is of Postfix %s: %s answers clients with 451",
			    name, syntax_version_text(lint, restriction->since),
			    syntax_version_text(lint, version));
		diagnostics_hint(lint->list, "remove it");
	} else if (restriction->removed && restriction->removed <= version) {
		lint_report(lint, rule, at,
			    "'%s' is gone from Postfix %s on: clients are answered with 451", name,
			    syntax_version_text(lint, restriction->removed));
		diagnostics_hint(lint->list, "use %s",
				 restriction->successor ? restriction->successor : "another");
	}
}

static void check_known_all(const struct lint *lint, const struct lint_rule *rule,
			    const struct syntax_setting *setting)
{
	/* classes are named in main.cf, as a rule */
	if (!setting->service || lint->configuration->has_main)
		check_restrictions(lint, rule, setting, check_known);
}

void lint_S14(const struct lint *lint, const struct lint_rule *rule)
{
	syntax_each(lint, rule, check_known_all);
}

/* What an argument should have been; NULL: it is right. */
static const char *why_no_argument(const struct restriction_use *use)
{
	const char *text = use->argument ? use->argument->text.text : "";

	switch (use->restriction->argument) {
	case RESTRICTION_WITH_TABLE:
		return strchr(text, ':') ? NULL : "a table, TYPE:NAME";
	case RESTRICTION_WITH_DOMAIN:
		return *text && !restriction_find(text) ? NULL : "a domain";
	case RESTRICTION_WITH_SERVICE:
		return strchr(text, ':') ? NULL : "a server, such as unix:private/policy";
	case RESTRICTION_WITH_NUMBER:
		return *text && !text[strspn(text, "0123456789")] ? NULL : "seconds";
	default:
		return NULL;
	}
}

static void check_argument(const struct lint *lint, const struct lint_rule *rule,
			   const struct syntax_setting *setting, const struct restriction_use *use)
{
	const char *why = use->restriction ? why_no_argument(use) : NULL;

	if (!why)
		return;
	lint_report(lint, rule, syntax_place(lint, setting, &use->name->text),
		    "'%s' wants %s behind it, but there is %s%s: Postfix answers clients with 451",
		    use->name->text.text, why, use->argument ? "" : "nothing",
		    use->argument ? use->argument->text.text : "");
	diagnostics_hint(lint->list, "write '%s ARGUMENT'", use->restriction->name);
}

static void check_arguments(const struct lint *lint, const struct lint_rule *rule,
			    const struct syntax_setting *setting)
{
	if (!setting->service || lint->configuration->has_main)
		check_restrictions(lint, rule, setting, check_argument);
}

void lint_S19(const struct lint *lint, const struct lint_rule *rule)
{
	syntax_each(lint, rule, check_arguments);
}

/*
 * $name and its relatives in values of parameters.
 *
 * $name ${name} $(name)            the expanded value of the parameter
 * ${name?text} ${name?{text}}      text, where the value (not expanded) is not empty
 * ${name:text} ${name:{text}}      text, where it is empty or undefined
 * ${name?{text}:{other}}           the one or the other
 * ${{a} OPERATOR {b}?{text}:{other}}  with == != < <= >= > on numbers or else texts, and with
 *                                  <level and so on (3.6) on compatibility levels
 * $$                               a dollar sign
 *
 * The expanded text knows where each part was written; what a built-in default gave has the place
 * of the '$' that asked for it. Bounded are the levels (100, as in Postfix), the result (1 MiB),
 * and by the budget of the context the work. Not thread-safe.
 *
 * Source: postconf(5), "The general format of the main.cf file"; as tried with postconf -x.
 */
#ifndef CONFGEN_CONFIGURATION_EXPAND_H
#define CONFGEN_CONFIGURATION_EXPAND_H

#include "confgen/configuration/text.h"

struct expand_context {
	struct arena *arena;
	struct diagnostics *list; /* NULL: mistakes are not reported */

	/* Gives the value of a parameter, not expanded, or false where nothing defines it. */
	bool (*find)(void *user, const char *name, struct text *value);

	/* Hears of names that nothing defines, where they are used; or NULL. */
	void (*undefined)(void *user, const struct text *name);

	void *user;

	/* What all expansions together may cost: an octet 1, a reference or a piece of text 16. */
	size_t *budget;
};

/*
 * Expands `value`. False, `out` untouched, where Postfix would give up (bad syntax, recursion);
 * that is reported then.
 */
bool expand(const struct expand_context *context, const struct text *value, struct text *out);

/* The same for the value of the parameter `name`, in which $name is recursion. */
bool expand_named(const struct expand_context *context, const struct text *name,
		  const struct text *value, struct text *out);

#endif

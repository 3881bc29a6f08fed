/*
 * The difference between two texts, as "diff -u" shows it, without their secrets.
 *
 * Lines are compared as they are and shown masked: a password that changed is seen to change, not
 * to what. Control characters are escaped. Where two texts differ in more than a few thousand
 * lines, the difference is correct, but not the shortest. Thread-safe.
 *
 * Source: E. Myers, An O(ND) Difference Algorithm, 1986; POSIX diff -u.
 */
#ifndef CONFGEN_APPLY_DIFF_H
#define CONFGEN_APPLY_DIFF_H

#include "common/diagnostics.h"

enum diff_mask {
	DIFF_PLAIN,    /* nothing in it is secret */
	DIFF_SETTINGS, /* values of settings that sound like passwords are masked */
	DIFF_SECRET,   /* all but the first word of a line is masked */
};

/* Prints nothing for equal texts. `name` is what the headings say; NULL texts: no such file. */
void diff_print(struct arena *arena, const char *name, const struct source *before,
		const struct source *after, enum diff_mask mask, FILE *out);

#endif

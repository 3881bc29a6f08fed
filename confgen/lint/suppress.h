/*
 * Comments that silence findings.
 *
 *	# postern: ignore=R02 the whole VPN may relay, on purpose
 *	mynetworks = 127.0.0.0/8, 10.8.0.0/16
 *
 * A comment is about the next entry, with all its lines; "ignore-file=" about the whole file. Rules
 * are separated by commas. Without a reason it silences nothing. In YAML it is about the next line.
 * What is wrong with the comments themselves (C01 to C03) is reported, and is never silenced.
 */
#ifndef CONFGEN_SUPPRESS_H
#define CONFGEN_SUPPRESS_H

#include "common/diagnostics.h"
#include "confgen/configuration/parameters.h"

/* So many comments of a file are heeded. */
#define MOST_SUPPRESSIONS 1000

/*
 * Removes from `list` what comments silence: those in `sources` (`count` of them, NULL allowed),
 * and in whatever other files the findings are in. Rules that the release does not have are not
 * called unused.
 */
void suppress_findings(struct arena *arena, const struct source *const *sources, size_t count,
		       enum postfix_release release, struct diagnostics *list);

#endif

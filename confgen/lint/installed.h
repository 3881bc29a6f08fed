/* Which Postfix this machine has, as the package manager noted it: nothing is run. */
#ifndef CONFGEN_LINT_INSTALLED_H
#define CONFGEN_LINT_INSTALLED_H

#include "confgen/configuration/parameters.h"

/* False: there is none, or it cannot be told. Reads the status files of dpkg and apk. */
bool installed_release(enum postfix_release *out);

/* The same for a status file: paragraphs, with these beginnings of lines for name and version. */
bool installed_release_in(const char *path, const char *package, const char *version,
			  enum postfix_release *out);

#endif

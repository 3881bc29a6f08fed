/*
 * The last guard of secrets: whatever a rule quotes from a line that seems to hold one is taken out
 * of its message and hint. Names of parameters and of files stay, because they say where to look.
 */
#ifndef CONFGEN_LINT_REDACT_H
#define CONFGEN_LINT_REDACT_H

#include "common/diagnostics.h"

void redact_findings(struct arena *arena, struct diagnostics *list);

#endif

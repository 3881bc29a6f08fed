/* What libyaml's parser gave up over, in words for people. */
#ifndef CONFGEN_YAML_SYNTAX_H
#define CONFGEN_YAML_SYNTAX_H

#include "common/diagnostics.h"

#include <yaml.h>

/* libyaml's mark as a position: both count characters, libyaml from 0. */
struct position syntax_position(const struct source *source, const yaml_mark_t *mark);

/*
 * Adds the error that yaml_parser_parse() failed with. `source` passed octets_check(). `bracket`
 * is where the innermost bracket that is open was opened; NULL if none is.
 */
void syntax_report(const yaml_parser_t *parser, const struct source *source,
		   const struct position *bracket, struct diagnostics *list);

#endif

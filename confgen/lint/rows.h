/*
 * The rules, one row each: LINT_RULE(ID, SEVERITY, SINCE, ANCHOR, SUMMARY). FOUND_RULE is one that
 * the reader of the configuration finds. See lint.h.
 */
#include "confgen/lint/rows_syntax.h"
#include "confgen/lint/rows_relay.h"
#include "confgen/lint/rows_maps.h"
#include "confgen/lint/rows_routing.h"
#include "confgen/lint/rows_tls.h"
#include "confgen/lint/rows_proxy.h"
#include "confgen/lint/rows_operation.h"
#include "confgen/lint/rows_dms.h"
#include "confgen/lint/rows_comments.h"

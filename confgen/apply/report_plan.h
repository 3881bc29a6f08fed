/* A plan, for people or as JSON. Secrets are masked, texts of strangers escaped. */
#ifndef CONFGEN_APPLY_REPORT_PLAN_H
#define CONFGEN_APPLY_REPORT_PLAN_H

#include "confgen/apply/plan.h"

void report_plan_text(struct arena *arena, const struct plan *plan, const struct place *place,
		      FILE *out);
void report_plan_json(struct arena *arena, const struct plan *plan, const struct place *place,
		      FILE *out);

#endif

/* Steps of a message; see step.h. */
#include "confgen/trace/step.h"

/* A message that fans out over aliases of aliases must not fill the memory. */
#define MOST_STEPS 20000

const char *const step_kind_words[STEP_KINDS + 1] = {
	[STEP_CONNECT] = "connect", [STEP_LISTENER] = "listener", [STEP_ACCEPT] = "accept",
	[STEP_REFUSE] = "refuse",   [STEP_REWRITE] = "rewrite",	  [STEP_SIGN] = "sign",
	[STEP_ROUTE] = "route",	    [STEP_SEND] = "send",	  [STEP_END] = "end",
};

struct step *steps_add(struct steps *steps, enum step_kind kind, const char *format, ...)
{
	struct step *step;
	va_list args;

	if (steps->quiet || steps->count >= MOST_STEPS)
		step = arena_alloc(steps->arena, sizeof(*step));
	else
		step = arena_push(steps->arena, steps);
	va_start(args, format);
	step->text = arena_vprintf(steps->arena, format, args);
	va_end(args);
	step->kind = kind;
	step->node = steps->node;
	return step;
}

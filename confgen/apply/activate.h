/*
 * What Postfix needs to take changed files up, and whether it runs afterwards.
 *
 * One thread. Sources: postconf(5) ("stop and start Postfix when this parameter changes"),
 * master(8), postfix(1), systemctl(1).
 */
#ifndef CONFGEN_APPLY_ACTIVATE_H
#define CONFGEN_APPLY_ACTIVATE_H

#include "confgen/apply/changes.h"

enum need { NEED_NOTHING, NEED_RELOAD, NEED_RESTART };

/* "nothing", "reload", "restart" */
const char *need_name(enum need need);

/* Why a change of this setting of main.cf needs a restart; NULL: a reload is enough. */
const char *activate_restart_reason(const char *parameter);

/* Whether the Postfix of the folder runs. Returns 0 or -errno; needs root. */
int activate_is_running(struct arena *arena, const char *config, bool *running);

/*
 * Reloads or restarts it: by systemd, where systemd runs it. What goes wrong is an error in `list`;
 * false then.
 */
bool activate_postfix(struct arena *arena, const char *config, enum need need,
		      struct diagnostics *list);

/*
 * Waits until each listener of the folder's master.cf answers, at most 30 seconds. False with an
 * error in `list` for each that does not.
 */
bool activate_test(struct arena *arena, const char *config, const struct source *master_cf,
		   struct diagnostics *list);

/*
 * Has systemd reload a service of Postern, if it runs it. False: it does not, or that failed: then
 * there is an error in `list`.
 */
bool activate_service(struct arena *arena, const char *unit, struct diagnostics *list);

#endif

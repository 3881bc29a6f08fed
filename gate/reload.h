/* Making a configuration the one that runs: at the start, and again at SIGHUP. */
#ifndef POSTERN_GATE_RELOAD_H
#define POSTERN_GATE_RELOAD_H

#include "gate/gate.h"

/*
 * Reads a configuration file. Returns 0 or -errno when it cannot be read; what is wrong in it is in
 * `list`. `source` and the file's text live in `arena`, as does the configuration.
 */
int gate_config_load(struct arena *arena, const char *path, bool find_user,
		     struct diagnostics *list, struct gate_config *out);

/*
 * Makes `config`, which has no mistakes, the running one: finds or makes its listeners and
 * services, keeps the sockets that it still names, closes those that it does not, opens new ones.
 * Returns how many could not be opened; the log says which. The old configuration is freed.
 */
unsigned gate_apply(struct gate *gate, struct arena *arena, const struct gate_config *config);

/*
 * SIGHUP: reads the file again, and applies it unless it has mistakes. Settings that need a restart
 * keep their values, with a line in the log.
 */
void gate_reload(struct gate *gate);

#endif

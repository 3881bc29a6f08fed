/*
 * Values that only postern-gate.conf has: addresses to listen on, paths, numbers, replies. Each
 * function reads one, and puts what is wrong with it into the list; outputs are untouched then.
 * Pure functions.
 */
#ifndef POSTERN_GATE_CONFIG_VALUE_H
#define POSTERN_GATE_CONFIG_VALUE_H

#include "common/settings.h"
#include "gate/config.h"

/* ADDRESS:PORT, [ADDRESS]:PORT or *:PORT, which is every address of both families. */
bool listen_address_read(const struct setting *setting, struct diagnostics *list,
			 struct listen_address *address);

/* An absolute path without "..", and without a slash at its end. */
bool path_read(struct arena *arena, const struct setting *setting, struct diagnostics *list,
	       const char **path);

bool number_read(const struct setting *setting, struct diagnostics *list, unsigned least,
		 unsigned most, unsigned *number);

/* A name for logs, labels and systemd: letters, digits, '.', '_' and '-', at most 63. */
bool listener_name_read(const char *name, struct position at, struct diagnostics *list);

/* The text of a reply after its code, as RFC 5321 4.2 has it: printable ASCII on one line. */
bool reply_text_read(const struct setting *setting, struct diagnostics *list);

#endif

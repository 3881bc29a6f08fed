/* Shows the public halves of the configured keys: for the zone file, or against what DNS has. */
#ifndef POSTERN_MILTER_SHOW_KEYS_H
#define POSTERN_MILTER_SHOW_KEYS_H

#include "milter/config.h"

#include <stdio.h>

/*
 * Prints the record of each key, those that are not active yet or any more among them; with `dns`
 * one line a key of what DNS has instead. Returns how many are not good, or -errno.
 */
long show_keys(const struct config *config, bool dns, FILE *out);

#endif

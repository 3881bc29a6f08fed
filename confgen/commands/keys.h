/* What the commands about keys share. */
#ifndef POSTERN_COMMANDS_KEYS_H
#define POSTERN_COMMANDS_KEYS_H

#include "confgen/commands/run.h"
#include "confgen/keys/roll.h"
#include "confgen/topology/schema.h"

int command_keys_rotate(int argc, char **argv);
int command_keys_import(int argc, char **argv);

/* False: it is no type of key. */
bool keys_parse_type(const char *word, enum dkim_type *out);

/* USER, USER:GROUP, or numbers; `text` is cut apart. False: there is no such user or group. */
bool keys_parse_owner(char *text, struct store_owner *out);

/* The folder of keys: as given, or beside the topology. */
const char *keys_folder(const struct run *run, const char *given);

/* The domain of that name, or NULL. */
const struct domain *keys_find_domain(const struct topology *topology, const char *name);

#endif

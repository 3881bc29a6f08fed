/*
 * Values in the configuration of a daemon: addresses, names, modes. Each function reads one, and
 * puts what is wrong with it into the list of diagnostics; outputs are untouched then. Not
 * thread-safe (the user and group databases).
 */
#ifndef POSTERN_CONFIG_VALUE_H
#define POSTERN_CONFIG_VALUE_H

#include "common/network.h"
#include "common/settings.h"

#include <stdint.h>
#include <sys/types.h>

#define CONFIG_VERSION "1" /* of the language of the daemons' files */

/*
 * unix:PATH, inet:PORT@ADDRESS or inet6:PORT@ADDRESS. `address` gets the form that libmilter takes,
 * `path` the path of a UNIX socket or NULL. Names are not looked up.
 */
bool socket_address_read(struct arena *arena, const struct setting *setting,
			 struct diagnostics *list, const char **address, const char **path);

/* Three or four octal digits. */
bool mode_read(const struct setting *setting, struct diagnostics *list, mode_t *mode);

bool network_read(const struct setting *setting, struct diagnostics *list,
		  struct ip_network *network);

/* yes or no, true or false, on or off. */
bool switch_read(const struct setting *setting, struct diagnostics *list, bool *value);

/* The index of one of `count` words. */
bool word_read(const struct setting *setting, const char *const *words, size_t count,
	       struct diagnostics *list, unsigned *index);

/*
 * The version of the file's language, which is 1 where the file says none. Another is a mistake:
 * what it means is not known here.
 */
bool version_read(const struct setting *setting, struct diagnostics *list);

/* A number with a unit, as postconf(5) has them: s, m, h, d, w; without one it is seconds. */
bool duration_read(const struct setting *setting, struct diagnostics *list, uint64_t *seconds);

/* A date or a date with time, as RFC 3339 has them, in UTC without an offset: seconds since 1970.
 */
bool date_read(const struct setting *setting, struct diagnostics *list, int64_t *seconds);

/* A header field's name: printable ASCII without a colon (RFC 5322 2.2). */
bool field_name_read(const struct setting *setting, struct diagnostics *list);

/* An address, with :PORT or without (IPv6 in brackets then), for DNS. */
bool server_address_check(const struct setting *setting, struct diagnostics *list);

/* Letters, digits and hyphens in labels of at most 63, together at most 253 (RFC 1035 2.3.1). */
bool is_domain_name(const char *text);

/* A domain name in lower case, or NULL. */
char *domain_read(struct arena *arena, const char *text, struct position at,
		  struct diagnostics *list);

bool group_find(const char *name, struct position at, struct diagnostics *list, gid_t *gid);
bool user_find(const char *name, struct position at, struct diagnostics *list, uid_t *uid,
	       gid_t *gid);

#endif

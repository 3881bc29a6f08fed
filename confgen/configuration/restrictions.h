/*
 * The restrictions of smtpd_*_restrictions, and how a list of them is read.
 *
 * A list item is a restriction, of which some take the next item as argument; a table, which is
 * looked up for what the list is about; or the name of a restriction class. Letter case does not
 * count in names of restrictions.
 *
 * Source: postconf(5) smtpd_client_restrictions and its kin; access(5). Constant or in an arena.
 */
#ifndef CONFGEN_CONFIGURATION_RESTRICTIONS_H
#define CONFGEN_CONFIGURATION_RESTRICTIONS_H

#include "confgen/configuration/list.h"

/* The lists, as bits. With smtpd_delay_reject = yes, Postfix takes any restriction in any list. */
enum restriction_list {
	RESTRICTION_CLIENT = 1 << 0,
	RESTRICTION_HELO = 1 << 1,
	RESTRICTION_SENDER = 1 << 2,
	RESTRICTION_RELAY = 1 << 3,
	RESTRICTION_RECIPIENT = 1 << 4,
	RESTRICTION_DATA = 1 << 5,
	RESTRICTION_END_OF_DATA = 1 << 6,
	RESTRICTION_ETRN = 1 << 7,
};

enum restriction_argument {
	RESTRICTION_ALONE,
	RESTRICTION_WITH_TABLE,	  /* check_client_access type:name */
	RESTRICTION_WITH_DOMAIN,  /* reject_rbl_client domain=filter */
	RESTRICTION_WITH_SERVICE, /* check_policy_service inet:host:port, or in { } with settings */
	RESTRICTION_WITH_NUMBER,  /* sleep */
	RESTRICTION_WITH_RESTRICTION, /* warn_if_reject, defer_if_...: the next one is a restriction
				       */
};

struct restriction {
	const char *name;
	enum restriction_argument argument;
	unsigned lists;		   /* where postconf(5) lists it as valid */
	unsigned short since;	   /* as in struct parameter */
	unsigned short deprecated; /* from this version on */
	unsigned short removed;	   /* from this version on it is an error */
	const char *successor;	   /* or NULL */
};

/* The restriction of this name, or NULL. */
const struct restriction *restriction_find(const char *name);

/* All names, for suggest(). */
const char *const *restriction_names(size_t *count);

/* The list that a parameter holds, smtpd_relay_restrictions for one; 0 for other parameters. */
enum restriction_list restriction_list_of(const char *parameter);

struct restriction_use {
	const struct restriction *restriction; /* NULL: a table, a class, or an unknown name */
	const struct list_item *name;	       /* the item itself */
	const struct list_item *argument;      /* NULL: none, or it is missing */
	bool warn_only;			       /* warn_if_reject stands before it */
};

struct restriction_uses {
	struct restriction_use *items;
	size_t count;
};

/* Reads an expanded value. Knows no mistakes: rules judge what it gives. */
struct restriction_uses restrictions_read(struct arena *arena, const struct text *value);

#endif

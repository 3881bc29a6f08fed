/* What the parts of host.h share. */
#ifndef POSTERN_TRACE_HOST_PRIVATE_H
#define POSTERN_TRACE_HOST_PRIVATE_H

#include "confgen/configuration/configuration.h"
#include "confgen/trace/host.h"

struct read_table {
	const char *reference;
	const struct table_contents *contents; /* NULL: cannot be read here */
};

struct host {
	struct arena *arena;
	struct host_input input;
	struct configuration *configuration;
	const struct dms_whole *dms; /* kind dms */
	struct name_map *by_reference;
};

const struct service *host_find_service(const struct host *host, const char *name);

/* "smtp/inet" */
const char *host_service_name(const struct host *host, const struct service *service);

/* Sets both places of a step by a text of the configuration. */
void host_place_text(const struct host *host, const struct text *text, struct step *step);
void host_place_value(const struct host *host, const struct service *service,
		      const struct value *value, struct step *step);

/* --- lookup.c --- */

struct found {
	struct text value;
	struct text place; /* of the entry, or of the reference */
};

enum lookup_result { LOOKUP_NONE, LOOKUP_FOUND, LOOKUP_UNKNOWN };

/* What a table says; LOOKUP_UNKNOWN where it is not to be read here. `partial`: part of an address,
 * which pattern tables are not asked for. */
enum lookup_result lookup_table(struct host *host, const struct text *reference, const char *key,
				bool partial, struct found *out);

/* The first of several tables, as in a parameter. */
enum lookup_result lookup_maps(struct host *host, const struct value *maps, const char *key,
			       bool partial, struct found *out);

/* An address: whole, without extension, local part (where its domain is local), and @domain. */
enum lookup_result lookup_address(struct host *host, const struct value *maps, const char *address,
				  struct found *out);

/* Without its extension ("user+x@d" -> "user@d"), or NULL if it has none. */
const char *lookup_without_extension(struct host *host, const char *address);

const char *lookup_domain_of(const char *address);

/* A list of domains (mydestination, relay_domains). `name` is the parameter's. */
bool match_domain(struct host *host, const struct service *service, const char *name,
		  const char *domain, struct text *item);

/* A list of networks (mynetworks). */
bool match_client(struct host *host, const struct service *service, const char *name,
		  const struct ip_address *address, struct text *item);

/* Whether parent_domain_matches_subdomains has the word. */
bool lookup_parents(const struct host *host, const char *word);

/* --- resolve.c --- */

enum address_class resolve_class(struct host *host, const char *recipient, struct text *item);

#endif

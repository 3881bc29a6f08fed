/*
 * The schema: one row a key, from which come validation, defaults, "did you mean" and, later, the
 * reference page. The type of a row is taken from the struct member it fills, so that the two
 * cannot disagree.
 */
#ifndef POSTERN_SCHEMA_H
#define POSTERN_SCHEMA_H

#include "common/diagnostics.h"
#include "confgen/topology/model.h"
#include "confgen/yaml/tree.h"

enum schema_type {
	SCHEMA_TEXT,
	SCHEMA_NUMBER,
	SCHEMA_CHOICE,
	SCHEMA_TEXTS,	  /* a list of texts; one text stands for a list of one */
	SCHEMA_NETWORKS,  /* the same with networks in CIDR notation */
	SCHEMA_ADDRESSES, /* the same with IP addresses */
	SCHEMA_OBJECT,	  /* a mapping with keys of its own */
	SCHEMA_MAP,	  /* a mapping from names to objects */
	SCHEMA_LIST,	  /* a list of objects */
};

struct schema;

/*
 * A check tells what is wrong with a value: NULL when nothing is, else the rest of a sentence that
 * begins with the value ("is not a host name"). Checks are pure; syntax.h has them.
 */

struct schema_row {
	const char *key;
	size_t offset;
	enum schema_type type;
	bool required;
	bool secret; /* its value is never shown in a diagnostic: a slip may have put a secret here
		      */
	bool blank;  /* SCHEMA_TEXT: may be empty */
	const char *(*check)(const char *value);
	const char *hint; /* what to write instead of a value that fails the check; or NULL */
	unsigned long least, most;  /* SCHEMA_NUMBER */
	unsigned long preset;	    /* SCHEMA_NUMBER, SCHEMA_CHOICE: the default */
	const char *const *choices; /* SCHEMA_CHOICE: the words, NULL-terminated */
	const struct schema *of;    /* SCHEMA_OBJECT, SCHEMA_MAP, SCHEMA_LIST */
	const char *(*name_check)(const char *value); /* SCHEMA_MAP: of the names */
	const char *doc;			      /* one line for people */
};

struct schema {
	const char *what; /* "a node" */
	size_t size;
	const struct schema_row *rows;
	size_t count;
	const char *shorthand; /* the key that a value which is no mapping is taken for; or NULL */
	bool filled;	       /* an empty mapping says nothing: at least one key must be given */
	bool secret; /* its source lines are never shown: a slip there may hold the secret */
};

/* clang-format off */
#define SCHEMA_TYPE_OF(member) \
	_Generic((member), \
		struct text: SCHEMA_TEXT, \
		struct number: SCHEMA_NUMBER, \
		struct choice: SCHEMA_CHOICE, \
		struct text_list: SCHEMA_TEXTS, \
		struct network_list: SCHEMA_NETWORKS, \
		struct address_list: SCHEMA_ADDRESSES, \
		struct secret: SCHEMA_OBJECT, \
		struct credentials: SCHEMA_OBJECT, \
		struct dkim: SCHEMA_OBJECT, \
		struct domain_dns: SCHEMA_OBJECT, \
		struct zone_settings: SCHEMA_OBJECT, \
		struct dkim_key_list: SCHEMA_LIST, \
		struct tls_files: SCHEMA_OBJECT, \
		struct postfix_target: SCHEMA_OBJECT, \
		struct dovecot_target: SCHEMA_OBJECT, \
		struct deployment: SCHEMA_OBJECT, \
		struct volumes: SCHEMA_OBJECT, \
		struct expectation: SCHEMA_OBJECT, \
		struct egress: SCHEMA_OBJECT, \
		struct egress_list: SCHEMA_MAP, \
		struct domain_list: SCHEMA_MAP, \
		struct domain_set_list: SCHEMA_MAP, \
		struct named_network_list: SCHEMA_MAP, \
		struct node_list: SCHEMA_MAP, \
		struct setting_list: SCHEMA_MAP, \
		struct attachment_list: SCHEMA_MAP, \
		struct credentials_list: SCHEMA_MAP, \
		struct listener_list: SCHEMA_MAP, \
		struct link_list: SCHEMA_LIST, \
		struct route_list: SCHEMA_LIST, \
		struct test_list: SCHEMA_LIST)
/* clang-format on */

/* A row for `member` of `struct_`, named `key`; the rest are designated initializers. */
#define ROW(struct_, member, key_, ...)                                        \
	{                                                                      \
		.key = (key_), .offset = offsetof(struct_, member),            \
		.type = SCHEMA_TYPE_OF(((struct_ *)NULL)->member), __VA_ARGS__ \
	}

#define SCHEMA(struct_, what_, rows_, ...)                                 \
	{                                                                  \
		.what = (what_), .size = sizeof(struct_), .rows = (rows_), \
		.count = sizeof(rows_) / sizeof((rows_)[0]), __VA_ARGS__   \
	}

/* The whole language: fills a struct topology. */
extern const struct schema topology_schema;

/* The words of the choices, by the enums of model.h. */
extern const char *const node_kind_words[];
extern const char *const map_type_words[];
extern const char *const tls_level_words[];
extern const char *const trust_words[];
extern const char *const outcome_words[];
extern const char *const yes_words[];
extern const char *const mailbox_words[];
extern const char *const software_words[];
extern const char *const proxy_protocol_words[];
extern const char *const dovecot_version_words[];
extern const char *const through_words[];
extern const char *const service_words[];
extern const char *const deployment_words[];
extern const char *const lookup_words[];
extern const char *const dkim_type_words[];
extern const char *const spf_words[];
extern const char *const dmarc_words[];
extern const char *const mta_sts_words[];

/*
 * Fills `out` (zeroed, `schema->size` octets) from `tree`. Every mistake is added to `list`;
 * what could be understood is filled in all the same, so that later steps find more.
 */
void schema_load(struct arena *arena, const struct schema *schema, const struct yaml_node *tree,
		 void *out, struct diagnostics *list);

#endif

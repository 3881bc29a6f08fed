/* Restrictions of the SMTP server; see restrictions.h. */
#include "confgen/configuration/restrictions.h"

#include <pthread.h>
#include <strings.h>

/* Where a restriction is valid: from the list on that first knows what it is about. */
#define CONTENT	     (RESTRICTION_DATA | RESTRICTION_END_OF_DATA)
#define ON_RECIPIENT (RESTRICTION_RELAY | RESTRICTION_RECIPIENT | CONTENT)
#define ON_SENDER    (RESTRICTION_SENDER | ON_RECIPIENT)
#define ON_HELO	     (RESTRICTION_HELO | RESTRICTION_ETRN | ON_SENDER)
#define ON_CLIENT    (RESTRICTION_CLIENT | ON_HELO)

/* clang-format off */
#define ALONE(name, lists, since)	  {name, RESTRICTION_ALONE, lists, since, 0, 0, NULL}
#define TABLE(name, lists, since)	  {name, RESTRICTION_WITH_TABLE, lists, since, 0, 0, NULL}
#define DOMAIN(name, lists, since)	  {name, RESTRICTION_WITH_DOMAIN, lists, since, 0, 0, NULL}
#define OLD(name, lists, argument, deprecated, removed, successor) \
	{name, RESTRICTION_##argument, lists, 0, deprecated, removed, successor}

static const struct restriction restrictions[] = {
	ALONE("permit", ON_CLIENT, 0),
	ALONE("reject", ON_CLIENT, 0),
	ALONE("defer", ON_CLIENT, 0),
	ALONE("defer_if_permit", ON_CLIENT, 201),
	ALONE("defer_if_reject", ON_CLIENT, 201),
	{"warn_if_reject", RESTRICTION_WITH_RESTRICTION, ON_CLIENT, 0, 0, 0, NULL},
	{"sleep", RESTRICTION_WITH_NUMBER, ON_CLIENT, 203, 0, 0, NULL},
	{"check_policy_service", RESTRICTION_WITH_SERVICE, ON_CLIENT, 201, 0, 0, NULL},
	ALONE("reject_unauth_pipelining", ON_CLIENT, 0),
	ALONE("reject_plaintext_session", ON_CLIENT, 203),

	TABLE("check_ccert_access", ON_CLIENT, 202),
	TABLE("check_client_access", ON_CLIENT, 0),
	TABLE("check_client_a_access", ON_CLIENT, 300),
	TABLE("check_client_mx_access", ON_CLIENT, 207),
	TABLE("check_client_ns_access", ON_CLIENT, 207),
	TABLE("check_reverse_client_hostname_access", ON_CLIENT, 206),
	TABLE("check_reverse_client_hostname_a_access", ON_CLIENT, 300),
	TABLE("check_reverse_client_hostname_mx_access", ON_CLIENT, 207),
	TABLE("check_reverse_client_hostname_ns_access", ON_CLIENT, 207),
	TABLE("check_sasl_access", ON_CLIENT, 211),
	ALONE("permit_inet_interfaces", ON_CLIENT, 203),
	ALONE("permit_mynetworks", ON_CLIENT, 0),
	ALONE("permit_sasl_authenticated", ON_CLIENT, 0),
	ALONE("permit_tls_all_clientcerts", ON_CLIENT, 202),
	ALONE("permit_tls_clientcerts", ON_CLIENT, 202),
	DOMAIN("permit_dnswl_client", ON_CLIENT, 208),
	DOMAIN("permit_rhswl_client", ON_CLIENT, 208),
	DOMAIN("reject_rbl_client", ON_CLIENT, 0),
	DOMAIN("reject_rhsbl_client", ON_CLIENT, 0),
	DOMAIN("reject_rhsbl_reverse_client", ON_CLIENT, 208),
	ALONE("reject_unknown_client_hostname", ON_CLIENT, 203),
	ALONE("reject_unknown_reverse_client_hostname", ON_CLIENT, 203),
	TABLE("check_etrn_access", RESTRICTION_ETRN, 0),

	TABLE("check_helo_access", ON_HELO, 0),
	TABLE("check_helo_a_access", ON_HELO, 300),
	TABLE("check_helo_mx_access", ON_HELO, 201),
	TABLE("check_helo_ns_access", ON_HELO, 201),
	ALONE("reject_invalid_helo_hostname", ON_HELO, 203),
	ALONE("reject_non_fqdn_helo_hostname", ON_HELO, 203),
	ALONE("reject_unknown_helo_hostname", ON_HELO, 203),
	DOMAIN("reject_rhsbl_helo", ON_HELO, 203),

	TABLE("check_sender_access", ON_SENDER, 0),
	TABLE("check_sender_a_access", ON_SENDER, 300),
	TABLE("check_sender_mx_access", ON_SENDER, 201),
	TABLE("check_sender_ns_access", ON_SENDER, 201),
	ALONE("reject_authenticated_sender_login_mismatch", ON_SENDER, 201),
	ALONE("reject_known_sender_login_mismatch", ON_SENDER, 211),
	ALONE("reject_non_fqdn_sender", ON_SENDER, 0),
	DOMAIN("reject_rhsbl_sender", ON_SENDER, 0),
	ALONE("reject_sender_login_mismatch", ON_SENDER, 0),
	ALONE("reject_unauthenticated_sender_login_mismatch", ON_SENDER, 201),
	ALONE("reject_unknown_sender_domain", ON_SENDER, 0),
	ALONE("reject_unlisted_sender", ON_SENDER, 201),
	ALONE("reject_unverified_sender", ON_SENDER, 201),

	TABLE("check_recipient_access", ON_RECIPIENT, 0),
	TABLE("check_recipient_a_access", ON_RECIPIENT, 300),
	TABLE("check_recipient_mx_access", ON_RECIPIENT, 201),
	TABLE("check_recipient_ns_access", ON_RECIPIENT, 201),
	ALONE("permit_auth_destination", ON_RECIPIENT, 0),
	OLD("permit_mx_backup", ON_RECIPIENT, ALONE, 309, 0, NULL),
	ALONE("reject_non_fqdn_recipient", ON_RECIPIENT, 0),
	DOMAIN("reject_rhsbl_recipient", ON_RECIPIENT, 0),
	ALONE("defer_unauth_destination", ON_RECIPIENT, 210),
	ALONE("reject_unauth_destination", ON_RECIPIENT, 0),
	ALONE("reject_unknown_recipient_domain", ON_RECIPIENT, 0),
	ALONE("reject_unlisted_recipient", ON_RECIPIENT, 201),
	ALONE("reject_unverified_recipient", ON_RECIPIENT, 201),

	ALONE("reject_multi_recipient_bounce", RESTRICTION_RECIPIENT | CONTENT, 201),

	/* names of old, from "postconf(5)" and the RELEASE_NOTES of the versions given */
	OLD("check_address_map", ON_RECIPIENT, WITH_TABLE, 203, 0, NULL),
	OLD("check_recipient_maps", ON_RECIPIENT, ALONE, 203, 0, "reject_unlisted_recipient"),
	OLD("check_relay_domains", ON_RECIPIENT, ALONE, 201, 309, "reject_unauth_destination"),
	OLD("permit_naked_ip_address", ON_HELO, ALONE, 203, 309, "permit_mynetworks"),
	OLD("reject_invalid_hostname", ON_HELO, ALONE, 203, 0, "reject_invalid_helo_hostname"),
	OLD("reject_maps_rbl", ON_CLIENT, ALONE, 201, 309, "reject_rbl_client"),
	OLD("reject_non_fqdn_hostname", ON_HELO, ALONE, 203, 0, "reject_non_fqdn_helo_hostname"),
	OLD("reject_unknown_address", ON_SENDER, ALONE, 203, 0, "reject_unknown_sender_domain"),
	OLD("reject_unknown_client", ON_CLIENT, ALONE, 203, 0, "reject_unknown_client_hostname"),
	OLD("reject_unknown_hostname", ON_HELO, ALONE, 203, 0, "reject_unknown_helo_hostname"),
	OLD("reject_unverified_address", ON_SENDER, ALONE, 203, 0, "reject_unverified_sender"),
};

static const struct {
	const char *parameter;
	enum restriction_list list;
} lists[] = {
	{"smtpd_client_restrictions", RESTRICTION_CLIENT},
	{"smtpd_helo_restrictions", RESTRICTION_HELO},
	{"smtpd_sender_restrictions", RESTRICTION_SENDER},
	{"smtpd_relay_restrictions", RESTRICTION_RELAY},
	{"smtpd_recipient_restrictions", RESTRICTION_RECIPIENT},
	{"smtpd_data_restrictions", RESTRICTION_DATA},
	{"smtpd_end_of_data_restrictions", RESTRICTION_END_OF_DATA},
	{"smtpd_etrn_restrictions", RESTRICTION_ETRN},
};
/* clang-format on */

#define RESTRICTIONS (sizeof(restrictions) / sizeof(*restrictions))

static pthread_once_t once = PTHREAD_ONCE_INIT;
static const char *names[RESTRICTIONS];

static void collect(void)
{
	for (size_t i = 0; i < RESTRICTIONS; i++)
		names[i] = restrictions[i].name;
}

const char *const *restriction_names(size_t *count)
{
	pthread_once(&once, collect);
	*count = RESTRICTIONS;
	return names;
}

const struct restriction *restriction_find(const char *name)
{
	for (size_t i = 0; i < RESTRICTIONS; i++)
		if (strcasecmp(restrictions[i].name, name) == 0)
			return &restrictions[i];
	return NULL;
}

enum restriction_list restriction_list_of(const char *parameter)
{
	for (size_t i = 0; i < sizeof(lists) / sizeof(*lists); i++)
		if (strcmp(lists[i].parameter, parameter) == 0)
			return lists[i].list;
	return 0;
}

struct restriction_uses restrictions_read(struct arena *arena, const struct text *value)
{
	struct restriction_uses uses = {0};
	struct list list = list_split(arena, value);
	bool warn_only = false;

	for (size_t i = 0; i < list.count; i++) {
		const struct list_item *item = &list.items[i];
		const struct restriction *restriction =
			item->kind == LIST_ITEM_PLAIN ? restriction_find(item->text.text) : NULL;
		struct restriction_use *use = arena_push(arena, &uses);

		*use = (struct restriction_use){restriction, item, NULL, warn_only};
		warn_only = restriction && restriction->argument == RESTRICTION_WITH_RESTRICTION;
		if (restriction && !warn_only && restriction->argument != RESTRICTION_ALONE &&
		    i + 1 < list.count)
			use->argument = &list.items[++i];
	}
	return uses;
}

/*
 * What a client does about TLS and logins. For rules. Not thread-safe.
 *
 * Sources: postconf(5) smtp_tls_security_level, smtp_tls_policy_maps; TLS_README, SASL_README.
 */
#ifndef POSTERN_LINT_HELPERS_TLS_H
#define POSTERN_LINT_HELPERS_TLS_H

#include "confgen/lint/helpers_routing.h"

/* In order: from `TLS_ENCRYPT` on, nothing is sent in the clear. */
enum tls_level {
	TLS_NONE,
	TLS_MAY,
	TLS_DANE, /* falls back to may or encrypt, as TLSA records say */
	TLS_ENCRYPT,
	TLS_DANE_ONLY,
	TLS_FINGERPRINT,
	TLS_VERIFY,
	TLS_SECURE,
};

/* The level of a client where no policy says otherwise. False: not known. */
bool tls_client_level(const struct lint *lint, const struct service *client, enum tls_level *out);

/* The level towards a hop, policies regarded. False: a table decides that cannot be read. */
bool tls_hop_level(const struct lint *lint, const struct hop *hop, enum tls_level *out);

/* Where the level of a client is set; main.cf, where it is not. */
struct position tls_level_position(const struct lint *lint, const struct service *client);

/* The level of a server: TLS_NONE, TLS_MAY or TLS_ENCRYPT. */
enum tls_level tls_server_level(const struct lint *lint, const struct service *service);

/* Whether a list parameter has this word. */
bool tls_has_word(const struct lint *lint, const struct service *service, const char *name,
		  const char *word);

#endif

/*
 * Providers of smarthosts: what their customers would otherwise have to look up.
 *
 * Sources: the providers' own manuals of SMTP relaying. Limits are those of a whole message as SMTP
 * counts it, in octets.
 */
#ifndef POSTERN_PROVIDERS_H
#define POSTERN_PROVIDERS_H

#include "common/arena.h"

/* clang-format off */
#define PROVIDERS(X) \
	X(OTHER,     "other",     NULL,                          NULL,                             NULL, 0) \
	X(SES,       "ses",       NULL,                          "email-smtp.*.amazonaws.com",    "amazonses.com", 41943040) \
	X(SENDGRID,  "sendgrid",  "smtp.sendgrid.net",           NULL,                             "sendgrid.net", 31457280) \
	X(MAILGUN,   "mailgun",   "smtp.mailgun.org",            "smtp.*.mailgun.org",             "mailgun.org", 26214400) \
	X(POSTMARK,  "postmark",  "smtp.postmarkapp.com",        NULL,                             "spf.mtasv.net", 10485760) \
	X(GMAIL,     "gmail",     "smtp.gmail.com",              NULL,                             "_spf.google.com", 26214400) \
	X(OFFICE365, "office365", "smtp.office365.com",          NULL,                             "spf.protection.outlook.com", 36700160) \
	X(MAILJET,   "mailjet",   "in-v3.mailjet.com",           NULL,                             "spf.mailjet.com", 15728640)
/* clang-format on */

enum provider {
#define X(id, name, host, regional_host, spf, size_limit) PROVIDER_##id,
	PROVIDERS(X)
#undef X
		PROVIDER_COUNT
};

/* All of them take STARTTLS with a login at port 587. */
struct provider_row {
	const char *host;	   /* without a region; NULL: a region must be given */
	const char *regional_host; /* with * for the region; NULL: there are none */
	const char *spf;	   /* what a domain of theirs includes in its SPF record */
	unsigned long size_limit;
};

extern const struct provider_row providers[PROVIDER_COUNT];

/* The host of a region, for a provider that has regional hosts. */
const char *provider_host(struct arena *arena, const struct provider_row *row, const char *region);

/* Their names, in order; ends with NULL. */
extern const char *const provider_words[];

#endif

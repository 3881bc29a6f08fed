/* The table of parameters; see parameters.h. */
#include "confgen/configuration/parameters.h"

#define IN_3_5	(1 << POSTFIX_3_5)
#define IN_3_7	(1 << POSTFIX_3_7)
#define IN_3_10 (1 << POSTFIX_3_10)
#define ALL	(IN_3_5 | IN_3_7 | IN_3_10)
#define EVERY	PARAMETER_EVERY_DAEMON

/* The daemons, in the order of the C locale; a bit is 1 << the place in this list. */
#define DAEMONS(X)                            \
	X(ANVIL, "anvil")                     \
	X(BOUNCE, "bounce")                   \
	X(CLEANUP, "cleanup")                 \
	X(DISCARD, "discard")                 \
	X(DNSBLOG, "dnsblog")                 \
	X(ERROR, "error")                     \
	X(FLUSH, "flush")                     \
	X(LMTP, "lmtp")                       \
	X(LOCAL, "local")                     \
	X(MASTER, "master")                   \
	X(NQMGR, "nqmgr")                     \
	X(OQMGR, "oqmgr")                     \
	X(PICKUP, "pickup")                   \
	X(PIPE, "pipe")                       \
	X(POSTLOGD, "postlogd")               \
	X(POSTSCREEN, "postscreen")           \
	X(PROXYMAP, "proxymap")               \
	X(QMGR, "qmgr")                       \
	X(QMQPD, "qmqpd")                     \
	X(SCACHE, "scache")                   \
	X(SHOWQ, "showq")                     \
	X(SMTP, "smtp")                       \
	X(SMTPD, "smtpd")                     \
	X(SPAWN, "spawn")                     \
	X(TLSMGR, "tlsmgr")                   \
	X(TLSPROXY, "tlsproxy")               \
	X(TRIVIAL_REWRITE, "trivial-rewrite") \
	X(VERIFY, "verify")                   \
	X(VIRTUAL, "virtual")

#define DAEMON_PLACE(word, name) PLACE_##word,
enum { DAEMONS(DAEMON_PLACE) DAEMON_COUNT };

#define DAEMON_BIT(word, name) word = INT32_C(1) << PLACE_##word,
enum { DAEMONS(DAEMON_BIT) };

#define DAEMON_NAME(word, name) name,
static const char *const daemons[] = {DAEMONS(DAEMON_NAME)};

#define ROW(title, sort, where, version, readers, text)                         \
	{                                                                       \
		.name = (title), .kind = PARAMETER_##sort, .releases = (where), \
		.since = (version), .daemons = (readers), .value = (text),      \
	}
#define ROW_WITH(title, sort, where, version, readers, text, ...)                       \
	{                                                                               \
		.name = (title), .kind = PARAMETER_##sort, .releases = (where),         \
		.since = (version), .daemons = (readers), .value = (text), __VA_ARGS__, \
	}

static const struct parameter parameters[] = {
#include "confgen/configuration/parameter_rows.h"
};

#define PARAMETERS (sizeof(parameters) / sizeof(*parameters))

/* Service-dependent parameters, whose defaults are those of all services. Source: postconf(5). */
static const struct parameter_suffix suffixes[] = {
	{"_delivery_slot_cost", PARAMETER_INTEGER, "$default_delivery_slot_cost", false},
	{"_delivery_slot_discount", PARAMETER_INTEGER, "$default_delivery_slot_discount", false},
	{"_delivery_slot_loan", PARAMETER_INTEGER, "$default_delivery_slot_loan", false},
	{"_destination_concurrency_failed_cohort_limit", PARAMETER_INTEGER,
	 "$default_destination_concurrency_failed_cohort_limit", false},
	{"_destination_concurrency_limit", PARAMETER_INTEGER,
	 "$default_destination_concurrency_limit", false},
	{"_destination_concurrency_negative_feedback", PARAMETER_STRING,
	 "$default_destination_concurrency_negative_feedback", false},
	{"_destination_concurrency_positive_feedback", PARAMETER_STRING,
	 "$default_destination_concurrency_positive_feedback", false},
	{"_destination_rate_delay", PARAMETER_TIME, "$default_destination_rate_delay", false},
	{"_destination_recipient_limit", PARAMETER_INTEGER, "$default_destination_recipient_limit",
	 false},
	{"_extra_recipient_limit", PARAMETER_INTEGER, "$default_extra_recipient_limit", false},
	{"_initial_destination_concurrency", PARAMETER_INTEGER, "$initial_destination_concurrency",
	 false},
	{"_minimum_delivery_slots", PARAMETER_INTEGER, "$default_minimum_delivery_slots", false},
	{"_recipient_limit", PARAMETER_INTEGER, "$default_recipient_limit", false},
	{"_recipient_refill_delay", PARAMETER_TIME, "$default_recipient_refill_delay", false},
	{"_recipient_refill_limit", PARAMETER_INTEGER, "$default_recipient_refill_limit", false},
	{"_time_limit", PARAMETER_TIME, "$command_time_limit", true},
	{"_transport_rate_delay", PARAMETER_TIME, "$default_transport_rate_delay", false},
};

bool postfix_release_parse(const char *text, enum postfix_release *out)
{
	char *end;
	unsigned long major, minor = 0;

	if (*text < '0' || *text > '9')
		return false;
	major = strtoul(text, &end, 10);
	if (*end == '.' && end[1] >= '0' && end[1] <= '9')
		minor = strtoul(end + 1, &end, 10);
	if (*end != '\0' && *end != '.' && *end != '-')
		return false;
	if (major > 3 || (major == 3 && minor >= 10))
		*out = POSTFIX_3_10;
	else if (major == 3 && minor >= 7)
		*out = POSTFIX_3_7;
	else
		*out = POSTFIX_3_5;
	return true;
}

static int compare(const void *name, const void *parameter)
{
	return strcmp(name, ((const struct parameter *)parameter)->name);
}

const struct parameter *parameter_find(const char *name)
{
	return bsearch(name, parameters, PARAMETERS, sizeof(*parameters), compare);
}

const struct parameter *parameter_all(size_t *count)
{
	*count = PARAMETERS;
	return parameters;
}

bool parameter_in(const struct parameter *parameter, enum postfix_release release)
{
	return parameter->releases & (1u << release);
}

const char *parameter_default(const struct parameter *parameter, enum postfix_release release)
{
	if (parameter->computed)
		return NULL;
	if (release == POSTFIX_3_5 && parameter->value_3_5)
		return parameter->value_3_5;
	if (release == POSTFIX_3_10 && parameter->value_3_10)
		return parameter->value_3_10;
	return parameter->value ? parameter->value : "";
}

uint32_t parameter_daemon(const char *daemon)
{
	for (size_t i = 0; i < DAEMON_COUNT; i++)
		if (strcmp(daemons[i], daemon) == 0)
			return UINT32_C(1) << i;
	return 0;
}

bool parameter_read_by(const struct parameter *parameter, const char *daemon)
{
	uint32_t bit = parameter_daemon(strcmp(daemon, "nqmgr") == 0 ? "qmgr" : daemon);

	return bit == 0 || (parameter->daemons & bit);
}

const struct parameter_suffix *parameter_suffix_find(const char *name, size_t *prefix)
{
	size_t length = strlen(name);
	const struct parameter_suffix *best = NULL;

	for (size_t i = 0; i < sizeof(suffixes) / sizeof(*suffixes); i++) {
		size_t size = strlen(suffixes[i].suffix);

		if (length <= size || strcmp(name + length - size, suffixes[i].suffix) != 0)
			continue;
		/* "_destination_recipient_limit" ends in "_recipient_limit" as well */
		if (!best || size > strlen(best->suffix)) {
			best = &suffixes[i];
			*prefix = length - size;
		}
	}
	return best;
}

const char *const *daemon_names(size_t *count)
{
	*count = DAEMON_COUNT;
	return daemons;
}

/* Keeps the counters apart from the words of the log; see tally.h. */
#include "milter/tally.h"

#include <strings.h>

static enum metrics_verdict verdict_of(const struct message_record *record)
{
	static const struct {
		const char *name;
		enum metrics_verdict verdict;
	} rows[] = {
		{"signed", METRICS_SIGNED},	{"passed", METRICS_PASSED},
		{"deferred", METRICS_DEFERRED}, {"rejected", METRICS_REJECTED},
		{"verified", METRICS_VERIFIED}, {"quarantined", METRICS_QUARANTINED},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (strcmp(rows[i].name, record->verdict) == 0)
			return rows[i].verdict;
	return METRICS_ABORTED;
}

/* How the first author led to the domain that signs; "other" is a second author or the Sender. */
static enum metrics_domain relation(const char *from, const char *domain)
{
	size_t length = from ? strlen(from) : 0, suffix = strlen(domain);

	if (from && strcasecmp(from, domain) == 0)
		return METRICS_DOMAIN_OWN;
	if (length > suffix && from[length - suffix - 1] == '.' &&
	    strcasecmp(from + length - suffix, domain) == 0)
		return METRICS_DOMAIN_SUBDOMAIN;
	return METRICS_DOMAIN_OTHER;
}

static void count_refusal(struct metrics *metrics, const struct message_record *record)
{
	enum metrics_verdict verdict = verdict_of(record);

	if (record->rule && (verdict == METRICS_REJECTED || verdict == METRICS_DEFERRED))
		metrics_refusal(metrics, record->rule);
}

void tally_message(struct metrics *metrics, const struct message_record *record)
{
	if (!metrics)
		return;
	metrics_message(metrics, record->listener, verdict_of(record));
	count_refusal(metrics, record);
	for (size_t i = 0; i < record->signature_count; i++) {
		const struct signature_record *signature = &record->signatures[i];

		if (signature->nanoseconds)
			metrics_signature(metrics, relation(record->from, signature->domain),
					  strcmp(signature->algorithm, "ed25519-sha256") == 0
						  ? METRICS_ED25519
						  : METRICS_RSA,
					  signature->nanoseconds);
	}
}

void tally_question(struct metrics *metrics, const struct message_record *record)
{
	static const enum metrics_answer answers[METRICS_VERDICTS] = {
		[METRICS_PASSED] = METRICS_ANSWER_PASS,
		[METRICS_DEFERRED] = METRICS_ANSWER_DEFER,
		[METRICS_REJECTED] = METRICS_ANSWER_REJECT,
		[METRICS_QUARANTINED] = METRICS_ANSWER_HOLD,
	};

	if (!metrics)
		return;
	metrics_question(metrics, answers[verdict_of(record)]);
	count_refusal(metrics, record);
}

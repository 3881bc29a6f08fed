/*
 * What became of a message, or of a question to the policy service, as one record: the log line is
 * written from it, and counters are fed with it (tally.h).
 */
#ifndef POSTERN_MILTER_JOURNAL_H
#define POSTERN_MILTER_JOURNAL_H

#include "milter/policy.h"

#define JOURNAL_MOST_SIGNATURES 16

/* A signature that was made, tried, or verified. What a verified one says a stranger wrote. */
struct signature_record {
	const char *domain, *selector, *algorithm;
	const char *result;   /* of a verified one: pass, fail, ...; otherwise NULL */
	uint64_t nanoseconds; /* that making it took; 0: it was not made */
};

struct message_record {
	const char *service;  /* "policy", or NULL: a message at the milter */
	const char *queue_id; /* NULL: not known yet */
	const char *listener; /* {daemon_name}, or NULL */
	const struct ip_address *address;
	bool claimed; /* the address is what a PROXY header claims */
	enum client_kind client;
	const char *from;   /* domain of the first author, or NULL; written by a stranger */
	const char *sender; /* domain of the envelope sender, where it matters, or NULL; likewise */
	struct signature_record signatures[JOURNAL_MOST_SIGNATURES];
	size_t signature_count;
	const char *verdict; /* "signed", "passed", "verified", "deferred", "rejected",
				"quarantined", or "aborted", which is not logged */
	const char *cause;   /* or NULL */
	const char *rule;    /* of addresses, that refused the client; a constant, or NULL */
	unsigned long milliseconds;
};

/*
 * The line for the log: KEY=VALUE, or an object of JSON with the same keys. What strangers wrote is
 * shown with '?' for all but the characters of domains. Returns `text`.
 */
char *journal_format(const struct message_record *record, bool json, char *text, size_t size);

/* Writes it to the log: deferred and rejected messages as warnings. */
void journal_write(const struct message_record *record, bool json);

#endif

/*
 * What became of a message, as one record: the log line is written from it, and counters may be fed
 * with it.
 */
#ifndef POSTERN_MILTER_JOURNAL_H
#define POSTERN_MILTER_JOURNAL_H

#include "milter/policy.h"

#define JOURNAL_MOST_SIGNATURES 16

struct message_record {
	const char *queue_id; /* NULL: not known yet */
	const char *listener; /* {daemon_name}, or NULL */
	const struct ip_address *address;
	bool claimed; /* the address is what a PROXY header claims */
	enum client_kind client;
	const char *from; /* domain of the first author, or NULL; written by a stranger */
	struct {
		const char *domain, *selector, *algorithm;
	} signatures[JOURNAL_MOST_SIGNATURES]; /* that were made or tried */
	size_t signature_count;
	const char *verdict; /* "signed", "passed", "deferred", "rejected", "quarantined" */
	const char *cause;   /* or NULL */
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

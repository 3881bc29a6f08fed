/*
 * What the milter counts, and how Prometheus reads it (text exposition format 0.0.4).
 *
 * Counting takes no lock: any thread may count at any time. What labels say is bounded: names that
 * the configuration knows, given beforehand, and "other" for the rest; no address of a mail user,
 * no secret. Times are in seconds, as Prometheus has it.
 */
#ifndef POSTERN_MILTER_METRICS_H
#define POSTERN_MILTER_METRICS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

struct metrics;

/* More names of a list, and more keys, are not told apart. */
#define METRICS_MOST_NAMES 64
#define METRICS_MOST_KEYS  1000

/* What became of a message. */
enum metrics_verdict {
	METRICS_SIGNED,
	METRICS_PASSED, /* not ours to sign */
	METRICS_DEFERRED,
	METRICS_REJECTED,
	METRICS_QUARANTINED,
	METRICS_VERIFIED, /* came from outside; its signatures were judged */
	METRICS_ABORTED,  /* the mail server gave it up */
	METRICS_VERDICTS
};

/* How the domain that signs was found. */
enum metrics_domain {
	METRICS_DOMAIN_OWN,
	METRICS_DOMAIN_SUBDOMAIN,
	METRICS_DOMAIN_OTHER,
	METRICS_DOMAINS
};

/* What the policy service said. */
enum metrics_answer {
	METRICS_ANSWER_PASS,
	METRICS_ANSWER_DEFER,
	METRICS_ANSWER_REJECT,
	METRICS_ANSWER_HOLD,
	METRICS_ANSWERS
};

enum metrics_algorithm { METRICS_RSA, METRICS_ED25519, METRICS_ALGORITHMS };

/* A key that is in use. */
struct metrics_key {
	const char *domain, *selector;
	time_t modified; /* of its file */
};

/*
 * `listeners` and `rules` are the names that labels may have, NULL-terminated lists that are
 * copied; NULL is an empty list. NULL is returned when memory is short.
 */
struct metrics *metrics_new(const char *const *listeners, const char *const *rules);
void metrics_free(struct metrics *metrics);

/* A message ended. `listener` NULL, or one that is not known: "other". */
void metrics_message(struct metrics *metrics, const char *listener, enum metrics_verdict verdict);

/* A signature was made, in so many nanoseconds from the end of the message on. */
void metrics_signature(struct metrics *metrics, enum metrics_domain domain,
		       enum metrics_algorithm algorithm, uint64_t nanoseconds);

/* The policy service answered. */
void metrics_question(struct metrics *metrics, enum metrics_answer answer);

/* A client was refused for the address that it claims. */
void metrics_refusal(struct metrics *metrics, const char *rule);

void metrics_session_began(struct metrics *metrics);
void metrics_session_ended(struct metrics *metrics);

/* A new configuration was taken, or was not. */
void metrics_reload(struct metrics *metrics, bool taken);

/* The keys in use from now on; they are copied. Returns 0 or -ENOMEM, when the old ones stay. */
int metrics_set_keys(struct metrics *metrics, const struct metrics_key *keys, size_t count);

/* The text, which the caller frees, or NULL when memory is short. */
char *metrics_render(struct metrics *metrics, size_t *length);

#endif

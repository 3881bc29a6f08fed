/* What the milter counts; see metrics.h. */
#include "milter/metrics.h"
#include "common/utf8.h"

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>

#define OTHER	METRICS_MOST_NAMES /* index of what is not known */
#define LONGEST 253		   /* octets of a label's value: a domain */
#define PREFIX	"postern_milter_"
#define TEXT_TYPE(name, type, help) \
	"# HELP " PREFIX name " " help "\n# TYPE " PREFIX name " " type "\n"

typedef _Atomic uint64_t counter;

struct names {
	char *items[METRICS_MOST_NAMES];
	size_t count;
};

/* Upper bounds of the histogram, in nanoseconds: RSA with 2048 bits takes half a millisecond. */
static const uint64_t bounds[] = {100000,   250000,   500000,	1000000,   2500000,   5000000,
				  10000000, 25000000, 50000000, 100000000, 250000000, 1000000000};
#define BOUNDS (sizeof(bounds) / sizeof(bounds[0]))

struct histogram {
	counter buckets[BOUNDS + 1]; /* not cumulative */
	counter nanoseconds;
};

struct metrics {
	struct names listeners, rules;
	counter messages[METRICS_MOST_NAMES + 1][METRICS_VERDICTS];
	counter signatures[METRICS_DOMAINS][METRICS_ALGORITHMS];
	counter refusals[METRICS_MOST_NAMES + 1];
	counter answers[METRICS_ANSWERS];
	counter sessions_began, sessions_ended;
	counter reloads_taken, reloads_failed;
	struct histogram sign;
	time_t started;
	pthread_mutex_t lock; /* of the keys, which change when the configuration does */
	struct metrics_key *keys;
	size_t key_count;
};

static const char *const verdict_names[METRICS_VERDICTS] = {
	[METRICS_SIGNED] = "signed",	       [METRICS_PASSED] = "passed",
	[METRICS_DEFERRED] = "deferred",       [METRICS_REJECTED] = "rejected",
	[METRICS_QUARANTINED] = "quarantined", [METRICS_VERIFIED] = "verified",
	[METRICS_ABORTED] = "aborted",
};

static void add(counter *which, uint64_t amount)
{
	atomic_fetch_add_explicit(which, amount, memory_order_relaxed);
}

static uint64_t value_of(counter *which)
{
	return atomic_load_explicit(which, memory_order_relaxed);
}

static bool copy_names(struct names *names, const char *const *list)
{
	for (; list && *list && names->count < METRICS_MOST_NAMES; list++) {
		names->items[names->count] = strdup(*list);
		if (!names->items[names->count])
			return false;
		names->count++;
	}
	return true;
}

static size_t index_of(const struct names *names, const char *name)
{
	for (size_t i = 0; name && i < names->count; i++)
		if (strcmp(names->items[i], name) == 0)
			return i;
	return OTHER;
}

struct metrics *metrics_new(const char *const *listeners, const char *const *rules)
{
	struct metrics *metrics = calloc(1, sizeof(*metrics));

	if (!metrics)
		return NULL;
	pthread_mutex_init(&metrics->lock, NULL);
	metrics->started = time(NULL);
	if (copy_names(&metrics->listeners, listeners) && copy_names(&metrics->rules, rules))
		return metrics;
	metrics_free(metrics);
	return NULL;
}

static void free_keys(struct metrics_key *keys, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		free((char *)keys[i].domain);
		free((char *)keys[i].selector);
	}
	free(keys);
}

void metrics_free(struct metrics *metrics)
{
	if (!metrics)
		return;
	for (size_t i = 0; i < metrics->listeners.count; i++)
		free(metrics->listeners.items[i]);
	for (size_t i = 0; i < metrics->rules.count; i++)
		free(metrics->rules.items[i]);
	free_keys(metrics->keys, metrics->key_count);
	pthread_mutex_destroy(&metrics->lock);
	free(metrics);
}

void metrics_message(struct metrics *metrics, const char *listener, enum metrics_verdict verdict)
{
	add(&metrics->messages[index_of(&metrics->listeners, listener)][verdict], 1);
}

void metrics_signature(struct metrics *metrics, enum metrics_domain domain,
		       enum metrics_algorithm algorithm, uint64_t nanoseconds)
{
	size_t i = 0;

	while (i < BOUNDS && nanoseconds > bounds[i])
		i++;
	add(&metrics->signatures[domain][algorithm], 1);
	add(&metrics->sign.nanoseconds, nanoseconds);
	add(&metrics->sign.buckets[i], 1);
}

void metrics_question(struct metrics *metrics, enum metrics_answer answer)
{
	add(&metrics->answers[answer], 1);
}

void metrics_refusal(struct metrics *metrics, const char *rule)
{
	add(&metrics->refusals[index_of(&metrics->rules, rule)], 1);
}

void metrics_session_began(struct metrics *metrics)
{
	add(&metrics->sessions_began, 1);
}

void metrics_session_ended(struct metrics *metrics)
{
	add(&metrics->sessions_ended, 1);
}

void metrics_reload(struct metrics *metrics, bool taken)
{
	add(taken ? &metrics->reloads_taken : &metrics->reloads_failed, 1);
}

static bool is_there(const struct metrics_key *keys, size_t count, const struct metrics_key *key)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(keys[i].domain, key->domain) == 0 &&
		    strcmp(keys[i].selector, key->selector) == 0)
			return true;
	return false;
}

/* Copies keys, each pair of names once: the same labels twice would spoil the whole answer. */
static bool copy_keys(const struct metrics_key *keys, size_t count, struct metrics_key *copies,
		      size_t *used)
{
	for (size_t i = 0; i < count && *used < METRICS_MOST_KEYS; i++) {
		struct metrics_key *copy = &copies[*used];

		if (is_there(copies, *used, &keys[i]))
			continue;
		copy->domain = strdup(keys[i].domain);
		copy->selector = strdup(keys[i].selector);
		copy->modified = keys[i].modified;
		++*used;
		if (!copy->domain || !copy->selector)
			return false;
	}
	return true;
}

int metrics_set_keys(struct metrics *metrics, const struct metrics_key *keys, size_t count)
{
	size_t room = count < METRICS_MOST_KEYS ? count : METRICS_MOST_KEYS, used = 0, old_count;
	struct metrics_key *copies = calloc(room + 1, sizeof(*copies)), *old;

	if (!copies || !copy_keys(keys, count, copies, &used)) {
		free_keys(copies, used);
		return -ENOMEM;
	}
	pthread_mutex_lock(&metrics->lock);
	old = metrics->keys;
	old_count = metrics->key_count;
	metrics->keys = copies;
	metrics->key_count = used;
	pthread_mutex_unlock(&metrics->lock);
	free_keys(old, old_count);
	return 0;
}

/* A label's value: quotes, backslashes and line feeds escaped, what is not text replaced. */
static void print_value(FILE *out, const char *text)
{
	size_t left = strnlen(text, LONGEST);
	uint32_t code = 0;

	fputc('"', out);
	while (left) {
		size_t step = utf8_decode(text, left, &code);

		if (step == 0 || code < 0x20 || (code >= 0x7f && code < 0xa0)) {
			step = step ? step : 1;
			fputc('?', out);
		} else {
			if (*text == '"' || *text == '\\')
				fputc('\\', out);
			fwrite(text, 1, step, out);
		}
		text += step;
		left -= step;
	}
	fputc('"', out);
}

static const char *name_at(const struct names *names, size_t index)
{
	return index < names->count ? names->items[index] : "other";
}

/* Known names always, so that a counter begins at 0; the others when there was one. */
static void print_messages(struct metrics *metrics, FILE *out)
{
	fputs(TEXT_TYPE("messages_total", "counter",
			"Messages by listener and what became of them."),
	      out);
	for (size_t i = 0; i <= METRICS_MOST_NAMES; i++) {
		if (i >= metrics->listeners.count && i != OTHER)
			continue;
		for (size_t j = 0; j < METRICS_VERDICTS; j++) {
			fputs(PREFIX "messages_total{listener=", out);
			print_value(out, name_at(&metrics->listeners, i));
			fprintf(out, ",verdict=\"%s\"} %" PRIu64 "\n", verdict_names[j],
				value_of(&metrics->messages[i][j]));
		}
	}
}

static void print_signatures(struct metrics *metrics, FILE *out)
{
	static const char *const domains[METRICS_DOMAINS] = {"own", "subdomain", "other"};
	static const char *const algorithms[METRICS_ALGORITHMS] = {"rsa-sha256", "ed25519-sha256"};

	fputs(TEXT_TYPE("signatures_total", "counter",
			"Signatures by algorithm, and by how the From domain led to the one that "
			"signs."),
	      out);
	for (size_t i = 0; i < METRICS_DOMAINS; i++)
		for (size_t j = 0; j < METRICS_ALGORITHMS; j++)
			fprintf(out,
				PREFIX "signatures_total{domain=\"%s\",algorithm=\"%s\"} %" PRIu64
				       "\n",
				domains[i], algorithms[j], value_of(&metrics->signatures[i][j]));
}

static void print_refusals(struct metrics *metrics, FILE *out)
{
	fputs(TEXT_TYPE("claimed_address_refusals_total", "counter",
			"Clients refused for the address that they claim, by rule."),
	      out);
	for (size_t i = 0; i <= METRICS_MOST_NAMES; i++) {
		if (i >= metrics->rules.count && i != OTHER)
			continue;
		fputs(PREFIX "claimed_address_refusals_total{rule=", out);
		print_value(out, name_at(&metrics->rules, i));
		fprintf(out, "} %" PRIu64 "\n", value_of(&metrics->refusals[i]));
	}
}

static void print_answers(struct metrics *metrics, FILE *out)
{
	static const char *const names[METRICS_ANSWERS] = {
		[METRICS_ANSWER_PASS] = "pass",
		[METRICS_ANSWER_DEFER] = "defer",
		[METRICS_ANSWER_REJECT] = "reject",
		[METRICS_ANSWER_HOLD] = "hold",
	};

	fputs(TEXT_TYPE("policy_answers_total", "counter", "Answers of the policy service."), out);
	for (size_t i = 0; i < METRICS_ANSWERS; i++)
		fprintf(out, PREFIX "policy_answers_total{answer=\"%s\"} %" PRIu64 "\n", names[i],
			value_of(&metrics->answers[i]));
}

/* Prints nanoseconds as seconds, whatever the locale. */
static void print_seconds(FILE *out, uint64_t nanoseconds)
{
	fprintf(out, "%" PRIu64 ".%09" PRIu64, nanoseconds / 1000000000, nanoseconds % 1000000000);
}

/* The count is the sum of the buckets as read: both agree whatever is counted meanwhile. */
static void print_histogram(struct metrics *metrics, FILE *out)
{
	uint64_t sum = 0;

	fputs(TEXT_TYPE("sign_seconds", "histogram", "Time that a signature took."), out);
	for (size_t i = 0; i <= BOUNDS; i++) {
		sum += value_of(&metrics->sign.buckets[i]);
		fputs(PREFIX "sign_seconds_bucket{le=\"", out);
		if (i < BOUNDS)
			print_seconds(out, bounds[i]);
		else
			fputs("+Inf", out);
		fprintf(out, "\"} %" PRIu64 "\n", sum);
	}
	fputs(PREFIX "sign_seconds_sum ", out);
	print_seconds(out, value_of(&metrics->sign.nanoseconds));
	fprintf(out, "\n" PREFIX "sign_seconds_count %" PRIu64 "\n", sum);
}

static void print_states(struct metrics *metrics, FILE *out)
{
	uint64_t ended = value_of(&metrics->sessions_ended);
	uint64_t began = value_of(&metrics->sessions_began);

	fputs(TEXT_TYPE("sessions", "gauge", "Connections of mail servers that are open."), out);
	fprintf(out, PREFIX "sessions %" PRIu64 "\n", began > ended ? began - ended : 0);
	fputs(TEXT_TYPE("sessions_total", "counter", "Connections of mail servers so far."), out);
	fprintf(out, PREFIX "sessions_total %" PRIu64 "\n", began);
	fputs(TEXT_TYPE("reloads_total", "counter", "New configurations, taken or not."), out);
	fprintf(out, PREFIX "reloads_total{result=\"ok\"} %" PRIu64 "\n",
		value_of(&metrics->reloads_taken));
	fprintf(out, PREFIX "reloads_total{result=\"failed\"} %" PRIu64 "\n",
		value_of(&metrics->reloads_failed));
	fputs(TEXT_TYPE("start_time_seconds", "gauge", "When the service started, in Unix time."),
	      out);
	fprintf(out, PREFIX "start_time_seconds %lld\n", (long long)metrics->started);
	fputs(TEXT_TYPE("build_info", "gauge", "1, with the version."), out);
	fputs(PREFIX "build_info{version=\"" POSTERN_VERSION "\"} 1\n", out);
}

static void print_keys(struct metrics *metrics, FILE *out)
{
	time_t now = time(NULL);

	fputs(TEXT_TYPE("key_age_seconds", "gauge",
			"Time since the file of a key in use was last changed."),
	      out);
	pthread_mutex_lock(&metrics->lock);
	for (size_t i = 0; i < metrics->key_count; i++) {
		const struct metrics_key *key = &metrics->keys[i];

		fputs(PREFIX "key_age_seconds{domain=", out);
		print_value(out, key->domain);
		fputs(",selector=", out);
		print_value(out, key->selector);
		fprintf(out, "} %lld\n",
			(long long)(now > key->modified ? now - key->modified : 0));
	}
	pthread_mutex_unlock(&metrics->lock);
}

char *metrics_render(struct metrics *metrics, size_t *length)
{
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);
	bool bad;

	if (!out)
		return NULL;
	print_messages(metrics, out);
	print_signatures(metrics, out);
	print_histogram(metrics, out);
	print_refusals(metrics, out);
	print_answers(metrics, out);
	print_states(metrics, out);
	print_keys(metrics, out);
	bad = ferror(out) != 0;
	if (fclose(out) != 0 || bad) {
		free(text);
		return NULL;
	}
	*length = size;
	return text;
}

/* What DNS has of a DKIM key, compared and printed; see dkim_record.h. */
#include "common/dkim_record.h"

#include <errno.h>

#define FEWEST_RSA_BITS 1024 /* RFC 8301 3.2 */

static struct dkim_record_finding compare_one(EVP_PKEY *key, const struct dns_text *text)
{
	struct dkim_record_finding finding = {.state = DKIM_RECORD_GOOD};
	struct dkim_record record;
	const char *wrong = dkim_record_parse(text->text, text->length, &record);

	if (wrong)
		return (struct dkim_record_finding){DKIM_RECORD_UNUSABLE, false, wrong};
	finding.testing = record.testing;
	if (record.revoked)
		finding.state = DKIM_RECORD_REVOKED;
	else if (EVP_PKEY_get_base_id(record.key) != EVP_PKEY_get_base_id(key)) {
		finding.state = DKIM_RECORD_DIFFERENT;
		finding.detail = "of another type";
	} else if (EVP_PKEY_eq(record.key, key) != 1)
		finding.state = DKIM_RECORD_DIFFERENT;
	else if (EVP_PKEY_get_base_id(key) == EVP_PKEY_RSA &&
		 EVP_PKEY_get_bits(key) < FEWEST_RSA_BITS) {
		finding.state = DKIM_RECORD_UNUSABLE;
		finding.detail = "its key has fewer than 1024 bits";
	}
	dkim_record_done(&record);
	return finding;
}

struct dkim_record_finding dkim_record_compare(EVP_PKEY *key, const struct dns_texts *published)
{
	struct dkim_record_finding finding;

	if (published->count == 0)
		return (struct dkim_record_finding){.state = DKIM_RECORD_MISSING};
	if (published->count == 1)
		return compare_one(key, &published->items[0]);
	for (size_t i = 0; i < published->count; i++) {
		finding = compare_one(key, &published->items[i]);
		if (finding.state == DKIM_RECORD_GOOD)
			return (struct dkim_record_finding){DKIM_RECORD_SEVERAL, finding.testing,
							    "the right one among them"};
	}
	return (struct dkim_record_finding){DKIM_RECORD_SEVERAL, false,
					    "none of them the right one"};
}

struct dkim_record_finding dkim_record_check(const struct dns_resolver *resolver,
					     struct arena *arena, const char *domain,
					     const char *selector, EVP_PKEY *key)
{
	const char *name = dkim_record_name(arena, domain, selector);
	struct dns_texts texts = {.count = 0};
	int error = name ? dns_lookup_txt(resolver, arena, name, 0, &texts) : -ENOMEM;

	switch (error) {
	case 0:
	case -ENOENT:
		return dkim_record_compare(key, &texts);
	case -EINVAL:
		return (struct dkim_record_finding){DKIM_RECORD_UNKNOWN, false,
						    "its name is none that DNS can have"};
	case -EAGAIN:
		return (struct dkim_record_finding){DKIM_RECORD_UNKNOWN, false,
						    "no name server answered"};
	default:
		return (struct dkim_record_finding){DKIM_RECORD_UNKNOWN, false, "memory is short"};
	}
}

const char *dkim_record_state_name(enum dkim_record_state state)
{
	static const char *const names[] = {
		[DKIM_RECORD_GOOD] = "good",	       [DKIM_RECORD_MISSING] = "missing",
		[DKIM_RECORD_DIFFERENT] = "different", [DKIM_RECORD_REVOKED] = "revoked",
		[DKIM_RECORD_UNUSABLE] = "unusable",   [DKIM_RECORD_SEVERAL] = "several",
		[DKIM_RECORD_UNKNOWN] = "unknown",
	};

	return names[state];
}

/* What the states mean, for people. */
static const char *describe(enum dkim_record_state state)
{
	static const char *const texts[] = {
		[DKIM_RECORD_GOOD] = "published",
		[DKIM_RECORD_MISSING] = "no record is published",
		[DKIM_RECORD_DIFFERENT] = "another key is published",
		[DKIM_RECORD_REVOKED] = "the key is revoked (p= is empty)",
		[DKIM_RECORD_UNUSABLE] = "the published record is useless",
		[DKIM_RECORD_SEVERAL] = "several records are published",
		[DKIM_RECORD_UNKNOWN] = "what is published is not known",
	};

	return texts[state];
}

static bool print_checked(const struct dkim_record_row *row, struct arena *arena,
			  const struct dns_resolver *resolver, FILE *out)
{
	struct dkim_record_finding finding =
		dkim_record_check(resolver, arena, row->domain, row->selector, row->key);

	fprintf(out, "%s._domainkey.%s: %s: %s", row->selector, row->domain,
		dkim_record_state_name(finding.state), describe(finding.state));
	if (finding.detail)
		fprintf(out, ": %s", finding.detail);
	if (finding.testing)
		fprintf(out, "; test mode (t=y): verifiers take the mail for unsigned");
	fputc('\n', out);
	return finding.state == DKIM_RECORD_GOOD;
}

static bool print_line(const struct dkim_record_row *row, struct arena *arena, FILE *out)
{
	const char *text = dkim_record_text(arena, row->key);

	if (!text)
		fprintf(out, "; %s._domainkey.%s: a key of this type has no record\n",
			row->selector, row->domain);
	else
		fprintf(out, "%s\n",
			dkim_record_zone_line(arena, row->domain, row->selector, text));
	return text != NULL;
}

size_t dkim_record_print(const struct dkim_record_row *rows, size_t count,
			 const struct dns_resolver *resolver, FILE *out)
{
	struct arena *arena = arena_new(0);
	size_t bad = 0;

	for (size_t i = 0; i < count; i++) {
		bool good = resolver ? print_checked(&rows[i], arena, resolver, out)
				     : print_line(&rows[i], arena, out);

		bad += !good;
		arena_reset(arena);
	}
	arena_free(arena);
	return bad;
}

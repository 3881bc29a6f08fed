/* Policies and keys, which are published as texts. */
#include "common/dkim_record.h"
#include "common/dns_txt.h"
#include "confgen/dns/verify_private.h"

#include <strings.h>

/* What a text of this purpose begins with; NULL: any. */
static const char *beginning(enum dns_purpose purpose)
{
	switch (purpose) {
	case PURPOSE_DMARC:
	case PURPOSE_DMARC_REPORT:
		return "v=DMARC1";
	case PURPOSE_MTA_STS:
		return "v=STSv1";
	case PURPOSE_TLS_RPT:
		return "v=TLSRPTv1";
	default:
		return "";
	}
}

static bool begins_with(const struct dns_found *found, const char *word)
{
	size_t length = strlen(word);

	return found->type == DNS_TXT && found->text.length >= length &&
	       strncasecmp(found->text.text, word, length) == 0;
}

/* The same tags in the same order: blanks and a last semicolon say nothing. */
static bool is_same(const char *wanted, const struct dns_text *text)
{
	const char *p = text->text, *end = text->text + text->length;

	for (;; wanted++, p++) {
		while (*wanted == ' ' || (*wanted == ';' && !wanted[1]))
			wanted++;
		while (p < end && (*p == ' ' || (*p == ';' && p + 1 == end)))
			p++;
		if (!*wanted || p == end)
			return !*wanted && p == end;
		if (*wanted != *p)
			return false;
	}
}

static void verify_policy(struct verifier *verifier, const struct dns_record *record,
			  const struct dns_answer *answer)
{
	const char *word = beginning(record->purpose);
	const struct dns_found *found = NULL;

	for (size_t i = 0; i < answer->count; i++) {
		if (!begins_with(&answer->items[i], word))
			continue;
		if (found) {
			dns_report(verifier->list, SEVERAL, record->at,
				   "%s: several records of %s: receivers take none of them",
				   dns_purpose_name(record->purpose), record->owner);
			return;
		}
		found = &answer->items[i];
	}
	if (!found) {
		verify_missing(verifier, record);
		return;
	}
	if (record->purpose == PURPOSE_DMARC_REPORT || is_same(record->text, &found->text))
		return;
	dns_report(verifier->list, DIFFERENT, record->at, "%s: %s says something else: %s",
		   dns_purpose_name(record->purpose), record->owner,
		   verify_quote(verifier, found->text.text, found->text.length));
	diagnostics_hint(verifier->list, "it should say: %s", record->text);
}

/* --- DKIM --- */

static const char *describe(enum dkim_record_state state)
{
	switch (state) {
	case DKIM_RECORD_DIFFERENT:
		return "another key is published: verifiers refuse its signatures";
	case DKIM_RECORD_REVOKED:
		return "the key is revoked there (p= is empty)";
	case DKIM_RECORD_UNUSABLE:
		return "no verifier takes what is published";
	default:
		return "several records are published: what verifiers take is chance";
	}
}

static void compare(struct verifier *verifier, const struct dns_record *record, EVP_PKEY *key,
		    const struct dns_texts *texts)
{
	struct dkim_record_finding finding = dkim_record_compare(key, texts);

	if (finding.state == DKIM_RECORD_MISSING) {
		verify_missing(verifier, record);
	} else if (finding.state != DKIM_RECORD_GOOD) {
		dns_report(verifier->list, DKIM, record->at, "DKIM: %s: %s%s%s%s", record->owner,
			   describe(finding.state), finding.detail ? " (" : "",
			   finding.detail ? finding.detail : "", finding.detail ? ")" : "");
		diagnostics_hint(verifier->list, "it should say: %s",
				 verify_quote(verifier, record->text, strlen(record->text)));
	} else if (finding.testing) {
		dns_report(verifier->list, DIFFERENT, record->at,
			   "DKIM: %s says t=y: verifiers take the mail for unsigned",
			   record->owner);
		diagnostics_hint(verifier->list, "publish it without t=y");
	}
}

static void verify_key(struct verifier *verifier, const struct dns_record *record,
		       const struct dns_answer *answer)
{
	struct dns_texts texts = {.count = 0};
	struct dkim_record wanted;

	/* a key from SELECTOR.txt may be anything */
	if (dkim_record_parse(record->text, strlen(record->text), &wanted) || !wanted.key) {
		dns_report(verifier->list, DKIM, record->at,
			   "DKIM: the record of the folder of keys for %s is useless itself",
			   record->owner);
		return;
	}
	texts.items = arena_array(verifier->asker->arena, answer->count + 1, sizeof(*texts.items));
	for (size_t i = 0; i < answer->count; i++)
		if (answer->items[i].type == DNS_TXT)
			texts.items[texts.count++] = answer->items[i].text;
	compare(verifier, record, wanted.key, &texts);
	dkim_record_done(&wanted);
}

void verify_text(struct verifier *verifier, const struct dns_record *record)
{
	const struct dns_answer *answer = verify_ask(verifier, record->owner, DNS_TXT, record->at);

	if (!answer)
		return;
	if (record->purpose == PURPOSE_DKIM)
		verify_key(verifier, record, answer);
	else
		verify_policy(verifier, record, answer);
}

/* A DKIM record out of a line of a zone file; see dkim_record.h. */
#include "common/dkim_record.h"
#include "common/dns_private.h"

char *dkim_record_read_line(struct arena *arena, const char *line, size_t length)
{
	FILE *in = length && !memchr(line, '\0', length)
			   ? fmemopen((void *)(uintptr_t)line, length, "r")
			   : NULL;
	struct dns_text text = {.text = NULL};
	uint32_t ttl = 0;
	ldns_rr *record = NULL;
	char *copy = NULL;

	if (!in)
		return NULL;
	/* names without a dot at their end get one */
	while (!record && !feof(in) &&
	       ldns_rr_new_frm_fp(&record, in, &ttl, NULL, NULL) == LDNS_STATUS_SYNTAX_EMPTY)
		;
	if (record && ldns_rr_get_type(record) == LDNS_RR_TYPE_TXT &&
	    dns_copy_text(arena, record, &text) == 0 && !memchr(text.text, '\0', text.length))
		copy = arena_strndup(arena, text.text, text.length);
	ldns_rr_free(record);
	fclose(in);
	return copy;
}

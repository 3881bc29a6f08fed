/*
 * Whether a text can be what its key asks for. Each check returns NULL when it can, else the rest
 * of a sentence that begins with the value. Pure, thread-safe.
 *
 * Sources: RFC 1123 2.1 (host names), RFC 5321 4.1.2 (mailboxes), RFC 6376 3.1 (selectors),
 * postconf(5) for what would break a Postfix file.
 */
#ifndef POSTERN_SYNTAX_H
#define POSTERN_SYNTAX_H

#include <stdbool.h>

#define SMALLEST_LIMIT 1024 /* octets that message_size_limit can be, but for 0 */

/* The name of a node, network, route or test: letters, digits, "-" and "_", at most 32. */
const char *check_name(const char *value);

/* A DNS domain in A-label form, without trailing dot, at most 253 octets. */
const char *check_domain(const char *value);

/* A domain of at least two labels that is no address: what a mail server may call itself. */
const char *check_hostname(const char *value);

/* A host name or an IP address, without brackets. */
const char *check_host(const char *value);

/* A DKIM selector: one or more labels. */
const char *check_selector(const char *value);

/* A date, or a date with time (RFC 3339), as common/date.h reads it. */
const char *check_date(const char *value);

/* local-part@domain with a dot-string local part. */
const char *check_mailbox(const char *value);

/* A domain, or a mailbox that can stand in a lookup table. */
const char *check_domain_or_mailbox(const char *value);

/* A mailbox that can stand in a lookup table, or @domain: every address of the domain. */
const char *check_recipient(const char *value);

/* A mailbox, or "<>", the null sender. */
const char *check_sender(const char *value);

/* An absolute path without white space or characters that mean something to Postfix. */
const char *check_path(const char *value);

/* Any file name: not empty, no control characters. */
const char *check_file(const char *value);

/*
 * MAJOR.MINOR of a Postfix release that is known here: the files are tried with the oldest, with
 * that of Debian 12, which is the default, and with the newest.
 */
#define POSTFIX_OLDEST	     305
#define POSTFIX_BIND_ENFORCE 307 /* the first with smtp_bind_address_enforce */
#define POSTFIX_DEFAULT	     307
#define POSTFIX_NEWEST	     310
const char *check_postfix_version(const char *value);

/* The release as a number, 307 for a valid "3.7". */
unsigned postfix_release(const char *version);

/* A login name: what can stand before the colon in a Postfix password map. */
const char *check_username(const char *value);

/*
 * A login name that a host of ours accepts: it can stand in tables, in the milter's configuration
 * and in a command.
 */
const char *check_account(const char *value);

/* The name of an environment variable. */
const char *check_variable(const char *value);

/* An IP address, of any family or of one. */
const char *check_ip(const char *value);
const char *check_ipv4(const char *value);
const char *check_ipv6(const char *value);

/* A provider's region, such as eu-west-1: one label of a host name. */
const char *check_region(const char *value);

/* A SHA-256 fingerprint: 32 pairs of hexadecimal digits with colons between them. */
const char *check_fingerprint(const char *value);

/* An address, or "local": a host's own sendmail(1). */
const char *check_client(const char *value);

/* What a client greets with: a name, or an address in brackets. */
const char *check_helo(const char *value);

/* NODE or NODE:LISTENER. */
const char *check_place(const char *value);

/* A domain that signs, or "none". */
const char *check_signer(const char *value);

/* One line of printable text. */
const char *check_label(const char *value);

/* The name of an image: [registry/]name[:tag]. */
const char *check_image(const char *value);

/* The name of a parameter of main.cf. */
const char *check_parameter(const char *value);

/* The value of a parameter: one line of UTF-8, no white space at its ends. */
const char *check_setting(const char *value);

/* An item of masquerade_domains: a domain, or one that is to be kept, after an exclamation mark. */
const char *check_masquerade(const char *value);

/* Whether `name` equals `domain` or lies below it; case-insensitive. */
bool domain_is_within(const char *name, const char *domain);

#endif

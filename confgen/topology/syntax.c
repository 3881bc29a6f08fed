/* Whether a text can be what its key asks for; see syntax.h. */
#include "confgen/topology/syntax.h"
#include "common/date.h"
#include "common/network.h"

#include <ctype.h>
#include <stdlib.h>
#include <strings.h>

static bool printable(const char *value, const char *refused)
{
	for (const unsigned char *p = (const unsigned char *)value; *p; p++)
		if (*p <= 0x20 || *p == 0x7f || strchr(refused, *p))
			return false;
	return true;
}

const char *check_name(const char *value)
{
	size_t length =
		strspn(value, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_");

	if (!*value || value[length] || value[0] == '-')
		return "is not a name: use letters, digits, '-' and '_'";
	return length > 32 ? "is longer than 32 characters" : NULL;
}

static const char *check_label_of_domain(const char *label, size_t length)
{
	if (length == 0)
		return "has an empty label (two dots, or a dot at an end)";
	if (length > 63)
		return "has a label of more than 63 characters";
	if (label[0] == '-' || label[length - 1] == '-')
		return "has a label that begins or ends with '-'";
	for (size_t i = 0; i < length; i++)
		if ((unsigned char)label[i] >= 0x80)
			return "is not in ASCII: write internationalized domains as A-labels "
			       "(xn--...)";
		else if (!isalnum((unsigned char)label[i]) && label[i] != '-' && label[i] != '_')
			return "is not a domain name";
	return NULL;
}

const char *check_domain(const char *value)
{
	struct ip_address address;
	size_t length = strlen(value);

	if (ip_parse(value, &address) == IP_OK)
		return "is an address where a domain name is wanted";
	if (length == 0 || length > 253)
		return "is not a domain name";
	if (value[length - 1] == '.')
		return "ends with a dot: write it without";
	for (const char *label = value;; label += strcspn(label, ".") + 1) {
		size_t size = strcspn(label, ".");
		const char *wrong = check_label_of_domain(label, size);

		if (wrong)
			return wrong;
		if (!label[size])
			return NULL;
	}
}

const char *check_hostname(const char *value)
{
	const char *wrong = check_domain(value);

	if (wrong)
		return wrong;
	if (!strchr(value, '.'))
		return "is not fully qualified: other servers refuse such a greeting";
	if (strcasecmp(value, "localhost.localdomain") == 0)
		return "is not a name that others can look up";
	return NULL;
}

const char *check_host(const char *value)
{
	struct ip_address address;

	if (value[0] == '[')
		return "has brackets: write the host without, they are added where Postfix wants "
		       "them";
	return ip_parse(value, &address) == IP_OK ? NULL : check_domain(value);
}

const char *check_selector(const char *value)
{
	const char *wrong = check_domain(value);

	return wrong && strlen(value) <= 63 && strspn(value, "0123456789") == strlen(value) ? NULL
											    : wrong;
}

const char *check_date(const char *value)
{
	int64_t seconds;

	return date_parse(value, &seconds) ? NULL : "is no date";
}

static bool is_atext(unsigned char c)
{
	return isalnum(c) || (c && strchr("!#$%&'*+-/=?^_`{|}~", c));
}

const char *check_mailbox(const char *value)
{
	const char *at = strrchr(value, '@');

	if (!at || at == value)
		return "is not a mail address (local-part@domain)";
	if (at - value > 64)
		return "has a local part of more than 64 characters";
	for (const char *p = value; p < at; p++)
		if (!is_atext((unsigned char)*p) &&
		    (*p != '.' || p == value || p + 1 == at || p[1] == '.'))
			return "has a local part that is not a plain dot-string";
	return check_domain(at + 1);
}

/* One that can stand in a lookup table, in a file or inline. */
static const char *check_plain_mailbox(const char *value)
{
	return strpbrk(value, "#$={}") ? "has a character that means something in Postfix's tables"
				       : check_mailbox(value);
}

const char *check_domain_or_mailbox(const char *value)
{
	return strchr(value, '@') ? check_plain_mailbox(value) : check_domain(value);
}

const char *check_recipient(const char *value)
{
	return value[0] == '@' ? check_domain(value + 1) : check_plain_mailbox(value);
}

const char *check_sender(const char *value)
{
	return strcmp(value, "<>") == 0 ? NULL : check_mailbox(value);
}

const char *check_path(const char *value)
{
	if (value[0] != '/')
		return "is not an absolute path";
	if (!printable(value, "$,{}#'\"\\"))
		return "has a character that means something to Postfix or a shell";
	return strstr(value, "/../") ? "has '..' in it" : NULL;
}

const char *check_file(const char *value)
{
	for (const unsigned char *p = (const unsigned char *)value; *p; p++)
		if (*p < 0x20 || *p == 0x7f)
			return "has a control character";
	return *value ? NULL : "is empty";
}

unsigned postfix_release(const char *version)
{
	return 300 + (unsigned)strtoul(version + 2, NULL, 10);
}

const char *check_postfix_version(const char *value)
{
	bool digits = strlen(value) >= 3 && value[0] == '3' && value[1] == '.' &&
		      strspn(value + 2, "0123456789") == strlen(value + 2) && strlen(value) <= 4 &&
		      !(value[2] == '0' && value[3]);

	if (!digits)
		return "is not a Postfix release: write MAJOR.MINOR, in quotes, such as \"3.7\"";
	if (postfix_release(value) < POSTFIX_OLDEST)
		return "is older than 3.5, the oldest release that is supported";
	if (postfix_release(value) > POSTFIX_NEWEST)
		return "is newer than 3.10, the newest release that is supported";
	return NULL;
}

const char *check_username(const char *value)
{
	if (!*value || !printable(value, ":"))
		return "is not a login name: no spaces, colons or control characters";
	return strlen(value) > 255 ? "is longer than 255 characters" : NULL;
}

const char *check_account(const char *value)
{
	for (const char *p = value; *p; p++)
		if (!isalnum((unsigned char)*p) && (p == value || !strchr("._+-@", *p)))
			return "is not an account: letters, digits and . _ + - @, a letter or "
			       "digit "
			       "first";
	return check_username(value);
}

const char *check_variable(const char *value)
{
	if (!*value || isdigit((unsigned char)*value))
		return "is not the name of an environment variable";
	for (const char *p = value; *p; p++)
		if (!isalnum((unsigned char)*p) && *p != '_')
			return "is not the name of an environment variable";
	return NULL;
}

const char *check_ip(const char *value)
{
	struct ip_address address;

	return ip_parse(value, &address) == IP_OK ? NULL : "is not an IP address";
}

static bool is_family(const char *value, enum ip_family family)
{
	struct ip_address address;

	return ip_parse(value, &address) == IP_OK && address.family == family;
}

const char *check_client(const char *value)
{
	if (strcmp(value, "local") == 0 || check_ip(value) == NULL)
		return NULL;
	return "is neither an IP address nor 'local', the node's own sendmail";
}

const char *check_helo(const char *value)
{
	struct ip_address address;

	if (value[0] == '[')
		return ip_parse(value, &address) == IP_OK ? NULL : "is no address in brackets";
	return check_domain(value);
}

const char *check_place(const char *value)
{
	const char *colon = strchr(value, ':');
	char node[33];

	if (!colon)
		return check_name(value);
	if (colon - value >= (ptrdiff_t)sizeof(node))
		return "names a node of more than 32 characters";
	memcpy(node, value, (size_t)(colon - value));
	node[colon - value] = '\0';
	return check_name(node) ? check_name(node) : check_name(colon + 1);
}

const char *check_signer(const char *value)
{
	return strcmp(value, "none") == 0 ? NULL : check_domain(value);
}

const char *check_ipv4(const char *value)
{
	return is_family(value, IP_V4) ? NULL : "is not an IPv4 address";
}

const char *check_ipv6(const char *value)
{
	return is_family(value, IP_V6) ? NULL : "is not an IPv6 address";
}

const char *check_region(const char *value)
{
	return check_label_of_domain(value, strlen(value)) ? "is not a region" : NULL;
}

const char *check_fingerprint(const char *value)
{
	if (strlen(value) != 32 * 3 - 1)
		return "is not a SHA-256 fingerprint: 32 pairs of hexadecimal digits and colons";
	for (size_t i = 0; value[i]; i++)
		if (i % 3 == 2 ? value[i] != ':' : !isxdigit((unsigned char)value[i]))
			return "is not a SHA-256 fingerprint: 32 pairs of hexadecimal digits and "
			       "colons";
	return NULL;
}

const char *check_label(const char *value)
{
	const char *wrong = check_file(value);

	if (wrong)
		return wrong;
	return strlen(value) > 200 ? "is longer than 200 characters" : NULL;
}

const char *check_image(const char *value)
{
	size_t length = strspn(value, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "0123456789._/:@-");

	return !*value || value[length] || !isalnum((unsigned char)value[0])
		       ? "is not the name of an image"
		       : NULL;
}

/*
 * Parameters that decide which programs run, as root even where Postfix is only asked to check a
 * configuration: a topology may be a stranger's.
 */
static const char *const program_parameters[] = {
	"alternate_config_directories",
	"command_directory",
	"config_directory",
	"daemon_directory",
	"debugger_command",
	"export_environment",
	"import_environment",
	"mailq_path",
	"maillog_file_compressor",
	"maillog_file_prefixes",
	"meta_directory",
	"multi_instance_directories",
	"multi_instance_enable",
	"multi_instance_wrapper",
	"newaliases_path",
	"sendmail_path",
	"shlib_directory",
};

const char *check_parameter(const char *value)
{
	size_t length = strspn(value, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "0123456789_-");

	if (length == 0 || value[length] || length > 100 || value[0] == '-')
		return "is not the name of a Postfix parameter";
	for (size_t i = 0; i < sizeof(program_parameters) / sizeof(program_parameters[0]); i++)
		if (strcmp(value, program_parameters[i]) == 0)
			return "decides which programs run: that is set on the host, not in a "
			       "topology";
	return NULL;
}

const char *check_setting(const char *value)
{
	const char *wrong = *value ? check_file(value) : NULL;
	size_t length = strlen(value);

	if (wrong)
		return wrong;
	if (length && (value[0] == ' ' || value[length - 1] == ' '))
		return "begins or ends with white space, which Postfix would drop";
	return length > 4096 ? "is longer than 4096 octets" : NULL;
}

const char *check_masquerade(const char *value)
{
	return check_domain(value + (value[0] == '!'));
}

bool domain_is_within(const char *name, const char *domain)
{
	size_t all = strlen(name), tail = strlen(domain);

	if (all < tail || strcasecmp(name + all - tail, domain) != 0)
		return false;
	return all == tail || name[all - tail - 1] == '.';
}

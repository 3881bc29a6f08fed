/*
 * A milter that does nothing: it hears what a milter that signs must hear (client, sender, header,
 * body), answers the end of each message alone, and changes nothing. What mail is slower with it
 * than without is the price of the protocol; a signer on libmilter hardly costs less.
 *
 * Usage: milter_nothing SOCKET (as libmilter has them, unix:/path)
 */
#include <libmilter/mfapi.h>
#include <libmilter/mfdef.h>

#define QUIET                                                                           \
	(SMFIP_NOHELO | SMFIP_NORCPT | SMFIP_NOUNKNOWN | SMFIP_NODATA | SMFIP_NR_CONN | \
	 SMFIP_NR_MAIL | SMFIP_NR_HDR | SMFIP_NR_EOH | SMFIP_NR_BODY)

static sfsistat on_negotiate(SMFICTX *context, unsigned long actions, unsigned long protocol,
			     unsigned long unused2, unsigned long unused3,
			     unsigned long *want_actions, unsigned long *want_protocol,
			     unsigned long *want2, unsigned long *want3)
{
	(void)context, (void)actions, (void)unused2, (void)unused3;
	*want_actions = 0;
	*want_protocol = protocol & QUIET;
	*want2 = *want3 = 0;
	return SMFIS_CONTINUE;
}

static sfsistat on_connect(SMFICTX *context, char *name, _SOCK_ADDR *address)
{
	(void)context, (void)name, (void)address;
	return SMFIS_NOREPLY;
}

static sfsistat on_mail(SMFICTX *context, char **arguments)
{
	(void)context, (void)arguments;
	return SMFIS_NOREPLY;
}

static sfsistat on_header(SMFICTX *context, char *name, char *value)
{
	(void)context, (void)name, (void)value;
	return SMFIS_NOREPLY;
}

static sfsistat on_headers_done(SMFICTX *context)
{
	(void)context;
	return SMFIS_NOREPLY;
}

static sfsistat on_body(SMFICTX *context, unsigned char *data, size_t size)
{
	(void)context, (void)data, (void)size;
	return SMFIS_NOREPLY;
}

static sfsistat on_end(SMFICTX *context)
{
	(void)context;
	return SMFIS_CONTINUE;
}

int main(int argc, char **argv)
{
	static char name[] = "nothing";
	struct smfiDesc callbacks = {
		.xxfi_name = name,
		.xxfi_version = SMFI_VERSION,
		.xxfi_connect = on_connect,
		.xxfi_envfrom = on_mail,
		.xxfi_header = on_header,
		.xxfi_eoh = on_headers_done,
		.xxfi_body = on_body,
		.xxfi_eom = on_end,
		.xxfi_negotiate = on_negotiate,
	};

	if (argc != 2) {
		fprintf(stderr, "usage: milter_nothing SOCKET\n");
		return 2;
	}
	if (smfi_register(callbacks) == MI_FAILURE || smfi_setconn(argv[1]) == MI_FAILURE)
		return 1;
	return smfi_main() == MI_SUCCESS ? 0 : 1;
}

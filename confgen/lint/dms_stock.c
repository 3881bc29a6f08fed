/*
 * What docker-mailserver's image sets before the overrides come: services, and of main.cf what
 * decides about overrides. It is here because users have the overrides alone. Its tables are left
 * out, for they cannot be read; the level fits each release that can be judged from 3.6 on.
 */
#include "confgen/lint/dms_overrides.h"

static const char main_cf[] =
	"compatibility_level = 3.6\n"
	"myhostname = mail.example.com\n"
	"mydestination = $myhostname, localhost.$mydomain, localhost\n"
	"mynetworks = 127.0.0.0/8 [::1]/128\n"
	"recipient_delimiter = +\n"
	"inet_interfaces = all\n"
	"smtpd_tls_chain_files = /etc/dms/tls/key /etc/dms/tls/cert\n"
	"smtpd_tls_security_level = may\n"
	"smtp_tls_security_level = may\n"
	"smtpd_helo_required = yes\n"
	"smtpd_helo_restrictions = permit_mynetworks, reject_invalid_helo_hostname\n"
	"smtpd_relay_restrictions = permit_mynetworks permit_sasl_authenticated "
	"defer_unauth_destination\n"
	"smtpd_recipient_restrictions = permit_sasl_authenticated, permit_mynetworks, "
	"reject_unauth_destination, reject_unknown_recipient_domain\n"
	"smtpd_client_restrictions = permit_mynetworks, permit_sasl_authenticated, "
	"reject_unauth_destination\n"
	"dms_smtpd_sender_restrictions = permit_sasl_authenticated, permit_mynetworks, "
	"reject_unknown_sender_domain\n"
	"mua_sender_restrictions = reject_authenticated_sender_login_mismatch, "
	"$dms_smtpd_sender_restrictions\n"
	"smtpd_sender_restrictions = $dms_smtpd_sender_restrictions\n"
	"smtpd_data_restrictions = permit_mynetworks, permit_sasl_authenticated, "
	"reject_unauth_pipelining\n"
	"disable_vrfy_command = yes\n"
	"smtpd_forbid_bare_newline = yes\n"
	"smtpd_sasl_auth_enable = no\n"
	"smtpd_sasl_path = /dev/shm/sasl-auth.sock\n"
	"smtpd_sasl_type = dovecot\n"
	"smtpd_sasl_security_options = noanonymous\n"
	"virtual_transport = lmtp:unix:/var/run/dovecot/lmtp\n"
	"milter_default_action = accept\n"
	"smtpd_milters =\n"
	"non_smtpd_milters =\n";

#define SUBMISSION                                                          \
	"  -o smtpd_sasl_auth_enable=yes\n"                                 \
	"  -o smtpd_client_restrictions=permit_sasl_authenticated,reject\n" \
	"  -o smtpd_relay_restrictions=permit_sasl_authenticated,reject\n"  \
	"  -o smtpd_sender_restrictions=$mua_sender_restrictions\n"         \
	"  -o milter_macro_daemon_name=ORIGINATING\n"                       \
	"  -o cleanup_service_name=sender-cleanup\n"

static const char master_cf[] =
	"smtp inet n - n - 1 postscreen\n"
	"smtpd pass - - n - - smtpd\n"
	"tlsproxy unix - - n - 0 tlsproxy\n"
	"dnsblog unix - - n - 0 dnsblog\n"
	"submission inet n - n - - smtpd\n"
	"  -o smtpd_tls_security_level=encrypt\n" SUBMISSION "submissions inet n - n - - smtpd\n"
	"  -o smtpd_tls_wrappermode=yes\n" SUBMISSION "pickup fifo n - n 60 1 pickup\n"
	"sender-cleanup unix n - n - 0 cleanup\n"
	"cleanup unix n - n - 0 cleanup\n"
	"qmgr unix n - n 300 1 qmgr\n"
	"tlsmgr unix - - n 1000? 1 tlsmgr\n"
	"rewrite unix - - n - - trivial-rewrite\n"
	"bounce unix - - n - 0 bounce\n"
	"defer unix - - n - 0 bounce\n"
	"trace unix - - n - 0 bounce\n"
	"verify unix - - n - 1 verify\n"
	"flush unix n - n 1000? 0 flush\n"
	"proxymap unix - - n - - proxymap\n"
	"proxywrite unix - - n - 1 proxymap\n"
	"smtp unix - - n - - smtp\n"
	"relay unix - - n - - smtp\n"
	"showq unix n - n - - showq\n"
	"error unix - - n - - error\n"
	"retry unix - - n - - error\n"
	"discard unix - - n - - discard\n"
	"local unix - n n - - local\n"
	"virtual unix - n n - - virtual\n"
	"lmtp unix - - n - - lmtp\n"
	"anvil unix - - n - 1 anvil\n"
	"scache unix - - n - 1 scache\n"
	"postlog unix-dgram n - n - 1 postlogd\n";

const struct source *dms_stock_main(void)
{
	static const struct source source = {"main.cf", main_cf, sizeof(main_cf) - 1};

	return &source;
}

const struct source *dms_stock_master(void)
{
	static const struct source source = {"master.cf", master_cf, sizeof(master_cf) - 1};

	return &source;
}

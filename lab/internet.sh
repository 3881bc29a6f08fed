# The internet: the MX of elsewhere.test, which takes mail for any local part into one Maildir, and
# from which strangers send.
# shellcheck shell=bash

internet_serve() {
	postfix_base "$1" internet
	node_run "$1" postconf -e \
		"virtual_mailbox_domains = elsewhere.test $(messages_query '.domains[]' | paste -sd ' ')"
	postfix_begin "$1"
}

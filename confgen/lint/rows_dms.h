/* docker-mailserver: its override files. What finds these is in rules_dms.c; see dms_overrides.h.
 */
FOUND_RULE(D01, ERROR, 0, "postconf(1)", "white space in a value for postconf -P")
FOUND_RULE(D02, ERROR, 0, "postconf(1)", "a line of postfix-master.cf that does nothing")
FOUND_RULE(D03, WARNING, 0, "master(5)", "user-patches.sh appends to a file, at each start again")
FOUND_RULE(D04, WARNING, 0, "relayhost", "both RELAY_HOST and DEFAULT_RELAY_HOST")
FOUND_RULE(D05, ERROR, 0, "postmap(1)", "an indexed table that nothing makes the index of")
FOUND_RULE(D06, WARNING, 0, "postconf(1)", "line ends that docker-mailserver stumbles over")
FOUND_RULE(D07, WARNING, 0, "sender_dependent_relayhost_maps",
	   "bounces do not take the relays of postfix-relaymap.cf")
FOUND_RULE(D08, WARNING, 0, "relayhost", "a relay without brackets: MX records are looked up")
FOUND_RULE(D09, WARNING, 0, "master(5)", "a service is given what its program does not read")
FOUND_RULE(D10, ERROR, 0, "smtp_sasl_password_maps", "a login without user and password")

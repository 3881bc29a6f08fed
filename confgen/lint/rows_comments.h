/* Comments that silence rules: "# postern: ignore=RULE reason". */
FOUND_RULE(C01, WARNING, 0, "postern-confgen(1)", "a comment silences a rule, but gives no reason")
FOUND_RULE(C02, INFO, 0, "postern-confgen(1)", "a comment silences what is not found any more")
FOUND_RULE(C03, WARNING, 0, "postern-confgen(1)",
	   "a comment to silence a rule cannot be understood")

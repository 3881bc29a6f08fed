# What --help says of the options of a program, for completions: lines "OPTION, VALUE, WORDS, DESCRIPTION" with
# tabs between. VALUE is what the option takes, such as FILE, or empty; WORDS are its words, where --help
# has them: "a|b|c", "a (default), b or c", "a, b, c".
function tell(    words, rest) {
	if (!long) return
	words = ""
	rest = text
	while (match(rest, /[a-z0-9-]+(\|[a-z0-9-]+)+/)) {
		words = words substr(rest, RSTART, RLENGTH) " "
		rest = substr(rest, RSTART + RLENGTH)
	}
	gsub(/\|/, " ", words)
	if (!words && value == "TYPE")
		words = text
	else if (!words && value ~ /^(FORMAT|MODE)$/ && match(text, /[a-z]+( \(default\))?(, [a-z]+)*,? or [a-z]+/))
		words = substr(text, RSTART, RLENGTH)
	gsub(/ \(default\)|,| or /, " ", words)
	if (short) printf "%s\t%s\t%s\t%s\n", short, value, words, text
	printf "%s\t%s\t%s\t%s\n", long, value, words, text
	long = ""
}
/^ +(-[A-Za-z?], )?--[a-z]/ && !/^            / {
	tell()
	short = match($0, /^ +-[A-Za-z]/) ? substr($0, RLENGTH - 1, 2) : ""
	match($0, /--[a-z][a-z-]*/)
	long = substr($0, RSTART, RLENGTH)
	text = substr($0, RSTART + RLENGTH)
	value = match(text, /^=[A-Z]+/) ? substr(text, 2, RLENGTH - 1) : ""
	sub(/^[^ ]*/, "", text)
	sub(/^ +/, "", text)
	next
}
long && /^                    / {
	sub(/^ +/, "")
	text = text " " $0
	next
}
{ tell() }
END { tell() }

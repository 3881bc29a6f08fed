/* postern-confgen: finds the command and hands over to it. */
#include "confgen/commands/command.h"

#include "common/suggest.h"

#define MOST_COMMANDS 32

#define ROW(name, summary) {#name, summary, command_##name},
static const struct command commands[] = {COMMANDS(ROW)};
#define COMMAND_COUNT (sizeof(commands) / sizeof(commands[0]))

static void print_help(FILE *out)
{
	fputs("Usage: postern-confgen COMMAND [OPTION...] [TOPOLOGY]\n"
	      "Renders Postfix's files for every host of a relay topology, and checks them.\n\n"
	      "Commands:\n",
	      out);
	for (size_t i = 0; i < COMMAND_COUNT; i++)
		fprintf(out, "  %-10s %s\n", commands[i].name, commands[i].summary);
	fputs("\n'postern-confgen COMMAND --help' tells a command's options.\n"
	      "TOPOLOGY is a file in YAML, by default " DEFAULT_TOPOLOGY " in the current folder.\n"
	      "Exit status: 0 clean, 1 findings, 2 wrong usage, 3 unreadable input or failure.\n",
	      out);
}

static int unknown(const char *name)
{
	const char *names[MOST_COMMANDS], *near;

	for (size_t i = 0; i < COMMAND_COUNT; i++)
		names[i] = commands[i].name;
	near = suggest(name, names, COMMAND_COUNT);
	complain("there is no command '%s'%s%s%s", name, near ? "; did you mean '" : "",
		 near ? near : "", near ? "'?" : "");
	fputs("'postern-confgen --help' lists them.\n", stderr);
	return EXIT_USAGE;
}

int main(int argc, char **argv)
{
	if (argc < 2) {
		print_help(stderr);
		return EXIT_USAGE;
	}
	if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 ||
	    strcmp(argv[1], "-?") == 0 || strcmp(argv[1], "help") == 0) {
		print_help(stdout);
		return EXIT_CLEAN;
	}
	if (strcmp(argv[1], "--version") == 0 || strcmp(argv[1], "-V") == 0) {
		puts("postern-confgen " POSTERN_VERSION);
		return EXIT_CLEAN;
	}
	for (size_t i = 0; i < COMMAND_COUNT; i++)
		if (strcmp(argv[1], commands[i].name) == 0)
			return commands[i].run(argc - 1, argv + 1);
	return unknown(argv[1]);
}

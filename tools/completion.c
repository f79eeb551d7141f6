/* SPDX-License-Identifier: ISC */
/* completion.c: completion scripts for shells, written from the tables of commands and options. */
#include <ctype.h>
#include <errno.h>
#include <string.h>

#include "args.h"

/*
 * Addresses to offer are asked of the daemon when Tab is pressed. They come from the network, and
 * bash expands the words it is given ("$(...)" is run): only harmless characters pass.
 */
#define PEERS                                                                                      \
	"earshot peers --json --timeout 0.3 2>/dev/null | LC_ALL=C "                               \
	"sed -n 's/^{\"address\":\"\\([A-Za-z0-9._@+-]*\\)\".*/\\1/p'"

static void
write_options(const struct command *command, FILE *out)
{
	for (const struct option_row *row = option_rows; row->name != NULL; row++) {
		if (!option_fits(row, command))
			continue;
		fprintf(out, "--%s ", row->name);
		if (!isupper((unsigned char)row->letter))
			fprintf(out, "-%c ", row->letter);
	}
}

static void
write_commands(FILE *out)
{
	for (const struct command *c = commands; c->name != NULL; c++)
		fprintf(out, "%s%s", c == commands ? "" : " ", c->name);
}

static bool
takes_address(const struct command *command)
{
	return strstr(command->args, "ADDR") != NULL;
}

static void
write_bash(FILE *out)
{
	fputs("# bash completion for earshot\n_earshot()\n{\n"
	      "\tlocal cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]}\n"
	      "\tlocal command= word words=\n"
	      "\tfor word in \"${COMP_WORDS[@]:1:COMP_CWORD-1}\"; do\n"
	      "\t\tcase $word in\n\t\t-*) ;;\n\t\t*) command=$word; break ;;\n\t\tesac\n\tdone\n"
	      "\tcase $prev in\n",
	      out);
	for (const struct option_row *row = option_rows; row->name != NULL; row++) {
		if (row->completion != NULL)
			fprintf(out,
				"\t--%s) COMPREPLY=($(compgen -W '%s' -- \"$cur\")); return ;;\n",
				row->name, row->completion);
	}
	fputs("\t--socket|--config) COMPREPLY=($(compgen -f -- \"$cur\")); return ;;\n\tesac\n"
	      "\tcase $command in\n\t'') words='",
	      out);
	write_commands(out);
	fputs(" ", out);
	write_options(NULL, out);
	fputs("' ;;\n", out);
	for (const struct command *c = commands; c->name != NULL; c++) {
		fprintf(out, "\t%s) words='", c->name);
		write_options(c, out);
		fputs("'", out);
		if (takes_address(c))
			fputs("\n\t\tcase $cur in -*) ;; *) words+=\" $(" PEERS ")\" ;; esac", out);
		fputs(" ;;\n", out);
	}
	fputs("\tesac\n\tCOMPREPLY=($(compgen -W \"$words\" -- \"$cur\"))\n}\n"
	      "complete -o default -F _earshot earshot\n",
	      out);
}

/* Help text inside single quotes and [brackets] of zsh. */
static void
write_zsh_text(const char *text, FILE *out)
{
	for (; *text != '\0'; text++) {
		if (*text == '\'')
			fputs("'\\''", out);
		else if (strchr("[]:\\", *text) != NULL)
			fprintf(out, "\\%c", *text);
		else
			fputc(*text, out);
	}
}

static void
write_zsh_options(const struct command *command, FILE *out)
{
	for (const struct option_row *row = option_rows; row->name != NULL; row++) {
		if (!option_fits(row, command))
			continue;
		fprintf(out, " \\\n\t\t'--%s[", row->name);
		write_zsh_text(row->help, out);
		fputs("]", out);
		if (row->completion != NULL)
			fprintf(out, ":%s:(%s)", row->value, row->completion);
		else if (row->value != NULL)
			fprintf(out, ":%s:%s", row->value,
				strcmp(row->value, "FILE") == 0 ? "_files" : "");
		fputs("'", out);
	}
}

static void
write_zsh(FILE *out)
{
	fputs("#compdef earshot\n_earshot_address()\n{\n\tlocal -a addresses\n"
	      "\taddresses=(${(f)\"$(" PEERS ")\"})\n\tcompadd -a addresses\n}\n\n"
	      "_earshot()\n{\n\tlocal -a names command\n\tnames=(\n",
	      out);
	for (const struct command *c = commands; c->name != NULL; c++) {
		fprintf(out, "\t\t'%s:", c->name);
		write_zsh_text(c->summary, out);
		fputs("'\n", out);
	}
	fputs("\t)\n\tcommand=${${words[2,CURRENT-1]:#-*}[1]}\n\tcase $command in\n", out);
	for (const struct command *c = commands; c->name != NULL; c++) {
		fprintf(out, "\t%s) _arguments", c->name);
		write_zsh_options(c, out);
		fprintf(out, " \\\n\t\t'1:command:' '*:argument:%s' ;;\n",
			takes_address(c) ? "_earshot_address" : "_files");
	}
	fputs("\t*) _arguments", out);
	write_zsh_options(NULL, out);
	fputs(" \\\n\t\t'1:command:{_describe command names}' ;;\n\tesac\n}\n\n"
	      "if [[ $zsh_eval_context[-1] == loadautofunc ]]; then _earshot \"$@\"\n"
	      "else compdef _earshot earshot\nfi\n",
	      out);
}

static void
write_fish_text(const char *text, FILE *out)
{
	for (; *text != '\0'; text++) {
		if (*text == '\'' || *text == '\\')
			fputc('\\', out);
		fputc(*text, out);
	}
}

static void
write_fish_option(const struct option_row *row, const struct command *command, FILE *out)
{
	fputs("complete -c earshot", out);
	if (command != NULL)
		fprintf(out, " -n '__fish_seen_subcommand_from %s'", command->name);
	fprintf(out, " -l %s", row->name);
	if (!isupper((unsigned char)row->letter))
		fprintf(out, " -s %c", row->letter);
	if (row->completion != NULL)
		fprintf(out, " -x -a '%s'", row->completion);
	else if (row->value != NULL)
		fputs(strcmp(row->value, "FILE") == 0 ? " -r -F" : " -x", out);
	fputs(" -d '", out);
	write_fish_text(row->help, out);
	fputs("'\n", out);
}

static void
write_fish(FILE *out)
{
	fputs("# fish completion for earshot\nfunction _earshot_addresses\n"
	      "\tearshot peers --json --timeout 0.3 2>/dev/null | LC_ALL=C "
	      "sed -n 's/^{\"address\":\"\\\\([A-Za-z0-9._@+-]*\\\\)\".*/\\\\1/p'\nend\n"
	      "complete -c earshot -f\n",
	      out);
	for (const struct command *c = commands; c->name != NULL; c++) {
		fprintf(out, "complete -c earshot -n __fish_use_subcommand -a %s -d '", c->name);
		write_fish_text(c->summary, out);
		fputs("'\n", out);
		if (takes_address(c))
			fprintf(out,
				"complete -c earshot -n '__fish_seen_subcommand_from %s' "
				"-a '(_earshot_addresses)'\n",
				c->name);
	}
	for (const struct option_row *row = option_rows; row->name != NULL; row++) {
		if (option_fits(row, NULL)) {
			write_fish_option(row, NULL, out);
			continue;
		}
		for (const struct command *c = commands; c->name != NULL; c++) {
			if (option_fits(row, c))
				write_fish_option(row, c, out);
		}
	}
}

int
completion_write(const char *shell, FILE *out)
{
	if (strcmp(shell, "bash") == 0)
		write_bash(out);
	else if (strcmp(shell, "zsh") == 0)
		write_zsh(out);
	else if (strcmp(shell, "fish") == 0)
		write_fish(out);
	else
		return -EINVAL;
	return 0;
}

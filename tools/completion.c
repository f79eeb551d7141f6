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

/* Which words may stand in that place behind the address, with spaces between. False: none. */
static bool
write_words(const struct command *command, size_t place, const char *first, FILE *out)
{
	const char *word;
	size_t i;

	for (i = 0; (word = command->words(place, first, i)) != NULL; i++)
		fprintf(out, "%s%s", i == 0 ? "" : " ", word);
	return i > 0;
}

/* For each first word that others may follow in that place: before, the word, between, the words,
 * after. */
static void
write_followers(const struct command *command, size_t place, const char *before,
		const char *between, const char *after, FILE *out)
{
	const char *first;

	for (size_t i = 0; (first = command->words(0, NULL, i)) != NULL; i++) {
		if (command->words(place, first, 0) == NULL)
			continue;
		fprintf(out, "%s%s%s", before, first, between);
		write_words(command, place, first, out);
		fputs(after, out);
	}
}

/* The options behind which the next word is their value, with `bar` between. */
static void
write_options_with_values(const char *bar, FILE *out)
{
	const char *before = "";

	for (const struct option_row *row = option_rows; row->name != NULL; row++) {
		if (row->value == NULL)
			continue;
		fprintf(out, "%s--%s", before, row->name);
		before = bar;
		if (!isupper((unsigned char)row->letter))
			fprintf(out, "%s-%c", bar, row->letter);
	}
}

/* --- bash --------------------------------------------------------------------------------- */

/* plain: the words before the cursor that are no options: command, ADDR, ... */
static void
write_bash_words(const struct command *c, FILE *out)
{
	fputs("\n\t\tcase $cur,${#plain[@]} in\n\t\t-*) ;;\n\t\t*,1) words+=\" $(" PEERS ")\" ;;\n"
	      "\t\t*,2) words+=' ",
	      out);
	write_words(c, 0, NULL, out);
	fputs("' ;;\n", out);
	for (size_t place = 1; place < 3; place++) {
		fprintf(out, "\t\t*,%zu)\n\t\t\tcase ${plain[2]} in\n", place + 2);
		write_followers(c, place, "\t\t\t", ") words+=' ", "' ;;\n", out);
		fputs("\t\t\tesac ;;\n", out);
	}
	fputs("\t\tesac", out);
}

/* COMP_WORDS is split at every @ and = as well, and a reply takes the place of such a piece only.
 */
static void
write_bash_start(FILE *out)
{
	fputs("# bash completion for earshot\n_earshot()\n{\n"
	      "\tlocal line=${COMP_LINE:0:COMP_POINT} cur= prev= command= word words= skip= piece\n"
	      "\tlocal -a all=() plain=()\n"
	      "\tread -ra all <<<\"$line\"\n"
	      "\tcase $line in *[[:space:]]) ;; *) cur=${all[${#all[@]}-1]}; "
	      "unset 'all[${#all[@]}-1]' ;; esac\n"
	      "\tprev=${all[${#all[@]}-1]}\n"
	      "\tfor word in \"${all[@]:1}\"; do\n"
	      "\t\tif [ -n \"$skip\" ]; then skip=; continue; fi\n"
	      "\t\tcase $word in\n\t\t",
	      out);
	write_options_with_values("|", out);
	fputs(") skip=1 ;;\n\t\t-*) ;;\n\t\t*) plain+=(\"$word\") ;;\n\t\tesac\n\tdone\n"
	      "\tcommand=${plain[0]-}\n\tcase $prev in\n",
	      out);
}

/* An option whose value is an address: it is completed as the argument of a command would be. */
static bool
wants_address(const struct option_row *row)
{
	return row->value != NULL && strcmp(row->value, "ADDR") == 0;
}

static void
write_bash_address_options(FILE *out)
{
	for (const struct option_row *row = option_rows; row->name != NULL; row++)
		if (wants_address(row))
			fprintf(out, "\t--%s) command=- words=\"$(" PEERS ")\" ;;\n", row->name);
}

static void
write_bash(FILE *out)
{
	write_bash_start(out);
	for (const struct option_row *row = option_rows; row->name != NULL; row++) {
		if (row->completion != NULL)
			fprintf(out,
				"\t--%s) COMPREPLY=($(compgen -W '%s' -- \"$cur\")); return ;;\n",
				row->name, row->completion);
	}
	write_bash_address_options(out);
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
		if (c->words != NULL)
			write_bash_words(c, out);
		else if (c->first != NULL)
			fprintf(out,
				"\n\t\tcase $cur,${#plain[@]} in -*) ;; *,1) words+=' %s' ;; esac",
				c->first);
		else if (takes_address(c))
			fputs("\n\t\tcase $cur in -*) ;; *) words+=\" $(" PEERS ")\" ;; esac", out);
		fputs(" ;;\n", out);
	}
	fputs("\tesac\n\tCOMPREPLY=($(compgen -W \"$words\" -- \"$cur\"))\n"
	      "\tpiece=${cur%@*}\n"
	      "\tcase $cur,$COMP_WORDBREAKS in *@*,*@*) ;; *) piece= ;; esac\n"
	      "\tCOMPREPLY=(\"${COMPREPLY[@]#\"$piece\"}\")\n}\n"
	      "complete -o default -F _earshot earshot\n",
	      out);
}

/* --- zsh ---------------------------------------------------------------------------------- */

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

/* "'(-t --timeout)'{-t+,--timeout=}'[": also behind a =, and -v more than once. */
static void
write_zsh_names(const struct option_row *row, FILE *out)
{
	const char *equals = row->value == NULL ? "" : "=", *plus = row->value == NULL ? "" : "+";

	if (isupper((unsigned char)row->letter))
		fprintf(out, " \\\n\t\t'--%s%s[", row->name, equals);
	else if (row->kind == OPTION_LEVEL)
		fprintf(out, " \\\n\t\t'*'{-%c,--%s}'[", row->letter, row->name);
	else
		fprintf(out, " \\\n\t\t'(-%c --%s)'{-%c%s,--%s%s}'[", row->letter, row->name,
			row->letter, plus, row->name, equals);
}

static void
write_zsh_options(const struct command *command, FILE *out)
{
	for (const struct option_row *row = option_rows; row->name != NULL; row++) {
		if (!option_fits(row, command))
			continue;
		write_zsh_names(row, out);
		write_zsh_text(row->help, out);
		fputs("]", out);
		if (row->completion != NULL)
			fprintf(out, ":%s:(%s)", row->value, row->completion);
		else if (row->value != NULL)
			fprintf(out, ":%s:%s", row->value,
				strcmp(row->value, "FILE") == 0 ? "_files"
				: wants_address(row)            ? "_earshot_address"
								: "");
		fputs("'", out);
	}
}

/* A function of its own: what is offered depends on what stands before, which its caller found. */
static void
write_zsh_words(const struct command *c, FILE *out)
{
	fprintf(out, "_earshot_%s()\n{\n\tcase $#plain in\n\t2) compadd ", c->name);
	write_words(c, 0, NULL, out);
	fputs(" ;;\n", out);
	for (size_t place = 1; place < 3; place++) {
		fprintf(out, "\t%zu)\n\t\tcase $plain[3] in\n", place + 2);
		write_followers(c, place, "\t\t", ") compadd ", " ;;\n", out);
		fputs("\t\tesac ;;\n", out);
	}
	fputs("\tesac\n}\n\n", out);
}

static void
write_zsh_arguments(const struct command *c, FILE *out)
{
	if (c->words != NULL)
		fprintf(out,
			" \\\n\t\t'1:command:' '2:address:_earshot_address' "
			"'*:word:_earshot_%s' ;;\n",
			c->name);
	else if (c->first != NULL)
		fprintf(out, " \\\n\t\t'1:command:' '2:word:(%s)' '*:argument:_files' ;;\n",
			c->first);
	else
		fprintf(out, " \\\n\t\t'1:command:' '*:argument:%s' ;;\n",
			takes_address(c) ? "_earshot_address" : "_files");
}

static void
write_zsh(FILE *out)
{
	fputs("#compdef earshot\n_earshot_address()\n{\n\tlocal -a addresses\n"
	      "\taddresses=(${(f)\"$(" PEERS ")\"})\n\tcompadd -a addresses\n}\n\n",
	      out);
	for (const struct command *c = commands; c->name != NULL; c++) {
		if (c->words != NULL)
			write_zsh_words(c, out);
	}
	fputs("_earshot()\n{\n\tlocal word skip\n\tlocal -a names plain\n\tnames=(\n", out);
	for (const struct command *c = commands; c->name != NULL; c++) {
		fprintf(out, "\t\t'%s:", c->name);
		write_zsh_text(c->summary, out);
		fputs("'\n", out);
	}
	fputs("\t)\n\tfor word in ${words[2,CURRENT-1]}; do\n"
	      "\t\tif [[ -n $skip ]]; then skip=; continue; fi\n\t\tcase $word in\n\t\t(",
	      out);
	write_options_with_values("|", out);
	fputs(") skip=1 ;;\n\t\t-*) ;;\n\t\t*) plain+=($word) ;;\n\t\tesac\n\tdone\n"
	      "\tcase $plain[1] in\n",
	      out);
	for (const struct command *c = commands; c->name != NULL; c++) {
		fprintf(out, "\t%s) _arguments", c->name);
		write_zsh_options(c, out);
		write_zsh_arguments(c, out);
	}
	fputs("\t*) _arguments", out);
	write_zsh_options(NULL, out);
	fputs(" \\\n\t\t'1:command:{_describe command names}' ;;\n\tesac\n}\n\n"
	      "if [[ $zsh_eval_context[-1] == loadautofunc ]]; then _earshot \"$@\"\n"
	      "else compdef _earshot earshot\nfi\n",
	      out);
}

/* --- fish --------------------------------------------------------------------------------- */

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
		fprintf(out, " -n '_earshot_is %s'", command->name);
	fprintf(out, " -l %s", row->name);
	if (!isupper((unsigned char)row->letter))
		fprintf(out, " -s %c", row->letter);
	if (row->completion != NULL)
		fprintf(out, " -x -a '%s'", row->completion);
	else if (wants_address(row))
		fputs(" -x -a '(_earshot_addresses)'", out);
	else if (row->value != NULL)
		fputs(strcmp(row->value, "FILE") == 0 ? " -r -F" : " -x", out);
	fputs(" -d '", out);
	write_fish_text(row->help, out);
	fputs("'\n", out);
}

/* _earshot_plain: the words before the cursor that are neither options nor their values, "earshot"
 * first. _earshot_is COMMAND. _earshot_at COMMAND N [FIRST]: behind N of them, the fourth FIRST. */
static void
write_fish_functions(FILE *out)
{
	fputs("function _earshot_plain\n\tset -l skip\n\tfor word in (commandline -opc)\n"
	      "\t\tif set -q skip[1]\n\t\t\tset skip\n\t\t\tcontinue\n\t\tend\n"
	      "\t\tswitch $word\n\t\t\tcase ",
	      out);
	write_options_with_values(" ", out);
	fputs("\n\t\t\t\tset skip 1\n\t\t\tcase '-*'\n\t\t\tcase '*'\n"
	      "\t\t\t\tprintf '%s\\n' $word\n\t\tend\n\tend\nend\n"
	      "function _earshot_is\n\tset -l words (_earshot_plain)\n"
	      "\ttest \"$words[2]\" = $argv[1]\nend\n"
	      "function _earshot_at\n\tset -l words (_earshot_plain)\n"
	      "\ttest (count $words) -eq $argv[2]; and test \"$words[2]\" = \"$argv[1]\"; or "
	      "return 1\n"
	      "\ttest (count $argv) -lt 3; or test \"$words[4]\" = $argv[3]\nend\n",
	      out);
}

static void
write_fish_words(const struct command *c, FILE *out)
{
	char before[96];

	fprintf(out,
		"complete -c earshot -n '_earshot_at %s 2' -a '(_earshot_addresses)'\n"
		"complete -c earshot -n '_earshot_at %s 3' -a '",
		c->name, c->name);
	write_words(c, 0, NULL, out);
	fputs("'\n", out);
	for (size_t place = 1; place < 3; place++) {
		snprintf(before, sizeof(before), "complete -c earshot -n '_earshot_at %s %zu ",
			 c->name, place + 3);
		write_followers(c, place, before, "' -a '", "'\n", out);
	}
}

static void
write_fish(FILE *out)
{
	fputs("# fish completion for earshot\nfunction _earshot_addresses\n"
	      "\tearshot peers --json --timeout 0.3 2>/dev/null | LC_ALL=C "
	      "sed -n 's/^{\"address\":\"\\\\([A-Za-z0-9._@+-]*\\\\)\".*/\\\\1/p'\nend\n"
	      "complete -c earshot -f\n",
	      out);
	write_fish_functions(out);
	for (const struct command *c = commands; c->name != NULL; c++) {
		if (strstr(c->args, "FILE") != NULL)
			fprintf(out, "complete -c earshot -n '_earshot_is %s' -F\n", c->name);
		fprintf(out, "complete -c earshot -n \"_earshot_at '' 1\" -a %s -d '", c->name);
		write_fish_text(c->summary, out);
		fputs("'\n", out);
		if (c->words != NULL)
			write_fish_words(c, out);
		else if (c->first != NULL)
			fprintf(out, "complete -c earshot -n '_earshot_at %s 2' -a '%s'\n", c->name,
				c->first);
		else if (takes_address(c))
			fprintf(out,
				"complete -c earshot -n '_earshot_is %s' "
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

/* SPDX-License-Identifier: ISC */
/* cmd_ping.c: XEP-0199, printed like ping(8): each round trip and its path, then statistics. */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "stats.h"
#include "switches.h"

struct pinging {
	struct cli *cli;
	const char *address, *shown;
	struct stats stats;
	long sent;
	int64_t began;
	enum exit_code worst;    /* of the last that failed */
	enum ear_link_kind link; /* of the last answer */
	char *reason;            /* why the path is another one, as the engine told last */
};

static void
on_stanza(void *arg, xmpp_stanza_t *stanza)
{
	struct pinging *pinging = arg;
	xmpp_stanza_t *event = switch_of(stanza, pinging->address);

	if (event == NULL)
		return;
	free(pinging->reason);
	pinging->reason = switch_text(event);
}

/* Before the first answer by another path than the one before. */
static void
print_switch(struct pinging *pinging, enum ear_link_kind link)
{
	enum ear_link_kind before = pinging->link;
	char now[32], *clean;

	pinging->link = link;
	if (before == EAR_LINK_NONE || before == link || pinging->cli->args.quiet ||
	    pinging->cli->args.json)
		return;
	snprintf(now, sizeof(now), "now by %s", ear_link_name(link));
	clean = out_escape(pinging->reason == NULL || strstr(pinging->reason, now) == NULL
				   ? now
				   : pinging->reason,
			   false);
	printf("-- %s\n", clean);
	free(clean);
}

static void
print_answer(struct pinging *pinging, const struct answer *answer, bool refused)
{
	const char *link = ear_link_name(answer->link);
	const struct args *args = &pinging->cli->args;
	char rtt[32];

	if (args->quiet)
		return;
	if (args->json) {
		json_t *object = json_object();

		json_put_text(object, "address", pinging->address);
		json_object_set_new(object, "seq", json_integer(pinging->sent));
		json_put_text(object, "link", link);
		json_object_set_new(object, "rtt_us", json_integer(answer->rtt_us));
		json_put_text(object, "error",
			      refused ? ear_condition_name(ear_condition_of(answer->stanza))
				      : NULL);
		out_json(stdout, object);
		return;
	}
	out_rtt(rtt, sizeof(rtt), answer->rtt_us);
	printf("from %s: seq=%ld path=%s time=%s%s%s\n", pinging->shown, pinging->sent, link, rtt,
	       refused ? "  " : "",
	       refused ? ear_condition_name(ear_condition_of(answer->stanza)) : "");
	fflush(stdout);
}

/* XEP-0199 §4.1: an error from the other side is an answer, too: it went there and back. */
static bool
is_answered(const struct answer *answer)
{
	return answer->stanza != NULL && answer->link != EAR_LINK_NONE && answer->rtt_us >= 0 &&
	       (answer->code == EXIT_DONE || answer->code == EXIT_REFUSED);
}

static void
print_failure(struct pinging *pinging, const struct answer *answer)
{
	if (pinging->cli->args.json && !pinging->cli->args.quiet) {
		json_t *object = json_object();

		json_put_text(object, "address", pinging->address);
		json_object_set_new(object, "seq", json_integer(pinging->sent));
		json_put_text(object, "link", "none");
		json_object_set_new(object, "rtt_us", json_null());
		json_put_text(object, "error",
			      answer->stanza == NULL
				      ? "timeout"
				      : ear_condition_name(ear_condition_of(answer->stanza)));
		out_json(stdout, object);
	}
	cli_refused(pinging->address, answer);
}

static void
ping_once(struct pinging *pinging)
{
	struct cli *cli = pinging->cli;
	xmpp_stanza_t *iq = ear_stanza(cli->ctx, "iq", "get", pinging->address, NULL);
	struct answer answer;
	bool refused;

	ear_child(iq, "ping", EAR_NS_PING);
	pinging->sent++;
	cli_ask(cli, iq, cli->args.timeout, &answer);
	refused = answer.code == EXIT_REFUSED;
	if (is_answered(&answer)) {
		stats_add(&pinging->stats, (double)answer.rtt_us);
		print_switch(pinging, answer.link);
		print_answer(pinging, &answer, refused);
	} else if (cli->interrupted) {
		pinging->sent--; /* neither lost nor answered */
	} else {
		pinging->worst = answer.code == EXIT_DONE ? EXIT_PROTOCOL : answer.code;
		print_failure(pinging, &answer);
	}
	answer_release(&answer);
}

static void
print_statistics(const struct pinging *pinging)
{
	const struct stats *s = &pinging->stats;
	double lost = pinging->sent == 0 ? 0 : 100.0 * (pinging->sent - s->count) / pinging->sent;

	if (pinging->cli->args.quiet || pinging->cli->args.json)
		return;
	printf("\n--- %s ping statistics ---\n", pinging->shown);
	printf("%ld sent, %ld answered, %.0f%% lost, time %" PRId64 " ms\n", pinging->sent,
	       s->count, lost, (cli_now() - pinging->began) / 1000);
	if (s->count > 0)
		printf("rtt min/avg/max/mdev = %.3f/%.3f/%.3f/%.3f ms\n", s->min / 1e3,
		       stats_mean(s) / 1e3, s->max / 1e3, stats_deviation(s) / 1e3);
}

int
cmd_ping(struct cli *cli)
{
	struct pinging pinging = { .cli = cli, .began = cli_now() };
	char *address, *shown;
	int code;

	address = cli_resolve(cli, cli->args.words[0], &code);
	if (address == NULL)
		return code;
	shown = out_escape(address, false);
	pinging.address = address;
	pinging.shown = shown;
	cli_listen(cli, on_stanza, &pinging);
	code = switch_watch(cli);
	while (code == EXIT_DONE && !cli->interrupted && !cli->down) {
		ping_once(&pinging);
		if (cli->args.number > 0 && pinging.sent >= cli->args.number)
			break;
		/* Nobody there is the answer; going on asking is for those who said so. */
		if (pinging.worst == EXIT_NOBODY && pinging.stats.count == 0 &&
		    cli->args.number == 0)
			break;
		cli_sleep(cli, cli->args.interval);
	}
	if (code == EXIT_DONE)
		print_statistics(&pinging);
	cli_listen(cli, NULL, NULL);
	free(pinging.reason);
	free(shown);
	free(address);
	if (cli->down)
		return EXIT_CONFIG;
	if (code != EXIT_DONE)
		return code;
	return pinging.stats.count > 0 ? EXIT_DONE : (int)pinging.worst;
}

/* SPDX-License-Identifier: ISC */
/*
 * scenario.c: plays text files through the real core. One line, one thing:
 *
 *   conf     [section] or key = value        before anything else
 *   peer     NAME appears [VER] | vanishes   on the LAN (instance name; of what it can, the hash)
 *   lan      ADDRESS up | dies | resets | swallows | delivers | foreign | pongs N (ms)
 *            ADDRESS refuses | rejects (at once) | accepts | opens N (ms)   when it is dialled
 *            ADDRESS full | heavy (of bytes) | narrow | roomy   what sending on it says
 *            ADDRESS down                    it is
 *            ADDRESS opened N                it was dialled N times at most
 *   server   as lan, without ADDRESS
 *   program  NAME connects | leaves
 *   lan< ADDRESS STANZA    server< STANZA    program< NAME STANZA      arrives
 *   lan> ADDRESS STANZA    server> STANZA    program> NAME STANZA      was sent, in this order
 *   path     ADDRESS none | lan | server     what is chosen
 *   time     +N ms | s
 *   rename   ADDRESS                         our name on the LAN from now on
 *   naming   N                               for N s at most it is not established; 0: it is
 *   stop                                     the engine
 *   follows  SENDER ORIGIN-ID                an engine that was killed when it handed that on
 *   several                                  engines share the store, from now on
 *   another< STANZA                          came to another of them, which passes it on
 *   device, published ...                    see trust.c
 *   player ...                               see player.c
 *   many     N LINE                          N times, with 1, 2 ... for each '%'
 *
 * In an expected stanza '*' matches anything and "$x" binds: the next "$x" must be equal. What was
 * sent and is not expected fails the scenario at its end. Lines that begin with '#' are comments.
 * The store is in memory ([store] kind = none: there is none), and has answered after each line.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <arpa/inet.h>

#include "base/alloc.h"
#include "core/policy.h"
#include "core/route.h"
#include "core/several.h"
#include "discover/txt.h"
#include "registry.h"
#include "scenario.h"

/* The next word of *text, which moves behind it. */
static char *
word(char **text)
{
	char *start = *text + strspn(*text, " \t"), *end = start + strcspn(start, " \t\n");

	*text = *end == '\0' ? end : end + 1;
	*end = '\0';
	return start;
}

/* XEP-0174 §4; a hash that nobody here can check is believed. */
static size_t
capabilities(const char *ver, unsigned char *wire, size_t size)
{
	struct txt txt = { .port = 5298, .node = "https://client.example/", .hash = "sha-256" };

	if (*ver == '\0')
		return 0;
	copy_text(txt.ver, sizeof(txt.ver), ver);
	return (size_t)txt_encode(&txt, "minimal", wire, size);
}

static bool
do_peer(struct world *world, char *rest)
{
	const char *name = word(&rest), *what = word(&rest);
	struct peer_way way = { .interface = 1, .family = AF_INET };
	struct sockaddr_in *in = (struct sockaddr_in *)&way.address;
	unsigned char wire[TXT_MAX] = "";
	size_t length = 0;

	if (strcmp(what, "vanishes") == 0) {
		peers_forget(world->ear->peers, name, 1, AF_INET);
		return true;
	}
	if (strcmp(what, "announces") == 0)
		return trust_announce(world, name, rest);
	if (strcmp(what, "appears") != 0)
		return fail(world, "peer: what is '%s'?", what);
	in->sin_family = AF_INET;
	in->sin_port = htons(5298);
	inet_pton(AF_INET, "192.0.2.7", &in->sin_addr);
	way.length = sizeof(*in);
	length = capabilities(word(&rest), wire, sizeof(wire));
	return peers_see(world->ear->peers, name, &way, "host.local", wire, length) == 0
		       ? true
		       : fail(world, "peer %s: refused", name);
}

static bool
do_link(struct world *world, enum ear_link_kind kind, char *rest)
{
	const char *name = kind == EAR_LINK_SERVER ? "server" : word(&rest);
	const char *what = word(&rest);
	struct fake *fake = fake_get(world, kind, name);

	if (fake == NULL)
		return fail(world, "too many links");
	if (strcmp(what, "up") == 0)
		fake_up(fake);
	else if (strcmp(what, "dies") == 0)
		fake_die(fake, -ETIMEDOUT, "died");
	else if (strcmp(what, "ends") == 0)
		fake_die(fake, 0, "closed");
	else if (strcmp(what, "resets") == 0)
		fake_die(fake, -ECONNRESET, "reset");
	else if (strcmp(what, "refuses") == 0)
		fake->refuses = true;
	else if (strcmp(what, "rejects") == 0)
		fake->rejects = true;
	else if (strcmp(what, "accepts") == 0)
		fake->refuses = fake->rejects = false;
	else if (strcmp(what, "opens") == 0)
		fake->open_usec = atoll(word(&rest)) * EAR_MSEC;
	else if (strcmp(what, "full") == 0)
		fake->error = -ENOBUFS;
	else if (strcmp(what, "heavy") == 0)
		fake->error = -EDQUOT;
	else if (strcmp(what, "narrow") == 0)
		fake->error = -EMSGSIZE;
	else if (strcmp(what, "roomy") == 0)
		fake->error = 0;
	else if (strcmp(what, "opened") == 0)
		return fake->opened <= (unsigned)atoi(word(&rest))
			       ? true
			       : fail(world, "dialled %u times", fake->opened);
	else if (strcmp(what, "down") == 0)
		return fake->link.state == LINK_DOWN
			       ? true
			       : fail(world, "it is %s", link_state_name(fake->link.state));
	else if (strcmp(what, "shows") == 0)
		return trust_shows(world, fake, word(&rest));
	else if (strcmp(what, "plain") == 0)
		fake->plain = true;
	else if (strcmp(what, "swallows") == 0)
		fake->swallows = true;
	else if (strcmp(what, "delivers") == 0)
		fake->swallows = false;
	else if (strcmp(what, "foreign") == 0)
		fake->link.earshot = fake->link.acks = false;
	else if (strcmp(what, "mute") == 0)
		fake->mute = true;
	else if (strcmp(what, "speaks") == 0)
		fake->mute = false;
	else if (strcmp(what, "forgetful") == 0)
		fake->link.acks = false;
	else if (strcmp(what, "remembers") == 0)
		fake->link.acks = true;
	else if (strcmp(what, "silent") == 0)
		core_link_events.silent(world->ear, &fake->link, true);
	else if (strcmp(what, "heard") == 0)
		core_link_events.silent(world->ear, &fake->link, false);
	else if (strcmp(what, "acked") == 0)
		core_link_events.acked(world->ear, &fake->link, atoll(word(&rest)) * EAR_MSEC);
	else if (strcmp(what, "pongs") == 0)
		fake->pong_usec = atoll(word(&rest)) * EAR_MSEC;
	else
		return fail(world, "what is '%s'?", what);
	return true;
}

static char *
program_address(const char *name)
{
	return xasprintf("tv@box.local/%s", name);
}

static bool
do_program(struct world *world, char *rest)
{
	char *address = program_address(word(&rest));
	const char *what = word(&rest);
	struct fake *fake = fake_get(world, EAR_LINK_LOCAL, address);

	free(address);
	if (strcmp(what, "connects") == 0) {
		fake->link.state = LINK_UP;
		core_link_events.identified(world->ear, &fake->link);
		core_link_events.up(world->ear, &fake->link);
		return true;
	}
	if (strcmp(what, "leaves") != 0)
		return fail(world, "program: what is '%s'?", what);
	fake_die(fake, 0, "left");
	return true;
}

/* As on a stream: what names no namespace has its parent's. */
static void
inherit_ns(xmpp_stanza_t *stanza, const char *ns)
{
	if (xmpp_stanza_get_ns(stanza) == NULL)
		xmpp_stanza_set_ns(stanza, ns);
	for (xmpp_stanza_t *child = ear_first(stanza); child != NULL; child = ear_next(child))
		inherit_ns(child, xmpp_stanza_get_ns(stanza));
}

static xmpp_stanza_t *
parse(struct world *world, const char *text)
{
	xmpp_stanza_t *stanza = xmpp_stanza_new_from_string(world->ear->ctx, text);

	if (stanza == NULL)
		fail(world, "not a stanza: %s", text);
	else
		inherit_ns(stanza, EAR_NS_CLIENT);
	return stanza;
}

static bool
arrives(struct world *world, struct fake *fake, char *rest)
{
	xmpp_stanza_t *stanza;

	if (fake == NULL || fake->link.state != LINK_UP)
		return fail(world, "that link is not up");
	stanza = parse(world, rest);
	if (stanza == NULL)
		return false;
	match_fill(stanza);
	core_link_events.stanza(world->ear, &fake->link, stanza);
	xmpp_stanza_release(stanza);
	return true;
}

static bool
has_rendered(xmpp_stanza_t *stanza)
{
	xmpp_stanza_t *e = ear_first(stanza);

	while (e != NULL && !ear_is_rendered(e))
		e = ear_next(e);
	return e != NULL;
}

static bool
comes_by_another(struct world *world, const char *text)
{
	xmpp_stanza_t *stanza = parse(world, text);
	char *said;

	if (stanza == NULL)
		return false;
	match_fill(stanza);
	said = ear_render(stanza, SIZE_MAX);
	several_hear(world->ear, said);
	free(said);
	xmpp_stanza_release(stanza);
	return true;
}

/* As it is read at the other end, with what was rendered before. */
static xmpp_stanza_t *
first_sent(struct world *world, struct fake *fake)
{
	xmpp_stanza_t *sent = fake->sent[0], *read;
	char *text;

	if (!has_rendered(sent))
		return sent;
	text = ear_render(sent, SIZE_MAX);
	read = ear_parse(world->ear->ctx, text);
	free(text);
	xmpp_stanza_release(sent);
	return fake->sent[0] = read;
}

static bool
was_sent(struct world *world, struct fake *fake, char *rest)
{
	xmpp_stanza_t *pattern, *sent;
	char *text;
	size_t length;
	bool ok;

	if (fake == NULL || fake->sent_count == 0)
		return fail(world, "nothing was sent there");
	pattern = parse(world, rest);
	if (pattern == NULL)
		return false;
	sent = first_sent(world, fake);
	ok = match(world, pattern, sent);
	if (!ok && xmpp_stanza_to_text(sent, &text, &length) == XMPP_EOK) {
		fail(world, "sent was %s", text);
		xmpp_free(world->ear->ctx, text);
	}
	xmpp_stanza_release(pattern);
	if (!ok)
		return false;
	xmpp_stanza_release(sent);
	memmove(&fake->sent[0], &fake->sent[1], --fake->sent_count * sizeof(fake->sent[0]));
	return true;
}

struct chosen {
	const char *link;
};

static void
on_path(void *arg, const struct ear_path_info *path)
{
	struct chosen *chosen = arg;

	if (path->chosen)
		chosen->link = ear_link_name(path->link);
}

static bool
do_path(struct world *world, char *rest)
{
	const char *address = word(&rest), *want = word(&rest);
	struct chosen chosen = { "none" };

	ear_each_path(world->ear, address, on_path, &chosen);
	return strcmp(chosen.link, want) == 0 ? true : fail(world, "the path is %s", chosen.link);
}

static bool
do_time(struct world *world, char *rest)
{
	const char *amount = word(&rest);
	char *unit;
	int64_t n = strtoll(amount, &unit, 10);

	clock_advance(world->clock, n * (strcmp(unit, "s") == 0 ? EAR_SEC : EAR_MSEC));
	return true;
}

static bool
do_stanza(struct world *world, const char *what, char *rest)
{
	struct fake *fake;
	char *address;
	bool in = strchr(what, '<') != NULL;

	if (strncmp(what, "server", 6) == 0) {
		fake = fake_find(world, EAR_LINK_SERVER, "server");
	} else if (strncmp(what, "lan", 3) == 0) {
		fake = fake_find(world, EAR_LINK_LAN, word(&rest));
	} else {
		address = program_address(word(&rest));
		fake = fake_find(world, EAR_LINK_LOCAL, address);
		free(address);
	}
	return in ? arrives(world, fake, rest) : was_sent(world, fake, rest);
}

static bool step(struct world *world, char *line, char **conf);

/* The line N times, with the number for each '%'. */
static bool
do_many(struct world *world, char *rest, char **conf)
{
	unsigned count = (unsigned)atoi(word(&rest));
	bool ok = true;

	for (unsigned i = 1; ok && i <= count; i++) {
		char *line = xstrdup(rest), *at;

		while ((at = strchr(line, '%')) != NULL) {
			char *next = xasprintf("%.*s%u%s", (int)(at - line), line, i, at + 1);

			free(line);
			line = next;
		}
		ok = step(world, line, conf);
		free(line);
	}
	return ok;
}

static bool
step(struct world *world, char *line, char **conf)
{
	const char *what = word(&line);

	line[strcspn(line, "\n")] = '\0';
	if (*what == '\0' || *what == '#')
		return true;
	if (strcmp(what, "conf") == 0) {
		char *more = xasprintf("%s%s\n", *conf, line);

		free(*conf);
		*conf = more;
		return true;
	}
	if (world->ear == NULL && conf_parse(world->conf, *conf, world->file, world->message,
					     sizeof(world->message)) != 0)
		return false;
	world_start(world);
	if (strcmp(what, "many") == 0)
		return do_many(world, line, conf);
	if (strcmp(what, "another<") == 0)
		return comes_by_another(world, line);
	if (strchr(what, '<') || strchr(what, '>'))
		return do_stanza(world, what, line);
	if (strcmp(what, "peer") == 0)
		return do_peer(world, line);
	if (strcmp(what, "lan") == 0)
		return do_link(world, EAR_LINK_LAN, line);
	if (strcmp(what, "server") == 0)
		return do_link(world, EAR_LINK_SERVER, line);
	if (strcmp(what, "program") == 0)
		return do_program(world, line);
	if (strcmp(what, "path") == 0)
		return do_path(world, line);
	if (strcmp(what, "time") == 0)
		return do_time(world, line);
	if (strcmp(what, "player") == 0) {
		const char *button = word(&line);

		return player_step(world, button, word(&line));
	}
	if (strcmp(what, "stop") == 0)
		world_stop(world);
	else if (strcmp(what, "several") == 0)
		world_share(world);
	else if (strcmp(what, "follows") == 0) {
		const char *sender = word(&line);

		return world_after_killed(world, sender, word(&line));
	} else if (strcmp(what, "naming") == 0)
		core_set_naming(world->ear, atoll(word(&line)) * EAR_SEC);
	else if (strcmp(what, "rename") == 0)
		core_set_self_lan(world->ear, word(&line));
	else
		return trust_step(world, what, line);
	return true;
}

static bool
play(const char *file)
{
	struct world *world = xalloc(sizeof(*world));
	char *line = NULL, *conf = xstrdup("");
	size_t room = 0;
	bool ok = true;
	FILE *in = fopen(file, "r");

	world->file = file;
	world->clock = clock_new_fake();
	world->conf = conf_new();
	xreplace(&world->conf->player_kind, "none");
	if (in == NULL)
		ok = fail(world, "cannot be opened");
	while (ok && getline(&line, &room, in) > 0) {
		world->line++;
		ok = step(world, line, &conf);
		world_settle(world);
	}
	ok = ok && world_is_quiet(world);
	if (ok)
		printf("ok   %s\n", file);
	else
		printf("FAIL %s:%u: %s\n", file, world->line, world->message);
	if (in != NULL)
		fclose(in);
	world_end(world);
	free(conf);
	free(line);
	free(world);
	return ok;
}

int
main(int argc, char **argv)
{
	int failed = 0;

	ear_log_set_level(getenv("V") != NULL ? EAR_LOG_DEBUG : EAR_LOG_ERROR);
	for (int i = 1; i < argc; i++)
		if (!play(argv[i]))
			failed++;
	printf("%d passed, %d failed\n", argc - 1 - failed, failed);
	return failed > 0 || argc == 1;
}

/* SPDX-License-Identifier: ISC */
/*
 * cli.h: one run of the command line: a stream to the engine, be it the daemon's or one of its own,
 * and what every command needs of it. Commands read as a sequence: each call below that waits runs
 * the event loop until its condition holds, so none may be made from inside a callback.
 */
#ifndef TOOLS_CLI_H
#define TOOLS_CLI_H

#include <stdbool.h>
#include <stdint.h>

#include <earshot/ear.h>

#include "args.h"
#include "out.h"

struct event_base;
struct client;
struct conf;

/* What somebody who is not waited for sent. stanza is borrowed. */
typedef void cli_stanza_fn(void *arg, xmpp_stanza_t *stanza);

/* A question under way: the one that the command waits for. */
struct wait {
	const char *id;
	xmpp_stanza_t *stanza; /* the answer, once it is there */
};

struct cli {
	struct args args;
	struct event_base *base;
	xmpp_ctx_t *ctx;
	struct client *client;
	bool up, down, told, nonsense, interrupted; /* told: the user, that it is down */
	char why[256];                              /* of down */
	cli_stanza_fn *on_stanza;
	void *arg;
	struct wait *wait;
	int result; /* of what comes unasked, where a command counts it */
	struct event *signals[2];
	struct conf *conf; /* the rest only with an engine inside */
	struct ear *ear;
	struct ear_clock *clock;
};

/* An answer, or why there is none. Release it. */
struct answer {
	enum exit_code code;
	xmpp_stanza_t *stanza;   /* NULL when none came */
	enum ear_link_kind link; /* on which it came; EAR_LINK_NONE: the engine itself made it */
	int64_t rtt_us;          /* -1 unknown */
	bool interrupted;        /* by the user, who knows why there is none */
};

/* Everything that is no awaited answer goes to fn from now on; NULL: nowhere. */
void cli_listen(struct cli *cli, cli_stanza_fn *fn, void *arg);

/* Sets up; nothing is opened yet. */
void cli_init(struct cli *cli);

/* Closes and frees everything; an engine inside says goodbye. */
void cli_release(struct cli *cli);

/* Opens the stream: to the daemon, or to an engine inside. An exit code; complains itself. */
int cli_open(struct cli *cli);

/*
 * The address that ADDR means: itself, or that of the peer with this name. The caller frees; NULL
 * with *code after a complaint. An engine inside is given time to find it.
 */
char *cli_resolve(struct cli *cli, const char *name, int *code);

/* The same, without waiting: for those who do not send to it. */
char *cli_address(struct cli *cli, const char *name, int *code);

/* Sends a get or set (consumed) and waits for its answer, seconds at most. */
void cli_ask(struct cli *cli, xmpp_stanza_t *iq, double seconds, struct answer *answer);
void answer_release(struct answer *answer);

/* What an answering stanza says; it stays the caller's. */
void answer_take(struct answer *answer, xmpp_stanza_t *stanza);

/* The same of the engine itself: a new request in EAR_NS_CONTROL. */
xmpp_stanza_t *cli_control(struct cli *cli, const char *type, const char *name);

/* Complains about an answer that is no result. Returns its code. */
int cli_refused(const char *subject, const struct answer *answer);

/* The same in words, for the caller to show and free; NULL: the user knows why there is none. */
char *cli_reason(const char *subject, const struct answer *answer);

/* Sends (consumed), with --path's wish in it. 0, or an exit code after a complaint. */
int cli_send(struct cli *cli, xmpp_stanza_t *stanza);

/* --expires: how long the stanza is worth something, if the user has said so. */
void cli_expires(struct cli *cli, xmpp_stanza_t *stanza);

/* The file of that name, "-": standard input, and what it is called. NULL after a complaint. */
FILE *cli_open_file(const char *name, const char **called);
void cli_close_file(FILE *file);

/* After a read of a file came to nothing: whether the user interrupted it. */
bool cli_was_interrupted(struct cli *cli, FILE *file);

/* Runs the loop once, until something happens, the deadline (monotonic microseconds) passes or the
 * user interrupts. */
void cli_turn(struct cli *cli, int64_t deadline);

/* EXIT_CONFIG when the engine left, after saying so once; else EXIT_DONE. */
int cli_is_down(struct cli *cli);

/*
 * For those who outlive the daemon: after it left, forgets its stream, so that the loop goes on
 * without; then tries its places once, without waiting. 0: `up` follows, or `down` again.
 */
void cli_forget(struct cli *cli);
int cli_reopen(struct cli *cli);

/* Waits that long, unless interrupted or down. */
void cli_sleep(struct cli *cli, double seconds);

int64_t cli_now(void);

/* Which link an element of EAR_NS_CONTROL is about; EAR_LINK_NONE: none that there is. */
enum ear_link_kind cli_link_of(xmpp_stanza_t *element);

/* Link, round-trip time and level that <via/> tells. Each may be NULL. */
void cli_via(xmpp_stanza_t *stanza, enum ear_link_kind *link, int64_t *rtt_us, const char **level);

/* Which exit code an error stanza means. */
enum exit_code cli_code_of(xmpp_stanza_t *stanza);

/* Walks a paged listing ("peers", "peer"): fn for each element. An exit code. */
int cli_list(struct cli *cli, const char *list, const char *item, const char *key,
	     const char *value, void (*fn)(void *arg, xmpp_stanza_t *element), void *arg);

/* An attribute as JSON under its name with '_' for '-': text, number or boolean; absent: null. */
void cli_put_attribute(json_t *object, xmpp_stanza_t *element, const char *name);
void cli_put_attributes(json_t *object, xmpp_stanza_t *element, const char *const *names,
			size_t count);

/* The words from number `first` on with spaces between. The caller frees. */
char *cli_join(const struct cli *cli, int first);

/* The commands. */
int cmd_peers(struct cli *cli);
int cmd_send(struct cli *cli);
int cmd_queue(struct cli *cli);
int cmd_chat(struct cli *cli);
int cmd_press(struct cli *cli);
int cmd_remote(struct cli *cli);
int cmd_status(struct cli *cli);
int cmd_ping(struct cli *cli);
int cmd_stanza(struct cli *cli);
int cmd_publish(struct cli *cli);
int cmd_items(struct cli *cli);
int cmd_watch(struct cli *cli);
int cmd_subscribe(struct cli *cli);
int cmd_unsubscribe(struct cli *cli);
int cmd_node(struct cli *cli);
int cmd_paths(struct cli *cli);
int cmd_pair(struct cli *cli);
int cmd_trust(struct cli *cli);
int cmd_untrust(struct cli *cli);
int cmd_doctor(struct cli *cli);
int cmd_xeps(struct cli *cli);
int cmd_metrics(struct cli *cli);

/* <iq type='get' to='A'><state/></iq> and what it tells, printed. */
void state_print(struct cli *cli, const char *address, const struct answer *answer);
xmpp_stanza_t *state_request(struct cli *cli, const char *address);

#endif

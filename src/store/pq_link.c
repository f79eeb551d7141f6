/* SPDX-License-Identifier: ISC */
/* pq_link.c: libpq on the event loop. */
#include <ctype.h>
#include <openssl/rand.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include <earshot/log.h>
#include <earshot/timer.h>
#include <event2/event.h>

#include "base/alloc.h"
#include "store/pq_link.h"
#include "store/pq_url.h"

#define PAUSE_MIN (EAR_SEC / 4)
#define PAUSE_MAX (4 * EAR_SEC)  /* whoever asks waits for ten: twice at least */
#define CONNECT   (10 * EAR_SEC) /* a server that takes longer is none */
#define PATIENCE  (15 * EAR_SEC) /* more than its own limit of a statement */

/* Seconds, milliseconds: a network that swallows everything is noticed in as long. */
#define KEEPALIVES_IDLE     "10"
#define KEEPALIVES_INTERVAL "3"
#define KEEPALIVES_COUNT    "3"
#define TCP_USER_TIMEOUT    "15000"

enum link_state {
	LINK_DOWN,       /* pausing */
	LINK_CONNECTING, /* libpq is at it */
	LINK_UP,
};

struct pq_link {
	struct event_base *base;
	const struct pq_lib *lib;
	const struct pq_url *url;
	char *secret;
	const struct pq_link_events *events;
	void *arg;
	enum link_state state;
	PGconn *conn;        /* NULL: down */
	struct event *read;  /* up: always watched; connecting: whatever libpq waits for */
	struct event *write; /* up: while something could not leave */
	size_t due;          /* results */
	int64_t pause, patience;
	struct ear_timer timer; /* down: tries again; connecting, up: it takes too long */
	struct ear_timer loss;  /* out of the call that found it lost */
	char *lost;             /* why; NULL: it is not */
};

/* --- states ------------------------------------------------------------------------------- */

static void
watch(struct pq_link *link, struct event **event, short what, event_callback_fn fn)
{
	if (*event != NULL)
		event_free(*event);
	*event = NULL;
	if (what == 0)
		return;
	*event = event_new(link->base, link->lib->PQsocket(link->conn), what, fn, link);
	event_add(*event, NULL);
}

static int64_t
jittered(int64_t usec)
{
	uint32_t dice;

	if (RAND_bytes((unsigned char *)&dice, sizeof(dice)) != 1)
		abort();
	return usec / 2 + (int64_t)(dice % (uint64_t)(usec / 2 + 1));
}

/* libpq's texts are of several lines. */
static char *
one_line(const char *text)
{
	char *line = xstrdup(text), *out = line;

	for (const char *in = line; *in != '\0'; in++) {
		if (!isspace((unsigned char)*in))
			*out++ = *in;
		else if (out > line && out[-1] != ' ')
			*out++ = ' ';
	}
	if (out > line && out[-1] == ' ')
		out--;
	*out = '\0';
	return line;
}

static void
enter(struct pq_link *link, enum link_state state)
{
	static const char *const names[] = { "down", "connecting", "up" };

	ear_debug("store: postgresql: %s -> %s", names[link->state], names[state]);
	link->state = state;
	switch (state) {
	case LINK_DOWN:
		watch(link, &link->read, 0, NULL);
		watch(link, &link->write, 0, NULL);
		if (link->conn != NULL)
			link->lib->PQfinish(link->conn);
		link->conn = NULL;
		link->due = 0;
		link->patience = PATIENCE;
		ear_timer_stop(&link->loss);
		ear_timer_set(&link->timer, jittered(link->pause));
		link->pause = link->pause * 2 > PAUSE_MAX ? PAUSE_MAX : link->pause * 2;
		break;
	case LINK_CONNECTING:
		ear_timer_set(&link->timer, CONNECT);
		break;
	case LINK_UP:
		ear_timer_stop(&link->timer);
		break;
	}
}

static void
on_loss(void *arg)
{
	struct pq_link *link = arg;
	char *lost = one_line(link->lost);

	xreplace(&link->lost, NULL);
	enter(link, LINK_DOWN);
	link->events->down(link->arg, lost);
	free(lost);
}

/* The first reason counts. */
static void
lose(struct pq_link *link, const char *text)
{
	if (link->lost != NULL || link->state == LINK_DOWN)
		return;
	link->lost = xstrdup(text);
	ear_timer_set(&link->loss, 0);
}

/* --- up ----------------------------------------------------------------------------------- */

static void
arm(struct pq_link *link)
{
	if (link->due > 0)
		ear_timer_set(&link->timer, link->patience);
	else
		ear_timer_stop(&link->timer);
}

static void on_writable(evutil_socket_t fd, short what, void *arg);

static void
flush(struct pq_link *link)
{
	int left = link->lib->PQflush(link->conn);

	if (left < 0)
		lose(link, link->lib->PQerrorMessage(link->conn));
	else if ((left > 0) != (link->write != NULL))
		watch(link, &link->write, left > 0 ? EV_WRITE | EV_PERSIST : 0, on_writable);
}

static void
take_news(struct pq_link *link)
{
	PGnotify *notify;
	bool others = false;

	while ((notify = link->lib->PQnotifies(link->conn)) != NULL) {
		bool other = notify->be_pid != link->lib->PQbackendPID(link->conn);

		if (other && notify->extra[0] != '\0')
			link->events->heard(link->arg, notify->extra);
		else
			others = others || other;
		link->lib->PQfreemem(notify);
	}
	if (others)
		link->events->news(link->arg);
}

/* One NULL lies between the results of two commands; two of them: there are no more. */
static void
take_results(struct pq_link *link)
{
	bool ended = false;

	while (link->due > 0 && link->lost == NULL && !link->lib->PQisBusy(link->conn)) {
		PGresult *result = link->lib->PQgetResult(link->conn);

		if (result == NULL && ended)
			break;
		ended = result == NULL;
		if (ended)
			continue;
		link->due--;
		link->events->result(link->arg, result);
	}
}

static void
take(struct pq_link *link)
{
	/* Twice: TLS may have decrypted more than the first one took. */
	for (int i = 0; i < 2 && link->lost == NULL; i++) {
		if (!link->lib->PQconsumeInput(link->conn))
			lose(link, link->lib->PQerrorMessage(link->conn));
		take_results(link);
	}
	if (link->lib->PQstatus(link->conn) == CONNECTION_BAD)
		lose(link, link->lib->PQerrorMessage(link->conn));
	take_news(link);
	if (link->lost == NULL) {
		flush(link);
		arm(link);
	}
}

static void
on_readable(evutil_socket_t fd, short what, void *arg)
{
	struct pq_link *link = arg;

	if (link->lost == NULL)
		take(link);
}

/* While it sends libpq reads as well: a server that waits for us to read takes nothing. */
static void
on_writable(evutil_socket_t fd, short what, void *arg)
{
	on_readable(fd, what, arg);
}

/* --- connecting --------------------------------------------------------------------------- */

static void on_progress(evutil_socket_t fd, short what, void *arg);

static void
ignore_notice(void *arg, const PGresult *result)
{
}

static void
go_up(struct pq_link *link)
{
	if (link->lib->PQsetnonblocking(link->conn, 1) != 0 ||
	    !link->lib->PQenterPipelineMode(link->conn)) {
		lose(link, link->lib->PQerrorMessage(link->conn));
		return;
	}
	enter(link, LINK_UP);
	watch(link, &link->read, EV_READ | EV_PERSIST, on_readable);
	link->events->up(link->arg);
}

static void
progress(struct pq_link *link, PostgresPollingStatusType status)
{
	switch (status) {
	case PGRES_POLLING_READING:
		watch(link, &link->read, EV_READ, on_progress);
		break;
	case PGRES_POLLING_WRITING:
		watch(link, &link->read, EV_WRITE, on_progress);
		break;
	case PGRES_POLLING_OK:
		go_up(link);
		break;
	case PGRES_POLLING_FAILED:
	case PGRES_POLLING_ACTIVE:
		lose(link, link->lib->PQerrorMessage(link->conn));
		break;
	}
}

static void
on_progress(evutil_socket_t fd, short what, void *arg)
{
	struct pq_link *link = arg;

	if (link->lost == NULL)
		progress(link, link->lib->PQconnectPoll(link->conn));
}

/* What is said before the connection string can be said otherwise by it, what comes behind it
 * cannot. Kerberos is not asked: that may take its time while the loop stands still. */
static void
begin(struct pq_link *link)
{
	const char *const pairs[][2] = { { "application_name", "earshot" },
					 { "keepalives_idle", KEEPALIVES_IDLE },
					 { "keepalives_interval", KEEPALIVES_INTERVAL },
					 { "keepalives_count", KEEPALIVES_COUNT },
					 { "tcp_user_timeout", TCP_USER_TIMEOUT },
					 { "dbname", link->url->text },
					 { "gssencmode", "disable" },
					 { "client_encoding", "UTF8" },
					 { "hostaddr", link->url->addresses },
					 { "password", link->secret },
					 { NULL, NULL } };
	const char *keywords[sizeof(pairs) / sizeof(pairs[0])];
	const char *values[sizeof(pairs) / sizeof(pairs[0])];

	for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
		keywords[i] = pairs[i][0];
		values[i] = pairs[i][1];
	}
	link->conn = link->lib->PQconnectStartParams(keywords, values, 1);
	xcheck(link->conn != NULL);
	enter(link, LINK_CONNECTING);
	link->lib->PQsetNoticeReceiver(link->conn, ignore_notice, NULL);
	if (link->lib->PQstatus(link->conn) == CONNECTION_BAD)
		lose(link, link->lib->PQerrorMessage(link->conn));
	else
		progress(link, PGRES_POLLING_WRITING);
}

static void
on_timer(void *arg)
{
	struct pq_link *link = arg;

	switch (link->state) {
	case LINK_DOWN:
		begin(link);
		break;
	case LINK_CONNECTING:
	case LINK_UP:
		lose(link, "the server does not answer");
		break;
	}
}

/* ------------------------------------------------------------------------------------------ */

struct pq_link *
pq_link_new(const struct pq_link_config *config, const struct pq_link_events *events, void *arg)
{
	struct pq_link *link = xalloc(sizeof(*link));

	link->base = config->base;
	link->lib = config->lib;
	link->url = config->url;
	link->secret = xstrdup(config->secret);
	link->events = events;
	link->arg = arg;
	link->pause = PAUSE_MIN;
	link->patience = PATIENCE;
	ear_timer_init(&link->timer, config->clock, on_timer, link);
	ear_timer_init(&link->loss, config->clock, on_loss, link);
	ear_timer_set(&link->timer, 0);
	return link;
}

void
pq_link_free(struct pq_link *link)
{
	if (link == NULL)
		return;
	enter(link, LINK_DOWN);
	ear_timer_stop(&link->timer);
	free(link->lost);
	if (link->secret != NULL)
		explicit_bzero(link->secret, strlen(link->secret));
	free(link->secret);
	free(link);
}

void
pq_link_is_good(struct pq_link *link)
{
	link->pause = PAUSE_MIN;
}

void
pq_link_drop(struct pq_link *link, const char *text)
{
	lose(link, text);
}

void
pq_link_patience(struct pq_link *link, int64_t usec)
{
	link->patience = usec == 0 ? PATIENCE : usec;
	arm(link);
}

/* --- commands ----------------------------------------------------------------------------- */

/* sent: what libpq says of it. */
static void
expect(struct pq_link *link, int sent)
{
	if (!sent)
		lose(link, link->lib->PQerrorMessage(link->conn));
	else
		link->due++;
}

void
pq_link_query(struct pq_link *link, const char *text, const struct pq_params *params)
{
	if (link->lost == NULL)
		expect(link,
		       link->lib->PQsendQueryParams(link->conn, text, (int)params->count,
						    params->types, params->values, NULL, NULL, 0));
}

void
pq_link_prepare(struct pq_link *link, const char *name, const char *text,
		const struct pq_params *params)
{
	if (link->lost == NULL)
		expect(link, link->lib->PQsendPrepare(link->conn, name, text, (int)params->count,
						      params->types));
}

void
pq_link_execute(struct pq_link *link, const char *name, const struct pq_params *params)
{
	if (link->lost == NULL)
		expect(link, link->lib->PQsendQueryPrepared(link->conn, name, (int)params->count,
							    params->values, NULL, NULL, 0));
}

void
pq_link_sync(struct pq_link *link)
{
	if (link->lost != NULL)
		return;
	expect(link, link->lib->PQpipelineSync(link->conn));
	if (link->lost != NULL)
		return;
	flush(link);
	arm(link);
}

bool
pq_link_wait(struct pq_link *link, int64_t usec)
{
	struct pollfd fd = { 0 };

	if (link->state != LINK_UP || link->lost != NULL)
		return false;
	fd.fd = link->lib->PQsocket(link->conn);
	fd.events = (short)(POLLIN | (link->write != NULL ? POLLOUT : 0));
	if (poll(&fd, 1, (int)(usec / EAR_MSEC)) <= 0)
		return false;
	take(link);
	return true;
}

/* SPDX-License-Identifier: ISC */
/* server_xmpp.c: the fence around libstrophe's connection. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <unistd.h>

#include <earshot/ns.h>
#include <earshot/stanza.h>
#include <event2/buffer.h>

#include "base/alloc.h"
#include "link/server_in.h"
#include "link/server_xmpp.h"

#define NS_SM      "urn:xmpp:sm:3"
#define NS_SASL    "urn:ietf:params:xml:ns:xmpp-sasl"
#define CHUNK      4096 /* what libstrophe reads at once */
#define ROUNDS_MAX 16   /* chunks before others get their turn */

struct server_xmpp {
	xmpp_conn_t *conn;
	struct server_in *in;
	int theirs, ours; /* libstrophe's descriptor; our end of the socket pair */
	const struct server_xmpp_events *events;
	void *arg;
	bool component, up, over;
	bool settling; /* up, and the answer that made it so may still be on its way to us */
	bool restart;  /* libstrophe began a new stream */
	bool sm;       /* the server counts what we send */
	uint64_t sent, acked;
	struct server_reason reason;
};

/*
 * The descriptor that libstrophe made last. Its callback has no argument, and there is no other way
 * to learn it; it is read right behind the call that sets it.
 */
static int server_xmpp_last_fd = -1;

/* --- what libstrophe calls ---------------------------------------------------------------- */

/* Makes an attempt to connect fail before anything is sent. */
static int
refuse_socket(xmpp_conn_t *conn, void *sock)
{
	return -1;
}

/*
 * Puts a UDP socket under the number of libstrophe's TCP socket: its connect() succeeds at once and
 * sends nothing. The socket pair takes the place afterwards.
 */
static int
disguise_socket(xmpp_conn_t *conn, void *sock)
{
	int fd = *(int *)sock, family = AF_INET, udp;
	socklen_t length = sizeof(family);

	/* select() on such a descriptor writes past the end of its sets. */
	if (fd >= FD_SETSIZE)
		return -1;
	getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &family, &length);
	udp = socket(family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (udp == -1)
		return -1;
	if (dup3(udp, fd, O_CLOEXEC) == -1)
		fd = -1;
	close(udp);
	server_xmpp_last_fd = fd;
	return fd == -1 ? -1 : 0;
}

static void
on_connection(xmpp_conn_t *conn, xmpp_conn_event_t event, int error,
	      xmpp_stream_error_t *stream_error, void *arg)
{
	struct server_xmpp *xmpp = arg;

	if (xmpp->over)
		return;
	if (event == XMPP_CONN_CONNECT) {
		xmpp->up = true;
		xmpp->settling = !xmpp->component;
		xmpp->events->up(xmpp->arg, xmpp_conn_get_bound_jid(conn));
		return;
	}
	xmpp->over = true;
}

/* --- what the server says ----------------------------------------------------------------- */

/* RFC 6120 §4.9.2, §6.5: the element that names the condition, and a text. The text of the
 * condition itself is another host, §4.9.3.19. */
void
server_reason_take(struct server_reason *reason, xmpp_stanza_t *error)
{
	xmpp_stanza_t *child = ear_first(error);

	copy_text(reason->condition, sizeof(reason->condition), "undefined-condition");
	for (; child != NULL; child = ear_next(child)) {
		const char *name = xmpp_stanza_get_name(child);

		if (strcmp(name, "text") != 0)
			copy_text(reason->condition, sizeof(reason->condition), name);
		if (ear_text(child) != NULL)
			copy_text(reason->text, sizeof(reason->text), ear_text(child));
	}
}

static void
take_sm(struct server_xmpp *xmpp, xmpp_stanza_t *stanza)
{
	const char *name = xmpp_stanza_get_name(stanza);
	const char *h = xmpp_stanza_get_attribute(stanza, "h");
	uint32_t step;

	if (strcmp(name, "enabled") == 0)
		xmpp->sm = true;
	if (!xmpp->sm || h == NULL || strcmp(name, "a") != 0)
		return;
	/* The count wraps at 2^32 (§4). More than was sent is nonsense. */
	step = (uint32_t)strtoul(h, NULL, 10) - (uint32_t)xmpp->acked;
	if (step == 0 || step > xmpp->sent - xmpp->acked)
		return;
	xmpp->acked += step;
	xmpp->events->acked(xmpp->arg, xmpp->acked);
}

/* The answer that made libstrophe log in is not for anybody else. */
static bool
is_settling(struct server_xmpp *xmpp, xmpp_stanza_t *stanza)
{
	const char *id = xmpp_stanza_get_id(stanza);

	if (!xmpp->settling)
		return false;
	xmpp->settling = false;
	return id != NULL && strncmp(id, "_xmpp_", 6) == 0;
}

/*
 * libstrophe knows no handler of ours: it would match replies by id alone and let a forged sender
 * through, and one that removes itself is a use after free there. Everything comes by here.
 */
static void
on_stanza(void *arg, xmpp_stanza_t *stanza)
{
	struct server_xmpp *xmpp = arg;

	if (ear_is(stanza, "error", EAR_NS_STREAM) || ear_is(stanza, "failure", NS_SASL))
		server_reason_take(&xmpp->reason, stanza);
	if (!xmpp->up)
		return;
	if (ear_is(stanza, xmpp_stanza_get_name(stanza), NS_SM))
		take_sm(xmpp, stanza);
	else if ((ear_is(stanza, "iq", EAR_NS_CLIENT) || ear_is(stanza, "message", EAR_NS_CLIENT) ||
		  ear_is(stanza, "presence", EAR_NS_CLIENT)) &&
		 !is_settling(xmpp, stanza))
		xmpp->events->stanza(xmpp->arg, stanza);
}

/* --- connecting --------------------------------------------------------------------------- */

int
server_xmpp_reserve(void)
{
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

	if (fd >= FD_SETSIZE) {
		close(fd);
		fd = -1;
	}
	return fd;
}

/*
 * libstrophe 0.12.2 allocates the state of XEP-0198 in xmpp_connect_client only, but reads it for
 * every stanza and at every end, also of a component. An attempt that is bound to fail allocates
 * it.
 */
static void
allocate_sm(xmpp_conn_t *conn)
{
	xmpp_conn_set_sockopt_callback(conn, refuse_socket);
	xmpp_connect_client(conn, "127.0.0.1", 1, on_connection, NULL);
}

/*
 * Its getaddrinfo passes over addresses of a family that the machine has no other address of, and
 * the loopback interface may be down; the server's own address has a route, since it was reached.
 */
static int
connect_nowhere(struct server_xmpp *xmpp, const char *numeric)
{
	const char *const hosts[] = { "127.0.0.1", "::1", numeric };
	int error = XMPP_EINT;

	xmpp_conn_set_sockopt_callback(xmpp->conn, disguise_socket);
	for (size_t i = 0; error != XMPP_EOK && i < sizeof(hosts) / sizeof(hosts[0]); i++)
		error = xmpp->component
				? xmpp_connect_component(xmpp->conn, hosts[i], 1, on_connection,
							 xmpp)
				: xmpp_connect_client(xmpp->conn, hosts[i], 1, on_connection, xmpp);
	return error;
}

static int
connect_pair(struct server_xmpp *xmpp, const char *numeric)
{
	int pair[2];

	if (connect_nowhere(xmpp, numeric) != XMPP_EOK)
		return -EMFILE;
	xmpp->theirs = server_xmpp_last_fd;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair) == -1)
		return -errno;
	xmpp->ours = pair[1];
	if (dup3(pair[0], xmpp->theirs, O_CLOEXEC) == -1) {
		close(pair[0]);
		return -EMFILE;
	}
	close(pair[0]);
	return 0;
}

struct server_xmpp *
server_xmpp_new(xmpp_ctx_t *ctx, bool component, const char *jid, const char *secret,
		const char *numeric, int *reserve, const struct server_xmpp_events *events,
		void *arg, const char **error)
{
	struct server_xmpp *xmpp = xalloc(sizeof(*xmpp));

	xmpp->component = component;
	xmpp->events = events;
	xmpp->arg = arg;
	xmpp->theirs = xmpp->ours = -1;
	xmpp->in = server_in_new(ctx, jid, on_stanza, xmpp);
	xmpp->conn = xmpp_conn_new(ctx);
	if (xmpp->conn == NULL)
		abort();
	xmpp_conn_set_jid(xmpp->conn, jid);
	xmpp_conn_set_pass(xmpp->conn, secret);
	xmpp_conn_set_flags(xmpp->conn, XMPP_CONN_FLAG_DISABLE_TLS);
	allocate_sm(xmpp->conn);
	if (*reserve != -1)
		close(*reserve);
	*reserve = -1;
	if (connect_pair(xmpp, numeric) != 0) {
		*error = "no descriptor below 1024 is left for the connection: fewer connections, "
			 "or start again";
		server_xmpp_free(xmpp);
		return NULL;
	}
	return xmpp;
}

void
server_xmpp_free(struct server_xmpp *xmpp)
{
	const char *secret;

	if (xmpp == NULL)
		return;
	xmpp->over = true;
	secret = xmpp_conn_get_pass(xmpp->conn);
	if (secret != NULL)
		explicit_bzero((char *)secret, strlen(secret)); /* it frees without wiping */
	xmpp_conn_release(xmpp->conn);
	if (xmpp->ours != -1)
		close(xmpp->ours);
	server_in_free(xmpp->in);
	free(xmpp);
}

/* --- bytes -------------------------------------------------------------------------------- */

static size_t
pending(const struct server_xmpp *xmpp)
{
	int n = 0;

	return ioctl(xmpp->theirs, FIONREAD, &n) == 0 && n > 0 ? (size_t)n : 0;
}

static void
give_up(struct server_xmpp *xmpp)
{
	xmpp->over = true;
	if (xmpp->reason.condition[0] == '\0')
		copy_text(xmpp->reason.text, sizeof(xmpp->reason.text),
			  "no way to log in that both sides know");
}

/*
 * What libstrophe said goes to the network. A new stream of ours is answered by one of the
 * server's; giving up before login, libstrophe only closes its stream.
 */
static size_t
drain(struct server_xmpp *xmpp, struct evbuffer *out)
{
	static const char start[] = "<stream:stream", end[] = "</stream:stream>";
	struct evbuffer *said = evbuffer_new();
	size_t length;

	/* It reads 4096 bytes at a time; less is the last. */
	while (evbuffer_read(said, xmpp->ours, -1) == CHUNK)
		continue;
	length = evbuffer_get_length(said);
	if (length > 0 && !xmpp->up) {
		if (evbuffer_search(said, start, sizeof(start) - 1, NULL).pos != -1)
			xmpp->restart = true;
		if (evbuffer_search(said, end, sizeof(end) - 1, NULL).pos != -1)
			give_up(xmpp);
	}
	evbuffer_add_buffer(out, said);
	evbuffer_free(said);
	return length;
}

/*
 * Lets libstrophe read and write until it has nothing more to do. Both ends of the pair are ours
 * and neither fills: what is written is read at once, so that nothing has to wait for the pair to
 * become writable.
 */
static void
run(struct server_xmpp *xmpp, struct evbuffer *out)
{
	int idle = 0;

	/* It writes at the beginning of a round what it decided on in the one before. */
	while (!xmpp->over && idle < 2) {
		size_t moved;

		xmpp_run_once(xmpp_conn_get_context(xmpp->conn), 0);
		moved = drain(xmpp, out);
		if (!xmpp->over)
			moved += pending(xmpp);
		idle = moved > 0 ? 0 : idle + 1;
	}
}

static void
read_bytes(struct server_xmpp *xmpp, const char *bytes, size_t length)
{
	int error = server_in_feed(xmpp->in, bytes, length);

	if (error == 0)
		return;
	copy_text(xmpp->reason.condition, sizeof(xmpp->reason.condition), "policy-violation");
	copy_text(xmpp->reason.text, sizeof(xmpp->reason.text),
		  error == -EMSGSIZE ? "it sent a stanza of more than 512 KiB"
				     : "what it sent is not XMPP");
	xmpp->over = true;
}

bool
server_xmpp_pump(struct server_xmpp *xmpp, struct evbuffer *in, struct evbuffer *out)
{
	char bytes[CHUNK];

	run(xmpp, out);
	for (int round = 0; !xmpp->over && round < ROUNDS_MAX; round++) {
		int n = evbuffer_remove(in, bytes, sizeof(bytes));

		if (xmpp->restart)
			server_in_reset(xmpp->in);
		xmpp->restart = false;
		if (n <= 0 || write(xmpp->ours, bytes, (size_t)n) != n)
			break;
		/* libstrophe first: what this makes of us (logged in) holds for what follows. */
		run(xmpp, out);
		read_bytes(xmpp, bytes, (size_t)n);
	}
	return !xmpp->over && evbuffer_get_length(in) > 0;
}

void
server_xmpp_send(struct server_xmpp *xmpp, const char *text, size_t length)
{
	xmpp->sent++;
	/* One call for each stanza: libstrophe's count of XEP-0198 goes by calls. The burst is
	 * still one write, because it is collected on the other side of the pair. */
	xmpp_send_raw(xmpp->conn, text, length);
}

uint64_t
server_xmpp_sent(const struct server_xmpp *xmpp)
{
	return xmpp->sent;
}

bool
server_xmpp_is_over(const struct server_xmpp *xmpp)
{
	return xmpp->over;
}

const struct server_reason *
server_xmpp_reason(const struct server_xmpp *xmpp)
{
	return &xmpp->reason;
}

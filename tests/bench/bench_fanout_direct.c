/* SPDX-License-Identifier: ISC */
/*
 * bench_fanout_direct.c: a row of publications to 1,000 subscribers on direct streams of their own,
 * through a whole engine with its store on the disk; notifications a second, as the other ends read
 * them. Beside it a process that only writes the same bytes to as many sockets, one writev each and
 * without Nagle's delay, as the engine does. Whoever reads has one core, whoever writes the other,
 * and the two writers take turns.
 *
 * The reader never sleeps while something is to come: to wake it up costs as much as to write, and
 * would be asked of a writer that is slower than it for every notification, and hardly ever of one
 * that is faster.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include "base/alloc.h"
#include "bench.h"
#include "node.h"

#define STREAMS  1000
#define ROW      10          /* publications */
#define PATIENCE 30000000000 /* ns */
#define REST     100         /* ms: the kernel keeps some of each second from whoever comes first */
#define NODE     "princely_musings"
#define PUBSUB   "http://jabber.org/protocol/pubsub"
#define END      "</message>"

#define ENTRY                                                                                      \
	"<entry xmlns='http://www.w3.org/2005/Atom'><title>Soliloquy</title><summary>To be, or "   \
	"not to be: that is the question: Whether 'tis nobler in the mind to "                     \
	"suffer</summary><id>tag:denmark.example,2003:entry-32397</id>"                            \
	"<updated>2003-12-13T18:30:02Z</updated></entry>"

/* The reading end of one stream. */
struct ear_of {
	int fd;
	size_t matched; /* of the word that is looked for */
	unsigned got, length;
};

/* The reading ends of all streams of one writer. */
struct crowd {
	struct ear_of ears[STREAMS];
	int waiter;
};

static struct crowd of_engine, of_floor;

/* --- reading ------------------------------------------------------------------------------ */

/* How often the word ends in what has come. */
static unsigned
count_word(struct ear_of *ear, const char *word, const char *bytes, size_t length)
{
	const char *end = bytes + length;
	unsigned count = 0;

	for (const char *at = bytes; at < end; at++) {
		if (ear->matched == 0)
			at = memchr(at, word[0], (size_t)(end - at));
		if (at == NULL)
			break;
		if (*at != word[ear->matched])
			ear->matched = 0;
		if (*at == word[ear->matched])
			ear->matched++;
		if (word[ear->matched] == '\0') {
			ear->matched = 0;
			count++;
		}
	}
	return count;
}

/* Whoever answers no ping (XEP-0199) is taken for dead. One that is cut in two goes unanswered, as
 * others follow it. */
static void
answer_pings(const struct ear_of *ear, char *bytes)
{
	static const char begin[] = "<iq type=\"get\" id=\"";
	char text[128], *at = bytes;

	while ((at = strstr(at, begin)) != NULL) {
		size_t length = strcspn(at += sizeof(begin) - 1, "\"");
		int n = snprintf(text, sizeof(text), "<iq type='result' id='%.*s'/>", (int)length,
				 at);

		bench_write(ear->fd, text, (size_t)n);
	}
}

/* word NULL: whatever it is. */
static unsigned
hear(struct ear_of *ear, const char *word)
{
	char bytes[16384];
	ssize_t n = recv(ear->fd, bytes, sizeof(bytes) - 1, MSG_DONTWAIT);

	if (n == 0 || (n < 0 && errno != EAGAIN))
		bench_die("a stream ended: %s", n == 0 ? "closed" : strerror(errno));
	if (n < 0)
		return 0;
	ear->length += (unsigned)n;
	bytes[n] = '\0';
	answer_pings(ear, bytes);
	return word == NULL ? 0 : count_word(ear, word, bytes, (size_t)n);
}

/* Until every stream has brought the word so often. */
static void
wait_all(struct crowd *crowd, const char *word, unsigned times)
{
	struct epoll_event events[256];
	size_t missing = STREAMS;
	int64_t until = bench_now() + PATIENCE;

	for (size_t i = 0; i < STREAMS; i++)
		crowd->ears[i].got = crowd->ears[i].length = 0;
	while (missing > 0) {
		int n = epoll_wait(crowd->waiter, events, 256, 0);

		if (n < 0 || bench_now() > until)
			bench_die("%zu streams bring no %s", missing, word);
		for (int i = 0; i < n; i++) {
			struct ear_of *ear = events[i].data.ptr;
			bool had = ear->got >= times;

			ear->got += hear(ear, word);
			missing -= !had && ear->got >= times;
			if (ear->got > times)
				bench_die("a stream brings %s too often", word);
		}
	}
}

/* The nth of them has an address of its own in 127.0.0.0/8. */
static void
dial(struct crowd *crowd, size_t n, unsigned port)
{
	struct sockaddr_in from = { .sin_family = AF_INET,
				    .sin_addr.s_addr =
					    htonl(INADDR_LOOPBACK + 65536 + (uint32_t)n) };
	struct sockaddr_in to = { .sin_family = AF_INET,
				  .sin_port = htons((uint16_t)port),
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct epoll_event event = { .events = EPOLLIN, .data.ptr = &crowd->ears[n] };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || bind(fd, (struct sockaddr *)&from, sizeof(from)) != 0 ||
	    connect(fd, (struct sockaddr *)&to, sizeof(to)) != 0 ||
	    epoll_ctl(crowd->waiter, EPOLL_CTL_ADD, fd, &event) != 0)
		bench_die("stream %zu: %s", n, strerror(errno));
	crowd->ears[n] = (struct ear_of){ .fd = fd };
}

static void
hang_up(struct crowd *crowd)
{
	for (size_t i = 0; i < STREAMS; i++)
		close(crowd->ears[i].fd);
	close(crowd->waiter);
}

static double
per_second(int64_t start)
{
	return ROW * STREAMS * 1e9 / (double)(bench_now() - start);
}

/* --- ours --------------------------------------------------------------------------------- */

static void
say(size_t n, const char *text)
{
	bench_write(of_engine.ears[n].fd, text, strlen(text));
}

static void
say_iq(size_t n, const char *id, const char *xml)
{
	char text[2048];

	snprintf(text, sizeof(text),
		 "<iq type='set' id='%s' from='user%zu@machine%zu' to='bench@beta'>"
		 "<pubsub xmlns='" PUBSUB "'>%s</pubsub></iq>",
		 id, n, n, xml);
	say(n, text);
}

/* Of one stream, while the others are listened to. */
static void
wait_one(size_t n, const char *word)
{
	struct epoll_event events[256];
	bool found = false;

	while (!found) {
		int count = epoll_wait(of_engine.waiter, events, 256, 30000);

		if (count <= 0)
			bench_die("stream %zu brings no %s", n, word);
		for (int i = 0; i < count; i++) {
			struct ear_of *ear = events[i].data.ptr;

			found = hear(ear, ear == &of_engine.ears[n] ? word : NULL) > 0 || found;
		}
	}
}

static void
open_stream(size_t n, unsigned port)
{
	char text[512];

	dial(&of_engine, n, port);
	snprintf(text, sizeof(text),
		 "<?xml version='1.0'?><stream:stream xmlns='jabber:client' xmlns:stream="
		 "'http://etherx.jabber.org/streams' version='1.0' "
		 "from='user%zu@machine%zu' to='bench@beta'>",
		 n, n);
	say(n, text);
	wait_one(n, "</stream:features>");
}

/* One after the other: whoever has said nothing yet is a stranger, and of those not many are let
 * in. */
static void
subscribe_all(unsigned port)
{
	char xml[512];

	for (size_t i = 0; i < STREAMS; i++) {
		open_stream(i, port);
		if (i == 0) {
			say_iq(0, "create", "<create node='" NODE "'/>");
			wait_one(0, "\"create\"");
		}
		snprintf(xml, sizeof(xml),
			 "<subscribe node='" NODE "' jid='user%zu@machine%zu.local'/>", i, i);
		say_iq(i, "subscribe", xml);
		wait_one(i, "=\"subscribed\"");
	}
}

/* Notifications a second; *length: of one, as each stream but the publisher's brought it. */
static double
publish_row(unsigned *length)
{
	int64_t start = bench_now();

	for (int i = 0; i < ROW; i++)
		say_iq(0, "publish", "<publish node='" NODE "'><item>" ENTRY "</item></publish>");
	wait_all(&of_engine, END, ROW);
	*length = of_engine.ears[STREAMS - 1].length / ROW;
	return per_second(start);
}

/* --- the floor ---------------------------------------------------------------------------- */

/* On each byte that comes it writes a row to everybody. */
static void
floor_main(void *arg, int fd)
{
	unsigned length = *(const unsigned *)arg, port;
	int listener = bench_listen(&port), fds[STREAMS], one = 1;
	char *text = xalloc(length), byte;
	struct iovec parts[2] = { { text, 100 }, { text + 100, length - 100 } };

	bench_pin(1);
	memset(text, ' ', length);
	memcpy(text + length - strlen(END), END, strlen(END));
	bench_write(fd, &port, sizeof(port));
	for (size_t i = 0; i < STREAMS; i++) {
		fds[i] = accept(listener, NULL, NULL);
		setsockopt(fds[i], IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	}
	for (;;) {
		bench_read(fd, &byte, 1);
		for (size_t i = 0; i < ROW * STREAMS; i++)
			if (writev(fds[i % STREAMS], parts, 2) != (ssize_t)length)
				bench_die("writev: %s", strerror(errno));
	}
}

static double
write_row(int fd)
{
	int64_t start = bench_now();

	bench_write(fd, "", 1);
	wait_all(&of_floor, END, ROW);
	return per_second(start);
}

/* --- both --------------------------------------------------------------------------------- */

static void
engine_main(void *arg, int fd)
{
	bench_pin(1);
	node_run(arg);
}

/* The engine knows where each of them is: whoever dials from there may say that he is that. */
static char *
new_conf(const char *state, unsigned port)
{
	size_t size = NODE_CONF_SIZE + (size_t)STREAMS * 128, used;
	char *text = xalloc(size), own[NODE_CONF_SIZE];
	const struct node_conf conf = {
		.machine = "beta",
		.state = state,
		.port = port,
		.more = "[policy]\nplaintext = allow\nsubscribe = anyone\npublish = anyone\n",
	};

	node_conf(own, &conf);
	used = (size_t)snprintf(text, size, "%s", own);
	for (size_t i = 0; i < STREAMS; i++) {
		struct in_addr ip = { htonl(INADDR_LOOPBACK + 65536 + (uint32_t)i) };
		char host[INET_ADDRSTRLEN];

		inet_ntop(AF_INET, &ip, host, sizeof(host));
		used += (size_t)snprintf(text + used, size - used,
					 "[peer \"user%zu\"]\naddress = user%zu@machine%zu.local\n"
					 "host = %s\n",
					 i, i, i, host);
	}
	return text;
}

static void
wait_for_port(unsigned port)
{
	struct sockaddr_in to = { .sin_family = AF_INET,
				  .sin_port = htons((uint16_t)port),
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct timespec rest = { .tv_nsec = 10000000 };
	int64_t until = bench_now() + PATIENCE;

	for (;;) {
		int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
		int rc = connect(fd, (struct sockaddr *)&to, sizeof(to));

		close(fd);
		if (rc == 0)
			return;
		if (bench_now() > until)
			bench_die("the engine does not listen");
		nanosleep(&rest, NULL);
	}
}

static pid_t
start_engine(int *fd, unsigned *length)
{
	struct node_states states;
	unsigned port = bench_free_port();
	char *conf;
	pid_t pid;

	node_states_make(&states, "beta", "alpha");
	conf = new_conf(states.dirs[0], port);
	pid = bench_fork(engine_main, conf, fd);
	free(conf);
	wait_for_port(port);
	subscribe_all(port);
	publish_row(length); /* how long one is */
	return pid;
}

static pid_t
start_floor(int *fd, unsigned length)
{
	unsigned port;
	pid_t pid = bench_fork(floor_main, &length, fd);

	bench_read(*fd, &port, sizeof(port));
	for (size_t i = 0; i < STREAMS; i++)
		dial(&of_floor, i, port);
	return pid;
}

/* Whatever the last one has still to do is done, and the next one has its own in the cache. */
static void
measure(struct bench *bench, int run, int floor_fd)
{
	const struct timespec rest = { .tv_nsec = REST * 1000000 };
	unsigned length;

	nanosleep(&rest, NULL);
	publish_row(&length);
	bench->ours[run] = publish_row(&length);
	nanosleep(&rest, NULL);
	write_row(floor_fd);
	bench->floor[run] = write_row(floor_fd);
}

int
main(void)
{
	struct bench bench = {
		.name = "fanout-direct", .unit = "/s", .kind = BENCH_RATIO_LEAST, .bar = 0.5
	};
	unsigned length;
	int engine_fd, floor_fd;
	pid_t engine, floor;

	bench_descriptors(5 * STREAMS);
	bench_pin(0);
	of_engine.waiter = epoll_create1(EPOLL_CLOEXEC);
	of_floor.waiter = epoll_create1(EPOLL_CLOEXEC);
	engine = start_engine(&engine_fd, &length);
	floor = start_floor(&floor_fd, length);
	for (int i = 0; i < BENCH_RUNS; i++)
		measure(&bench, i, floor_fd);
	hang_up(&of_engine);
	hang_up(&of_floor);
	bench_end(engine, engine_fd);
	bench_end(floor, floor_fd);
	bench_report(&bench);
	return 0;
}

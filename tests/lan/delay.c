/* SPDX-License-Identifier: ISC */
/* delay.c: an emulated cable between two network namespaces, for kernels without netem */

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <poll.h>
#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

/* Each end is a tap device. A tap without TUNSETOFFLOAD gets whole frames no longer than its MTU
 * with complete checksums from the kernel, which a packet socket on a veth does not.
 *
 * A frame read from one tap gets the time at which it leaves by the other: behind the frame
 * before it at the set rate, then delay and jitter. Frames never overtake each other. Whether a
 * frame is lost is drawn from a generator of each direction's own, so that a seed and a sequence
 * of frames give the same losses in every run.
 *
 * Commands, one line each on standard input, each answered with a line "ok …" or "error …":
 * 	[ab|ba] delay MS | jitter MS | loss PERCENT | rate KBIT | limit FRAMES | cut | restore
 * 	unplug (both ends lose their carrier)	stats
 * End of input ends the program, and with it both devices. */

#define FRAME_MAX 2048
#define LIMIT_MAX 65536
#define NS_PER_MS 1000000

struct frame {
	uint64_t due; /* CLOCK_MONOTONIC, ns */
	size_t len;
	uint8_t bytes[FRAME_MAX];
};

struct way {
	const char *name;
	int from, to;
	struct frame *ring; /* LIMIT_MAX places, touched only as far as used */
	size_t head, count, limit;
	uint64_t delay, jitter; /* ns */
	uint64_t rate;          /* bit/s, 0: no limit */
	double loss;            /* 0 to 1 */
	bool cut;
	uint64_t random, line_free, last_due;
	uint64_t in, out, lost, full;
};

struct cable {
	struct way ways[2]; /* ab, ba */
	int timer;
};

static uint64_t
now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

/* splitmix64: any seed will do, also 0. */
static uint64_t
way_random(struct way *way)
{
	uint64_t z = way->random += 0x9e3779b97f4a7c15;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
	z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
	return z ^ (z >> 31);
}

/* From 0 up to and without 1. */
static double
way_draw(struct way *way)
{
	return (double)(way_random(way) >> 11) / 9007199254740992.0;
}

static uint64_t
way_due(struct way *way, size_t len, uint64_t now)
{
	uint64_t due = way->line_free > now ? way->line_free : now;

	if (way->rate > 0)
		due += (uint64_t)len * 8 * 1000000000 / way->rate;
	way->line_free = due;
	due += way->delay;
	if (way->jitter > 0)
		due += (uint64_t)(way_draw(way) * (double)way->jitter);
	if (due < way->last_due)
		due = way->last_due;
	way->last_due = due;
	return due;
}

/* One frame from the tap into the ring; false when the tap has none. */
static bool
way_read(struct way *way, uint64_t now)
{
	struct frame *frame = &way->ring[(way->head + way->count) % LIMIT_MAX];
	struct frame spare;
	bool full = way->count >= way->limit;
	ssize_t n = read(way->from, full ? spare.bytes : frame->bytes, FRAME_MAX);

	if (n < 0)
		return false;
	way->in++;
	if (way->cut || (way->loss > 0 && way_draw(way) < way->loss)) {
		way->lost++;
	} else if (full) {
		way->full++;
	} else {
		frame->len = (size_t)n;
		frame->due = way_due(way, frame->len, now);
		way->count++;
	}
	return true;
}

/* What is due leaves. A device that is down refuses its frame: lost, as on a cable. */
static void
way_write(struct way *way, uint64_t now)
{
	while (way->count > 0 && way->ring[way->head].due <= now) {
		struct frame *frame = &way->ring[way->head];

		if (!way->cut && write(way->to, frame->bytes, frame->len) == (ssize_t)frame->len)
			way->out++;
		else
			way->lost++;
		way->head = (way->head + 1) % LIMIT_MAX;
		way->count--;
	}
}

static void
way_init(struct way *way, const char *name, int from, int to, uint64_t seed)
{
	way->name = name;
	way->from = from;
	way->to = to;
	way->limit = 10000;
	way->random = seed;
	way->ring = calloc(LIMIT_MAX, sizeof(*way->ring));
	if (way->ring == NULL)
		abort();
}

static bool
way_set(struct way *way, const char *key, double value)
{
	if (!(value >= 0 && value <= 1e9))
		return false;
	if (strcmp(key, "delay") == 0)
		way->delay = (uint64_t)(value * NS_PER_MS);
	else if (strcmp(key, "jitter") == 0)
		way->jitter = (uint64_t)(value * NS_PER_MS);
	else if (strcmp(key, "rate") == 0)
		way->rate = (uint64_t)(value * 1000);
	else if (strcmp(key, "loss") == 0 && value <= 100)
		way->loss = value / 100;
	else if (strcmp(key, "limit") == 0 && value >= 1 && value <= LIMIT_MAX)
		way->limit = (size_t)value;
	else
		return false;
	return true;
}

/* A change holds for the frames that come after it; but a frame that waits by the old, longer
 * delay would hold up all of them, so waiting frames leave no later than a new one would. */
static void
way_hurry(struct way *way, uint64_t now)
{
	uint64_t latest = now + way->delay + way->jitter;

	if (way->rate > 0)
		return;
	for (size_t i = 0; i < way->count; i++) {
		struct frame *frame = &way->ring[(way->head + i) % LIMIT_MAX];

		if (frame->due > latest)
			frame->due = latest;
	}
	way->line_free = now;
	if (way->last_due > latest)
		way->last_due = latest;
}

static void
set_carrier(struct cable *cable, int on)
{
	for (int i = 0; i < 2; i++)
		(void)ioctl(cable->ways[i].from, TUNSETCARRIER, &on);
}

static void
print_stats(const struct cable *cable)
{
	printf("ok {");
	for (int i = 0; i < 2; i++) {
		const struct way *way = &cable->ways[i];

		printf("%s\"%s\": {\"in\": %" PRIu64 ", \"out\": %" PRIu64 ", \"lost\": %" PRIu64
		       ", \"full\": %" PRIu64 ", \"waiting\": %zu}",
		       i > 0 ? ", " : "", way->name, way->in, way->out, way->lost, way->full,
		       way->count);
	}
	printf("}\n");
}

/* cut, restore, or a setting; in one direction or in both. */
static bool
command_way(struct way *way, const char *key, const char *value)
{
	char *end = NULL;
	double number;

	if (strcmp(key, "cut") == 0 || strcmp(key, "restore") == 0) {
		if (value == NULL)
			way->cut = key[0] == 'c';
		return value == NULL;
	}
	number = value != NULL ? strtod(value, &end) : -1;
	if (end == NULL || end == value || *end != '\0' || !way_set(way, key, number))
		return false;
	way_hurry(way, now_ns());
	return true;
}

static void
command(struct cable *cable, char *line)
{
	char *save = NULL;
	const char *word = strtok_r(line, " \t\r\n", &save), *only = NULL, *value;
	bool good = true;

	if (word != NULL && (strcmp(word, "ab") == 0 || strcmp(word, "ba") == 0)) {
		only = word;
		word = strtok_r(NULL, " \t\r\n", &save);
	}
	if (word != NULL && only == NULL && strcmp(word, "stats") == 0) {
		print_stats(cable);
		return;
	}
	value = strtok_r(NULL, " \t\r\n", &save);
	if (word != NULL && only == NULL && strcmp(word, "unplug") == 0) {
		set_carrier(cable, 0);
		word = "cut";
	} else if (word != NULL && only == NULL && strcmp(word, "restore") == 0) {
		set_carrier(cable, 1);
	}
	for (int i = 0; i < 2; i++)
		if (only == NULL || strcmp(only, cable->ways[i].name) == 0)
			good &= word != NULL && command_way(&cable->ways[i], word, value);
	printf(good ? "ok\n" : "error what is this?\n");
}

static void
arm(struct cable *cable)
{
	struct itimerspec spec = { 0 };
	uint64_t due = UINT64_MAX;

	for (int i = 0; i < 2; i++) {
		const struct way *way = &cable->ways[i];

		if (way->count > 0 && way->ring[way->head].due < due)
			due = way->ring[way->head].due;
	}
	if (due != UINT64_MAX) {
		spec.it_value.tv_sec = (time_t)(due / 1000000000);
		spec.it_value.tv_nsec = (long)(due % 1000000000);
	}
	timerfd_settime(cable->timer, TFD_TIMER_ABSTIME, &spec, NULL);
}

/* Reads at most some frames a turn, so that a flood does not delay what is due. */
static void
turn(struct cable *cable)
{
	for (int i = 0; i < 2; i++) {
		struct way *way = &cable->ways[i];

		for (int n = 0; n < 64 && way_read(way, now_ns()); n++)
			;
		way_write(way, now_ns());
	}
	arm(cable);
}

static void
serve(struct cable *cable)
{
	struct pollfd fds[] = {
		{ .fd = STDIN_FILENO, .events = POLLIN },
		{ .fd = cable->timer, .events = POLLIN },
		{ .fd = cable->ways[0].from, .events = POLLIN },
		{ .fd = cable->ways[1].from, .events = POLLIN },
	};
	char line[256];
	uint64_t ticks;

	for (;;) {
		if (poll(fds, 4, -1) < 0)
			return;
		/* The namespace of a device is gone. */
		if (((fds[2].revents | fds[3].revents) & POLLERR) != 0)
			return;
		if (fds[1].revents != 0)
			(void)!read(cable->timer, &ticks, sizeof(ticks));
		turn(cable);
		if (fds[0].revents != 0) {
			if (fgets(line, sizeof(line), stdin) == NULL)
				return;
			command(cable, line);
			arm(cable);
		}
	}
}

/* A tap of this name in the namespace that the file of /proc names. */
static int
tap_open(const char *space, const char *name)
{
	struct ifreq req = { .ifr_flags = IFF_TAP | IFF_NO_PI };
	int ns = open(space, O_RDONLY | O_CLOEXEC), fd = -1;

	snprintf(req.ifr_name, sizeof(req.ifr_name), "%s", name);
	/* The device belongs to the namespace in which the file was opened. */
	if (ns >= 0 && setns(ns, CLONE_NEWNET) == 0)
		fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0 || ioctl(fd, TUNSETIFF, &req) < 0) {
		fprintf(stderr, "delay: %s in %s: %s\n", name, space, strerror(errno));
		exit(1);
	}
	close(ns);
	return fd;
}

int
main(int argc, char **argv)
{
	struct cable cable = { 0 };
	uint64_t seed = 1;
	int opt, a, b;

	while ((opt = getopt(argc, argv, "s:")) == 's')
		seed = strtoull(optarg, NULL, 0);
	if (opt != -1 || argc - optind != 4) {
		fprintf(stderr, "usage: delay [-s SEED] NETNS NAME NETNS NAME\n");
		return 2;
	}
	/* Unbuffered, or poll would not see the second of two commands that came together. */
	setvbuf(stdin, NULL, _IONBF, 0);
	setvbuf(stdout, NULL, _IOLBF, 0);
	a = tap_open(argv[optind], argv[optind + 1]);
	b = tap_open(argv[optind + 2], argv[optind + 3]);
	way_init(&cable.ways[0], "ab", a, b, seed);
	way_init(&cable.ways[1], "ba", b, a, ~seed);
	cable.timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	printf("ready\n");
	serve(&cable);
	free(cable.ways[0].ring);
	free(cable.ways[1].ring);
	return 0;
}

/* SPDX-License-Identifier: ISC */
/*
 * metrics.c: the figures of this engine as text (Prometheus exposition format 0.0.4).
 *
 * No label holds what a peer chooses: the number of series does not grow with who is out there, and
 * nobody's address leaves the machine this way.
 */
#include <dirent.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "core/core.h"
#include "core/look.h"
#include "core/post.h"

#define RTT_FIRST_USEC 100
#define SEC_FORMAT     "%" PRIu64 ".%06" PRIu64
#define SEC_ARGS(usec) (usec) / EAR_SEC, (usec) % EAR_SEC

void
metrics_rtt(struct metrics *metrics, enum ear_link_kind link, int64_t usec)
{
	uint64_t bound = RTT_FIRST_USEC, took = usec < 0 ? 0 : (uint64_t)usec;
	size_t i = 0;

	while (i < METRIC_BUCKETS && took > bound) {
		bound *= 2;
		i++;
	}
	metrics->rtt[link][i]++;
	metrics->rtt_sum_us[link] += took;
}

/* --- what is counted ---------------------------------------------------------------------- */

static const struct {
	const char *name, *help;
	enum ear_link_kind first; /* NONE: also what never got as far as a link */
} counters[METRIC_COUNT] = {
	[METRIC_IN] = { "stanzas_received", "Stanzas that came, by the link they came on.",
			EAR_LINK_LOCAL },
	[METRIC_OUT] = { "stanzas_sent", "Stanzas handed to a link.", EAR_LINK_LOCAL },
	[METRIC_SWITCHES] = { "path_switches", "Changes of path, by the link of the new one.",
			      EAR_LINK_NONE },
	[METRIC_RETRANSMITTED] = { "stanzas_retransmitted",
				   "Stanzas sent again after their path failed.", EAR_LINK_LOCAL },
	[METRIC_REPEATED] = { "stanzas_repeated", "Stanzas that came a second time, dropped.",
			      EAR_LINK_LOCAL },
	[METRIC_REFUSED] = { "stanzas_refused", "Stanzas that policy refused.", EAR_LINK_LOCAL },
	[METRIC_BOUNCED] = { "stanzas_bounced",
			     "Stanzas whose sender got an error, by the link tried last.",
			     EAR_LINK_NONE },
	[METRIC_EXPIRED] = { "stanzas_expired", "Stanzas dropped because they were late.",
			     EAR_LINK_NONE },
	[METRIC_SILENT] = { "acks_overdue", "Times that a direct stream did not acknowledge.",
			    EAR_LINK_LOCAL },
};

static void
head(FILE *out, const char *name, const char *type, const char *help)
{
	fprintf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void
write_counters(const struct metrics *metrics, FILE *out)
{
	char name[64];

	for (size_t i = 0; i < METRIC_COUNT; i++) {
		snprintf(name, sizeof(name), "earshot_%s_total", counters[i].name);
		head(out, name, "counter", counters[i].help);
		for (size_t link = counters[i].first; link < METRIC_LINKS; link++)
			fprintf(out, "%s{link=\"%s\"} %" PRIu64 "\n", name, ear_link_name(link),
				metrics->count[i][link]);
	}
}

static void
write_histogram(const struct metrics *metrics, enum ear_link_kind link, FILE *out)
{
	const char *name = ear_link_name(link);
	uint64_t bound = RTT_FIRST_USEC, count = 0;

	for (size_t i = 0; i < METRIC_BUCKETS; i++, bound *= 2) {
		count += metrics->rtt[link][i];
		fprintf(out,
			"earshot_rtt_seconds_bucket{link=\"%s\",le=\"" SEC_FORMAT "\"} %" PRIu64
			"\n",
			name, SEC_ARGS(bound), count);
	}
	count += metrics->rtt[link][METRIC_BUCKETS];
	fprintf(out, "earshot_rtt_seconds_bucket{link=\"%s\",le=\"+Inf\"} %" PRIu64 "\n", name,
		count);
	fprintf(out, "earshot_rtt_seconds_sum{link=\"%s\"} " SEC_FORMAT "\n", name,
		SEC_ARGS(metrics->rtt_sum_us[link]));
	fprintf(out, "earshot_rtt_seconds_count{link=\"%s\"} %" PRIu64 "\n", name, count);
}

static void
write_histograms(const struct metrics *metrics, FILE *out)
{
	head(out, "earshot_rtt_seconds", "histogram",
	     "Round trips measured on paths: acknowledgements and pings.");
	write_histogram(metrics, EAR_LINK_LAN, out);
	write_histogram(metrics, EAR_LINK_SERVER, out);
}

/* --- what is looked up when somebody asks --------------------------------------------------- */

static void
gauge(FILE *out, const char *name, const char *help, uint64_t value)
{
	head(out, name, "gauge", help);
	fprintf(out, "%s %" PRIu64 "\n", name, value);
}

struct sums {
	uint64_t paths[METRIC_LINKS][EAR_PATH_FAILED + 1];
	struct {
		uint64_t stanzas, bytes;
	} waiting, owed;
	uint64_t unacked[METRIC_LINKS];
};

/* Two sections may have one address, which has one stream. */
static size_t
unacked_of(const struct dest *dest)
{
	const struct ear *ear = dest->ear;

	if (dest->lan == NULL || map_get(ear->dests.by_address, dest->lan) != dest)
		return 0;
	return link_unacked(ear->reach->lan_find(ear->reach_arg, dest->lan));
}

static void
add_dest(struct dest *dest, void *arg)
{
	struct sums *sums = arg;

	if (dest->lan != NULL)
		sums->paths[EAR_LINK_LAN][look_state(dest, &dest->by_lan)]++;
	if (dest->jid != NULL)
		sums->paths[EAR_LINK_SERVER][look_state(dest, &dest->by_server)]++;
	sums->waiting.stanzas += dest->returned.count + dest->waiting.count;
	sums->waiting.bytes += dest->returned.bytes + dest->waiting.bytes;
	sums->owed.stanzas += dest->owed.count;
	sums->owed.bytes += dest->owed.bytes;
	sums->unacked[EAR_LINK_LAN] += unacked_of(dest);
}

static void
write_paths(const struct sums *sums, FILE *out)
{
	head(out, "earshot_paths", "gauge", "Ways to destinations, by link and state.");
	for (size_t link = EAR_LINK_LAN; link < METRIC_LINKS; link++)
		for (size_t state = 0; state <= EAR_PATH_FAILED; state++)
			fprintf(out, "earshot_paths{link=\"%s\",state=\"%s\"} %" PRIu64 "\n",
				ear_link_name(link), ear_path_state_name(state),
				sums->paths[link][state]);
}

/* Of what is bounded for each destination (dest.h), on the disk (spool.h), and for each link. */
static void
write_queues(const struct ear *ear, const struct sums *sums, FILE *out)
{
	size_t stored, bytes;

	post_count(ear, &stored, &bytes);
	head(out, "earshot_queue_stanzas", "gauge",
	     "Stanzas that wait for a path, went by the server and are not known to have come, or "
	     "are stored on the disk until they have.");
	fprintf(out, "earshot_queue_stanzas{queue=\"waiting\"} %" PRIu64 "\n",
		sums->waiting.stanzas);
	fprintf(out, "earshot_queue_stanzas{queue=\"owed\"} %" PRIu64 "\n", sums->owed.stanzas);
	fprintf(out, "earshot_queue_stanzas{queue=\"stored\"} %zu\n", stored);
	head(out, "earshot_queue_bytes", "gauge", "The same in bytes, as written.");
	fprintf(out, "earshot_queue_bytes{queue=\"waiting\"} %" PRIu64 "\n", sums->waiting.bytes);
	fprintf(out, "earshot_queue_bytes{queue=\"owed\"} %" PRIu64 "\n", sums->owed.bytes);
	fprintf(out, "earshot_queue_bytes{queue=\"stored\"} %zu\n", bytes);
	head(out, "earshot_unacknowledged_stanzas", "gauge",
	     "Stanzas that a link has and the other end has not acknowledged.");
	for (size_t link = EAR_LINK_LAN; link < METRIC_LINKS; link++)
		fprintf(out, "earshot_unacknowledged_stanzas{link=\"%s\"} %" PRIu64 "\n",
			ear_link_name(link), sums->unacked[link]);
}

static void
write_engine(struct ear *ear, FILE *out)
{
	struct core_facts facts = { 0 };
	struct sums sums = { 0 };

	if (ear->reach->describe != NULL)
		ear->reach->describe(ear->reach_arg, &facts);
	dests_each(ear, add_dest, &sums);
	write_paths(&sums, out);
	sums.unacked[EAR_LINK_SERVER] = link_unacked(ear->server);
	write_queues(ear, &sums, out);
	gauge(out, "earshot_destinations", "Destinations that are remembered.", ear->dests.count);
	gauge(out, "earshot_peers_in_earshot", "Peers announced on the LAN now.",
	      peers_count(ear->peers));
	gauge(out, "earshot_direct_streams", "Streams with peers of the LAN.", facts.streams);
	gauge(out, "earshot_server_up", "Whether the server is connected.",
	      ear->server != NULL && ear->server->state == LINK_UP);
	gauge(out, "earshot_programs", "Programs of this machine that are connected.",
	      map_count(ear->programs));
	gauge(out, "earshot_requests_open", "Requests of ours that wait for an answer.",
	      map_count(ear->requests));
}

/* --- the process, under the names that every exporter gives these ---------------------------- */

static uint64_t
resident_bytes(void)
{
	FILE *in = fopen("/proc/self/statm", "re");
	uint64_t size, pages = 0;

	if (in == NULL)
		return 0;
	if (fscanf(in, "%" SCNu64 " %" SCNu64, &size, &pages) != 2)
		pages = 0;
	fclose(in);
	return pages * (uint64_t)sysconf(_SC_PAGESIZE);
}

static uint64_t
open_descriptors(void)
{
	DIR *dir = opendir("/proc/self/fd");
	uint64_t n = 0;

	if (dir == NULL)
		return 0;
	for (const struct dirent *entry; (entry = readdir(dir)) != NULL;)
		n += entry->d_name[0] != '.';
	closedir(dir);
	return n - 1; /* the directory's own */
}

static void
write_process(FILE *out)
{
	struct rlimit files = { 0 };
	struct timespec cpu = { 0 };

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &cpu);
	gauge(out, "process_resident_memory_bytes", "Resident memory.", resident_bytes());
	gauge(out, "process_open_fds", "Open file descriptors.", open_descriptors());
	/* systemd's unit does not allow even to ask (prlimit64 is in @resources). */
	if (getrlimit(RLIMIT_NOFILE, &files) == 0)
		gauge(out, "process_max_fds", "How many there may be.", files.rlim_cur);
	head(out, "process_cpu_seconds_total", "counter", "Processor time, user and system.");
	fprintf(out, "process_cpu_seconds_total %lld.%06ld\n", (long long)cpu.tv_sec,
		cpu.tv_nsec / 1000);
}

char *
ear_metrics(struct ear *ear)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	if (out == NULL)
		abort();
	head(out, "earshot_build_info", "gauge", "Always 1; its label is the version.");
	fprintf(out, "earshot_build_info{version=\"" EAR_VERSION "\"} 1\n");
	write_counters(&ear->metrics, out);
	write_histograms(&ear->metrics, out);
	write_engine(ear, out);
	write_process(out);
	if (fclose(out) != 0)
		abort();
	return text;
}

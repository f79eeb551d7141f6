/* SPDX-License-Identifier: ISC */
/* test_metrics.c: what is counted, and the text that says so. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "core_rig.h"

static const char text[] = "[peer \"one\"]\n"
			   "address = play@tv.local\n"
			   "jid = tv@example.org\n"
			   "[peer \"two\"]\n"
			   "address = play@box.local\n";

/* The same device, known by another JID, too. */
static const char again[] = "[peer \"again\"]\n"
			    "address = play@tv.local\n"
			    "jid = film@example.org\n";

static void
describe(void *arg, struct core_facts *facts)
{
	facts->streams = 17;
}

static const struct core_reach reach = {
	REACH_NOBODY,
	.describe = describe,
};

static size_t
seven(const struct link *link)
{
	return 7;
}

static struct link *
find_tv(void *arg, const char *address)
{
	static const struct link_ops ops = { .unacked = seven };
	static struct link link = { .ops = &ops, .kind = EAR_LINK_LAN, .state = LINK_UP };

	return strcmp(address, "play@tv.local") == 0 ? &link : NULL;
}

static int
set_up(void **state)
{
	static struct world world;

	world_begin(&world, text, &reach);
	*state = &world;
	return 0;
}

/* One line of the answer, without what follows it. */
static void
assert_line(struct ear *ear, const char *line)
{
	char *metrics = ear_metrics(ear), *at, *end;
	bool found = false;

	for (at = metrics; *at != '\0' && !found; at = end + 1) {
		end = strchr(at, '\n');
		assert_non_null(end);
		*end = '\0';
		found = strcmp(at, line) == 0;
	}
	if (!found)
		print_error("no line \"%s\"\n", line);
	assert_true(found);
	free(metrics);
}

static void
test_counters(void **state)
{
	struct ear *ear = ((struct world *)*state)->ear;

	assert_line(ear, "earshot_stanzas_sent_total{link=\"lan\"} 0");
	metrics_add(&ear->metrics, METRIC_OUT, EAR_LINK_LAN);
	metrics_add(&ear->metrics, METRIC_OUT, EAR_LINK_LAN);
	metrics_add(&ear->metrics, METRIC_IN, EAR_LINK_SERVER);
	metrics_add(&ear->metrics, METRIC_SWITCHES, EAR_LINK_NONE);
	metrics_add(&ear->metrics, METRIC_SILENT, EAR_LINK_LAN);
	assert_line(ear, "# TYPE earshot_stanzas_sent_total counter");
	assert_line(ear, "earshot_stanzas_sent_total{link=\"lan\"} 2");
	assert_line(ear, "earshot_stanzas_sent_total{link=\"server\"} 0");
	assert_line(ear, "earshot_stanzas_received_total{link=\"server\"} 1");
	assert_line(ear, "earshot_path_switches_total{link=\"none\"} 1");
	assert_line(ear, "earshot_acks_overdue_total{link=\"lan\"} 1");
}

/* Bounds belong to their bucket, as `le` says; what is above all of them is counted, too. */
static void
test_round_trips(void **state)
{
	struct ear *ear = ((struct world *)*state)->ear;

	metrics_rtt(&ear->metrics, EAR_LINK_LAN, 100);
	metrics_rtt(&ear->metrics, EAR_LINK_LAN, 101);
	metrics_rtt(&ear->metrics, EAR_LINK_LAN, 1000000);
	metrics_rtt(&ear->metrics, EAR_LINK_LAN, 60000000);
	metrics_rtt(&ear->metrics, EAR_LINK_LAN, -5); /* no clock runs backwards, but still */
	assert_line(ear, "earshot_rtt_seconds_bucket{link=\"lan\",le=\"0.000100\"} 2");
	assert_line(ear, "earshot_rtt_seconds_bucket{link=\"lan\",le=\"0.000200\"} 3");
	assert_line(ear, "earshot_rtt_seconds_bucket{link=\"lan\",le=\"0.819200\"} 3");
	assert_line(ear, "earshot_rtt_seconds_bucket{link=\"lan\",le=\"1.638400\"} 4");
	assert_line(ear, "earshot_rtt_seconds_bucket{link=\"lan\",le=\"3.276800\"} 4");
	assert_line(ear, "earshot_rtt_seconds_bucket{link=\"lan\",le=\"+Inf\"} 5");
	assert_line(ear, "earshot_rtt_seconds_sum{link=\"lan\"} 61.000201");
	assert_line(ear, "earshot_rtt_seconds_count{link=\"lan\"} 5");
	assert_line(ear, "earshot_rtt_seconds_count{link=\"server\"} 0");
}

static void
test_states(void **state)
{
	struct ear *ear = ((struct world *)*state)->ear;

	assert_line(ear, "earshot_build_info{version=\"" EAR_VERSION "\"} 1");
	assert_line(ear, "earshot_destinations 2");
	assert_line(ear, "earshot_paths{link=\"lan\",state=\"failed\"} 2");
	assert_line(ear, "earshot_paths{link=\"server\",state=\"failed\"} 1");
	assert_line(ear, "earshot_paths{link=\"lan\",state=\"up\"} 0");
	assert_line(ear, "earshot_direct_streams 17");
	assert_line(ear, "earshot_server_up 0");
	assert_line(ear, "earshot_queue_stanzas{queue=\"waiting\"} 0");
	assert_line(ear, "earshot_queue_stanzas{queue=\"stored\"} 0");
	assert_line(ear, "earshot_unacknowledged_stanzas{link=\"lan\"} 0");
	queue_add(&dest_find(ear, "play@tv.local")->owed,
		  ear_stanza(ear->ctx, "message", "chat", "tv@example.org", NULL), EAR_LINK_NONE,
		  0);
	assert_line(ear, "earshot_queue_stanzas{queue=\"owed\"} 1");
	assert_non_null(dest_get(ear, "new@example.org"));
	assert_line(ear, "earshot_destinations 3");
}

/* A stream is counted once, however many sections have its address. */
static void
test_two_of_one_address(void **state)
{
	struct core_reach one_stream = reach;
	struct world world;

	one_stream.lan_find = find_tv;
	for (int i = 0; i < 2; i++) {
		char *conf = xasprintf("%s%s", text, i == 0 ? "" : again);

		world_begin(&world, conf, &one_stream);
		assert_line(world.ear, "earshot_unacknowledged_stanzas{link=\"lan\"} 7");
		world_end(&world);
		free(conf);
	}
}

/* Whoever is out there, the series are the same, and nobody is named. */
static void
test_peers_add_no_series(void **state)
{
	struct ear *ear = ((struct world *)*state)->ear;
	char *before = ear_metrics(ear), *after, address[64];
	size_t lines[2] = { 0 };

	for (int i = 0; i < 500; i++) {
		snprintf(address, sizeof(address), "spy%d@example.org", i);
		dest_get(ear, address);
	}
	after = ear_metrics(ear);
	for (const char *p = before; *p != '\0'; p++)
		lines[0] += *p == '\n';
	for (const char *p = after; *p != '\0'; p++)
		lines[1] += *p == '\n';
	assert_int_equal(lines[0], lines[1]);
	assert_null(strchr(after, '@'));
	free(before);
	free(after);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_counters, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_round_trips, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_states, set_up, tear_down),
		cmocka_unit_test(test_two_of_one_address),
		cmocka_unit_test_setup_teardown(test_peers_add_no_series, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: ISC */
/*
 * metrics.h: what the engine counts, for operators. Counting is one addition; everything that is a
 * state (paths, queues, peers) is looked up when somebody asks.
 */
#ifndef CORE_METRICS_H
#define CORE_METRICS_H

#include <earshot/ear.h>

enum metric {
	METRIC_IN,            /* stanzas that came, by link */
	METRIC_OUT,           /* stanzas handed to a link, by link */
	METRIC_SWITCHES,      /* another path was chosen, by the link of the new one */
	METRIC_RETRANSMITTED, /* sent again after a path had failed, by the link that failed */
	METRIC_REPEATED,      /* came a second time and were dropped, by link */
	METRIC_REFUSED,       /* policy said no, by link */
	METRIC_BOUNCED,       /* an error went to the sender, by the link of the last try */
	METRIC_EXPIRED,       /* worthless when late, and late, by link */
	METRIC_SILENT,        /* a direct stream did not acknowledge in time, by link */
	METRIC_COUNT,
};

#define METRIC_LINKS   (EAR_LINK_SERVER + 1)
#define METRIC_BUCKETS 16 /* of round trips: 100 us, doubling; the last one holds the rest */

struct metrics {
	uint64_t count[METRIC_COUNT][METRIC_LINKS];
	uint64_t rtt[METRIC_LINKS][METRIC_BUCKETS + 1];
	uint64_t rtt_sum_us[METRIC_LINKS];
};

static inline void
metrics_add(struct metrics *metrics, enum metric metric, enum ear_link_kind link)
{
	metrics->count[metric][link]++;
}

/* A round trip that was measured on a path of that kind. */
void metrics_rtt(struct metrics *metrics, enum ear_link_kind link, int64_t usec);

#endif

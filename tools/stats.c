/* SPDX-License-Identifier: ISC */
/* stats.c: running statistics; Welford's method, so that large values lose nothing. */
#include <math.h>

#include "stats.h"

void
stats_add(struct stats *stats, double value)
{
	double distance = value - stats->mean;

	stats->count++;
	stats->mean += distance / (double)stats->count;
	stats->squares += distance * (value - stats->mean);
	if (stats->count == 1 || value < stats->min)
		stats->min = value;
	if (stats->count == 1 || value > stats->max)
		stats->max = value;
}

double
stats_mean(const struct stats *stats)
{
	return stats->mean;
}

double
stats_deviation(const struct stats *stats)
{
	return stats->count == 0 ? 0 : sqrt(stats->squares / (double)stats->count);
}

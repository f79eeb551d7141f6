/* SPDX-License-Identifier: ISC */
/* stats.h: minimum, mean, maximum and deviation of round-trip times, without keeping them. */
#ifndef TOOLS_STATS_H
#define TOOLS_STATS_H

struct stats {
	long count;
	double min, max, mean, squares; /* squares: sum of squared distances from the mean */
};

void stats_add(struct stats *stats, double value);
double stats_mean(const struct stats *stats);

/* The standard deviation, as ping(8)'s mdev. */
double stats_deviation(const struct stats *stats);

#endif

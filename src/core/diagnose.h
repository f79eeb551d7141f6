/* SPDX-License-Identifier: ISC */
/* diagnose.h: what the two halves of ear_diagnose() share. */
#ifndef CORE_DIAGNOSE_H
#define CORE_DIAGNOSE_H

#include "core/core.h"

struct diagnosis {
	struct ear *ear;
	ear_check_fn *fn;
	void *arg;
};

/* Tells one check; remedy NULL: nothing is to be done. */
void diagnosis_tell(const struct diagnosis *diagnosis, const char *name, enum ear_check_state state,
		    const char *remedy, const char *format, ...)
	__attribute__((format(printf, 5, 6)));

/* What is known about that address. */
void diagnose_address(const struct diagnosis *diagnosis, const char *address);

#endif

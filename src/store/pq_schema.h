/* SPDX-License-Identifier: ISC */
/*
 * pq_schema.h: what is done on a connection before any job: settings, LISTEN, and the schema. The
 * version is in a table of one row; who brings it up holds an advisory lock, so that of several
 * that start together one does it and the others find it done.
 */
#ifndef STORE_PQ_SCHEMA_H
#define STORE_PQ_SCHEMA_H

#include "store/pq_job.h"
#include "store/pq_run.h"

struct pq_schema;

/* From pq_schema_step(). error 0: jobs may run. -EPROTONOSUPPORT: it is of a later version. */
typedef void pq_schema_fn(void *arg, int error, const char *text);

struct pq_schema *pq_schema_new(const struct db_schema *versions, pq_schema_fn *fn, void *arg);
void pq_schema_free(struct pq_schema *schema);

/* The link is up: begins. */
void pq_schema_begin(struct pq_schema *schema, struct pq_link *link, struct pq_run *run);

/* Whether a job is one of ours; it is done, or was lost: frees it. */
bool pq_schema_owns(const struct pq_schema *schema, const struct pq_job *job);
void pq_schema_step(struct pq_schema *schema, struct pq_job *job);

#endif

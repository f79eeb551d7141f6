/* SPDX-License-Identifier: ISC */
/*
 * pq_lib.h: PostgreSQL's client library, opened when a database of that kind is asked for: who does
 * not use it needs neither the package nor its memory.
 */
#ifndef STORE_PQ_LIB_H
#define STORE_PQ_LIB_H

#include <libpq-fe.h>
#include <stddef.h>

/* Pipelines are what asks for libpq 14. */
#define PQ_FUNCTIONS(X)                                                                            \
	X(PQbackendPID)                                                                            \
	X(PQclear)                                                                                 \
	X(PQconnectPoll)                                                                           \
	X(PQconnectStartParams)                                                                    \
	X(PQconninfoFree)                                                                          \
	X(PQconninfoParse)                                                                         \
	X(PQconsumeInput)                                                                          \
	X(PQenterPipelineMode)                                                                     \
	X(PQerrorMessage)                                                                          \
	X(PQfinish)                                                                                \
	X(PQflush)                                                                                 \
	X(PQfreemem)                                                                               \
	X(PQftype)                                                                                 \
	X(PQgetisnull)                                                                             \
	X(PQgetResult)                                                                             \
	X(PQgetvalue)                                                                              \
	X(PQisBusy)                                                                                \
	X(PQnfields)                                                                               \
	X(PQnotifies)                                                                              \
	X(PQntuples)                                                                               \
	X(PQpipelineSync)                                                                          \
	X(PQresultErrorField)                                                                      \
	X(PQresultStatus)                                                                          \
	X(PQsendPrepare)                                                                           \
	X(PQsendQueryParams)                                                                       \
	X(PQsendQueryPrepared)                                                                     \
	X(PQsetnonblocking)                                                                        \
	X(PQsetNoticeReceiver)                                                                     \
	X(PQsocket)                                                                                \
	X(PQstatus)

struct pq_lib {
#define PQ_SLOT(name) __typeof__(name) *name;
	PQ_FUNCTIONS(PQ_SLOT)
#undef PQ_SLOT
};

/* The library stays loaded. 0, or -ELIBACC with error filled. */
int pq_lib_open(struct pq_lib *lib, char *error, size_t size);

#endif

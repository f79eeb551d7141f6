/* SPDX-License-Identifier: ISC */
/*
 * io_seal.h: what lies between the bytes that the owner of an io appends and the wire, where TLS is
 * on. For io.c alone.
 */
#ifndef LINK_IO_SEAL_H
#define LINK_IO_SEAL_H

#include <stdint.h>

#include "link/tls.h"

struct seal;

/* Takes the bytes that are to leave in plain out of out, after `taken` that have left already, and
 * begins the handshake. Consumes tls. */
struct seal *seal_new(struct tls *tls, struct evbuffer *out, uint64_t *taken);
void seal_free(struct seal *seal);

struct tls *seal_tls(const struct seal *seal);

/*
 * Hands to the kernel what it takes, and encrypts as much of out as that needs; taken counts it. 1:
 * all of it, 0: the kernel is full, 2: the rest waits for the handshake or will never leave, or
 * -errno.
 */
int seal_push(struct seal *seal, int fd, struct evbuffer *out, uint64_t *taken);

/* As tls_read. */
int seal_read(struct seal *seal, const void *bytes, size_t length, tls_plain_fn *fn, void *arg);

/* Whether there is something for the kernel that nobody has appended: handshake, alert. */
bool seal_has_wire(const struct seal *seal);

/* Says goodbye if all else has gone to the kernel. */
void seal_close(struct seal *seal, int fd, struct evbuffer *out, uint64_t *taken);

/* Nothing more leaves if something of what was taken has not left. */
void seal_forget(struct seal *seal, uint64_t *taken);

/* Of the bytes taken, those that went to the kernel, and those that the other end's
 * has acknowledged. */
uint64_t seal_sent(const struct seal *seal);
uint64_t seal_acked(struct seal *seal, int fd);

/* Hands to the kernel what it takes of out; *sent counts. 1: all of it, 0: it is full, or -errno.
 */
int io_send(int fd, struct evbuffer *out, uint64_t *sent);

/* Bytes that wait for acknowledgement; UINT64_MAX: the kernel does not say. */
uint64_t io_unacked(int fd);

#endif

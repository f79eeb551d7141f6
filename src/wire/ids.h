/* SPDX-License-Identifier: ISC */
/* ids.h: unguessable ids in stock: one id at a time, the random generator is most of a request. */
#ifndef WIRE_IDS_H
#define WIRE_IDS_H

#define IDS_STOCK 64
#define IDS_BYTES 16 /* of one, without the final NUL */

/* Zeroed memory is an empty stock. */
struct ids {
	unsigned left;
	char text[IDS_STOCK * IDS_BYTES + 1];
};

/* As ear_new_id: out holds at least 17 bytes. */
void ids_take(struct ids *ids, char *out);

#endif

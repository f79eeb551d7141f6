/* SPDX-License-Identifier: ISC */
/* place.h: the list of [peer] host: "192.0.2.7, box.example.org:5298, [fe80::1%eth0]:5298". */
#ifndef BASE_PLACE_H
#define BASE_PLACE_H

#include <stdbool.h>

#define PLACES_MAX      8 /* of one list */
#define PLACE_HOST_SIZE 256

struct place {
	char host[PLACE_HOST_SIZE]; /* an address, maybe with %scope, without brackets; or a name */
	bool numeric;
	unsigned port; /* 0: none is given */
};

/* The next entry; *at moves behind it. 1; 0: there is none left; -EINVAL: that is none. */
int place_next(const char **at, struct place *place);

/* Whether it is a list of 1 to PLACES_MAX entries. */
bool places_are_valid(const char *list);

#endif

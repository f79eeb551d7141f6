/* SPDX-License-Identifier: ISC */
/* kodi_rig.h: something at a port that says what a Kodi says, or lies. */
#ifndef KODI_RIG_H
#define KODI_RIG_H

#include "player_rig.h"

enum lie {
	HONEST,
	RAW,        /* the test's own bytes instead of an answer to anything but the greeting */
	STRANGER,   /* to the greeting too */
	ENDLESS,    /* 50 MB in one object */
	SILENT,     /* takes calls, and says nothing */
	NOT_DONE,   /* says OK, and does nothing */
	LOSES_SEEK, /* the first one only */
	WRONG_TYPE, /* speed is "fast" */
	WRONG_IDS,  /* answers to nothing, and every answer twice */
	VANISHES,   /* what plays has ended when it is asked about */
	REFUSES,    /* everything but to say how it is */
	OLD,        /* knows no method but those that say how it is */
	LONG,       /* a title of as much as an object can hold */
	HUGE,       /* numbers beyond all times */
	FLOOD,      /* notifications, and then the answer */
	DRIPS,      /* byte by byte */
};

struct kodi_rig {
	struct rig rig;
	enum lie lie;
	const char *raw; /* the bytes of RAW and STRANGER */
	size_t raw_length;
	/* how the fake is */
	bool playing;
	int speed, volume, position, item;
	/* what it has seen */
	int clients, ended, seeks, calls;
	size_t unsent;   /* what the last client to go had not taken */
	char shown[512]; /* the last line on its screen and its milliseconds */
	/* private */
	struct evconnlistener *listener;
	struct bufferevent *client; /* the last one */
	struct evbuffer *drops;
	struct ear_timer drip;
	int port;
	char *chunk;
};

extern struct kodi_rig kodi_rig;

/* A fake that is honest and plays, and a player of ours that nobody watches. For cmocka. */
int kodi_rig_setup(void **state);
int kodi_rig_teardown(void **state);

/* Replaces the player of ours. */
void kodi_rig_open(bool watched);

/* The fake goes, and comes back at the same port. */
void kodi_rig_stop(void);
void kodi_rig_start(void);

/* From now on it reads nothing of its connection. */
void kodi_rig_stop_reading(void);

/* Ends its connection. */
void kodi_rig_hang_up(void);

/* Sends this, or a notification. */
void kodi_rig_say(const char *format, ...) __attribute__((format(printf, 1, 2)));
void kodi_rig_notify(const char *method);

#endif

/* SPDX-License-Identifier: ISC */
/* keys.c: media keys as the verbs that they stand for, for players that have no keys. */
#include <errno.h>

#include <earshot/timer.h>

#include "player/ops.h"

#define WIND (10 * EAR_SEC)
#define STEP 5 /* per cent */

struct meaning {
	bool known;
	struct ear_press verb;
};

#define VERB(which)                                                                                \
	{                                                                                          \
		true,                                                                              \
		{                                                                                  \
			.button = (which)                                                          \
		}                                                                                  \
	}
#define BY(which, by)                                                                              \
	{                                                                                          \
		true,                                                                              \
		{                                                                                  \
			.button = (which), .has_value = true, .relative = true, .value = (by)      \
		}                                                                                  \
	}

static const struct meaning meanings[EAR_KEY_COUNT] = {
	[EAR_KEY_PLAY] = VERB(EAR_PLAY),
	[EAR_KEY_PAUSE] = VERB(EAR_PAUSE),
	[EAR_KEY_PLAYPAUSE] = VERB(EAR_PLAYPAUSE),
	[EAR_KEY_STOP] = VERB(EAR_STOP),
	[EAR_KEY_NEXTSONG] = VERB(EAR_NEXT),
	[EAR_KEY_PREVIOUSSONG] = VERB(EAR_PREVIOUS),
	[EAR_KEY_FASTFORWARD] = BY(EAR_SEEK, WIND),
	[EAR_KEY_REWIND] = BY(EAR_SEEK, -WIND),
	[EAR_KEY_VOLUMEUP] = BY(EAR_VOLUME, STEP),
	[EAR_KEY_VOLUMEDOWN] = BY(EAR_VOLUME, -STEP),
	[EAR_KEY_MUTE] = VERB(EAR_MUTE),
	[EAR_KEY_SUBTITLE] = VERB(EAR_SUBTITLE),
	[EAR_KEY_AUDIO] = VERB(EAR_AUDIO),
};

/* What is done once, however long a key is held: only what winds or steps goes on. */
int
player_key_verb(const struct ear_press *key, struct ear_press *verb, bool *nothing)
{
	const struct meaning *meaning = &meanings[key->key];

	if (!meaning->known)
		return -EOPNOTSUPP;
	*verb = meaning->verb;
	*nothing = key->motion == EAR_UP || (key->motion == EAR_HELD && !verb->relative);
	return 0;
}

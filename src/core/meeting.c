/* SPDX-License-Identifier: ISC */
/* meeting.c: the keys that were shown at LAN addresses, and what they claim. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "core/meet_impl.h"
#include "trust/cert.h"

/* Each key by itself: another one that is shown there must not hide that a first is still open. */
static void
name_of(const struct ear_key *key, const char *address, char out[MEETING_NAME_SIZE])
{
	char text[EAR_KEY_SIZE];

	ear_key_format(key, text);
	snprintf(out, MEETING_NAME_SIZE, "%s %s", text, address);
}

/* Anybody may come with as many keys as it likes: the longest ago that has no stream goes. */
static void
make_room(struct ear *ear)
{
	struct meeting *oldest = NULL;

	if (map_count(ear->meetings) < MEETINGS_MAX)
		return;
	for (size_t i = 0; i < map_count(ear->meetings); i++) {
		struct meeting *meeting = map_at(ear->meetings, i, NULL);

		if ((oldest == NULL || meeting->since < oldest->since) &&
		    meet_link(ear, meeting) == NULL)
			oldest = meeting;
	}
	if (oldest != NULL)
		meet_forget(ear, oldest);
}

/* Who configuration says is there has to be that one: as if it claimed it. */
static void
add_configured(const struct ear *ear, struct meeting *meeting)
{
	for (size_t i = 0; i < ear->conf->peer_count; i++) {
		const struct conf_peer *peer = &ear->conf->peers[i];
		char jid[EAR_JID_SIZE];

		if (peer->address == NULL || peer->jid == NULL ||
		    !ear_jid_bare_equal(peer->address, meeting->address))
			continue;
		if (ear_jid_prep(peer->jid, jid, sizeof(jid)) == 0)
			meeting->claims[meeting->claim_count++] = xstrdup(jid);
		return;
	}
}

struct meeting *
meet_note(struct ear *ear, const char *address, const struct cert *cert)
{
	char name[MEETING_NAME_SIZE];
	struct meeting *meeting;

	name_of(&cert->key, address, name);
	meeting = map_get(ear->meetings, name);
	if (meeting != NULL)
		return meeting;
	make_room(ear);
	meeting = xalloc(sizeof(*meeting));
	meeting->address = xstrdup(address);
	meeting->key = cert->key;
	meeting->since = ear_now(ear->clock);
	for (size_t i = 0; i < cert->jid_count; i++)
		meeting->claims[meeting->claim_count++] = xstrdup(cert->jids[i]);
	add_configured(ear, meeting);
	map_set(ear->meetings, name, meeting);
	meet_at(ear, meeting->since + MEETING_KEPT);
	return meeting;
}

void
meet_forget(struct ear *ear, struct meeting *meeting)
{
	char name[MEETING_NAME_SIZE];

	name_of(&meeting->key, meeting->address, name);
	map_del(ear->meetings, name);
	for (size_t i = 0; i < meeting->claim_count; i++)
		free(meeting->claims[i]);
	free(meeting->address);
	free(meeting);
}

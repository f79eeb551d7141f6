/* SPDX-License-Identifier: ISC */
/*
 * trust_control.c: what programs of this machine's owner ask about keys, and why something does not
 * work (EAR_NS_CONTROL; what holds for every request of it stands in control.c).
 *
 * get <trust [first='N']/>
 *     -> <trust key='FP' name='livingroom' first='N' total='M'>
 *          <pin key='FP' [name='phone'] voucher='nobody|server|pairing|user' trusted='true|false'
 *               revoked='true|false' [seen-at='1795000000']>
 *            <address>phone@forza.local</address>* <jid>romeo@example.org/phone</jid>*
 *          </pin>*
 *        </trust>
 *     key, name: of this device. FP: 64 hexadecimal digits. seen-at: seconds since 1970, absent
 * when no stream with it has been up. Paged as peers.
 *
 * set <trust address='A' [key='FP']/>
 *     -> empty result. Without key: item-not-found when nothing is known about it, not-authorized
 *     when its key is not proved.
 *
 * set <untrust who='A or FP'/>
 *     -> empty result; item-not-found when nothing is known about it.
 *
 * set <new-key/>
 *     -> <new-key key='FP'/>, from now on the key of this device.
 *
 * get <doctor [address='A'] [ms='4000']/>
 *     -> <doctor><check name='avahi' state='ok|warn|fail' text='...' [remedy='...']/>*</doctor>
 *     About this engine, or about that address; in the order in which one thing needs the other.
 *     With ms, not only looks but tries, so long at most (100 to 60000), and tells of this engine
 *     and then of that address. More than DOCTORS_MAX at once: resource-constraint.
 */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include <earshot/ear.h>

#include "memory.h"
#include "page.h"

extern const struct ear_xep ear_xep_trust_control;

static void
add_pin(void *arg, const struct ear_pin_info *pin)
{
	xmpp_stanza_t *element = page_add(arg, "pin");
	char key[EAR_KEY_SIZE];

	if (element == NULL)
		return;
	ear_key_format(pin->key, key);
	ear_set(element, "key", "%s", key);
	if (pin->name[0] != '\0')
		ear_set(element, "name", "%s", pin->name);
	ear_set(element, "voucher", "%s", ear_voucher_name(pin->voucher));
	ear_set_flag(element, "trusted", pin->trusted);
	ear_set_flag(element, "revoked", pin->revoked);
	if (pin->seen_at > 0)
		ear_set(element, "seen-at", "%" PRId64, pin->seen_at);
	for (size_t i = 0; i < pin->address_count; i++)
		ear_child_text(element, "address", EAR_NS_CONTROL, pin->addresses[i]);
	for (size_t i = 0; i < pin->jid_count; i++)
		ear_child_text(element, "jid", EAR_NS_CONTROL, pin->jids[i]);
}

static enum ear_verdict
on_list(const struct ear_in *in)
{
	char key[EAR_KEY_SIZE];
	struct page page;

	if (page_open(&page, in, "trust") != 0)
		return ear_fail(in, EAR_BAD_REQUEST, "first is no number");
	ear_key_format(ear_own_key(in->ear), key);
	ear_set(page.list, "key", "%s", key);
	ear_set(page.list, "name", "%s", ear_device_name(in->ear));
	ear_each_pin(in->ear, add_pin, &page);
	return page_reply(&page, in);
}

static enum ear_verdict
end(const struct ear_in *in, int error)
{
	switch (error) {
	case 0:
		return ear_reply(in, NULL);
	case -ENOENT:
		return ear_fail(in, EAR_ITEM_NOT_FOUND, "nothing is known about it");
	case -EACCES:
		return ear_fail(in, EAR_NOT_AUTHORIZED, "not proved");
	case -EINVAL:
		return ear_fail(in, EAR_BAD_REQUEST, "that cannot be trusted");
	case -ENOBUFS:
		return ear_fail(in, EAR_RESOURCE_CONSTRAINT, "too many are known already");
	default:
		return ear_fail(in, EAR_INTERNAL_SERVER_ERROR, "it cannot be stored: %s",
				strerror(-error));
	}
}

static enum ear_verdict
on_trust(const struct ear_in *in)
{
	const char *address = xmpp_stanza_get_attribute(in->payload, "address");
	const char *text = xmpp_stanza_get_attribute(in->payload, "key");
	char canonical[EAR_JID_SIZE];
	struct ear_key key;

	if (address == NULL)
		return ear_fail(in, EAR_BAD_REQUEST, "whom?");
	if (ear_jid_prep(address, canonical, sizeof(canonical)) != 0)
		return EAR_JID_MALFORMED;
	if (text != NULL && ear_key_parse(text, &key) != 0)
		return ear_fail(in, EAR_BAD_REQUEST, "a key has 64 hexadecimal digits");
	return end(in, ear_trust(in->ear, canonical, text == NULL ? NULL : &key));
}

static enum ear_verdict
on_untrust(const struct ear_in *in)
{
	const char *who = xmpp_stanza_get_attribute(in->payload, "who");
	char canonical[EAR_JID_SIZE];
	struct ear_key key;

	if (who == NULL)
		return ear_fail(in, EAR_BAD_REQUEST, "whom?");
	if (ear_key_parse(who, &key) == 0)
		ear_key_format(&key, canonical);
	else if (ear_jid_prep(who, canonical, sizeof(canonical)) != 0)
		return EAR_JID_MALFORMED;
	return end(in, ear_untrust(in->ear, canonical));
}

static enum ear_verdict
on_new_key(const struct ear_in *in)
{
	int error = ear_new_key(in->ear);
	xmpp_stanza_t *payload;
	char key[EAR_KEY_SIZE];

	if (error != 0)
		return end(in, error);
	payload = ear_element(ear_ctx(in->ear), "new-key", EAR_NS_CONTROL);
	ear_key_format(ear_own_key(in->ear), key);
	ear_set(payload, "key", "%s", key);
	return ear_reply(in, payload);
}

static void
add_check(void *arg, const struct ear_check *check)
{
	xmpp_stanza_t *element = ear_child(arg, "check", EAR_NS_CONTROL);

	ear_set(element, "name", "%s", check->name);
	ear_set(element, "state", "%s", ear_check_state_name(check->state));
	ear_set(element, "text", "%s", check->text);
	if (check->remedy[0] != '\0')
		ear_set(element, "remedy", "%s", check->remedy);
}

/* --- doctor ------------------------------------------------------------------------------- */

#define DOCTORS_MAX 8

/* One that tries, while its program waits. */
struct doctor {
	struct doctors *doctors;
	struct ear_examination *examination;
	struct ear_hold *hold;
	xmpp_stanza_t *list;
};

struct doctors {
	struct doctor *all[DOCTORS_MAX];
};

static void
doctor_free(struct doctor *doctor)
{
	for (size_t i = 0; i < DOCTORS_MAX; i++)
		if (doctor->doctors->all[i] == doctor)
			doctor->doctors->all[i] = NULL;
	free(doctor);
}

static void
on_checked(void *arg, const struct ear_check *check)
{
	struct doctor *doctor = arg;

	add_check(doctor->list, check);
}

static void
on_examined(void *arg)
{
	struct doctor *doctor = arg;

	ear_hold_reply(doctor->hold, doctor->list);
	doctor_free(doctor);
}

static enum ear_verdict
examine(const struct ear_in *in, const char *address, long ms)
{
	struct doctors *doctors = ear_state(in->ear, &ear_xep_trust_control);
	struct doctor *doctor;
	size_t i = 0;

	while (i < DOCTORS_MAX && doctors->all[i] != NULL)
		i++;
	if (i == DOCTORS_MAX)
		return ear_fail(in, EAR_RESOURCE_CONSTRAINT, "%d programs are examining already",
				DOCTORS_MAX);
	doctors->all[i] = doctor = xep_alloc(sizeof(*doctor));
	doctor->doctors = doctors;
	doctor->hold = ear_hold(in);
	doctor->list = ear_element(ear_ctx(in->ear), "doctor", EAR_NS_CONTROL);
	doctor->examination =
		ear_examine(in->ear, address, ms * EAR_MSEC, on_checked, on_examined, doctor);
	return EAR_DONE;
}

static enum ear_verdict
on_doctor(const struct ear_in *in)
{
	const char *address = xmpp_stanza_get_attribute(in->payload, "address");
	const char *limit = xmpp_stanza_get_attribute(in->payload, "ms");
	char bare[EAR_JID_SIZE], *end = NULL;
	long ms = limit == NULL ? 0 : strtol(limit, &end, 10);
	xmpp_stanza_t *list;

	if (address != NULL && ear_jid_bare(address, bare, sizeof(bare)) != 0)
		return EAR_JID_MALFORMED;
	if (limit != NULL && (*end != '\0' || ms < 100 || ms > 60000))
		return ear_fail(in, EAR_BAD_REQUEST, "ms is from 100 to 60000");
	if (limit != NULL)
		return examine(in, address == NULL ? NULL : bare, ms);
	list = ear_element(ear_ctx(in->ear), "doctor", EAR_NS_CONTROL);
	ear_diagnose(in->ear, address == NULL ? NULL : bare, add_check, list);
	return ear_reply(in, list);
}

static int
start(struct ear *ear)
{
	ear_set_state(ear, &ear_xep_trust_control, xep_alloc(sizeof(struct doctors)));
	return 0;
}

/* What is held is the engine's to answer now. */
static void
stop(struct ear *ear)
{
	struct doctors *doctors = ear_state(ear, &ear_xep_trust_control);

	for (size_t i = 0; i < DOCTORS_MAX; i++) {
		struct doctor *doctor = doctors->all[i];

		if (doctor == NULL)
			continue;
		ear_examination_drop(doctor->examination);
		xmpp_stanza_release(doctor->list);
		free(doctor);
	}
	ear_set_state(ear, &ear_xep_trust_control, NULL);
	free(doctors);
}

static const struct ear_rule rules[] = {
	{ EAR_IQ_GET, EAR_NS_CONTROL, "trust", on_list, EAR_VERB_ADMIN },
	{ EAR_IQ_SET, EAR_NS_CONTROL, "trust", on_trust, EAR_VERB_ADMIN },
	{ EAR_IQ_SET, EAR_NS_CONTROL, "untrust", on_untrust, EAR_VERB_ADMIN },
	{ EAR_IQ_SET, EAR_NS_CONTROL, "new-key", on_new_key, EAR_VERB_ADMIN },
	{ EAR_IQ_GET, EAR_NS_CONTROL, "doctor", on_doctor, EAR_VERB_ADMIN },
	{ 0 },
};

/* No features: this is not for peers, so they are not told of it. */
const struct ear_xep ear_xep_trust_control = {
	.number = "-",
	.name = "keys of this device and of others, local",
	.rules = rules,
	.start = start,
	.stop = stop,
};

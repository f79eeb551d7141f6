/* SPDX-License-Identifier: ISC */
/* diagnose_lan.c: our way to the LAN: interface, multicast, mDNS, name, addresses, port. */
#include <errno.h>
#include <string.h>

#include "base/alloc.h"
#include "core/diagnose.h"

/* --- interface ---------------------------------------------------------------------------- */

static const char *
state_text(enum net_state state)
{
	switch (state) {
	case NET_DOWN:
		return "is down";
	case NET_NO_CARRIER:
		return "has no carrier";
	case NET_NO_ADDRESS:
		return "has no address";
	case NET_NO_MULTICAST:
	case NET_WORKS:
		break;
	}
	return "is up";
}

static void
interface_remedy(const struct net *net, char *out, size_t size)
{
	switch (net_state(net)) {
	case NET_DOWN:
		snprintf(out, size, "ip link set %s up", net->name);
		break;
	case NET_NO_CARRIER:
		snprintf(out, size, "plug its cable in, or join the Wi-Fi");
		break;
	case NET_NO_ADDRESS:
		snprintf(out, size, "does a DHCP server answer on that network?");
		break;
	case NET_NO_MULTICAST:
	case NET_WORKS:
		out[0] = '\0';
		break;
	}
}

/* Up, whatever about multicast. */
static bool
is_up(const struct net *net)
{
	enum net_state state = net_state(net);

	return state == NET_WORKS || state == NET_NO_MULTICAST;
}

/* One that works is enough, unless the configuration names the other. */
static void
check_interfaces(struct diagnosis *d)
{
	const char *list = d->ear->conf->lan_interfaces;
	const struct net *bad = NULL;
	struct words good = { "" };
	char remedy[100] = "";
	bool named = strcmp(list, "all") != 0;

	for (size_t i = 0; i < d->net_count; i++)
		if (is_up(&d->nets[i]))
			words_add(&good, "%s", d->nets[i].name);
		else if (bad == NULL)
			bad = &d->nets[i];
	d->cut_off = good.text[0] == '\0';
	if (bad != NULL)
		interface_remedy(bad, remedy, sizeof(remedy));
	if (bad == NULL && d->cut_off)
		diagnosis_tell(d, "interface", EAR_CHECK_FAIL,
			       named ? "[lan] interfaces must name what `ip link` lists"
				     : "connect to a network",
			       named ? "none of \"%s\" is there" : "there is none (%s)", list);
	else if (d->cut_off)
		diagnosis_tell(d, "interface", EAR_CHECK_FAIL, remedy, "%s %s", bad->name,
			       state_text(net_state(bad)));
	else if (bad != NULL && named)
		diagnosis_tell(d, "interface", EAR_CHECK_WARN, remedy, "%s is up, but %s %s",
			       good.text, bad->name, state_text(net_state(bad)));
	else
		diagnosis_tell(d, "interface", EAR_CHECK_OK, NULL, "%s is up", good.text);
}

/* --- multicast ---------------------------------------------------------------------------- */

static const struct echo_heard *
heard_on(const struct diagnosis *d, const struct net *net)
{
	for (size_t i = 0; d->found != NULL && i < d->found->echo_count; i++)
		if (strcmp(d->found->net_names[i], net->name) == 0)
			return echo_heard(d->found->echoes[i]);
	return NULL;
}

/* Where our own question by mDNS went. */
static void
check_echo(const struct diagnosis *d, const struct net *net, struct words *good, struct words *bad)
{
	const struct echo_heard *heard = heard_on(d, net);

	if (heard == NULL)
		words_add(good, "%s", net->name);
	else if (heard->own && heard->others == 0)
		words_add(good, "%s (our own is heard; no other machine answers)", net->name);
	else if (heard->own)
		words_add(good, "%s (our own is heard; others answer, as %s)", net->name,
			  heard->other);
	else if (heard->port_taken)
		words_add(good, "%s (%s)", net->name,
			  heard->answered ? "answered on this machine"
					  : "not tried: another program keeps the port");
	else if (heard->error != 0)
		words_add(bad, "%s: %s", net->name, strerror(-heard->error));
	else
		words_add(bad, "%s: what we send to the group is not heard", net->name);
}

static void
check_multicast(const struct diagnosis *d)
{
	struct words good = { "" }, bad = { "" };
	char remedy[160] = "a firewall of this machine drops UDP port 5353: look at nft list "
			   "ruleset, and accept it";

	for (size_t i = 0; i < d->net_count; i++) {
		if (net_state(&d->nets[i]) == NET_WORKS) {
			check_echo(d, &d->nets[i], &good, &bad);
		} else if (net_state(&d->nets[i]) == NET_NO_MULTICAST) {
			words_add(&bad, "%s: it is switched off", d->nets[i].name);
			snprintf(remedy, sizeof(remedy), "ip link set %s multicast on",
				 d->nets[i].name);
		}
	}
	if (bad.text[0] == '\0')
		diagnosis_tell(d, "multicast", EAR_CHECK_OK, NULL, "%s", good.text);
	else
		diagnosis_tell(d, "multicast",
			       good.text[0] == '\0' ? EAR_CHECK_FAIL : EAR_CHECK_WARN, remedy, "%s",
			       bad.text);
}

/* --- mDNS --------------------------------------------------------------------------------- */

/* Returns whether it can carry a name. */
static bool
check_avahi(const struct diagnosis *d)
{
	const struct core_facts *facts = &d->facts;
	bool daemon = facts->mdns != NULL && strcmp(facts->mdns, "daemon") == 0;

	if (d->ear->conf->lan_mdns == CONF_MDNS_OFF) {
		diagnosis_tell(d, "avahi", EAR_CHECK_OK, NULL,
			       "switched off: peers are found by [peer] host, and by what they "
			       "tell over the server");
		return false;
	}
	switch (facts->mdns_trouble) {
	case MDNS_FINE:
	case MDNS_STARTING:
		diagnosis_tell(d, "avahi", EAR_CHECK_OK, NULL, "%s",
			       daemon ? "by avahi-daemon"
			       : d->ear->conf->lan_mdns == (int)MDNS_EMBEDDED
				       ? "by the stack inside, as [lan] mdns wants it"
				       : "by the stack inside: no avahi-daemon runs");
		return true;
	case MDNS_NO_DAEMON:
		diagnosis_tell(d, "avahi", EAR_CHECK_FAIL,
			       "systemctl start avahi-daemon; [lan] mdns = auto does without it",
			       "avahi-daemon does not run, and [lan] mdns = daemon");
		return false;
	case MDNS_REFUSED:
		diagnosis_tell(d, "avahi", EAR_CHECK_FAIL,
			       "disable-user-service-publishing=no in avahi-daemon.conf, then "
			       "systemctl restart avahi-daemon; or [lan] mdns = embedded",
			       "avahi-daemon refuses to publish what programs want published");
		return false;
	case MDNS_PORT_TAKEN:
		diagnosis_tell(d, "avahi", EAR_CHECK_FAIL,
			       "disallow-other-stacks=no in avahi-daemon.conf, then systemctl "
			       "restart avahi-daemon; or [lan] mdns = auto, which uses it",
			       "another program keeps UDP port 5353 for itself");
		return false;
	case MDNS_FAILS:
		break;
	}
	diagnosis_tell(d, "avahi", EAR_CHECK_FAIL, "journalctl -u avahi-daemon", "%s: %s",
		       daemon ? "avahi-daemon" : "the stack inside",
		       facts->mdns_text == NULL ? "" : facts->mdns_text);
	return false;
}

static void
check_name(const struct diagnosis *d)
{
	const struct core_facts *facts = &d->facts;

	if (facts->instance == NULL)
		diagnosis_tell(d, "name", EAR_CHECK_WARN,
			       "ask again in a moment; the daemon's log says more",
			       "not established yet: nobody finds this device so far");
	else if (facts->renamed[0] != '\0')
		diagnosis_tell(d, "name", EAR_CHECK_WARN,
			       "two devices want that name: [engine] name or [lan] user must "
			       "differ",
			       "%s: %s is somebody else's on this LAN", d->ear->self_lan,
			       facts->renamed);
	else
		diagnosis_tell(d, "name", EAR_CHECK_OK, NULL, "%s", d->ear->self_lan);
}

/* --- addresses and port ------------------------------------------------------------------- */

static void
check_own_addresses(const struct diagnosis *d)
{
	struct words words = { "" };
	bool wide = false;
	char text[80];

	for (size_t i = 0; i < d->net_count; i++)
		for (size_t j = 0; is_up(&d->nets[i]) && j < d->nets[i].count; j++) {
			net_format(&d->nets[i].addresses[j], text, sizeof(text));
			words_add(&words, "%s", text);
			wide = wide || !net_is_link_local(&d->nets[i].addresses[j]);
		}
	diagnosis_tell(d, "own address", wide ? EAR_CHECK_OK : EAR_CHECK_WARN,
		       wide ? NULL : "does a DHCP server answer on that network?", "%s%s",
		       words.text, wide ? "" : ": good on this network only");
}

static bool
check_port(const struct diagnosis *d)
{
	const struct conf *conf = d->ear->conf;

	if (d->facts.port == 0)
		diagnosis_tell(d, "port", EAR_CHECK_FAIL, "the daemon's log says why",
			       "none listens for direct streams");
	else if (conf->lan_port != 0 && conf->lan_port != d->facts.port)
		diagnosis_tell(d, "port", EAR_CHECK_WARN,
			       "who is told a host and a port in [peer] does not find us: free "
			       "that port, start again",
			       "%u, since %u is taken", d->facts.port, conf->lan_port);
	else
		diagnosis_tell(d, "port", EAR_CHECK_OK, NULL, "%u listens", d->facts.port);
	return d->facts.port != 0;
}

void
diagnose_lan(struct diagnosis *d)
{
	bool port;

	if (!d->ear->conf->lan_enabled) {
		diagnosis_tell(d, "lan", EAR_CHECK_WARN,
			       "[lan] enabled = yes lets others find this device",
			       "switched off: only the server path is left");
		return;
	}
	check_interfaces(d);
	if (!d->cut_off)
		check_multicast(d);
	if (check_avahi(d) && !d->cut_off)
		check_name(d);
	if (!d->cut_off)
		check_own_addresses(d);
	port = check_port(d);
	if (port && !d->cut_off && d->found != NULL)
		diagnose_knocks(d, "firewall", d->found->own, d->found->own_count, true);
}

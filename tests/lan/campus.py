# SPDX-License-Identifier: ISC
"""campus.py: rooms with a network each, one router between them, and an XMPP server beyond it.

    with campus("component", remote="a", box="b") as home:
        remote = home.device("remote", "sofa", trusts=["box"])
        wait_press(remote, home.jid("box"), "lan")

Nothing that is sent to a group of hosts crosses the router, so mDNS finds nobody, and nobody has
avahi. Each network has IPv4 10.9.N.0/24, IPv6 2001:db8:N::/64, or both. The server is 20 ms away.
"""

import contextlib
import string

from box import Box
from daemon import Daemon
from servers import Ejabberd

DOMAIN = "example.test"

CONF = """
[engine]
name = %(name)s
[lan]
user = %(user)s
interfaces = %(interfaces)s
mdns = %(mdns)s
[player]
kind = demo
[policy]
plaintext = deny
%(server)s
%(more)s
"""

SERVER = """
[server]
kind = %(kind)s
jid = %(jid)s
host = %(host)s
port = %(port)d
secret-file = /run/earshotd/secret
%(ca)s
"""

PEER = """
[peer "other%d"]
jid = %s
trusted = yes
"""


class Campus:
    """rooms: {host: letter of its network}; family 4, 6 or 46."""

    def __init__(self, net, kind, rooms, family="46", jids=None):
        self.net, self.kind, self.family, self.daemons = net, kind, family, []
        self.rooms, self.jids = rooms, jids or {}
        self.router = net.host("router")
        self.router.run(["sysctl", "-qw", "net.ipv4.ip_forward=1",
                         "net.ipv6.conf.all.forwarding=1"])
        self._network("s")
        self._host("server", "s", 10, emulated=True)
        for letter in sorted(set("".join(rooms.values()))):
            self._network(letter)
        for number, (name, letters) in enumerate(rooms.items(), 2):
            for letter in letters:
                self._host(name, letter, number)
        server = net["server"].plugs[0].cable
        server.set(delay=10)
        self.server = Ejabberd(
            domain=DOMAIN, address=self.address(10, "s"), pep=True,
            components={"%s.%s" % (name, DOMAIN): "secret" for name in rooms},
            accounts={name: "secret" for name in rooms}, prefix=net["server"].ns.enter([]))

    def address(self, number, letter, family=None):
        """Of the host of that number in that network; 1 is the router."""
        n = string.ascii_lowercase.index(letter) + 1
        if (family or self.family[0]) == "4":
            return "10.9.%d.%d" % (n, number)
        return "2001:db8:%x::%x" % (n, number)

    def own(self, host, family=None):
        """The address of a host in its first network."""
        return self.address(2 + list(self.rooms).index(host), self.rooms[host][0], family)

    def _plug(self, host, letter, number, **more):
        plug = self.net.plug(host, self.net.bridges[letter],
                             self.address(number, letter, "4") + "/24"
                             if "4" in self.family else None, **more)
        if "6" in self.family:
            host.ns.ip("addr add %s/64 dev %s" % (self.address(number, letter, "6"), plug.name))
        return plug

    def _network(self, letter):
        self.net.bridge(letter)
        self._plug(self.router, letter, 1)

    def _host(self, name, letter, number, **more):
        host = self.net.hosts.get(name) or self.net.host(name)
        self._plug(host, letter, number, **more)
        if len(host.plugs) == 1:
            for family in self.family:
                host.ns.ip("route add default via " + self.address(1, letter, family))

    def renumber(self, name, number):
        """The host has another address in its first network, and not the old one any more."""
        host, letter = self.net[name], self.rooms[name][0]
        old = 2 + list(self.rooms).index(name)
        for family, length in (("4", 24), ("6", 64)):
            if family in self.family:
                host.ns.ip(
                    "addr del %s/%d dev eth0" % (self.address(old, letter, family), length),
                    "addr add %s/%d dev eth0" % (self.address(number, letter, family), length),
                    "route replace default via " + self.address(1, letter, family))

    def jid(self, name):
        if name in self.jids:
            return self.jids[name]
        return "%s%s%s" % (name, "." if self.kind == "component" else "@", DOMAIN)

    def conf(self, name, user, trusts=(), mdns="off", more="", kind=None, engine=None,
             interfaces="eth0"):
        account = (kind or self.kind) == "account"
        server = "" if self.kind == "none" else SERVER % {
            "kind": kind or self.kind, "jid": self.jid(name), "host": self.server.address,
            "port": self.server.c2s_port if account else self.server.component_port,
            "ca": "ca-file = " + self.server.ca_file if account else ""}
        return CONF % {
            "name": engine or name, "user": user, "mdns": mdns, "server": server,
            "interfaces": interfaces, "more": more + "".join(PEER % (i, self.jid(other)) for i, other in enumerate(trusts))}

    def device(self, name, user, **more):
        daemon = Daemon(self.net[name], self.conf(name, user, **more), start=False)
        daemon.write("secret", "secret\n")
        self.daemons.append(daemon)
        daemon.start()
        if self.kind != "none":
            daemon.proc.wait_for("connected as ", 30)
        return daemon

    def stop(self):
        for daemon in self.daemons:
            if daemon.proc is not None and daemon.proc.poll() is None:
                daemon.stop()


@contextlib.contextmanager
def campus(kind, family="46", jids=None, **rooms):
    with Box() as net:
        made = None
        try:
            made = Campus(net, kind, rooms, family, jids)
            yield made
            made.stop()
        finally:
            if made is not None:
                made.server.close()

# SPDX-License-Identifier: ISC
"""strangers.py: devices on one LAN that know each other only as JIDs behind a server 80 ms away.

    with street(["remote", "box"], accounts={"tv": "secret"}) as home:
        box = home.device("box", "tv", "account", "tv@example.test", {"remote.example.test": "yes"})
        home.server.restart()

The server is ejabberd unless `server` says otherwise. Everything is gone when the block is left.
"""

import contextlib

from box import TwoHomes
from daemon import Daemon, Mpv
from ns import wait_until
from servers import Ejabberd

DOMAIN = "example.test"

CONF = """
[engine]
name = %(name)s
[lan]
user = %(user)s
interfaces = eth0
%(server)s
[player]
%(player)s
%(more)s
"""

SERVER = """
[server]
kind = %(kind)s
jid = %(jid)s
host = 203.0.113.10
port = %(port)d
secret-file = %(dir)s/secret
%(ca)s
"""

PEER = """
[peer "other%d"]
jid = %s
trusted = %s
"""


class Street:
    """One LAN, and one server, which is all that the devices share."""

    def __init__(self, net, server=Ejabberd, accounts=(), components=()):
        self.net, self.daemons = net, []
        self.server = server(domain=DOMAIN, address="203.0.113.10", pep=True,
                             components={name: "secret" for name in components},
                             accounts={name: "secret" for name in accounts},
                             prefix=net.server.ns.enter([]))

    def conf(self, host, user, kind, jid, peers=(), player="kind = demo", more="", name=None):
        """kind "none": without a server. peers: {JID: "yes" when it is trusted}."""
        server = "" if kind == "none" else SERVER % {
            "kind": kind, "jid": jid, "dir": "/run/earshotd",
            "port": self.server.c2s_port if kind == "account" else self.server.component_port,
            "ca": "ca-file = " + self.server.ca_file if kind == "account" else ""}
        more += "".join(PEER % (i, peer, trusted)
                        for i, (peer, trusted) in enumerate(dict(peers).items()))
        return CONF % {"name": name or host, "user": user, "server": server, "player": player,
                       "more": more}

    def device(self, host, *args, start=True, **more):
        daemon = Daemon(self.net[host], self.conf(host, *args, **more), start=False)
        daemon.write("secret", "secret\n")
        self.daemons.append(daemon)
        if start:
            daemon.start()
        return daemon

    def stop(self):
        for daemon in self.daemons:
            if daemon.proc is not None and daemon.proc.poll() is None:
                daemon.stop()


@contextlib.contextmanager
def street(hosts, **more):
    with TwoHomes(a=hosts, delay=80) as net:
        made = None
        try:
            made = Street(net, **more)
            yield made
            made.stop()
        finally:
            if made is not None:
                made.server.close()


def level(daemon, address):
    """Of the stream that is open now; None: none is."""
    path = daemon.paths(address).get("lan", {})
    return path["level"] if path.get("state") == "up" else None


def wait_level(daemon, address, wanted, timeout=60):
    wait_until(lambda: level(daemon, address) == wanted, timeout,
               lambda: "%s %s; it is %s\n%s" % (address, wanted, daemon.cli("peers").out,
                                                daemon.cli("trust").out), step=0.1)


def own_key(daemon):
    return next(row["key"] for row in daemon.cli("--json", "trust").rows if row["own"])


def pins(daemon):
    """{fingerprint: row} of the keys of others."""
    return {row["key"]: row for row in daemon.cli("--json", "trust").rows if not row["own"]}


def full_jid(daemon):
    """Of a device of an account: the address by which the server knows it."""
    return daemon.proc.wait_for(r"(\S+@\S+/\S+): own key \S+ is published", 20).group(1)


def press(daemon, address, button="pause"):
    """Answer of `earshot press`, which must have been done; the row says by which link."""
    answer = daemon.cli("--json", "press", address, button)
    assert answer.code == 0, answer
    return answer.rows[-1]


def wait_press(daemon, address, link, timeout=30):
    """Presses until a press goes by that link: a press is what any user would do again."""
    def pressed():
        answer = daemon.cli("--json", "press", address, "pause")
        assert answer.code == 0, answer
        return answer.rows[-1] if answer.rows[-1]["link"] == link else None
    return wait_until(pressed, timeout, lambda: "press of %s by %s; paths %s\n%s" % (
        address, link, daemon.paths(address), daemon.cli("trust").out), step=0.2)


class Strangers(Street):
    """remote and box, where the box trusts the remote and plays with a real mpv."""

    JIDS = {"component": ("remote." + DOMAIN, "box." + DOMAIN),
            "account": ("remote@" + DOMAIN, "box@" + DOMAIN)}

    def __init__(self, net, kind, **more):
        super().__init__(net, accounts=["remote", "box"], components=self.JIDS["component"],
                         **more)
        self.kind = kind
        self.remote_jid, self.box_jid = self.JIDS[kind]
        self.mpv = Mpv(net["box"])
        self.remote = self.device("remote", "sofa", kind, self.remote_jid, {self.box_jid: "no"},
                                  player="kind = none")
        self.box = self.device("box", "tv", kind, self.box_jid, {self.remote_jid: "yes"},
                               player="kind = mpv\nsocket = /run/mpv.sock")

    def press(self, button, paused):
        row = press(self.remote, self.box_jid, button)
        assert self.mpv.get("pause") is paused
        return row

    def press_by_lan(self, button, paused):
        """Until it goes that way: what a busy machine has measured may have said something else."""
        def pressed():
            row = self.press(button, paused)
            return row if row["link"] == "lan" else None
        return wait_until(pressed, 30, lambda: "%s by LAN: %s" % (
            button, self.remote.paths(self.box_jid)), step=0.2)

    def meet(self):
        wait_level(self.remote, "tv@box.local", "proved")
        wait_level(self.box, "sofa@remote.local", "trusted")


@contextlib.contextmanager
def strangers(kind, **more):
    with TwoHomes(a=["remote", "box"], delay=80) as net:
        made = None
        try:
            made = Strangers(net, kind, **more)
            yield made
            made.stop()
        finally:
            if made is not None:
                made.server.close()

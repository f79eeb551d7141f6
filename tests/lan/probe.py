# SPDX-License-Identifier: ISC
"""probe.py: what the discovery tests run: mdns_probe, and what it knows; foreign announcers."""

import json
import os
import re
import subprocess

from box import BUILD, wait_until

HERE = os.path.dirname(os.path.abspath(__file__))
PROBE = os.path.join(BUILD, "tests/lan/mdns_probe")
ZEROCONF = ["/usr/bin/python3", os.path.join(HERE, "zeroconf_peer.py")]


class Probe:
    """A running mdns_probe."""

    def __init__(self, host, user, kind="auto", interfaces="all", port=5298, machine=None, txt="",
                 quiet=False):
        argv = [PROBE, "-v", "-k", kind, "-i", interfaces, "-p", port, "-m", machine or host.name]
        self.host = host
        self.proc = host.popen(argv + (["-n"] if quiet else ["-t", txt]) + [user],
                               name="probe-" + user, stdin=subprocess.PIPE)

    def wait_for(self, pattern, **more):
        return self.proc.wait_for(pattern, **more)

    def count(self, pattern):
        return len(re.findall(pattern, self.proc.output(), re.MULTILINE))

    def published(self, instance, count=1):
        self.wait_for("^published %s$" % re.escape(instance), count=count)

    def peer(self, address):
        """What it knows of that peer now, or None."""
        lines = re.findall(r"^(found|changed|lost) %s (.*)\n" % re.escape(address),
                           self.proc.output(), re.MULTILINE)
        return json.loads(lines[-1][1]) if lines and lines[-1][0] != "lost" else None

    def sees(self, address, cond=lambda peer: True, timeout=8):
        """Waits until it knows a peer, with that property."""
        return wait_until(lambda: (lambda p: p and cond(p) and p)(self.peer(address)), timeout,
                          lambda: "%s at %s in\n%s" % (address, self.host.name,
                                                       self.proc.output()))

    def loses(self, address, timeout=8):
        wait_until(lambda: self.peer(address) is None, timeout,
                   lambda: "loss of %s in\n%s" % (address, self.proc.output()))

    def end(self):
        """Says goodbye and must end well."""
        self.proc.stdin.close()
        assert self.proc.wait(60) == 0, self.proc.output()
        self.proc.stdin = None
        assert self.proc.lines()[-1] == "bye"


def ways(peer):
    """{("eth0", 4): address} of the ways that are resolved."""
    return {(w["interface"], w["family"]): w["address"] for w in peer["ways"] if w["address"]}


def start(host, user, kind, **more):
    if kind == "daemon":
        host.start_avahi()
    probe = Probe(host, user, kind, **more)
    probe.wait_for(r"^state works .*\(%s\)$" % kind)
    return probe


def foreign(host, instance, port, *record):
    """python3-zeroconf on that host, once it has published."""
    proc = host.popen(ZEROCONF + [host.address, instance, port, *record], name="zeroconf",
                      stdin=subprocess.PIPE)
    proc.wait_for("^registered")
    return proc


class Raw:
    """The raw announcer."""

    def __init__(self, host):
        self.proc = host.popen(ZEROCONF + ["--raw", "eth0"], name="raw", stdin=subprocess.PIPE)
        self.proc.wait_for("^ready")

    def say(self, name, txt=b"\0", **more):
        name = name if isinstance(name, bytes) else name.encode()
        self.proc.send_line(json.dumps(dict(more, name=name.hex(), txt=txt.hex())))

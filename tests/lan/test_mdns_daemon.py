# SPDX-License-Identifier: ISC
"""test_mdns_daemon.py: avahi-daemon comes, restarts, dies, refuses; and nothing wakes up at rest."""

import os
import re
import signal

from box import wait_until
from probe import Probe, Raw, start, ways


def test_daemon_comes_restarts_and_dies(lan):
    """Kind auto: without a wake-up of our own, on what the bus says."""
    host = lan["pronto"]
    host.start_dbus()
    tv = Probe(host, "tv")
    other = start(lan["forza"], "remote", "embedded")
    tv.wait_for(r"^state works .*\(embedded\)$")
    other.sees("tv@pronto.local")

    daemon = host.start_avahi()
    tv.wait_for(r"^state works .*\(daemon\)$")
    tv.published("tv@pronto", count=2)
    tv.sees("remote@forza.local")
    other.sees("tv@pronto.local")

    daemon.stop()
    tv.wait_for("^state broken")
    daemon = host.start_avahi()
    tv.wait_for(r"^state works .*\(daemon\)$", count=2)
    tv.published("tv@pronto", count=3)
    tv.sees("remote@forza.local")

    daemon.kill()
    daemon.wait()
    os.unlink(host.path("/run/avahi-daemon/pid"))
    tv.wait_for(r"^state works .*\(embedded\)$", count=2)
    tv.published("tv@pronto", count=4)
    tv.sees("remote@forza.local")
    other.sees("tv@pronto.local")
    assert tv.count("^published tv-") == 0
    tv.end()
    other.loses("tv@pronto.local")


def test_bus_dies_and_comes_back(lan):
    host = lan["pronto"]
    bus = host.start_dbus()
    daemon = host.start_avahi()
    tv = Probe(host, "tv")
    tv.wait_for(r"^state works .*\(daemon\)$")
    tv.published("tv@pronto")
    bus.kill()
    bus.wait()
    daemon.stop()
    tv.wait_for(r"^state works .*\(embedded\)$")
    tv.published("tv@pronto", count=2)
    os.unlink(host.path("/run/dbus/system_bus_socket"))
    host.start_avahi()
    tv.wait_for(r"^state works .*\(daemon\)$", count=2, timeout=15)
    tv.published("tv@pronto", count=3)
    tv.end()


def test_kind_daemon_waits_for_it(lan):
    host = lan["pronto"]
    host.start_dbus()
    tv = Probe(host, "tv", "daemon")
    tv.wait_for(r"^state broken .*[Dd]aemon.* \(daemon\)$")
    host.start_avahi()
    tv.wait_for(r"^state works")
    tv.published("tv@pronto")


def test_daemon_that_lets_nobody_publish(lan):
    """It browses, and says why it does not publish."""
    host = lan["pronto"]
    conf = os.path.join(host.dir, "avahi-no.conf")
    with open(conf, "w", encoding="utf-8") as f:
        f.write("[server]\nuse-ipv4=yes\nuse-ipv6=yes\n[publish]\n"
                "disable-user-service-publishing=yes\n")
    host.start_dbus()
    host.popen(["avahi-daemon", "-f", conf, "--no-rlimits"]).wait_for("Server startup complete")
    tv = Probe(host, "tv", "daemon")
    remote = start(lan["forza"], "remote", "embedded")
    tv.wait_for(r"^state broken Not permitted")
    tv.sees("remote@forza.local")
    assert remote.peer("tv@pronto.local") is None


def test_daemon_that_hangs(lan):
    """Whoever stops does not wait for its answers, of which there are as many as peers."""
    host = lan["pronto"]
    daemon = host.start_avahi()
    raw = Raw(lan["forza"])
    tv = Probe(host, "tv", "daemon")
    tv.published("tv@pronto")
    for i in range(3):
        raw.say("u%d@m" % i, a=lan["forza"].address, aaaa=lan["forza"].address6)
    for i in range(3):
        tv.sees("u%d@m.local" % i)
    daemon.send_signal(signal.SIGSTOP)
    try:
        tv.end()
    finally:
        daemon.send_signal(signal.SIGCONT)


def test_daemon_with_few_objects(lan):
    """Every peer gets one way before any has two, and the log says what is missing, once."""
    host = lan["pronto"]
    host.start_avahi(objects_per_client_max=12)
    raw = Raw(lan["forza"])
    tv = Probe(host, "tv", "daemon")
    tv.published("tv@pronto")
    for i in range(9):
        raw.say("u%d@m" % i, a=lan["forza"].address, aaaa=lan["forza"].address6)
    for i in range(9):
        tv.sees("u%d@m.local" % i)
    raw.say("more@m", a=lan["forza"].address, aaaa=lan["forza"].address6)
    tv.sees("more@m.local")
    assert tv.count("^warning: .*Too many objects") == 1
    raw.say("tenth@m", a=lan["forza"].address, aaaa=lan["forza"].address6)
    raw.say("u0@m", bye=True)
    tv.loses("u0@m.local")
    tv.sees("tenth@m.local")


def test_sleeps_at_rest(lan):
    """Nothing of ours wakes up while nothing happens."""
    host = lan["pronto"]
    tv = start(host, "tv", "daemon")
    remote = start(lan["forza"], "remote", "embedded")
    remote.sees("tv@pronto.local", lambda p: len(ways(p)) == 2)
    tv.sees("remote@forza.local", lambda p: len(ways(p)) == 2)

    def switches():
        with open("/proc/%d/status" % tv.proc.pid, encoding="ascii") as f:
            return int(re.search(r"^voluntary_ctxt_switches:\s+(\d+)", f.read(), re.M)[1])

    def still():
        before = switches()
        signal.sigtimedwait([], 2)
        return switches() - before <= 1

    wait_until(still, 12, "two seconds without a wake-up")

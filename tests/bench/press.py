# SPDX-License-Identifier: ISC
"""press.py: the machines, programs and servers between which bench_press.c measures: a remote and a
box on one cable, and at the box, as in most homes, ejabberd and mosquitto too."""

import os

from box import BUILD, Lan
from daemon import Daemon, Mpv
from ns import wait_until
from servers import Ejabberd

DOMAIN, PORT = "example.test", 1883
NEAR, FAR = "remote." + DOMAIN, "box." + DOMAIN
CONF = """
[engine]
name = %(host)s
[lan]
user = %(host)s
mdns = embedded
[server]
kind = component
jid = %(jid)s
host = %(server)s
port = %(port)d
secret-file = /run/earshotd/secret
[peer "other"]
jid = %(other)s
trusted = yes
[player]
%(player)s
"""
BROKER = "listener %d %s\nallow_anonymous true\nset_tcp_nodelay true\npersistence false\n"


def core():
    return max(os.sched_getaffinity(0))


def pin(pid):
    """As bench_pin(0): all its threads on that core, before other work."""
    for task in os.listdir("/proc/%d/task" % pid):
        os.sched_setaffinity(int(task), {core()})
        os.sched_setscheduler(int(task), os.SCHED_RR, os.sched_param(1))


def daemon(host, jid, other, server, player):
    """It logs what it does by default, as the broker: no line a stanza."""
    made = Daemon(host, CONF % {"host": host.name, "jid": jid, "other": other, "player": player,
                                "server": server.address, "port": server.component_port},
                  start=False, log=())
    made.write("secret", "secret\n")
    made.start()
    pin(made.proc.pid)
    return made


def mosquitto(host):
    conf = os.path.join(host.dir, "mosquitto.conf")
    with open(conf, "w", encoding="ascii") as f:
        f.write(BROKER % (PORT, host.address))
    proc = host.popen(["mosquitto", "-c", conf])
    proc.wait_for("mosquitto version .* running")
    pin(proc.pid)
    return proc


def state(sofa, link):
    return sofa.paths(FAR).get(link, {}).get("state")


def measure(run):
    """run(host, argv) starts the program that prints the figures."""
    with Lan("remote", "box") as lan:
        near, far = lan["remote"], lan["box"]
        for host in (near, far):
            host.run(["sysctl", "-qw", "net.ipv4.tcp_congestion_control=reno"])
        prefix = ["chrt", "--rr", "1", "taskset", "-c", str(core())] + far.ns.enter([])
        with Ejabberd(domain=DOMAIN, address=far.address, prefix=prefix,
                      components={NEAR: "secret", FAR: "secret"}) as server:
            mpv = Mpv(far)
            pin(mpv.proc.pid)
            mosquitto(far)
            tv = daemon(far, FAR, NEAR, server, "kind = mpv\nsocket = " + mpv.socket)
            sofa = daemon(near, NEAR, FAR, server, "kind = none")
            for link in ("lan", "server"):
                wait_until(lambda k=link: state(sofa, k) == "up", 60,
                           lambda k=link: "%s: %s" % (k, sofa.paths(FAR)), step=0.1)
            run(near, [os.path.join(BUILD, "tests/bench/bench_press"), far.path(mpv.socket),
                       sofa.socket, FAR, far.address, str(PORT),
                       "/proc/%d/ns/net" % far.ns.pid])
            sofa.stop()
            tv.stop()

# SPDX-License-Identifier: ISC
"""test_store_killed.py: a daemon is killed with its store: what it answered is there afterwards, and
whoever is subscribed hears of it."""

import os
import random
import re
import stat
import subprocess

from daemon import Daemon
from ns import wait_until

CONF = """
[engine]
name = %s
state = /run/s
[lan]
user = %s
mdns = embedded
[player]
kind = none
[policy]
plaintext = allow
publish = anyone
subscribe = anyone
query = anyone
other = anyone
"""
TV = "tv@pronto.local"
ROUNDS = 6


def ids(text):
    return re.findall(r"^\S+$", text, re.M)


def crash(daemon):
    daemon.proc.kill()
    daemon.proc.wait(60)


def again(daemon):
    daemon.start()
    daemon.proc.wait_for("on the LAN as " + TV)


def heard(watch):
    return set(re.findall(r'"item": ?"([^"]+)"', watch.output()))


def held(daemon, node):
    answer = daemon.cli("--json", "items", TV, node)
    assert answer.code == 0, answer
    return {row["item"] for row in answer.rows}


def test_first_item_makes_the_file(lan):
    """Closed to others; after a crash it is what it was; a damaged one is set aside."""
    daemon = Daemon(lan["pronto"], CONF % ("pronto", "tv"))
    daemon.proc.wait_for("on the LAN as " + TV)
    path = daemon.host.path("/run/s/pubsub.db")
    assert daemon.cli("items", TV).code == 0 and not os.path.exists(path)
    answer = daemon.cli("publish", "news", "-l", stdin="first\n")
    assert answer.code == 0, answer
    assert stat.S_IMODE(os.stat(path).st_mode) == 0o600
    crash(daemon)
    again(daemon)
    assert held(daemon, "news") == set(ids(answer.out))
    daemon.stop()
    with open(path, "r+b") as f:
        f.write(b"x" * 4096)
    again(daemon)
    daemon.proc.wait_for("pubsub.db.bad")
    assert daemon.cli("items", TV, "news").code == 1
    assert daemon.cli("publish", "news", "-l", stdin="second\n").code == 0
    daemon.stop()


def test_killed_while_publishing(lan):
    """Again and again, in the middle of a row of items. The node keeps events for who is not there,
    as nobody is on the LAN when a daemon has just begun."""
    rand = random.Random(os.environ.get("EARSHOT_SEED", "1"))
    tv = Daemon(lan["pronto"], CONF % ("pronto", "tv"))
    sofa = Daemon(lan["forza"], CONF % ("forza", "sofa"))
    sofa.wait_peer(TV)
    assert tv.cli("publish", "news", "-l", "--options",
                  "max_items=1000,{urn:earshot:pubsub:0}backlog=1000", stdin="first\n").code == 0
    watch = sofa.follow("--json", "-v", "watch", TV, "news")
    watch.wait_for("news: subscribed")
    wait_until(lambda: "subscribed" in sofa.cli("subscribe", TV, "news").out, 20, "subscription")
    answered = set()
    for i in range(ROUNDS):
        lines = "".join("%d %d\n" % (i, j) for j in range(200))
        publisher = tv.follow("publish", "news", "-l", stdin=subprocess.PIPE)
        publisher.stdin.write(lines)
        publisher.stdin.close()
        wait_until(lambda p=publisher: len(ids(p.output())) > rand.randrange(60) or
                   p.poll() is not None, 20, "items")
        crash(tv)
        publisher.wait(60)
        answered |= set(ids(publisher.output()))
        again(tv)
        assert answered <= held(tv, "news")
    wait_until(lambda: answered <= heard(watch), 60,
               lambda: "%s of %d at the subscriber" % (answered - heard(watch), len(answered)),
               step=0.5)
    watch.stop()
    tv.stop()
    sofa.stop()

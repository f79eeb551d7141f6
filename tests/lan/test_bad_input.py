# SPDX-License-Identifier: ISC
"""What a hostile host on the LAN can send, to a whole daemon: the named error, and nobody else notices."""

import os
import subprocess

import pytest

import attack
from box import Lan
from daemon import Daemon
from probe import ZEROCONF

HERE = os.path.dirname(os.path.abspath(__file__))
PORT = 5298

CONF = """
[engine]
name = %s
[lan]
user = %s
[player]
kind = %s
"""

# What each must be answered with; None: the stanza is dropped and the stream goes on to its end.
ANSWERS = {
    "malformed": "not-well-formed",
    "doctype": "restricted-xml",
    "entity": "restricted-xml",
    "comment": "restricted-xml",
    "pi": "restricted-xml",
    "nul": "not-well-formed",
    "utf8": "not-well-formed",
    "deep": "policy-violation",
    "attributes": "policy-violation",
    "children": "policy-violation",
    "huge": "policy-violation",
    "huge-tag": "policy-violation",
    "huge-header": "policy-violation",
    "http": "not-well-formed",
    "no-stream": "invalid-",
    "wrong-ns": "invalid-namespace",
    "forged-from": "invalid-from",
    "forged-domain": "invalid-from",
    "other-peer": "not-authorized",     # it has a key, and shows none
    "ourselves": "invalid-from",
    "not-a-stanza": "unsupported-stanza-type",
    "somebody-else": "improper-addressing",
    "unasked": None,
    "press": "not-authorized",
    "control": "service-unavailable",   # its link takes such things out before anybody looks
}


@pytest.fixture(scope="module")
def world():
    """box is attacked by mallory, while remote goes on using it."""
    with Lan("box", "remote", "mallory") as lan:
        box = Daemon(lan["box"], CONF % ("box", "tv", "demo"))
        remote = Daemon(lan["remote"], CONF % ("remote", "sofa", "none"))
        # A peer without a key: who has one is not listened to in plaintext at all.
        mallory = lan["mallory"].popen(ZEROCONF + [lan["mallory"].address, "eve@mallory",
                                                   str(PORT), "txtvers=1", "status=avail"],
                                       stdin=subprocess.PIPE)
        box.wait_peer("eve@mallory.local")
        box.wait_peer("sofa@remote.local")
        remote.wait_peer("tv@box.local")
        yield lan, box, remote
        mallory.stdin.close()
        for daemon in (box, remote):
            daemon.stop()


def rss(daemon):
    """KiB of resident memory."""
    with open("/proc/%d/status" % daemon.proc.pid, encoding="ascii") as f:
        return next(int(line.split()[1]) for line in f if line.startswith("VmRSS"))


def strike(lan, what, argument="eve@mallory", **more):
    return lan["mallory"].popen(["/usr/bin/python3", HERE + "/attack.py", what,
                                 lan["box"].address, str(PORT), argument], name=what, **more)


def check_alive(box, remote):
    assert box.proc.poll() is None, box.proc.output()
    answer = remote.cli("--timeout", "20", "ping", "-c", "1", "tv@box.local")
    assert answer.code == 0, answer


@pytest.mark.parametrize("what", sorted(attack.ATTACKS))
def test_one_at_a_time(world, what):
    lan, box, remote = world
    before = rss(box)
    proc = strike(lan, what)
    assert proc.wait(40) == 0, proc.output()
    answer = ANSWERS[what]
    if answer:
        assert answer in proc.output(), proc.output()
    else:
        assert "<stream:error" not in proc.output() and "id=\"3\"" in proc.output().replace("'", '"')
    check_alive(box, remote)
    assert rss(box) < before + 4096


def test_silent_flood(world):
    lan, box, remote = world
    before = rss(box)
    flood = strike(lan, "silent", "5000", stdin=subprocess.PIPE)
    flood.wait_for(r"^held \d+$", 60)
    check_alive(box, remote)
    assert rss(box) < before + 16384
    flood.stdin.close()
    assert flood.wait(30) == 0
    check_alive(box, remote)


def test_trickle(world):
    lan, box, remote = world
    proc = strike(lan, "trickle")
    check_alive(box, remote)
    proc.wait_for(r"^'\d+ s .*connection-timeout", 40)
    check_alive(box, remote)


def test_full_disk_under_the_log(world):
    """Every log line fails with ENOSPC: the daemon does its work without it."""
    lan, box, _remote = world
    deaf = Daemon(lan["remote"], CONF % ("deaf", "deaf", "demo"), name="deaf",
                  wrap=["sh", "-c", 'exec "$@" 2>/dev/full', "sh"])
    box.wait_peer("deaf@deaf.local")
    deaf.wait_peer("tv@box.local")
    check_alive(box, deaf)
    answer = box.cli("ping", "-c", "3", "-i", "0.1", "deaf@deaf.local")
    assert answer.code == 0, answer
    deaf.stop()


def test_plaintext_denied(world):
    """The only path is not encrypted: nothing is opened, and the exit code says why. To one that has
    a key there is another."""
    lan, box, _remote = world
    strict = Daemon(lan["remote"], CONF % ("strict", "strict", "none") +
                    "[policy]\nplaintext = deny\n", name="strict")
    strict.wait_peer("eve@mallory.local")
    answer = strict.cli("ping", "-c", "1", "eve@mallory.local")
    assert answer.code == 6 and "policy.plaintext" in answer.err, answer
    answer = strict.cli("send", "eve@mallory.local", "hello")
    assert answer.code == 6, answer
    box.wait_peer("strict@strict.local")
    answer = strict.cli("ping", "-c", "1", "tv@box.local")
    assert answer.code == 0, answer
    assert strict.paths("tv@box.local")["lan"]["level"] == "keyed"
    strict.stop()

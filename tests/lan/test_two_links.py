# SPDX-License-Identifier: ISC
"""test_two_links.py: a host on two links: who has a neighbour's link-local address on the other link is
not that neighbour."""

import os

from box import Lan
from daemon import Daemon

ATTACK = os.path.join(os.path.dirname(os.path.abspath(__file__)), "attack.py")
CONF = """
[engine]
name = %s
[lan]
user = %s
[player]
kind = none
"""


def claim(host, box, plug):
    """A stream to box by that plug of it, in the name of sofa@remote; what came back."""
    to = "%s%%eth0" % box.plugs[plug].address6
    return host.run(["/usr/bin/python3", ATTACK, "unasked", to, "5298", "sofa@remote"]).stdout


def test_same_link_local_address_elsewhere():
    with Lan("box", "remote", "mallory", nets={"box": "ab", "mallory": "b"}) as lan:
        address = lan["remote"].address6
        assert address.startswith("fe80:")
        box = Daemon(lan["box"], CONF % ("box", "tv"))
        remote = Daemon(lan["remote"], CONF % ("remote", "sofa"))
        box.wait_peer("sofa@remote.local")
        lan["mallory"].ns.ip("addr flush dev eth0 scope link",
                             "addr add %s/64 dev eth0 scope link" % address)
        # It is taken for remote, of whom a key is wanted.
        answer = claim(lan["remote"], lan["box"], 0)
        assert "<required/>" in answer and "policy-violation" in answer, answer
        answer = claim(lan["mallory"], lan["box"], 1)
        # Nobody, or, where the neighbour's key is known by now, somebody who has to show that.
        assert "invalid-from" in answer or \
            ("<required/>" in answer and "policy-violation" in answer), answer
        remote.stop()
        box.stop()

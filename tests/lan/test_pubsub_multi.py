# SPDX-License-Identifier: ISC
"""Many of one server's users are told by one message (XEP-0033): stock slixmpp users of an ejabberd
with mod_multicast as it comes out of the box."""

import json
import re
import xml.etree.ElementTree as ET

import pytest

from pubsub_users import EVENT, SERVICE, book, service
from servers import Ejabberd, Prosody

NODE = "princely_musings"
OTHERS = ["francisco@example.test/%d" % i for i in range(8)]    # where he is not
BACKLOG = "{urn:earshot:pubsub:0}backlog"


@pytest.fixture
def world():
    with service(Ejabberd, others=["ophelia"], multicast=0) as users:
        yield users


def numbers(user):
    """What he was told, in that order."""
    return re.findall(r'^told .*<item\b[^>]* id="([^"]*)"', user.proc.output(), re.MULTILINE)


def subscribe_all(hamlet, francisco, node=NODE, **named):
    """Both, and so many more of that domain that it is worth looking whether it can do it."""
    hamlet.ask("publish", SERVICE, node, id="first", payload=book(0), **named)
    for user in (hamlet, francisco):
        user.ask("subscribe", SERVICE, node)
        user.told()
    hamlet.ask("modify_subscriptions", SERVICE, node,
               subscriptions=[[jid, "subscribed"] for jid in OTHERS])


def test_each_once_and_in_order(world):
    hamlet, francisco, box, _ophelia = world
    subscribe_all(hamlet, francisco)
    # Those that are told singly, while it is looked for, and those with others.
    assert hamlet.ask("burst", SERVICE, NODE, 500) == ["result"] * 500
    box.proc.wait_for("example.test: multicast.example.test passes messages on, to 20 at a time")
    hamlet.ask("publish", SERVICE, NODE, id="500", payload=book(1))
    hamlet.ask("retract", SERVICE, NODE, "500", notify=True)
    hamlet.ask("publish", SERVICE, NODE, id="last", payload=book(1))
    for user in (hamlet, francisco):
        user.proc.wait_for('^told .* id="last"', 60)
        assert numbers(user) == ["first"] + [str(i) for i in range(501)] + ["last"]
        # What they get says nothing of others.
        assert "protocol/address" not in user.proc.output()
    told = francisco.proc.output()
    assert told.index('id="500"') < told.index("<retract ") < told.index('id="last"')


def test_one_is_not_there(world):
    hamlet, francisco, box, ophelia = world
    # Of this type what is for nobody comes back from ejabberd.
    subscribe_all(hamlet, francisco, options={BACKLOG: "100", "notification_type": "normal"})
    hamlet.ask("publish", SERVICE, NODE, id="0", payload=book(1))
    box.proc.wait_for("multicast.example.test passes messages on")
    hamlet.ask("modify_subscriptions", SERVICE, NODE,
               subscriptions=[["ophelia@example.test", "subscribed"]])
    for i in range(1, 6):
        hamlet.ask("publish", SERVICE, NODE, id=str(i), payload=book(i))
    francisco.proc.wait_for('^told .* id="5"')
    late = ophelia()
    late.proc.wait_for('^told .* id="5"', 60)
    # That she was subscribed, the last item there was then, and what she missed.
    assert late.told().tag.endswith("}subscription")
    assert numbers(late) == ["0", "1", "2", "3", "4", "5"]
    told = [line for line in late.proc.output().splitlines() if line.startswith("told ")]
    assert len(told) == 7 and all("urn:xmpp:delay" in line for line in told)
    hamlet.ask("publish", SERVICE, NODE, id="6", payload=book(6))
    late.proc.wait_for('^told .* id="6"', 20)
    # ejabberd gives him what is for where he is not, too.
    assert list(dict.fromkeys(numbers(francisco))) == ["first"] + [str(i) for i in range(7)]


def known_by(user, node):
    """[(ItemID, origin-id)], as he was told of that node."""
    found = []
    for text in re.findall(r"^told (.*)$", user.proc.output(), re.MULTILINE):
        message = ET.fromstring(text)
        items = message.find("./%sevent/%sitems[@node='%s']" % (EVENT, EVENT, node))
        if items is not None:
            found += [(item.get("id"), message.find("./{urn:xmpp:sid:0}origin-id").get("id"))
                      for item in items]
    return found


def test_killed(world):
    """kill -9 while they are told with others: what whoever comes back tells again, first to each by
    himself and then with others, is known by its origin-id (XEP-0359)."""
    hamlet, francisco, box, _ophelia = world
    for node in ("one", "two", "three", "four", "five"):
        subscribe_all(hamlet, francisco, node)
        hamlet.ask("publish", SERVICE, node, id="before", payload=book(1))
        box.proc.wait_for("multicast.example.test passes messages on")
        hamlet.asked += 1
        hamlet.proc.send_line(json.dumps(["burst", [SERVICE, node, 400], {}]))
        francisco.proc.wait_for('^told .* node="%s".* id="100"' % node, 60)
        box.proc.kill()
        box.proc.wait(60)
        box.start()
        box.proc.wait_for("connected as " + SERVICE, 20)
        hamlet.proc.wait_for("^answer ", 60, count=hamlet.asked)
        hamlet.ask("publish", SERVICE, node, id="last", payload=book(1))
        told = []
        for user in (hamlet, francisco):
            user.proc.wait_for('^told .* node="%s".* id="last"' % node, 60)
            told.append([each for each in known_by(user, node) if each[0] != "first"])
            once = list(dict.fromkeys(told[-1]))
            assert len(once) == len(dict(once)), sorted(once)
            numbered = [int(item) for item, _ in once if item.isdigit()]
            assert numbered == sorted(numbered) and len(numbered) > 100
        assert set(told[0]) == set(told[1]), set(told[0]) ^ set(told[1])
        if len(set(told[1])) < len(told[1]):
            return
    raise AssertionError("nothing was ever told twice")


def test_nobody_passes_on():
    """Prosody has no such service."""
    with service(Prosody) as (hamlet, francisco, box):
        subscribe_all(hamlet, francisco)
        assert hamlet.ask("burst", SERVICE, NODE, 50) == ["result"] * 50
        for user in (hamlet, francisco):
            user.proc.wait_for('^told .* id="49"')
            assert numbers(user) == ["first"] + [str(i) for i in range(50)]
        assert "passes messages on" not in box.proc.output()

# SPDX-License-Identifier: ISC
"""Stock slixmpp users subscribe, are let in and shut out, through a real ejabberd and a real Prosody."""

import pytest

from pubsub_users import SERVICE, book, service
from servers import Ejabberd, Prosody

NODE = "princely_musings"
HAMLET, FRANCISCO = "hamlet@example.test", "francisco@example.test"


@pytest.fixture(params=[Ejabberd, Prosody])
def world(request):
    with service(request.param) as users:
        yield users


def row(**attributes):
    return attributes


def create(user, node=NODE, **config):
    user.ask("create_node", SERVICE, node, config=config)


def publish(user, item):
    user.ask("publish", SERVICE, NODE, id=item, payload=book(item))


def is_item(element, item):
    return element.get("node") == NODE and [e.get("id") for e in element] == [item]


def is_state(element, state):
    return (element.tag.endswith("}subscription") and element.get("jid") == FRANCISCO and
            element.get("subscription") == state)


def test_subscribe(world):
    hamlet, francisco, box = world
    create(hamlet)
    publish(hamlet, "first")
    francisco.ask("subscribe", SERVICE, NODE)
    assert is_item(francisco.told(), "first")     # the last one, at once
    mine = [row(node=NODE, jid=FRANCISCO, subscription="subscribed")]
    assert francisco.list("get_subscriptions") == mine
    assert francisco.list("get_subscriptions", NODE) == mine
    assert francisco.refused("subscribe", SERVICE, NODE, subscribee=HAMLET) == [
        "bad-request", "invalid-jid"]
    hamlet.ask("subscribe", SERVICE, NODE)
    assert is_item(hamlet.told(), "first")
    # Nothing for a while; then again. (The plugin's set_subscription_options() only asks for them.)
    francisco.ask("subscribe", SERVICE, NODE, options={"deliver": "0"})
    publish(hamlet, "unheard")
    assert is_item(hamlet.told(), "unheard")
    francisco.ask("subscribe", SERVICE, NODE, options={"deliver": "1"})
    form = francisco.ask("get_subscription_options", SERVICE, NODE, FRANCISCO)
    assert [e.text for e in form.iter("{jabber:x:data}value")][-1] == "1"
    publish(hamlet, "second")
    assert is_item(francisco.told(), "second")
    # It outlives the service.
    box.stop()
    box.start()
    box.proc.wait_for("connected as " + SERVICE, 20)
    assert francisco.list("get_subscriptions") == mine
    publish(hamlet, "third")
    while not is_item(heard := francisco.told(), "third"):
        assert is_item(heard, "second")     # the last one, to who is there again
    francisco.ask("unsubscribe", SERVICE, NODE)
    assert francisco.refused("unsubscribe", SERVICE, NODE) == [
        "unexpected-request", "not-subscribed"]
    assert francisco.list("get_subscriptions") == []
    assert "unheard" not in francisco.proc.output()


def test_approve(world):
    hamlet, francisco, _box = world
    create(hamlet, access_model="authorize")
    publish(hamlet, "first")

    def ask(allow):
        answer = francisco.ask("subscribe", SERVICE, NODE)
        assert answer[0][0].get("subscription") == "pending"
        message, values = hamlet.question()
        assert message.get("type", "normal") == "normal" and message.get("from") == SERVICE
        assert values["pubsub#node"] == NODE and values["pubsub#subscriber_jid"] == FRANCISCO
        assert francisco.refused("subscribe", SERVICE, NODE) == [
            "not-authorized", "pending-subscription"]
        fields = dict(node=NODE, subscriber_jid=FRANCISCO, allow=allow)
        francisco.ask("submit", SERVICE, dict(fields, allow="1"))     # he cannot himself
        assert francisco.list("get_subscriptions")[0]["subscription"] == "pending"
        hamlet.ask("submit", SERVICE, fields)

    ask("0")
    assert is_state(francisco.told(), "none")
    ask("1")
    assert is_state(francisco.told(), "subscribed")
    assert is_item(francisco.told(), "first")
    publish(hamlet, "second")
    assert is_item(francisco.told(), "second")


def test_people(world):
    hamlet, francisco, _box = world
    create(hamlet, access_model="whitelist")
    assert francisco.refused("subscribe", SERVICE, NODE) == ["not-allowed", "closed-node"]
    hamlet.ask("modify_affiliations", SERVICE, NODE, affiliations=[[FRANCISCO, "publisher"]])
    assert francisco.list("get_affiliations") == [row(node=NODE, affiliation="publisher")]
    assert sorted(e["jid"] for e in hamlet.list("get_node_affiliations", NODE)) == [
        FRANCISCO, HAMLET]
    publish(francisco, "his")
    # An owner subscribes him, and somebody who may not be: that one is answered as he is.
    conditions = hamlet.refused("modify_subscriptions", SERVICE, NODE, subscriptions=[
        [FRANCISCO, "subscribed"], ["yorick@example.test", "subscribed"]])
    assert conditions == ["not-acceptable"]
    assert is_state(francisco.told(), "subscribed")
    assert is_item(francisco.told(), "his")
    assert hamlet.list("get_node_subscriptions", NODE) == [
        row(jid=FRANCISCO, subscription="subscribed")]
    assert hamlet.refused("modify_affiliations", SERVICE, NODE,
                          affiliations=[[HAMLET, "none"]]) == ["not-acceptable"]
    assert francisco.refused("get_node_subscriptions", SERVICE, NODE) == ["forbidden"]
    # Shut out, and told; what comes then is not for him.
    hamlet.ask("modify_affiliations", SERVICE, NODE, affiliations=[[FRANCISCO, "outcast"]])
    assert is_state(francisco.told(), "none")
    publish(hamlet, "not his")
    assert hamlet.list("get_node_subscriptions", NODE) == []
    assert francisco.refused("get_items", SERVICE, NODE) == ["forbidden"]
    hamlet.ask("subscribe", SERVICE, NODE)
    assert is_item(hamlet.told(), "not his")
    assert "not his" not in francisco.proc.output()

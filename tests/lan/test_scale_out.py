# SPDX-License-Identifier: ISC
"""Three daemons are one component of a real ejabberd, which spreads stanzas over them at random, and
share one PostgreSQL: each answers anything, and the end of one loses nothing that was answered."""

import json
import os
import re
import signal
import subprocess
import xml.etree.ElementTree as ET

import pytest

from box import Lan
from daemon import Daemon
from ns import wait_until
from postgres import Postgres
from servers import Ejabberd

SERVICE = "pubsub.example.test"
EVENT = "{http://jabber.org/protocol/pubsub#event}"
COUNT = 120             # publications of each publisher
ACCOUNTS = {name: "secret" for name in ("hamlet", "horatio", "ophelia", "francisco", "bernardo")}

CONF = """
[engine]
name = %(name)s
state = /run/%(name)s/state
[lan]
enabled = no
[server]
kind = component
jid = pubsub.example.test
host = %(host)s
port = %(port)d
secret-file = /run/%(name)s/secret
[store]
kind = postgres
url = %(url)s
[player]
kind = none
"""


class User:
    """A slixmpp user at slix_pubsub.py: many questions may be given to it, it asks one at a time."""

    def __init__(self, host, server, name):
        here = os.path.dirname(os.path.abspath(__file__))
        self.proc = host.popen(
            ["/usr/bin/python3", here + "/slix_pubsub.py", "%s@%s" % (name, server.domain),
             server.accounts[name], server.address, str(server.c2s_port), server.ca_file],
            name="slix-" + name, stdin=subprocess.PIPE)
        self.proc.wait_for("^ready$", 30)
        self.asked = 0

    def give(self, method, *arguments, **named):
        self.asked += 1
        self.proc.send_line(json.dumps([method, arguments, named]))

    def ask(self, method, *arguments, **named):
        self.give(method, *arguments, **named)
        answer = json.loads(self.proc.wait_for("^answer (.*)$", 30, count=self.asked).group(1))
        assert "error" not in answer or isinstance(answer, str), answer
        return ET.fromstring(answer) if isinstance(answer, str) else answer

    def refused(self, method, *arguments, **named):
        """The condition."""
        self.give(method, *arguments, **named)
        answer = json.loads(self.proc.wait_for("^answer (.*)$", 30, count=self.asked).group(1))
        assert isinstance(answer, dict), answer
        return answer["error"]

    @property
    def answers(self):
        """In the order of the questions: True where there was a result."""
        return [isinstance(json.loads(line), str) for line in
                re.findall("^answer (.*)\n", self.proc.output(), re.MULTILINE)]

    @property
    def told(self):
        """[(id of the message, node, ItemID)], as they came."""
        found = []
        for text in re.findall("^told (.*)\n", self.proc.output(), re.MULTILINE):
            message = ET.fromstring(text)
            for items in message.iterfind("./%sevent/%sitems" % (EVENT, EVENT)):
                found += [(message.get("id"), items.get("node"), item.get("id"))
                          for item in items.iterfind(EVENT + "item")]
        return found


def once(told, node):
    """ItemIDs of the node without those of messages that came before with the same id."""
    seen, items = set(), []
    for ident, where, item in told:
        if where == node and (ident, item) not in seen:
            items.append(item)
            seen.add((ident, item))
    return items


class World:
    def __init__(self, host, server, database):
        self.host, self.server, self.database = host, server, database
        self.daemons = []
        for number in range(3):
            name = "box%d" % number
            box = Daemon(host, CONF % {"name": name, "host": server.address, "url": database.url,
                                       "port": server.component_port}, name=name, start=False)
            box.write("secret", "secret\n")
            self.daemons.append(box)
            self.start(box)
        self.users = {name: User(host, server, name) for name in ACCOUNTS}

    def __getitem__(self, name):
        return self.users[name]

    def start(self, box):
        box.start()
        box.proc.wait_for("connected as " + SERVICE, 30)
        box.proc.wait_for("store: postgresql: connected", 30)

    def kill(self, box):
        box.proc.send_signal(signal.SIGKILL)
        box.proc.wait(60)

    def subscribe(self, *nodes):
        for node in nodes:
            self["hamlet"].ask("create_node", SERVICE, node,
                               config={"publish_model": "open", "max_items": "1000"})
            for name in ("francisco", "bernardo"):
                self[name].ask("subscribe", SERVICE, node)

    def publish(self, name, node, count):
        """Gives them all to one publisher, who waits for the answer of each before the next."""
        for number in range(count):
            self[name].give("publish", SERVICE, node, id="%s-%d" % (name, number),
                            payload="<n xmlns='urn:example:n'>%d</n>" % number)

    def wait_answers(self, name, count, seconds=60):
        wait_until(lambda: len(self[name].answers) >= count, seconds,
                   lambda: "answers to %s: %d" % (name, len(self[name].answers)), step=0.1)


@pytest.fixture
def world():
    with Lan("box") as lan, Postgres() as database:
        host = lan["box"]
        server = Ejabberd(domain="example.test", address=host.address, prefix=host.ns.enter([]),
                          accounts=ACCOUNTS, components={SERVICE: "secret"})
        try:
            world = World(host, server, database)
            yield world
            for box in world.daemons:
                box.stop()
        finally:
            server.close()


def published(world, name, before):
    """ItemIDs of what was answered with a result, and of all that was asked."""
    answers = world[name].answers[before:]
    all_of_them = ["%s-%d" % (name, number) for number in range(len(answers))]
    return [item for item, good in zip(all_of_them, answers) if good], all_of_them


def is_within(few, many):
    """Whether all of few are in many, in their order."""
    rest = iter(many)
    return all(item in rest for item in few)


def wait_told(world, node, wanted, seconds=60):
    """Until both subscribers were told of all of these."""
    for name in ("francisco", "bernardo"):
        wait_until(lambda user=world[name]: wanted <= set(once(user.told, node)), seconds,
                   lambda user=world[name]: "%s to be told of %s" % (
                       user, sorted(wanted - set(once(user.told, node)))[:5]), step=0.2)


def check_told(world, nodes, before):
    """Both subscribers were told of all that was answered with a result, in its order, and of nothing
    else but what may have been published, each once."""
    for name, node in nodes.items():
        good, everything = published(world, name, before[name])
        assert len(good) > COUNT * 0.9
        wait_told(world, node, set(good))
        for subscriber in ("francisco", "bernardo"):
            items = [item for item in once(world[subscriber].told, node)
                     if item.startswith(name + "-")]
            assert is_within(good, items), (subscriber, good, items)
            assert is_within(items, everything), (subscriber, items)
            assert len(items) == len(set(items)), (subscriber, items)


def test_any_instance_answers_anything(world):
    """What one has changed the others know: there is nothing that they keep for themselves."""
    world.subscribe("news")
    hamlet, francisco = world["hamlet"], world["francisco"]
    for number in range(30):
        hamlet.ask("publish", SERVICE, "news", id=str(number),
                   payload="<n xmlns='urn:example:n'>%d</n>" % number)
        answer = francisco.ask("get_item", SERVICE, "news", str(number))
        assert answer.find(".//{urn:example:n}n").text == str(number)
    for number in range(10):
        node = "node-%d" % number
        hamlet.ask("create_node", SERVICE, node, config={"access_model": "whitelist"})
        hamlet.ask("modify_affiliations", SERVICE, node,
                   affiliations=[["francisco@example.test", "member"]])
        francisco.ask("subscribe", SERVICE, node)
        hamlet.ask("delete_node", SERVICE, node)
    wait_told(world, "news", {str(number) for number in range(30)})
    for name in ("francisco", "bernardo"):
        told = [item for _, node, item in world[name].told if node == "news"]
        assert told == [str(number) for number in range(30)]
    # ejabberd has spread the questions over all of them.
    for box in world.daemons:
        assert box.proc.output().count("in  server iq type=set") > 5, box.name


def test_killed_in_the_middle(world):
    """kill -9, twice: what was answered with a result reaches every subscriber, in its order."""
    world.subscribe("news", "weather")
    nodes = {"hamlet": "news", "horatio": "news", "ophelia": "weather"}
    before = {name: len(world[name].answers) for name in nodes}
    for name, node in nodes.items():
        world.publish(name, node, COUNT)
    world.wait_answers("hamlet", before["hamlet"] + COUNT // 4)
    world.kill(world.daemons[0])
    world.wait_answers("hamlet", before["hamlet"] + COUNT // 2)
    world.start(world.daemons[0])
    world.kill(world.daemons[1])
    for name in nodes:
        world.wait_answers(name, before[name] + COUNT, 120)
    world.start(world.daemons[1])
    check_told(world, nodes, before)


def test_database_killed_in_the_middle(world):
    """Its server is ended at once and started again: questions wait meanwhile, and nothing that was
    answered with a result is lost, nor is anything done twice."""
    world.subscribe("news", "weather")
    nodes = {"hamlet": "news", "horatio": "news", "ophelia": "weather"}
    before = {name: len(world[name].answers) for name in nodes}
    for name, node in nodes.items():
        world.publish(name, node, COUNT)
    world.wait_answers("hamlet", before["hamlet"] + COUNT // 3)
    world.database.kill()
    world.database.start()
    for name in nodes:
        world.wait_answers(name, before[name] + COUNT, 120)
    check_told(world, nodes, before)


def set_standby(database, how):
    """With one that is not there, whatever is committed waits for it, on the disk already."""
    database.sql("ALTER SYSTEM %s" % how)
    database.sql("SELECT pg_reload_conf()")


def in_doubt(world, item, waits):
    """Publishes it; the daemon's connection is ended while its commit waits for that. What he is
    answered."""
    database, hamlet = world.database, world["hamlet"]
    hamlet.give("publish", SERVICE, "news", id=item, payload="<n xmlns='urn:example:n'/>")
    ours = " FROM pg_stat_activity WHERE application_name = 'earshot' AND wait_event = '%s'" % waits
    wait_until(lambda: database.sql("SELECT count(*)" + ours) == "1", 10, "its commit")
    database.sql("SELECT pg_terminate_backend(pid)" + ours)
    return lambda: json.loads(
        hamlet.proc.wait_for("^answer (.*)$", 30, count=hamlet.asked).group(1))


def test_unheard_commit(world):
    """The connection ends before it is heard how a commit did: it is not done again. Where it is on
    the disk its publisher is answered so, and whoever is subscribed told, once; where it is not
    there he is told that nobody knows."""
    for box in world.daemons[1:]:
        box.stop()
    world.subscribe("news")
    database, hamlet = world.database, world["hamlet"]
    hamlet.ask("publish", SERVICE, "news", id="before", payload="<n xmlns='urn:example:n'/>")
    wait_told(world, "news", {"before"})
    wait_until(lambda: database.sql("SELECT count(*) FROM event") == "0", 10, "it to be noted")
    set_standby(database, "SET synchronous_standby_names = 'nobody'")
    answer = in_doubt(world, "unheard", "SyncRep")
    set_standby(database, "RESET synchronous_standby_names")
    assert isinstance(answer(), str), answer()
    wait_told(world, "news", {"unheard"})

    database.sql("CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS"
                 " 'BEGIN PERFORM pg_sleep(20); RETURN NULL; END'")
    database.sql("CREATE CONSTRAINT TRIGGER slow AFTER INSERT ON item DEFERRABLE INITIALLY DEFERRED"
                 " FOR EACH ROW EXECUTE FUNCTION slow()")
    answer = in_doubt(world, "never", "PgSleep")
    assert answer()["error"] == "remote-server-timeout", answer()
    database.sql("DROP TRIGGER slow ON item")
    hamlet.ask("publish", SERVICE, "news", id="after", payload="<n xmlns='urn:example:n'/>")
    wait_told(world, "news", {"after"})
    for name in ("francisco", "bernardo"):
        assert once(world[name].told, "news") == ["before", "unheard", "after"], name


def befriend(user):
    """He subscribes to the service's presence, and it to his: in four stanzas to any daemon."""
    user.ask("presence", "subscribe", SERVICE)
    wait_until(lambda: user.ask("contacts").get(SERVICE) == "both", 20, "both to be subscribed")


def test_contacts(world):
    """Who is a contact all of them know, whichever of them he came to; and who is one no more is
    subscribed no more where only contacts are let in."""
    hamlet, horatio, francisco = (world[name] for name in ("hamlet", "horatio", "francisco"))
    befriend(hamlet)
    # His server asks how the service is whenever he comes: one of them, whom it draws by lot.
    there = "presence available " + SERVICE
    for _ in range(100):
        if all("in  server presence type=probe" in box.proc.output() for box in world.daemons):
            break
        before = hamlet.proc.output().count(there)
        hamlet.ask("presence", "unavailable")
        hamlet.ask("presence", None)
        wait_until(lambda: hamlet.proc.output().count(there) > before, 20, "an answer to a probe")
    assert hamlet.ask("contacts").get(SERVICE) == "both"
    horatio.ask("create_node", SERVICE, "news", config={"access_model": "presence"})
    for _ in range(20):
        hamlet.ask("get_items", SERVICE, "news")
        assert francisco.refused("get_items", SERVICE, "news") == "not-authorized"
    hamlet.ask("subscribe", SERVICE, "news")
    hamlet.ask("presence", "unsubscribe", SERVICE)
    wait_until(lambda: hamlet.ask("contacts").get(SERVICE) == "none", 20, "both to have parted")
    hamlet.proc.wait_for("^told .*<subscription .*none", 20)
    assert not list(hamlet.ask("get_subscriptions", SERVICE).iter(
        "{http://jabber.org/protocol/pubsub}subscription"))
    for _ in range(10):
        assert hamlet.refused("get_items", SERVICE, "news") == "not-authorized"
    for box in world.daemons:
        assert box.proc.output().count("in  server presence type=probe") > 0, box.name


def set_kind(box, old, new):
    """Of [store], where a pattern tells of the old one."""
    with open(box.host.path(box.conf), encoding="utf-8") as file:
        conf = file.read()
    assert re.search(old, conf)
    box.write("conf", re.sub(old, lambda match: new, conf))


def test_contacts_of_one(world):
    """Who was a contact of one daemon that had its own is one of all when it shares their store, but
    not again when he has left since."""
    hamlet, horatio, box = world["hamlet"], world["horatio"], world.daemons[0]
    for other in world.daemons:
        other.stop()
    set_kind(box, "kind = postgres\nurl = .*", "kind = sqlite")
    box.start()
    box.proc.wait_for("connected as " + SERVICE, 30)
    befriend(hamlet)
    befriend(horatio)
    box.stop()
    set_kind(box, "kind = sqlite", "kind = postgres\nurl = " + world.database.url)
    for daemon in world.daemons:
        world.start(daemon)
    box.proc.wait_for("2 contacts that were kept here are in the store now", 20)
    world["ophelia"].ask("create_node", SERVICE, "news", config={"access_model": "presence"})
    for _ in range(10):
        hamlet.ask("get_items", SERVICE, "news")
        horatio.ask("get_items", SERVICE, "news")
    hamlet.ask("presence", "unsubscribe", SERVICE)
    wait_until(lambda: hamlet.ask("contacts").get(SERVICE) == "none", 20, "both to have parted")
    world.kill(box)
    world.start(box)
    for _ in range(10):
        assert hamlet.refused("get_items", SERVICE, "news") == "not-authorized"
        horatio.ask("get_items", SERVICE, "news")
    assert "kept here" not in box.proc.output()


def rounds(world, nodes, wanted, first, count):
    """Publishes at each, so many times, as soon as the one before was told of."""
    for number in range(first, first + count):
        for node in nodes:
            world["hamlet"].ask("publish", SERVICE, node, id=str(number),
                                payload="<n xmlns='urn:example:n'>%d</n>" % number)
        if wanted is not None:
            wait_until(lambda: all((node, str(number)) in {(where, item) for _, where, item
                                                          in wanted.told} for node in nodes),
                       20, "%s to be told of %d" % (nodes, number))


@pytest.mark.parametrize("length", [0, 1000])
def test_wants(world, length):
    """Who is there, and what he wants to hear of, is known to all: whichever of them tells a node,
    and however long the answer is that says so, which comes to any of them."""
    hamlet, francisco = world["hamlet"], world["francisco"]
    nodes = ["wanted-%d%s" % (number, length * "x") for number in range(8)]
    befriend(francisco)
    francisco.ask("want", *nodes)
    for node in nodes:
        hamlet.ask("create_node", SERVICE, node, config={"access_model": "presence"})
    # Until all of them have asked what his capabilities are: who tells of one is drawn by lot.
    asked = "in  server iq type=result from=francisco@example.test/"
    for first in range(0, 3000, 100):
        rounds(world, nodes, None, first, 1)
        told = {(node, item) for _, node, item in francisco.told}
        if all((node, str(first)) in told for node in nodes) and \
                all(asked in box.proc.output() for box in world.daemons):
            break
    rounds(world, nodes, francisco, first + 1, 10)
    for node in nodes:
        items = [item for _, where, item in francisco.told if where == node]
        assert items[-10:] == [str(number) for number in range(first + 1, first + 11)], node
        assert len(items) == len(set(items)), (node, items)
    # He is not there any more, whoever of them is told so: the others know it a moment later.
    francisco.ask("presence", "unavailable")
    numbers = iter(range(first + 11, 10000))

    def is_heard():
        number = next(numbers)
        rounds(world, nodes[:1], None, number, 1)
        francisco.ask("get_items", SERVICE, nodes[0])
        return str(number) in {item for _, where, item in francisco.told if where == nodes[0]}

    wait_until(lambda: not any(is_heard() for _ in range(8)), 20, "nothing to be heard")


def test_gone(world):
    """What comes back to one of them, because its subscriber has gone, is known to the one that sent
    it: he is subscribed no more."""
    hamlet, ophelia = world["hamlet"], world["ophelia"]
    nodes = ["news-%d" % number for number in range(8)]
    for node in nodes:
        hamlet.ask("create_node", SERVICE, node)
        ophelia.ask("subscribe", SERVICE, node)
    for node in nodes:
        rounds(world, [node], ophelia, 0, 1)
        ophelia.ask("bounce")
    wait_until(lambda: not list(ophelia.ask("get_subscriptions", SERVICE).iter(
        "{http://jabber.org/protocol/pubsub}subscription")), 20, "no subscription", step=0.2)

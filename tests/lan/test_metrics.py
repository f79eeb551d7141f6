# SPDX-License-Identifier: ISC
"""test_metrics.py: the figures of two running daemons, read as Prometheus reads them."""

import signal

import pytest
from prometheus_client.parser import text_string_to_metric_families

import test_two_homes
from box import Lan
from daemon import Daemon
from ns import wait_until

home = test_two_homes.home      # a fixture

TV = """
[engine]
name = pronto
metrics = 127.0.0.1:9298
[lan]
user = tv
[player]
kind = demo
[policy]
buttons = anyone
"""
SOFA = """
[engine]
name = forza
metrics = [::1]:9298
[lan]
user = sofa
[player]
kind = none
"""

FETCH = """
import sys, urllib.request
with urllib.request.urlopen(sys.argv[1], timeout=10) as answer:
    assert answer.headers["Content-Type"].startswith("text/plain; version=0.0.4")
    sys.stdout.write(answer.read().decode())
"""


def read(text):
    """{name: {labels: value}} of what a real parser makes of it; that every family has its help."""
    found = {}
    for family in text_string_to_metric_families(text):
        assert family.documentation and family.type != "unknown", family.name
        for sample in family.samples:
            key = tuple(sorted(sample.labels.items()))
            assert key not in found.setdefault(sample.name, {}), "twice: %s" % (sample,)
            found[sample.name][key] = sample.value
    return found


class Figures:
    """Those of one daemon now, over HTTP."""

    def __init__(self, daemon, url="http://127.0.0.1:9298/metrics"):
        self.text = daemon.host.run(["/usr/bin/python3", "-c", FETCH, url]).stdout
        self.all = read(self.text)

    def __call__(self, name, **labels):
        return self.all["earshot_" + name][tuple(sorted(labels.items()))]


@pytest.fixture
def pair():
    with Lan("pronto", "forza") as lan:
        tv, sofa = Daemon(lan["pronto"], TV), Daemon(lan["forza"], SOFA)
        sofa.wait_peer("tv@pronto.local")
        yield tv, sofa
        tv.stop()
        sofa.stop()


def test_a_press_is_counted(pair):
    tv, sofa = pair
    url = "http://[::1]:9298/metrics"
    before, sender = Figures(tv), Figures(sofa, url)
    assert before("build_info", version="0.1") == 1
    assert before("server_up") == 0 and before("programs") == 0
    for _ in range(3):
        assert sofa.cli("press", "tv@pronto.local", "playpause").code == 0
    after, sent = Figures(tv), Figures(sofa, url)

    def grown(name, new, old, **labels):
        return new(name, **labels) - old(name, **labels)
    # Pings that watch the path come on top.
    assert grown("stanzas_received_total", after, before, link="lan") >= 3
    assert grown("stanzas_sent_total", after, before, link="lan") >= 3
    assert grown("stanzas_sent_total", sent, sender, link="lan") >= 3
    assert grown("stanzas_received_total", sent, sender, link="local") >= 3
    assert grown("stanzas_sent_total", sent, sender, link="local") >= 3
    assert sent("peers_in_earshot") == 1 and sent("direct_streams") >= 1
    assert sent("paths", link="lan", state="up") == 1
    assert sent("stanzas_refused_total", link="lan") == 0
    wait_until(lambda: Figures(sofa, url)("rtt_seconds_count", link="lan") > 0, 10, "a round trip")
    assert sent.all["process_resident_memory_bytes"][()] > 1 << 20
    assert 5 < sent.all["process_open_fds"][()] < 200
    # Nobody is named, and the command tells the same.
    assert "tv" not in sent.text.replace("total", "") and "@" not in sent.text
    told = sofa.cli("metrics")
    assert told.code == 0, told
    assert {k: set(v) for k, v in read(told.out).items()} == \
        {k: set(v) for k, v in sent.all.items()}
    rows = sofa.cli("--json", "metrics").rows
    assert {(r["name"], tuple(sorted(r["labels"].items()))) for r in rows} == \
        {(name, labels) for name, series in sent.all.items() for labels in series}


def test_a_refusal_is_counted(pair):
    tv, sofa = pair
    tv.write("conf", TV.replace("buttons = anyone", "buttons = nobody") +
             "[local]\nsocket = %s\n" % tv.socket)
    tv.proc.send_signal(1)
    tv.proc.wait_for("policy.buttons: nobody")
    assert sofa.cli("press", "tv@pronto.local", "play").code == 1
    assert Figures(tv)("stanzas_refused_total", link="lan") == 1


def test_queues(pair):
    """What is stored for somebody who is not there, and what one who hangs has not acknowledged."""
    tv, sofa = pair
    url = "http://[::1]:9298/metrics"
    assert sofa.cli("send", "--queue", "nobody@else.local", "x" * 1000).code == 0
    figures = Figures(sofa, url)
    assert figures("queue_stanzas", queue="stored") == 1
    assert 1000 < figures("queue_bytes", queue="stored") < 3000
    assert sofa.cli("press", "tv@pronto.local", "playpause").code == 0
    wait_until(lambda: Figures(sofa, url)("unacknowledged_stanzas", link="lan") == 0, 10, "acks")
    tv.proc.send_signal(signal.SIGSTOP)
    waiting = [sofa.follow("send", "tv@pronto.local", "x", name="send%d" % i) for i in range(3)]
    wait_until(lambda: Figures(sofa, url)("unacknowledged_stanzas", link="lan") >= 3, 10, "three")
    tv.proc.send_signal(signal.SIGCONT)
    wait_until(lambda: Figures(sofa, url)("unacknowledged_stanzas", link="lan") == 0, 20, "acks")
    for one in waiting:
        one.stop()


def test_only_this_machine_gets_in(pair):
    tv, sofa = pair
    with pytest.raises(AssertionError):
        sofa.host.run(["/usr/bin/python3", "-c", FETCH, "http://pronto:9298/metrics"])
    conf = tv.host.path("/run/other")
    with open(conf, "w", encoding="utf-8") as f:
        f.write("[engine]\nmetrics = 0.0.0.0:9298\n")
    done = tv.host.run([tv.argv()[0] + "d", "-c", "/run/other", "--check-config"], check=False)
    assert done.returncode == 3 and "an address of this machine with a port" in done.stderr


HOSTILE = """
import socket, time
def visit(data):
    s = socket.create_connection(("127.0.0.1", 9298), timeout=20)
    s.sendall(data)
    return s
slow = [visit(b"GET /metrics HTTP/1.1\\r\\nX: ") for _ in range(100)]
for _ in range(20):
    for s in slow[:16]:
        try:
            s.sendall(b"y")
        except OSError:
            pass
    time.sleep(0.05)
for data in (b"G" * 3000000, b"GET /metrics HTTP/1.1\\r\\n" + b"A: b\\r\\n" * 200000,
             b"POST /metrics HTTP/1.1\\r\\nContent-Length: 1000000000000\\r\\n\\r\\n" + b"z" * 3000000,
             bytes(range(256)) * 4096, b"\\r\\n" * 500000):
    try:
        visit(data).close()
    except OSError:
        pass
print("visited")
"""


def test_hostile_visitors(pair):
    """Slow ones, endless ones: the daemon goes on, and then serves the page again."""
    tv, sofa = pair
    before = Figures(tv).all["process_resident_memory_bytes"][()]
    hostile = tv.host.popen(["/usr/bin/python3", "-c", HOSTILE], name="hostile")
    for _ in range(5):
        assert sofa.cli("press", "tv@pronto.local", "playpause").code == 0
    hostile.wait_for("visited", 60)
    hostile.stop()
    after = Figures(tv).all["process_resident_memory_bytes"][()]
    assert after - before < 4 << 20, "it grew by %d bytes" % (after - before)
    # Whoever was turned away leaves no descriptor behind.
    wait_until(lambda: Figures(tv).all["process_open_fds"][()] < 60, 15, "descriptors closed")


def test_port_in_use(pair):
    """That is no reason not to serve the LAN, once the daemon runs."""
    tv, sofa = pair
    blocker = tv.host.popen(["/usr/bin/python3", "-c",
                             "import socket\ns = socket.create_server(('127.0.0.1', 9299))\n"
                             "print('bound', flush=True)\ns.accept()"], name="blocker")
    blocker.wait_for("bound")
    tv.write("conf", TV.replace("9298", "9299") + "[local]\nsocket = %s\n" % tv.socket)
    tv.proc.send_signal(1)
    tv.proc.wait_for(r"error: engine.metrics: 127.0.0.1:9299: Address already in use")
    assert sofa.cli("press", "tv@pronto.local", "playpause").code == 0
    blocker.stop()


@pytest.mark.timeout(240)
def test_a_switch_is_counted(home):
    """LAN to server and back, with a real server."""
    def figures():
        return read(home.remote.cli("metrics").out)["earshot_path_switches_total"]

    def switches(link):
        return figures()[(("link", link),)]
    to_server, to_lan = switches("server"), switches("lan")
    home.net.cut_lan()
    home.remote.wait_chosen("box.example.test", "server")
    assert switches("server") > to_server
    # What is in use is measured.
    home.check("pause", "server", True)
    wait_until(lambda: read(home.remote.cli("metrics").out)["earshot_rtt_seconds_count"][
        (("link", "server"),)] > 0, 10, "a round trip by the server")
    home.net.restore_lan()
    home.remote.wait_chosen("box.example.test", "lan", 60)
    assert switches("lan") > to_lan
    all_of = read(home.remote.cli("metrics").out)
    assert all_of["earshot_server_up"][()] == 1

# SPDX-License-Identifier: ISC
"""test_documents.py: what the documents show works: sample configurations, and every example of the
page about buttons, which holds against its own schema and against the program."""

import glob
import os
import re
import subprocess
from xml.etree import ElementTree

import pytest

import box
from daemon import Daemon

BUTTONS = "urn:earshot:buttons:0"
PAGE = os.path.join(box.ROOT, "xep/buttons.md")
SAMPLES = sorted(glob.glob(os.path.join(box.ROOT, "tools/dist/*.conf")))

CONF = """
[engine]
name = pronto
[lan]
user = tv
[player]
kind = demo
"""


@pytest.mark.parametrize("path", SAMPLES, ids=[os.path.basename(p) for p in SAMPLES])
def test_samples_are_accepted(path, tmp_path):
    """Each is what its reader would copy, but for the secret that only he has."""
    secret, conf = tmp_path / "secret", tmp_path / "conf"
    secret.write_text("secret\n")
    secret.chmod(0o600)
    with open(path, encoding="utf-8") as f:
        conf.write_text(re.sub(r"^((# *)?secret-file = ).*$", r"\g<1>%s" % secret, f.read(),
                               flags=re.MULTILINE))
    done = subprocess.run([os.path.join(box.BUILD, "earshotd"), "-c", conf, "--check-config"],
                          capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def blocks():
    """The indented parts of the page, each as one text."""
    with open(PAGE, encoding="utf-8") as f:
        parts = re.split(r"\n(?! {4}|\n)", f.read())
    found = [re.search(r"^ {4}.*", part, re.MULTILINE | re.DOTALL) for part in parts]
    return [re.sub(r"^ {4}", "", m.group(0), flags=re.MULTILINE) for m in found if m]


def examples():
    """The stanzas of the page."""
    return [stanza for text in blocks() if "<xs:" not in text
            for stanza in ElementTree.fromstring("<x xmlns='jabber:client'>%s</x>" % text)]


def assert_valid(elements, tmp_path):
    """Holds them against the schema of the page."""
    schema = next(text for text in blocks() if "<xs:schema" in text)
    xsd = tmp_path / "buttons.xsd"
    xsd.write_text(schema)
    for i, element in enumerate(elements):
        path = tmp_path / ("%d.xml" % i)
        path.write_bytes(ElementTree.tostring(element))
        done = subprocess.run(["xmllint", "--noout", "--nonet", "--schema", xsd, path],
                              capture_output=True, text=True, check=False)
        assert done.returncode == 0, "%s\n%s" % (ElementTree.tostring(element), done.stderr)


def ours(stanzas):
    return [e for stanza in stanzas for e in stanza.iter() if e.tag.startswith("{%s}" % BUTTONS)]


def test_examples_are_valid(tmp_path):
    found = ours(examples())
    assert len(found) >= 8, found
    assert_valid(found, tmp_path)


def test_schema_lets_others_add(tmp_path):
    """As section 6 promises: what a later or another player says beside it."""
    assert_valid([ElementTree.fromstring(
        "<state xmlns='%s' player='none' xmlns:o='urn:other' year='2010'><o:cover/></state>"
        % BUTTONS)], tmp_path)


def test_schema_refuses(tmp_path):
    """A schema that lets everything through would prove nothing."""
    for xml in ("<press xmlns='%s'/>", "<key xmlns='%s' name='up' motion='sideways'/>",
                "<state xmlns='%s' playback='dancing'/>", "<state xmlns='%s' muted='maybe'/>",
                "<state xmlns='%s' repeat='twice'/>", "<state xmlns='%s'><press button='a'/></state>"):
        with pytest.raises(AssertionError):
            assert_valid([ElementTree.fromstring(xml % BUTTONS)], tmp_path)


def test_requests_are_answered_as_the_page_says(lan, tmp_path):
    """Each request of the page, from a program of the machine, in the page's order."""
    daemon = Daemon(lan["pronto"], CONF)
    requests = [e for e in examples()
                if e.tag == "{jabber:client}iq" and e.get("type") in ("get", "set")]
    assert len(requests) >= 7, requests
    states = []
    for request in requests:
        for name in ("to", "from"):
            del request.attrib[name]
        for subscribe in request.iter("{http://jabber.org/protocol/pubsub}subscribe"):
            subscribe.set("jid", "tv@pronto.local")
        done = daemon.cli("stanza", stdin=ElementTree.tostring(request).decode())
        assert done.code in (0, 1), done
        answer = ElementTree.fromstring(done.out)
        if request[0].get("name") == "right":       # the demo takes no such keys, which the page knows
            assert answer.get("type") == "error" and "feature-not-implemented" in done.out, done
            continue
        assert answer.get("type") == "result", done
        states += ours([answer])
        if request[0].get("button") == "pause":
            assert states[-1].get("playback") == "paused", done
    assert len(states) >= 4
    assert_valid(states, tmp_path)

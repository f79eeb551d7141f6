# SPDX-License-Identifier: ISC
"""test_first_press.py: pressed while the devices still get to know each other."""

import re
import time

import pytest

from box import Lan
from daemon import Daemon

TV = "[engine]\nname = pronto\n[lan]\nuser = tv\nmdns = embedded\n[player]\nkind = demo\n" \
     "[policy]\nbuttons = anyone\n"
SOFA = "[engine]\nname = forza\n[lan]\nuser = sofa\nmdns = embedded\n[player]\nkind = none\n"


@pytest.mark.parametrize("families", [4, 6, 46])
def test_nobody_is_refused_who_is_just_being_found(families):
    """The box hears of the remote by one family of addresses, while the remote dials by the other:
    it is no impostor for that, and answered at once."""
    with Lan("pronto", "forza", ipv6=families != 4) as lan:
        if families == 6:
            for host in ("pronto", "forza"):
                lan[host].ns.ip("addr flush dev eth0 scope global")
        tv = Daemon(lan["pronto"], TV)
        tv.proc.wait_for("on the LAN as")
        for _ in range(3):
            sofa = Daemon(lan["forza"], SOFA)
            sofa.proc.wait_for(r"tv@pronto.local: in earshot")
            sofa.proc.wait_for("on the LAN as")
            start = time.monotonic()
            assert sofa.cli("xeps").code == 0
            busy = time.monotonic() - start     # what a command takes here that waits for nobody
            start = time.monotonic()
            assert sofa.cli("press", "tv@pronto.local", "playpause").code == 0
            assert time.monotonic() - start < 1.5 + 4 * busy
            assert not re.search("refused: claims", tv.proc.output()), tv.proc.output()
            sofa.stop()
        tv.stop()

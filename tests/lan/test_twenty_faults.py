# SPDX-License-Identifier: ISC
"""test_twenty_faults.py: 10,000 numbered messages each way through twenty random faults of the ways: all
arrive, once and in order. EARSHOT_SEED repeats a run."""

import random

import pytest

from faults import Draw
from lab import lab, seed_of

MESSAGES = 10000
FAULTS = 20
EACH = 6.0      # s: about what a fault and the recovery after it take


@pytest.mark.timeout(600)
def test_twenty_faults():
    seed = seed_of()
    with lab(seed=seed, rate=50, limit=MESSAGES) as made:
        draw = Draw(made, random.Random(seed))
        for left in range(FAULTS, 0, -1):
            # So that there are messages under way until the last fault is over.
            for program in made.programs:
                program.send(max(10, (MESSAGES - program.number) / left / EACH / 1.2), MESSAGES)
            draw.fault()
            print(draw.done[-1], *(h.count["got"] for h in made.histories), flush=True)
        assert not any(p.is_done() for p in made.programs), "the last fault met no messages"
        for program in made.programs:
            program.send(500, MESSAGES)
        made.wait_all_sent()
        made.finish()
        for history in made.histories:
            assert history.count["got"] == MESSAGES, made.report({})

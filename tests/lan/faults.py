# SPDX-License-Identifier: ISC
"""faults.py: random faults of a Lab, drawn from a seed.

    draw = Draw(made, random.Random(seed))
    draw.fault()        # one of PATHS: after it everything is whole again, or on its way to it
"""


class Draw:
    """What breaks one way does so only while both ends have the other one. Each kind comes once before
    any comes again."""

    def __init__(self, lab, rng, kinds=None, longest=4.0, dead=2.0):
        """longest: s of one fault; dead: s without any way."""
        self.lab, self.rng, self.longest, self.dead = lab, rng, longest, dead
        self.kinds, self.deck, self.done = kinds or PATHS, [], []

    def fault(self):
        if not self.deck:
            self.deck = self.rng.sample(sorted(self.kinds), len(self.kinds))
        name = self.deck.pop()
        needed, call = self.kinds[name]
        seconds = round(self.rng.uniform(0.3, self.longest), 1)
        self.lab.wait_ways(*needed, timeout=90)
        self.done.append("%s %g" % (name, seconds))
        call(self, seconds)

    def cut(self, seconds):
        self.lab.cut_lan(seconds)

    def cut_one_way(self, seconds):
        self.lab.cut_lan(seconds, way=self.rng.choice(["ab", "ba"]))

    def unplug(self, seconds):
        self.lab.cut_lan(seconds, silent=False)

    def lossy(self, seconds):
        self.lab.bad_lan(seconds, loss=self.rng.randint(5, 40))

    def slow(self, seconds):
        self.lab.bad_lan(seconds, delay=self.rng.randint(30, 400), jitter=self.rng.randint(0, 300))

    def cut_server(self, seconds):
        self.lab.cut_wan(seconds)

    def freeze_server(self, seconds):
        self.lab.freeze_server(seconds)

    def restart_server(self, seconds):
        self.lab.restart_server(0, kill=self.rng.random() < 0.5)

    def both(self, seconds):
        self.lab.both_dead(min(seconds, self.dead))

    def renumber(self, seconds):
        daemon = self.rng.choice(list(self.lab.ends))
        number = self.rng.randint(10, 119) + (120 if daemon is self.lab.box else 0)
        self.lab.renumber(daemon, "10.1.0.%d" % number)

    def step_clock(self, seconds):
        for clock in self.lab.clocks[:self.rng.randint(1, 2)]:
            clock.set(self.rng.randint(-400, 400))
        self.lab.note("clock stepped")

    def kill(self, seconds):
        self.lab.wait_caught_up()
        self.lab.kill(self.rng.choice(list(self.lab.ends)))

    def stop(self, seconds):
        self.lab.wait_caught_up()
        self.lab.restart(self.rng.choice(list(self.lab.ends)), seconds)


# What must work before, and what breaks then.
PATHS = {
    "LAN cut": (["server"], Draw.cut),
    "LAN cut one way": (["server"], Draw.cut_one_way),
    "LAN unplugged": (["server"], Draw.unplug),
    "LAN lossy": (["server"], Draw.lossy),
    "LAN slow": (["server"], Draw.slow),
    "server cut off": (["lan"], Draw.cut_server),
    "server frozen": (["lan"], Draw.freeze_server),
    "server restarted": (["lan"], Draw.restart_server),
    "both dead": (["lan", "server"], Draw.both),
}
MORE = {**PATHS,
        "renumbered": (["server"], Draw.renumber),
        "clock stepped": ([], Draw.step_clock)}
DAEMONS = {"killed": (["lan", "server"], Draw.kill), "stopped": (["lan", "server"], Draw.stop)}

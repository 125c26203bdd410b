# SPDX-License-Identifier: MIT
"""Random sets, unsets, closes and partitions on three services: at the end all agree, and no answered change
is missing unless a later one replaced it. STORE_STEPS=20000 makes it long."""

import os
import random
import time

from redis_server import Relay
from serving import TOOLED, wait_until

STEPS = int(os.environ.get("STORE_STEPS", 200 if TOOLED else 1200))
NAMES = ["a", "b", "c"]
FIELDS = ["task_id", "mode", "user_id"]


class Model:
    """What each scope may hold: the last answered change, and those later ones of which nobody knows whether
    they were made (the answer got lost)."""

    def __init__(self):
        self.scopes = {}

    def apply(self, op, name, field, value):
        states = self.scopes.setdefault(name, [None])
        self.scopes[name] = [self.change(state, op, field, value) for state in states]

    def perhaps(self, op, name, field, value):
        states = self.scopes.setdefault(name, [None])
        for state in list(states):
            changed = self.change(state, op, field, value)
            if changed not in states:
                states.append(changed)

    def knows_absent(self, name):
        self.scopes[name] = [state for state in self.scopes.setdefault(name, [None]) if state is None] or [None]

    @staticmethod
    def change(state, op, field, value):
        if op == "close":
            return None
        if op == "open":
            return {**(state or {}), field: value}
        if state is None:
            return None
        if op == "set":
            return {**state, field: value}
        return {key: each for key, each in state.items() if key != field}


def test_all_agree(server, make):
    chance = random.Random(int(os.environ.get("STORE_SEED", 11)))
    relays = [Relay(server.port) for _ in range(3)]
    services = [make(relay) for relay in relays]
    peers = [service.connect() for service in services]
    model, refused = Model(), 0
    for step in range(STEPS):
        number = chance.randrange(3)
        if chance.random() < 0.01:
            cut = chance.choice(relays)
            (cut.cut.clear if cut.cut.is_set() else cut.cut.set)()
        if sum(relay.cut.is_set() for relay in relays) == 3 or (relays[number].cut.is_set() and chance.random() < 0.9):
            relays[number].cut.clear()
        op = chance.choices(["set", "open", "unset", "close"], [6, 3, 2, 1])[0]
        name, field, value = chance.choice(NAMES), chance.choice(FIELDS), f"{number}-{step}"
        request = {"v": 1, "op": op, "scope": {"name": name}}
        if op in ("set", "open"):
            request["context"] = {field: value}
        if op == "unset":
            request["fields"] = [field]
        start = time.monotonic()
        reply = peers[number].ask(request)
        assert time.monotonic() - start < (5 if TOOLED else 2.5)
        if reply["ok"]:
            model.apply(op, name, field, value)
        elif reply["error"]["code"] == "bad_scope":
            model.knows_absent(name)
        else:
            assert reply["error"]["code"] == "store_away"
            refused += 1
            if "may have been made" in reply["error"]["message"]:
                model.perhaps(op, name, field, value)
    for relay in relays:
        relay.cut.clear()
    for peer in peers:
        wait_until(lambda: not peer.op("get")["shared"].get("stale"), 15)
    time.sleep(0.3)
    for name in NAMES:
        found = []
        for peer in peers:
            reply = peer.ask({"v": 1, "op": "get", "scope": {"name": name}})
            found.append(reply["context"] if reply["ok"] else None)
        assert found[0] == found[1] == found[2], name
        assert found[0] in model.scopes.get(name, [None]), (name, found[0], model.scopes[name], refused)
    for peer in peers:
        peer.close()
    for relay in relays:
        relay.close()

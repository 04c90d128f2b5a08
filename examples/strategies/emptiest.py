#!/usr/bin/env python3
"""A strategy for llrun: the oldest process goes to the emptiest node, if that is emptier by two.

    strategy = exec:/usr/share/doc/llrun/examples/strategies/emptiest.py

One question a line on standard input, one answer a line on standard output: see docs/strategies.md.
"""
import json
import sys


def crowd(node):
    return (node["run_queue"] + node["incoming"]) / (node["cores"] * node["speed"])


def emptiest(peers):
    able = [p for p in peers if p["levelling"] and p["accepts"]]
    return min(able, key=crowd, default=None)


def decide(question):
    target = emptiest(question["peers"])
    free = [p for p in question["processes"] if not p["pinned"] and p["cpu_since_move_s"] > 5]
    if not target or not free or crowd(question["self"]) < crowd(target) + 2:
        return {"moves": []}
    oldest = max(free, key=lambda p: p["cpu_since_move_s"])
    return {"moves": [{"process": oldest["id"], "to": target["name"], "reason": "it is emptier by two"}]}


def place(question):
    target = emptiest(question["peers"])
    if target and crowd(target) + 1 < crowd(question["self"]):
        return {"to": target["name"], "reason": "it is emptier"}
    return {"to": None}


for line in sys.stdin:
    question = json.loads(line)
    answer = {"decide": decide, "place": place}[question["question"]](question)
    answer["id"] = question["id"]
    print(json.dumps(answer), flush=True)

# Bytewax: a dataflow of one key for a stream, built and run in a process that runs already; batches of one event, its default.
import time

import bytewax.operators as op
from bytewax.dataflow import Dataflow
from bytewax.testing import TestingSink, TestingSource, run_main

from talk import quantiles, serve


def step(total, event):
    total = (total or 0) + event
    return total, total


def flow(events, batch):
    results = []
    whole = Dataflow("sums")
    stream = op.input("events", whole, TestingSource(events, batch_size=batch))
    keyed = op.key_on("key", stream, lambda _: "all")
    op.output("results", op.stateful_map("sum", keyed, step), TestingSink(results))
    run_main(whole)
    return results


def run(n, batch=1):
    results = flow(range(n), batch)
    return {"count": len(results), "last": results[-1][1]}


def first(n):
    times, last = [], 0
    for _ in range(n):
        begun = time.perf_counter()
        last = flow([7], 1)[0][1]
        times.append((time.perf_counter() - begun) * 1e6)
    return {"count": n, "last": last, **quantiles(times)}


def pipe(depth, n):
    results = []
    whole = Dataflow("doubles")
    stream = op.input("events", whole, TestingSource(range(n)))
    for at in range(depth):
        stream = op.map(f"double{at}", stream, lambda event: event * 2)
    op.output("results", stream, TestingSink(results))
    run_main(whole)
    return {"count": len(results), "last": results[-1]}


serve({"run": run, "first": first, "pipe": pipe})

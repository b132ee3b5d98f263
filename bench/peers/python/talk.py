# How the peers in Python are asked: a job as JSON a line, its times and its answer as JSON a line.
import asyncio
import json
import sys
import time


def serve(cases):
    for line in sys.stdin:
        job = json.loads(line)
        case = cases[job.pop("case")]
        begun = time.perf_counter()
        answer = case(**job)
        if asyncio.iscoroutine(answer):
            answer = asyncio.run(answer)
        answer = {"ms": (time.perf_counter() - begun) * 1000, **answer}
        print(json.dumps(answer), flush=True)


def quantiles(times):
    times = sorted(times)
    at = lambda share: times[min(int(len(times) * share), len(times) - 1)]
    return {"p50": at(0.5), "p95": at(0.95), "p99": at(0.99), "max": times[-1]}

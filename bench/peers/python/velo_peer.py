# velo for Python: the same running sum. Its default options, but for the number of streams.
import asyncio
import gc
import os
import time
from contextlib import AsyncExitStack

# It writes lines of its own to the output, where the answers go.
os.environ["RUST_LOG"] = "off"

from velo import stream_fn

from talk import quantiles, serve


@stream_fn(max_concurrent=200_000)
async def sums(events):
    total = 0
    async for event in events:
        total += event
        yield total


@stream_fn
async def double(events):
    async for event in events:
        yield event * 2


@stream_fn
async def echo(events):
    async for event in events:
        yield event


async def run(n):
    results = await sums.run(range(n))
    return {"count": len(results), "last": results[-1]}


async def first(n):
    times, last = [], 0
    for _ in range(n):
        begun = time.perf_counter()
        async with sums.open() as stream:
            await stream.send(7)
            last = await stream.recv()
            times.append((time.perf_counter() - begun) * 1e6)
    return {"count": n, "last": last, **quantiles(times)}


async def trips(n):
    times, last = [], 0
    async with sums.open() as stream:
        for event in range(n):
            begun = time.perf_counter()
            await stream.send(event)
            last = await stream.recv()
            times.append((time.perf_counter() - begun) * 1e6)
    return {"count": n, "last": last, **quantiles(times)}


async def payload(size, n):
    """As many at once as it takes without losing any."""
    frame = b"\xff" * size
    count = 0
    async with echo.open() as stream:
        for begun in range(0, n, 16):
            lot = min(16, n - begun)
            for _ in range(lot):
                await stream.send(frame)
            for _ in range(lot):
                count += len(await stream.recv())
    return {"count": count // size, "last": count}


async def crowd(streams, rounds):
    async def one(at):
        last = 0
        async with sums.open() as stream:
            for _ in range(rounds):
                await stream.send(1)
                last = await stream.recv()
        return last

    lasts = await asyncio.gather(*(one(at) for at in range(streams)))
    return {"count": streams * rounds, "last": sum(lasts)}


def resident_kb():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1024


async def memory(n):
    """KB of each of so many open streams, after one event."""
    async with AsyncExitStack() as opened:
        warming = await opened.enter_async_context(sums.open())
        await warming.send(1)
        await warming.recv()
        gc.collect()
        before = resident_kb()
        last = 0
        for at in range(n):
            stream = await opened.enter_async_context(sums.open())
            await stream.send(at)
            last += await stream.recv()
        gc.collect()
        return {"count": n, "last": last, "kb": (resident_kb() - before) / n}


async def pipe(depth, n):
    stages = double
    for _ in range(depth - 1):
        stages = stages | double
    results = await stages.run(range(n))
    return {"count": len(results), "last": results[-1]}


serve({"run": run, "first": first, "trips": trips, "payload": payload, "crowd": crowd, "memory": memory, "pipe": pipe})

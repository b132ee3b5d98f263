# velo for Python: a stream function in a process that begins with the stream. A byte in front of each frame keeps it from being taken for something else, which velo does by the first byte.
import asyncio
import os

# It writes lines of its own to the output, where the frames go.
os.environ["RUST_LOG"] = "off"

from velo import stream_fn

from frames import frames, put, received, to_gray


@stream_fn
async def gray(events):
    first = True
    async for event in events:
        if first:
            received()
            first = False
        yield b"\xff" + to_gray(event[1:])


async def main():
    source = frames()
    async with gray.open() as stream:
        while (frame := await asyncio.to_thread(next, source, None)) is not None:
            await stream.send(b"\xff" + frame)
            put((await stream.recv())[1:])


asyncio.run(main())

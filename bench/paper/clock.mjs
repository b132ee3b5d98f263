// One clock for all processes of a run: the monotonic one of the machine, in ms. Python's `time.monotonic_ns()` is the same on Linux.

export const now = () => Number(process.hrtime.bigint()) / 1e6

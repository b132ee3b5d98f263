# A dataflow of Bytewax that begins with the stream and ends with it.
import bytewax.operators as op
from bytewax.dataflow import Dataflow
from bytewax.inputs import DynamicSource, StatelessSourcePartition
from bytewax.outputs import DynamicSink, StatelessSinkPartition
from bytewax.testing import run_main

from frames import frames, put, received, to_gray


class Input(StatelessSourcePartition):
    def __init__(self):
        self.frames = frames()
        self.first = True

    def next_batch(self):
        frame = next(self.frames, None)
        if frame is None:
            raise StopIteration()
        if self.first:
            received()
            self.first = False
        return [frame]


class Frames(DynamicSource):
    def build(self, _step, _index, _count):
        return Input()


class Output(StatelessSinkPartition):
    def write_batch(self, items):
        for item in items:
            put(item)


class Grays(DynamicSink):
    def build(self, _step, _index, _count):
        return Output()


flow = Dataflow("gray")
stream = op.input("frames", flow, Frames())
op.output("grays", op.map("gray", stream, to_gray), Grays())
run_main(flow)

# Conveyor: stages without state, so a pipe of them and nothing else.
from conveyor import Pipeline, single_task

from talk import serve


@single_task
async def double(event):
    return event * 2


async def pipe(depth, n):
    stages = Pipeline()
    for _ in range(depth):
        stages = stages.add(double)
    results = await stages(list(range(n))).collect()
    return {"count": len(results), "last": results[-1]}


serve({"pipe": pipe})

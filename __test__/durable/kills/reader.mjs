// Whoever reads the results of a journey in a child, in one of three ways: what it got is noted with its index before anything else happens.

import { note } from './notes.mjs'

/** Reads to the end, or to an error, which it throws. */
export async function read(stream, { id }, a, dice) {
  let { results: index } = stream.position
  const acks = dice.below(3)
  const got = async (...batch) => {
    for (const result of batch) note('got', id, a, index++, result)
    if (acks === 0 || dice.below(4) > 0) return
    const upto = index
    const acked = stream.ack().then(() => note('acked', id, a, upto))
    if (acks === 1) await acked
    else acked.catch((error) => note('wrong', id, `ack: ${error.message}`))
    if (dice.below(4) === 0) await new Promise(setImmediate)
  }
  const way = dice.below(3)
  if (way === 0) {
    for await (const result of stream) await got(result)
  } else if (way === 1) {
    const size = 1 + dice.below(8)
    for (let batch = await stream.recvBatch(size); batch.length > 0; batch = await stream.recvBatch(size)) await got(...batch)
  } else {
    for (let result = await next(stream); result !== END; result = await next(stream)) await got(result)
  }
}

const END = Symbol('end')

async function next(stream) {
  try {
    return await stream.recv()
  } catch (error) {
    if (error.code === 'VELO_CLOSED') return END
    throw error
  }
}

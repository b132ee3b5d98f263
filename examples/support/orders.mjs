// What both upload examples do with a file of orders, one JSON object a line, while it is being uploaded.
// The orders seen and the total are local variables: each upload has its own, and they go when it ends.

import { streamFn } from 'velo-stream'

export const orders = streamFn(async function* orders(lines) {
  const seen = new Set()
  let line = 0
  let total = 0
  for await (const text of lines) {
    line++
    const order = parse(text)
    if (typeof order?.id !== 'string' || !Number.isInteger(order.amount)) yield { line, error: 'not an order' }
    else if (seen.has(order.id)) yield { line, error: `order ${order.id} came before` }
    else {
      seen.add(order.id)
      total += order.amount
      yield { line, id: order.id, total }
    }
  }
})

/** The last stage of the answer: one result, one line. */
export async function* toNdjson(results) {
  for await (const result of results) yield `${JSON.stringify(result)}\n`
}

function parse(text) {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

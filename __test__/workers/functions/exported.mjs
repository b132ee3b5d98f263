// Modules export many things; only async generator functions are stream functions.

import { threadId } from 'node:worker_threads'
import { streamFn } from 'velo-stream'

let loads = 0
loads++

export default async function* sum(events) {
  let total = 0
  for await (const event of events) yield (total += event)
}

export async function* double(events) {
  for await (const event of events) yield event * 2
}

export async function* loaded(events) {
  for await (const _ of events) yield { loads, threadId }
}

export function* syncGenerator() {}
export async function asyncFunction() {}
export const arrow = async () => {}
export const number = 7
export const nothing = undefined
export class Class {}
export { double as 'a name with spaces' }

const positive = {
  '~standard': { version: 1, vendor: 'test', validate: (value) => (value > 0 ? { value } : { issues: [{ message: 'not positive' }] }) },
}
export const made = streamFn(double)
export const piped = streamFn(double)
  .pipe(streamFn(sum, { schema: positive }))
  .pipe(double)
export const elsewhere = streamFn(new URL(import.meta.url), { placement: 'worker' })

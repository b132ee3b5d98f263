// A module that a server runs where it is told to: says on which thread.

import { threadId } from 'node:worker_threads'

export default async function* triple(events) {
  for await (const event of events) yield { value: event * 3, thread: threadId }
}

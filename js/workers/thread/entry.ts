// What runs on a worker thread: takes the commands of the thread that started it, and hosts the functions it is told to.

import { parentPort, workerData } from 'node:worker_threads'
import { Bulk } from '../wire/bulk.js'
import type { Command, LeaveCommand, OpenCommand, Report, ThreadData } from '../wire/protocol.js'
import { Hosted } from './hosted.js'
import { load } from './load.js'
import { turnBegins } from './turns.js'

const { bulk, spin } = workerData as ThreadData
const port = parentPort as NonNullable<typeof parentPort>
const parcels = new Bulk(bulk)
const hosted = new Map<number, Hosted>()

function report(message: Report): void {
  port.postMessage(message)
}

function open(command: OpenCommand): void {
  const { stay } = command
  const host = new Hosted(command, parcels, spin, {
    stopped: () => report({ kind: 'stopped', stay }),
    over: (outcome) => {
      hosted.delete(stay)
      // Nobody may be left who reads its results to their end.
      if (command.spliced || outcome.left) report({ kind: 'finished', stay, outcome })
    },
  })
  hosted.set(stay, host)
  const loaded = load(command)
  // A function that is loaded already starts at once.
  if (!(loaded instanceof Promise)) return host.start(loaded)
  loaded.then(
    (functions) => host.start(functions),
    (error) => host.fail(error),
  )
}

/** One that has ended by itself may have told that to somebody who does not listen any more. */
function leave({ stay, thrown }: LeaveCommand): void {
  const host = hosted.get(stay)
  if (host !== undefined) host.leave(thrown)
  else report({ kind: 'finished', stay, outcome: { discarded: 0, left: true } })
}

port.on('message', (command: Command) => {
  turnBegins()
  if (command.kind === 'open') open(command)
  else if (command.kind === 'leave') leave(command)
  else if (command.kind === 'released') hosted.get(command.stay)?.released(command.thrown)
  else report({ kind: 'pong' })
})
report({ kind: 'ready' })

// js/workers/thread: what runs on a worker thread: takes the commands of the thread that started it, and runs the segments it is told to.
//
// Owns the functions while they run: their modules, events, results, context and end. Knows nothing of the rules of a stream, which the caller keeps, nor of other
// threads.

import { type MessagePort, parentPort, workerData } from 'node:worker_threads'
import type { Command, LeaveCommand, OpenCommand, Report, ThreadData } from '../wire/protocol.js'
import { Transfers } from '../wire/transfers.js'
import { load } from './load.js'
import { ThreadSegment } from './segment.js'
import { turnBegins } from './turns.js'

const { transfers: channel, spin } = workerData as ThreadData
const port = parentPort as NonNullable<typeof parentPort>
const transfers = new Transfers(channel)
const segments = new Map<number, ThreadSegment>()
/** Those whose end must be reported, although their results go to the caller. */
const untold = new Set<number>()
/** By the number of their thread. */
const peers = new Map<number, Transfers>()

// For whoever looks where a function stands (engine/location.ts).
Object.defineProperty(globalThis, Symbol.for('velo-stream.segments'), { value: (segment: number) => segments.get(segment)?.standing })

/** The way of buffers to or from a thread, 0 for the caller's. */
function wayOf(thread: number): Transfers {
  return peers.get(thread) ?? transfers
}

function report(message: Report): void {
  port.postMessage(message)
}

function meet(thread: number, peer: MessagePort): void {
  peers.set(thread, new Transfers(peer))
  peer.once('close', () => peers.delete(thread))
}

function open(command: OpenCommand): void {
  const { segment } = command
  const opened = new ThreadSegment(command, { from: wayOf(command.fed), to: wayOf(command.spliced) }, spin, {
    stopped: () => report({ kind: 'stopped', segment }),
    over: (outcome) => {
      segments.delete(segment)
      // Who reads its results to their end hears of it there.
      if (command.spliced !== 0 || untold.delete(segment)) report({ kind: 'finished', segment, outcome })
    },
  })
  segments.set(segment, opened)
  const loaded = load(command)
  // A function that is loaded already starts at once.
  if (!(loaded instanceof Promise)) return begin(segment, () => opened.start(loaded))
  loaded.then(
    (functions) => begin(segment, () => opened.start(functions)),
    (error) => begin(segment, () => opened.fail(error)),
  )
}

/** Unless it was sent to another thread meanwhile. */
function begin(segment: number, go: () => void): void {
  if (segments.get(segment)?.begins === true) go()
  else segments.delete(segment)
}

/** One that has ended by itself may have told that to somebody who does not listen any more. */
function leave({ segment, thrown }: LeaveCommand): void {
  const one = segments.get(segment)
  if (one === undefined) return report({ kind: 'finished', segment, outcome: { discarded: 0, left: true } })
  one.leave(thrown)
  // After a turn of the event loop: what needs nothing but promises has ended by then.
  if (segments.has(segment)) setImmediate(() => segments.has(segment) && report({ kind: 'lingers', segment }))
}

/** Nobody reads its results to their end. */
function tell(segment: number): void {
  if (segments.has(segment)) untold.add(segment)
  else report({ kind: 'finished', segment, outcome: { discarded: 0, left: true } })
}

function obey(command: Command): void {
  if (command.kind === 'open') open(command)
  else if (command.kind === 'leave') leave(command)
  else if (command.kind === 'released') segments.get(command.segment)?.released(command.thrown)
  else if (command.kind === 'peer') meet(command.thread, command.port)
  else if (command.kind === 'tell') tell(command.segment)
  else report({ kind: 'pong', ping: command.ping })
}

port.on('message', (commands: readonly Command[]) => {
  turnBegins()
  for (const command of commands) obey(command)
})
report({ kind: 'ready' })

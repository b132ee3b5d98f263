// The place in its code where a generator stands, which V8 tells its inspector: that of the await, or of the yield, at which it is suspended. For a generator of this thread;
// of one on a worker thread the same is asked over there, and the stack of one that computes. Only looked for when a stream is stuck.

import type { Session as InspectorSession } from 'node:inspector'
import { builtin } from '../kit/start/builtin.js'

const HERE: unique symbol = Symbol.for('velo-stream.stuck') as never

/** Frames of a stack, at most. */
const FRAMES = 8
/** So many wait to be located at most: where thousands are stuck they stand at the same place. */
const LINE = 64
/** ms that a worker thread has to answer. */
const PATIENCE_MS = 2000

type Post = (method: string, params?: object) => Promise<Record<string, unknown>>
interface Place {
  scriptId: string
  lineNumber: number
  columnNumber?: number
}

/** Asks V8 by `post`: where the object stands that `expression` names; `undefined` where it runs. `urls`: the scripts by id. */
async function suspendedAt(post: Post, expression: string, urls: Map<string, string>): Promise<string[] | undefined> {
  const { result } = (await post('Runtime.evaluate', { expression, silent: true })) as { result?: { objectId?: string } }
  if (result?.objectId === undefined) return undefined
  const { internalProperties } = (await post('Runtime.getProperties', { objectId: result.objectId, ownProperties: true })) as {
    internalProperties?: { name: string; value?: { value?: unknown } }[]
  }
  const of = (property: string) => internalProperties?.find(({ name }) => name === property)?.value?.value
  // Of one that runs V8 tells where its function begins.
  if (of('[[GeneratorState]]') === 'running') return undefined
  const found = of('[[GeneratorLocation]]')
  return found === undefined ? undefined : [shown(found as Place, urls)]
}

function shown({ scriptId, lineNumber, columnNumber = 0 }: Place, urls: Map<string, string>): string {
  return `${urls.get(scriptId) ?? `script ${scriptId}`}:${lineNumber + 1}:${columnNumber + 1}`
}

function session(): InspectorSession | undefined {
  const inspector = builtin('node:inspector')
  if (inspector === undefined) return undefined
  const made = new inspector.Session()
  made.connect()
  return made
}

/** One is located at a time: V8 is asked by a name, which each of them has, and a thread is halted for one at a time. */
let busy: Promise<unknown> = Promise.resolve()
let waiting = 0

async function inLine(locating: () => Promise<string[] | undefined>): Promise<string[] | undefined> {
  if (waiting >= LINE) return undefined
  waiting++
  const turn = busy.then(locating)
  busy = turn.catch(() => undefined)
  return turn.finally(() => waiting--)
}

/** Where a generator of this thread is suspended; `undefined` where V8 does not tell, or too many want to know. */
export function locate(generator: object): Promise<string[] | undefined> {
  return inLine(() => located(generator))
}

async function located(generator: object): Promise<string[] | undefined> {
  const inspected = session()
  if (inspected === undefined) return undefined
  const urls = new Map<string, string>()
  const post: Post = (method, params) =>
    new Promise((resolve, reject) =>
      inspected.post(method, params, (error: Error | null, answer?: object) => (error ? reject(error) : resolve({ ...answer }))),
    )
  const shelf = globalThis as { [HERE]?: object }
  try {
    inspected.on('Debugger.scriptParsed', ({ params }) => urls.set(params.scriptId, params.url))
    Object.defineProperty(globalThis, HERE, { value: generator, configurable: true, enumerable: false })
    await post('Debugger.enable')
    return await suspendedAt(post, `globalThis[Symbol.for('velo-stream.stuck')]`, urls)
  } finally {
    delete shelf[HERE]
    inspected.disconnect()
  }
}

/** The same of a segment on a worker thread that this one started; of one that computes, its stack. */
export function locateElsewhere(thread: number, segment: number): Promise<string[] | undefined> {
  return inLine(() => locatedElsewhere(thread, segment))
}

async function locatedElsewhere(thread: number, segment: number): Promise<string[] | undefined> {
  const inspected = session()
  if (inspected === undefined) return undefined
  try {
    return await Promise.race([
      asked(inspected, thread, segment),
      new Promise<undefined>((resolve) => setTimeout(resolve, PATIENCE_MS, undefined).unref()),
    ])
  } finally {
    inspected.disconnect()
  }
}

async function asked(inspected: InspectorSession, thread: number, segment: number): Promise<string[] | undefined> {
  const urls = new Map<string, string>()
  let wanted: string | undefined
  const answers = new Map<number, (answer: Record<string, unknown>) => void>()
  let onPaused: (frames: Place[]) => void = () => {}
  const paused = new Promise<Place[]>((resolve) => void (onPaused = resolve))
  const attached = new Promise<string>((resolve) => {
    inspected.on('NodeWorker.attachedToWorker', ({ params }) => {
      // The number of the thread is in its title alone.
      if (/worker (\d+)/i.exec(params.workerInfo.title)?.[1] === String(thread)) resolve(params.sessionId)
    })
  })
  inspected.on('NodeWorker.receivedMessageFromWorker', ({ params }) => {
    if (params.sessionId !== wanted) return
    const { id, method, params: told, result } = JSON.parse(params.message)
    if (method === 'Debugger.scriptParsed') urls.set(told.scriptId, told.url)
    else if (method === 'Debugger.paused') onPaused(told.callFrames.map(({ location }: { location: Place }) => location))
    else answers.get(id)?.(result ?? {})
  })
  inspected.post('NodeWorker.enable', { waitForDebuggerOnStart: false })
  const sessionId = await attached
  wanted = sessionId
  let asks = 0
  const post: Post = (method, params = {}) =>
    new Promise((resolve) => {
      answers.set(++asks, resolve)
      inspected.post('NodeWorker.sendMessageToWorker', { sessionId, message: JSON.stringify({ id: asks, method, params }) })
    })
  try {
    await post('Debugger.enable')
    const at = await suspendedAt(post, `globalThis[Symbol.for('velo-stream.segments')]?.(${segment})`, urls)
    if (at !== undefined) return at
    void post('Debugger.pause')
    const frames = await paused
    void post('Debugger.resume')
    return frames.slice(0, FRAMES).map((frame) => shown(frame, urls))
  } finally {
    // A pause that has not come yet must never come.
    void post('Debugger.disable')
    inspected.post('NodeWorker.detach', { sessionId })
  }
}

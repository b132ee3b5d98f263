// Calls between a test and its functions on worker threads, over one BroadcastChannel a thread. The test's side serves functions under a
// number; a module on a worker calls them by it. Owns the channel and nothing of the library, so that it works when the library does not.

import { BroadcastChannel, isMainThread, threadId } from 'node:worker_threads'
import { turns } from './deferred.mjs'

/** A worker that does not answer for so long is gone, ms. */
const GONE = 2_000

const served = new Map()
const threads = new Set()
const waiting = new Map()
let asked = 0
let closed = false

const channel = new BroadcastChannel('velo-test')
channel.onmessage = ({ data }) => (isMainThread ? atHome(data) : away(data))
channel.unref()
if (!isMainThread) {
  post({ hello: threadId })
  process.once('exit', () => post({ bye: threadId }))
}

/** Test's side: makes `fn` callable from workers; answers its number there. */
export function serve(fn) {
  served.set(served.size, fn)
  return served.size - 1
}

/** Worker's side: the function that the test serves as `id`. Its promise settles with what that function answers. */
export function remote(id) {
  return (...args) => {
    const call = ++asked
    return new Promise((resolve, reject) => {
      waiting.set(call, { resolve, reject })
      post({ call, from: threadId, id, args })
    })
  }
}

/** Test's side: every thread that runs a function of a test turns its event loop, and says so. */
export async function ping() {
  await Promise.all([...threads].map(pingOne))
}

function pingOne(thread) {
  const call = ++asked
  return new Promise((resolve) => {
    const gone = setTimeout(() => forget(thread), GONE)
    const answered = () => {
      clearTimeout(gone)
      waiting.delete(call)
      resolve()
    }
    waiting.set(call, { resolve: answered, thread })
    post({ ping: call, to: thread })
  })
}

function forget(thread) {
  threads.delete(thread)
  for (const wait of waiting.values()) if (wait.thread === thread) wait.resolve()
}

/** Test's side: after the last test. Workers close theirs, too. */
export function closeBridge() {
  post({ end: true })
  close()
}

function post(message) {
  if (!closed) channel.postMessage(message)
}

function close() {
  closed = true
  channel.close()
}

async function atHome({ hello, bye, pong, call, from, id, args }) {
  if (hello !== undefined) threads.add(hello)
  else if (bye !== undefined) forget(bye)
  else if (pong !== undefined) waiting.get(pong)?.resolve()
  else if (served.has(id)) {
    try {
      post({ answer: call, to: from, value: await served.get(id)(...args) })
    } catch (error) {
      post({ answer: call, to: from, error })
    }
  }
}

async function away({ to, ping, answer, value, error, end }) {
  if (end) close()
  else if (to !== threadId) return
  else if (ping !== undefined) {
    await turns(1)
    post({ pong: ping })
  } else {
    const { resolve, reject } = waiting.get(answer)
    waiting.delete(answer)
    if (error === undefined) resolve(value)
    else reject(error)
  }
}

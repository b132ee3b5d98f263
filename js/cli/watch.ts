// `velo serve --watch`: the service as a process of its own, started again when a file of its folder, or beside its module, changes. For development: what is open then is cut.

import { type ChildProcess, spawn } from 'node:child_process'
import { type FSWatcher, readdirSync, statSync, watch as watchFolder } from 'node:fs'
import { constants } from 'node:os'
import { dirname } from 'node:path'
import { Exit, UsageError } from './failure.js'
import { say } from './terminal.js'

/** An editor writes a file in several steps, ms. */
const SETTLE_MS = 100

/** Runs `argv`, a script and its arguments, until a signal ends it; answers its exit code. */
export async function watch(folder: string, argv: readonly string[]): Promise<number> {
  let child: ChildProcess | undefined
  let timer: NodeJS.Timeout | undefined
  let code: number | undefined
  const { promise: over, resolve: end } = deferred()
  const begin = (): void => {
    const started = spawn(process.execPath, [...process.execArgv, ...argv], { stdio: 'inherit' })
    child = started
    started.on('exit', (status, signal) => {
      // One that was replaced says nothing.
      if (child !== started) return
      child = undefined
      const ended = status ?? 128 + (signal === null ? 0 : constants.signals[signal])
      if (code !== undefined) return end(code === Exit.interrupted ? code : ended)
      say(`the service has ended with ${ended}; it starts again at the next change`, 'yellow')
    })
  }
  const again = (): void => {
    say('a file has changed: starting anew')
    const old = child
    child = undefined
    if (old === undefined) return begin()
    old.once('exit', begin)
    old.kill('SIGKILL')
  }
  const changed = (_: string, name: string | null): void => {
    if (code !== undefined || (name !== null && /(?:^|[\\/])(?:\.|node_modules)/.test(name))) return
    clearTimeout(timer)
    timer = setTimeout(again, SETTLE_MS)
  }
  const watcher = watched(folder, changed)
  const stopping = (signal: NodeJS.Signals): void => {
    clearTimeout(timer)
    code ??= signal === 'SIGINT' ? Exit.interrupted : Exit.ok
    if (child === undefined) end(code)
    // A terminal tells Ctrl-C to every process in front of it, this one and the service.
    else if (signal === 'SIGTERM' || !process.stdin.isTTY) child.kill(signal)
  }
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, stopping)
  begin()
  try {
    return await over
  } finally {
    watcher.close()
  }
}

function watched(path: string, changed: (event: string, name: string | null) => void): FSWatcher {
  // Editors replace a file, which ends a watch of the file itself; its imports lie beside it.
  const folder = statSync(path, { throwIfNoEntry: false })?.isFile() === true ? dirname(path) : path
  try {
    // A recursive watch of what is not there fails late, or never.
    readdirSync(folder)
    return watchFolder(folder, { recursive: true }, changed)
  } catch (error) {
    throw new UsageError(`${folder}: the folder cannot be watched: ${(error as Error).message}`)
  }
}

function deferred(): { promise: Promise<number>; resolve: (code: number) => void } {
  let resolve: (code: number) => void = () => undefined
  const promise = new Promise<number>((settle) => {
    resolve = settle
  })
  return { promise, resolve }
}

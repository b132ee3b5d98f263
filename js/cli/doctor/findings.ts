// What `velo doctor` looks at. Every finding is a fact with a level; nothing here prints.

import { availableParallelism, totalmem } from 'node:os'
import { getHeapStatistics } from 'node:v8'

/** One thing that was looked at. */
export interface Finding {
  readonly name: string
  readonly level: 'ok' | 'warn' | 'fail'
  readonly says: string
  /** What to do about it. */
  readonly hint?: string
}

/** What is looked at; the defaults are this machine. Tests give others. */
export interface Machine {
  /** `process.version` without the v. */
  readonly node: string
  /** Most files that may be open at once; `undefined` = unknown or without a limit. */
  readonly openFiles: number | undefined
  /** Memory that the container may use, bytes; `undefined` = no limit. */
  readonly memoryLimit: number | undefined
  readonly memoryTotal: number
  readonly heapLimit: number
  readonly cores: number
  readonly now: Date
}

/** End of support of each line of Node.js that has one: nodejs.org/en/about/previous-releases. */
const ENDS: Record<number, string> = { 20: '2026-04-30', 22: '2027-04-30', 24: '2028-04-30' }

const MIB = 1024 * 1024

/** This machine. */
export function thisMachine(): Machine {
  const report = process.report?.getReport() as { userLimits?: { open_files?: { soft: number | string } } } | undefined
  const soft = Number(report?.userLimits?.open_files?.soft)
  const limit = process.constrainedMemory?.()
  const total = totalmem()
  return {
    node: process.versions.node,
    openFiles: Number.isFinite(soft) ? soft : undefined,
    memoryLimit: limit !== undefined && limit > 0 && limit < total ? limit : undefined,
    memoryTotal: total,
    heapLimit: getHeapStatistics().heap_size_limit,
    cores: availableParallelism(),
    now: new Date(),
  }
}

/** Everything, in the order in which it is printed. */
export async function findings(machine: Machine = thisMachine()): Promise<Finding[]> {
  return [...(await addOn()), ...nodeLine(machine), ...limits(machine), await websocket()]
}

/** The binary for this platform, tried out: on this thread and on another. */
async function addOn(): Promise<Finding[]> {
  const platform = `${process.platform}-${process.arch}`
  let name: Finding['name'] = 'add-on'
  try {
    const { streamFn } = await import('../../index.js')
    const local = streamFn(async function* probe(events: AsyncIterable<number>) {
      for await (const event of events) yield event * 2
    })
    const [two] = await local.run([1])
    if (two !== 2) throw new Error(`a stream answered ${two} instead of 2`)
    name = 'threads'
    const started = performance.now()
    await streamFn(new URL('./probe.js', import.meta.url), { placement: 'worker', export: 'probe' }).run([1])
    const ms = Math.round(performance.now() - started)
    return [
      { name: 'add-on', level: 'ok', says: `the binary for ${platform} loads, and a stream ran` },
      { name: 'threads', level: 'ok', says: `a stream ran on a worker thread, ${ms} ms with its start` },
    ]
  } catch (error) {
    const { code, message } = error as { code?: string; message: string }
    if (code !== 'VELO_NATIVE_LOAD') return [{ name, level: 'fail', says: message, hint: 'Please report this.' }]
    // Its last line says what to do, those before it what was tried.
    const lines = message.split('\n').map((line) => line.trim())
    return [{ name, level: 'fail', says: lines.slice(0, -1).join('; ') || 'it cannot be loaded', hint: lines.at(-1) as string }]
  }
}

/** The version of Node.js and its known faults. */
export function nodeLine({ node, now }: Pick<Machine, 'node' | 'now'>): Finding[] {
  const [major = 0, minor = 0] = node.split('.').map(Number)
  const before = (line: number, least: number) => major < line || (major === line && minor < least)
  if (before(20, 19) || (major > 20 && before(22, 12)))
    return [{ name: 'Node.js', level: 'fail', says: `${node} is too old`, hint: 'velo-stream needs 20.19, 22.12 or later.' }]
  const end = ENDS[major]
  const over = end !== undefined && now > new Date(`${end}T23:59:59Z`)
  const found: Finding[] = [
    over
      ? {
          name: 'Node.js',
          level: 'warn',
          says: `${node}: this line got its last fixes by ${end}`,
          hint: 'Move to a line that is supported.',
        }
      : { name: 'Node.js', level: 'ok', says: end === undefined ? node : `${node}, supported until ${end}` },
  ]
  if (before(24, 14)) {
    // nodejs/node#58484: a call into an environment that is being torn down aborts the process.
    const says = 'calls from native threads into an ending environment abort this version (nodejs/node#58484)'
    found.push({ name: 'teardown', level: 'ok', says: `${says}; velo-stream guards its own, other add-ons may not` })
  }
  if (major < 24) {
    const says = 'an active AsyncLocalStorage makes every promise cost about twice as much on this line'
    found.push({
      name: 'context',
      level: 'warn',
      says,
      hint: 'From Node.js 24 on it costs nothing. It only matters to rates of 100 000 events/s and more.',
    })
  }
  return found
}

/** What bounds how many streams fit. */
export function limits({ openFiles, memoryLimit, memoryTotal, heapLimit, cores }: Omit<Machine, 'node' | 'now'>): Finding[] {
  const few = openFiles !== undefined && openFiles < 4096
  const memory = memoryLimit ?? memoryTotal
  const tight = heapLimit > memory
  return [
    {
      name: 'open files',
      level: few ? 'warn' : 'ok',
      says: openFiles === undefined ? 'no limit' : `${openFiles} at most`,
      ...(few ? { hint: 'Every connection is one: raise it with `ulimit -n` or LimitNOFILE.' } : {}),
    },
    {
      name: 'memory',
      level: tight ? 'warn' : 'ok',
      says: `${mib(memory)}${memoryLimit === undefined ? '' : ' in this container'}, heap up to ${mib(heapLimit)}`,
      ...(tight ? { hint: 'The heap may outgrow the memory and the process be killed: set --max-old-space-size.' } : {}),
    },
    {
      name: 'cores',
      level: cores < 2 ? 'warn' : 'ok',
      says: String(cores),
      ...(cores < 2 ? { hint: 'Worker threads share the core with everything else.' } : {}),
    },
  ]
}

const mib = (bytes: number): string => `${Math.round(bytes / MIB)} MiB`

/** The optional peer dependency that WebSocket needs. */
async function websocket(): Promise<Finding> {
  try {
    await import('ws')
    return { name: 'ws', level: 'ok', says: 'installed: `velo serve` offers WebSocket' }
  } catch {
    return { name: 'ws', level: 'warn', says: 'not installed: `velo serve` offers no WebSocket', hint: 'npm install ws' }
  }
}

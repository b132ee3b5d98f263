// Rule 20: one law. The same random scripts of inputs go to the pure transition table of Rust and to a live stream through the public API; after every
// input both are in the same state, and at the end they agree on the reason and on what was detached.

import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { describe, test } from 'node:test'
import { streamFn } from 'velo-stream'
import * as law from '../../target/js/engine/border/law.js'
import { names, printedNumbers, printedTable } from '../support/architecture.mjs'
import { deferred, outcome, turns, until } from '../support/deferred.mjs'
import { native } from '../support/native.mjs'
import { random } from '../support/random.mjs'
import { text } from '../support/sources.mjs'
import { noUnhandledRejections } from '../support/unhandled.mjs'
import { within } from '../support/within.mjs'

const { Effect, Trigger, Reason, State } = law
const stateNames = ['waiting', 'open', 'ending', 'closing', 'closed']
const reasonNames = {
  [Reason.Done]: 'done',
  [Reason.Closed]: 'closed',
  [Reason.Idle]: 'idle',
  [Reason.Aborted]: 'aborted',
  [Reason.Failed]: 'failed',
}
const name = (of, value) => Object.keys(of).find((key) => of[key] === value)

const unpack = (packed) => ({ state: packed & 15, reason: (packed >> 4) & 15, effects: packed >> 8 })
const pack = (state, reason) => state | (reason << 4)

/** What Rust answers; `undefined` where the input is illegal. */
function stepped(packed, input) {
  try {
    return native.transition(packed & 255, input)
  } catch (error) {
    assert.equal(error.code, 'VELO_BUG')
    assert.match(
      error.message,
      new RegExp(`^transition: ${name(Trigger, input)} is no trigger of Machine \\{ state: ${name(State, packed & 15)}, `),
    )
    return undefined
  }
}

const rows = printedTable('## 3. The machine', ['from', 'trigger', 'to', 'reason', 'effects'])

/** The reason that a cell of ARCHITECTURE prints: `Done`, `unchanged`, `Idle if it was Idle, else Done`. */
function printedReason(cell, before) {
  if (cell === '' || cell === 'unchanged') return before
  const [, then, was, otherwise] = /^(\w+) if it was (\w+), else (\w+)$/.exec(cell) ?? [undefined, cell, cell, cell]
  const said = Reason[was] === before || then === otherwise ? then : otherwise
  if (said === 'unchanged') return before
  assert.ok(said in Reason, cell)
  return Reason[said]
}

/** What the table of ARCHITECTURE says; `undefined` where the input is illegal. */
function expected(state, reason, input) {
  const found = rows
    .slice(0, -1)
    .filter(([from, on]) => names(from).includes(name(State, state)) && names(on).includes(name(Trigger, input)))
  assert.ok(found.length <= 1, `${name(State, state)} + ${name(Trigger, input)} is printed twice`)
  if (found.length === 0) return undefined
  const [, , to, why, effects] = found[0]
  assert.ok(to === 'unchanged' || to in State, to)
  return {
    state: to === 'unchanged' ? state : State[to],
    reason: printedReason(why, reason),
    effects: names(effects).reduce((all, effect) => all | (Effect[effect] ?? assert.fail(effect)), Effect.None),
  }
}

/** States with the reasons that they can have. */
const reachable = [
  [State.Waiting, [Reason.None]],
  [State.Open, [Reason.None]],
  [State.Ending, [Reason.None, Reason.Idle]],
  [State.Closing, [Reason.Closed, Reason.Aborted]],
  [State.Closed, [Reason.Done, Reason.Closed, Reason.Idle, Reason.Aborted, Reason.Failed]],
]

describe('the table', () => {
  test('rule 20: it is the one that ARCHITECTURE prints', () => {
    assert.deepEqual(rows.at(-1), ['any', 'anything else', 'illegal', '', ''])
    const used = new Set()
    for (const [from, inputs] of rows.slice(0, -1)) {
      for (const state of names(from)) for (const input of names(inputs)) used.add(`${state} ${input}`)
    }
    const legal = new Set()
    for (const [state, reasons] of reachable) {
      for (const reason of reasons) {
        for (const input of Object.values(Trigger)) {
          const said = stepped(pack(state, reason), input)
          const where = `${name(State, state)} (${name(Reason, reason)}) + ${name(Trigger, input)}`
          assert.deepEqual(said === undefined ? undefined : unpack(said), expected(state, reason, input), where)
          if (said !== undefined) legal.add(`${name(State, state)} ${name(Trigger, input)}`)
        }
      }
    }
    assert.deepEqual([...legal].sort(), [...used].sort(), 'every row was compared')
  })

  test('rule 20: its numbers are those that ARCHITECTURE prints', () => {
    assert.deepEqual(printedNumbers('States', State), State)
    assert.deepEqual(printedNumbers('Reasons', Reason), Reason)
    assert.deepEqual(printedNumbers('Triggers', Trigger), Trigger)
    const { Mail, ...effects } = Effect
    assert.deepEqual(printedNumbers('Effects \\(bits\\)', Effect), effects)
    assert.match(text('ARCHITECTURE.md'), new RegExp(`the runtime adds \`Mail=${Mail}\``))
  })

  test('rule 20: it leads to reachable states only, and every reachable one', () => {
    const seen = new Set([pack(State.Waiting, Reason.None)])
    for (const packed of seen) {
      for (const input of Object.values(Trigger)) seen.add((stepped(packed, input) ?? packed) & 255)
    }
    const all = reachable.flatMap(([state, reasons]) => reasons.map((reason) => pack(state, reason)))
    assert.deepEqual([...seen].sort(), all.sort())
  })

  test('rule 20: nothing leaves Closed, and everything that finishes is there', () => {
    for (const [state, reasons] of reachable) {
      for (const reason of reasons) {
        for (const input of Object.values(Trigger)) {
          const packed = stepped(pack(state, reason), input)
          if (state === State.Closed) assert.equal(packed, undefined)
          if (packed === undefined) continue
          const said = unpack(packed)
          assert.equal((said.effects & Effect.Finish) !== 0, said.state === State.Closed)
        }
      }
    }
  })

  test('rule 20: the constants are whole, distinct and the states are those of the API', () => {
    for (const group of [State, Reason, Trigger, law.Timer, law.Verdict, law.Side, law.Word, law.Refusal]) {
      const values = Object.values(group)
      assert.equal(new Set(values).size, values.length)
      for (const value of values) assert.ok(Number.isInteger(value))
    }
    for (const effect of Object.values(Effect)) assert.ok(effect === 0 || (effect & (effect - 1)) === 0, 'effects are bits')
    assert.deepEqual(
      Object.keys(State).map((key) => key.toLowerCase()),
      stateNames,
    )
    assert.deepEqual(Object.values(State), [0, 1, 2, 3, 4])
    assert.deepEqual(
      Object.keys(Reason).map((key) => key.toLowerCase()),
      ['none', ...Object.values(reasonNames)],
    )
    assert.equal(Object.keys(law.Word).length, law.ROW_WORDS)
  })

  test('rule 20: no other file of the JavaScript decides a state by its number', () => {
    const folder = new URL('../../js/', import.meta.url)
    const files = readdirSync(folder, { recursive: true }).filter((file) => file.endsWith('.ts') && !file.endsWith('law.ts'))
    assert.ok(files.length > 10)
    for (const file of files) {
      const text = readFileSync(new URL(file.replaceAll('\\', '/'), folder), 'utf8')
      assert.doesNotMatch(text, /\bstate\s*(===|!==|<=?|>=?)\s*\d/, `${file} compares a state with a number`)
    }
  })
})

const IDLE = 100
const CLOSE = 800
const error = new Error('the script says so')

/**
 * A live stream that does what a script says. Its function waits for an event (`idle` is due then) or inside an await of its own, until it is told to
 * return or throw; closing and aborting do not move it, so that every state lasts as long as the script wants.
 */
class Puppet {
  commands = [deferred()]
  alive = true
  released = deferred()

  constructor(waits, closeTimeout) {
    const puppet = this
    this.fn = streamFn(
      async function* (events, ctx) {
        if (ctx.id === puppet.holder?.id) return await puppet.released.promise
        for (let i = 0; ; i++) {
          const command = await puppet.commands[i].promise
          if (command === 'return') return
          if (command === 'throw') throw error
          await outcome(events.next()) // 'listen': the end of the input, or the abort, brings it back
        }
      },
      { idleTimeout: IDLE, closeTimeout, maxConcurrent: 1, queue: 1 },
    )
    this.holder = waits ? this.fn.open() : null
    // It works until it is released: idleness does not take it away.
    if (waits) outcome(this.holder.recv())
    this.stream = this.fn.open()
  }

  tell(command) {
    this.commands.at(-1).resolve(command)
    this.commands.push(deferred())
  }

  /** The stream that holds the only permit ends. */
  async release() {
    this.released.resolve()
    await this.holder.closed
    this.holder = null
  }

  /** The function runs from now on. */
  start() {
    outcome(this.stream.recv())
  }
}

/** What the script can do to a stream in this state: an input, how to bring it about, and whether the stream answers at once. */
const acts = {
  async Admit(puppet) {
    await puppet.release()
  },
  End: (puppet) => puppet.stream.end(),
  Idle: (puppet) => puppet.tell('listen'),
  Close: (puppet) => void puppet.stream.close(),
  Abort: (puppet) => puppet.stream.abort('the script says so'),
  Return: (puppet) => puppet.tell('return'),
  Throw: (puppet) => puppet.tell('throw'),
  Expire: () => {},
}

/** Inputs that can be brought about now. `quick` scripts leave out what takes a timer. */
function possible(packed, puppet, quick) {
  const { state } = unpack(packed)
  const names = ['End', 'Close', 'Abort']
  if (puppet.holder !== null) names.push('Admit')
  else if (puppet.alive) names.push('Return', 'Throw')
  if (!quick && state === State.Open) names.push('Idle')
  if (!quick && state === State.Closing) names.push('Expire')
  return names
}

async function replay(seed) {
  const { below, pick } = random(seed)
  const waits = below(2) === 0
  const quick = below(3) > 0
  const puppet = new Puppet(waits, quick ? 60_000 : CLOSE)
  const { stream } = puppet
  const script = []
  const say = (what) => `${what} (seed ${seed}: ${waits ? 'Waiting' : 'Open'} ${script.join(' ')})`
  let packed = waits ? pack(State.Waiting, Reason.None) : native.transition(pack(State.Waiting, Reason.None), Trigger.Admit)
  let ended = false
  let detached = false
  if (!waits) puppet.start()
  const agree = async () => {
    const state = stateNames[unpack(packed).state]
    await until(10_000, () => stream.state === state, say(`the stream is ${stream.state}, the table says ${state}`))
  }
  // What the table does not take is nothing to the stream: whoever drives it does not even ask.
  const move = (input) => {
    const said = stepped(packed, input)
    if (said === undefined) return
    packed = said
    detached ||= ((packed >> 8) & Effect.Detach) !== 0
  }
  await agree()
  for (let step = 2 + below(9); step > 0; step--) {
    const input = pick(possible(packed, puppet, quick))
    script.push(input)
    const before = unpack(packed).state
    await acts[input](puppet)
    move(Trigger[input])
    if (input === 'End' && before === State.Waiting) ended = true
    if (input === 'Return' || input === 'Throw') puppet.alive = false
    if (input === 'Admit' && before === State.Waiting) {
      puppet.start()
      // end() in line is kept until there is an input to end.
      if (ended) move(Trigger.End)
    }
    await agree()
    await turns(below(3))
    assert.equal(stream.state, stateNames[unpack(packed).state], say('it stays'))
  }
  if (unpack(packed).state !== State.Closed) {
    script.push('Close')
    stream.close().catch(() => {})
    move(Trigger.Close)
    await agree()
    if (unpack(packed).state !== State.Closed) {
      script.push('Return')
      puppet.tell('return')
      puppet.alive = false
      move(Trigger.Return)
      await agree()
    }
  }
  const end = await within(10_000, stream.closed, say('closed'))
  assert.equal(end.reason, reasonNames[unpack(packed).reason], say('the reason'))
  assert.equal(end.detached, detached, say('detached'))
  assert.equal(stream.state, 'closed')
  if (puppet.alive) puppet.tell('return')
  if (puppet.holder !== null) await within(10_000, puppet.release(), say('the holder'))
  return script
}

describe('the replay', () => {
  test('rule 20: six hundred random scripts take the table and a live stream through the same states', { timeout: 120_000 }, async () => {
    const scripts = []
    // A hundred at a time, so that a script has done its next step long before a timer of its own would fire.
    for (let seed = 1; seed <= 600; seed += 100) {
      const hundred = Array.from({ length: 100 }, (_, i) => replay(seed + i))
      scripts.push(...(await within(60_000, Promise.all(hundred), `scripts ${seed} to ${seed + 99}`)))
    }
    const used = new Set(scripts.flat())
    assert.deepEqual([...used].sort(), Object.keys(Trigger).sort(), 'every trigger occurs')
  })
})

noUnhandledRejections('rule 20')

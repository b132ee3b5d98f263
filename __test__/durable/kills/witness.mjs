// What the parent knows of one journey, and its verdict on each line that a child noted: what was acknowledged must be there, results come in order, each always
// the same under its index, none without its events; what was done to the world and told is not done again.

import { Effects } from './effects.mjs'
import { expected } from './model.mjs'
import { eventOf } from './plan.mjs'

export class Witness {
  isOver = false
  counts = { openings: 0, replays: 0, deaths: 0, refusals: 0, events: 0, results: 0 }
  effects
  /** The stream as it is now: one that came to its end and was removed begins anew. */
  now
  #journey
  #wrong

  /** `wrong(text)` is told of whatever must not be. */
  constructor(journey, wrong) {
    this.#journey = journey
    this.#wrong = (text) => wrong(`${journey.id} (${journey.name}, ${journey.mode}): ${text}`)
    this.effects = new Effects(this.#wrong)
    this.#begin()
  }

  /** One line of a child, in order. */
  hear(what, a, ...rest) {
    if (!this.isOver) this[`_${what}`](a, ...rest)
  }

  /** The child is dead: everything seen must be what the model says. */
  judge() {
    const { seen } = this.now
    const { results } = this.#model(this.#all(), this.now.triedEnd)
    if (seen.length > results.length) this.#wrong(`result ${results.length} was given, and no event is there to make it of`)
    for (const [index, want] of results.slice(0, seen.length).entries()) this.#same(index, seen[index], want)
  }

  /** The journal has answered: so many events are there, and that result comes next. A source is only told of events. */
  _opened(a, events, results, isNew) {
    // Also where it is not new: a process that died before it could say so may have begun it anew.
    if (events === 0 && this.#isGone()) this.#begin()
    const { now } = this
    if (isNew === true && now.openings > 0) this.#wrong('it is gone')
    if (events < now.acknowledged) this.#wrong(`${events} events are there, ${now.acknowledged} were acknowledged`)
    if (events <= now.taken && !this.#journey.again)
      this.#wrong(`${events} events are there, and the function was given event ${now.taken}`)
    if (events > now.tried) this.#wrong(`${events} events are there, ${now.tried} were sent`)
    this.#keep(Math.min(events, this.#journey.count))
    // The position does not count the end of the input, which may be stored if all events are.
    now.hasEnd = events === this.#journey.count && now.triedEnd
    now.sender = this.#journey.again ? 0 : a
    now.tried = events
    now.triedEnd = now.hasEnd
    now.triedAt.length = Math.min(now.triedAt.length, events)
    const { results: possible } = this.#model(now.sent, now.hasEnd)
    if (now.seen.length > possible.length) this.#wrong(`result ${possible.length} was given, and its events are lost: ${events} are there`)
    this.counts.openings++
    if (events > 0) this.counts.replays++
    now.openings++
    if (results === undefined) return
    if (results > now.seen.length) this.#wrong(`result ${results} is to come next, ${now.seen.length} were seen`)
    if (results < now.delivered) this.#wrong(`result ${results} is to come next, ${now.delivered} were said to be delivered`)
    now.reader = { a, next: results }
  }

  _tries(_, upto, at) {
    const { now } = this
    now.tried = Math.max(now.tried, upto)
    while (now.triedAt.length < upto) now.triedAt.push(at)
    if (upto > this.#journey.count) now.triedEnd = true
  }

  _kept(_, upto) {
    const { now } = this
    this.counts.events += Math.max(0, upto - now.acknowledged)
    now.acknowledged = Math.max(now.acknowledged, upto)
  }

  _took(a, i, sentBy) {
    const { now } = this
    const before = now.took.get(a)
    const isNext = before === undefined ? i === 0 || this.#journey.kind === 'summed' : i === before + 1
    // On a thread in the place of a dead one it begins anew, once: a sum where its state is.
    const isAgain = now.mayRestart.has(a) && (this.#journey.kind === 'summed' ? i <= before : i === 0)
    if (isAgain) now.mayRestart.delete(a)
    if (!isNext && !isAgain) this.#wrong(`the function took event ${i} after ${before ?? 'nothing'}`)
    now.took.set(a, i)
    now.taken = Math.max(now.taken, i)
    now.takenBy[i] ??= sentBy
    const known = now.sent[i] ?? now.takenBy[i]
    if (known !== sentBy) this.#wrong(`event ${i} is that of opening ${sentBy}, it was that of ${known}`)
  }

  _died() {
    this.counts.deaths++
  }

  /** A thread is dead, on which it may have run: then its events come from the first one on. */
  restart() {
    for (const a of this.now.took.keys()) this.now.mayRestart.add(a)
    this.effects.restart()
  }

  _did(a, key, value) {
    this.effects.did(a, key, value)
  }

  _told(_, key, value) {
    this.effects.told(key, value)
  }

  _got(a, index, result) {
    const { now } = this
    // A call says no position: its results say themselves where they are.
    if (now.reader?.a !== a) now.reader = { a, next: index }
    if (index !== now.reader.next) this.#wrong(`result ${index} came, ${now.reader.next} is the next one`)
    now.reader.next = index + 1
    this.#result(index, result)
  }

  _acked(_, upto) {
    this.now.delivered = Math.max(this.now.delivered, upto)
  }

  _refused() {
    this.counts.refusals++
  }

  _left() {}

  _leaves() {}

  _aborts() {
    this.isOver = true
  }

  /** All results of a source. */
  _ran(_, results) {
    for (const [index, result] of results.entries()) this.#result(index, result)
    const { end } = this.#model(this.#all(), true)
    this.#finish(end?.reason, end?.value, end?.error)
  }

  _ended(_, reason, value, error) {
    const { end } = this.#model(this.#all(), true)
    // A call does not tell of the end.
    if ((reason ?? undefined) === undefined) this.#finish(end?.reason, end?.value, end?.error)
    else this.#finish(reason, value ?? undefined, error)
  }

  #begin() {
    this.now = {
      openings: 0,
      /** By which opening each event was sent that is kept for sure, and each one that the function was given. */
      sent: [],
      takenBy: [],
      /** The last opening that may send; the index behind the last event that was sent, and when each was. */
      sender: undefined,
      tried: 0,
      triedAt: [],
      triedEnd: false,
      hasEnd: false,
      acknowledged: 0,
      /** The last event that the function was given, and what it was given last in each opening. */
      taken: -1,
      took: new Map(),
      /** Openings whose thread may have died since. */
      mayRestart: new Set(),
      /** Results as they were first seen, how many were said to be delivered, and which one an opening reads next. */
      seen: [],
      delivered: 0,
      reader: undefined,
    }
    this.effects.forget()
  }

  /** It may have come to its end and been removed, although nobody was told. */
  #isGone() {
    const { openings, seen } = this.now
    if (openings === 0 || this.#journey.retained) return false
    const { results, end } = this.#model(this.#all(), this.now.triedEnd)
    return end !== undefined && (this.#journey.mode === 'run' || seen.length === results.length)
  }

  /** So many events are there for sure. */
  #keep(upto) {
    const { sent, sender, takenBy } = this.now
    for (let i = sent.length; i < upto; i++) {
      sent.push(sender)
      if ((takenBy[i] ?? sender) !== sender)
        this.#wrong(`the function was given event ${i} of opening ${takenBy[i]}, and that of ${sender} is kept`)
    }
  }

  /** By whom all events were sent, those with an unknown fate among them. */
  #all() {
    const { sent, tried, sender } = this.now
    const more = Math.min(tried, this.#journey.count) - sent.length
    return [...sent, ...Array(Math.max(0, more)).fill(sender)]
  }

  #model(sent, hasEnd) {
    const events = sent.map((a, i) => eventOf(this.#journey, i, a))
    return expected(this.#journey, events, sent.length === this.#journey.count && hasEnd)
  }

  #result(index, result) {
    const { seen, triedAt } = this.now
    const before = seen[index]
    if (index > seen.length) return this.#wrong(`result ${index} came, ${seen.length} were seen`)
    const [was, is] = [before, result].map((one) => JSON.stringify(one))
    if (before !== undefined && was !== is) this.#wrong(`result ${index} was ${was}, and is ${is}`)
    if (before !== undefined) return
    seen[index] = result
    this.counts.results++
    const [fixed, free] = Array.isArray(result) ? result : []
    for (const value of [...(free?.got ?? []), ...(free?.tail ?? [])])
      if (!this.effects.knows(value)) this.#wrong(`result ${index} says ${value}, which was not told`)
    if (free?.at !== undefined && !(free.at >= triedAt[fixed[0]] && free.at <= Date.now()))
      this.#wrong(`event ${fixed[0]} was accepted at ${free.at}, and sent at ${triedAt[fixed[0]]}`)
  }

  #same(index, result, want) {
    const is = JSON.stringify(Array.isArray(result) ? result[0] : [result.key, ...result.value])
    if (is !== JSON.stringify(want)) this.#wrong(`result ${index} is ${is}, the model says ${JSON.stringify(want)}`)
  }

  #finish(reason, value, error) {
    this.isOver = true
    const { results, end } = this.#model(this.#all(), true)
    const [is, want] = [
      [reason, value, error],
      [end?.reason, end?.value, end?.error],
    ].map((one) => JSON.stringify(one))
    if (is !== want) this.#wrong(`it ended with ${is}, the model says ${want}`)
    // A run that fails gives none.
    const wanted = this.#journey.mode === 'run' && reason === 'failed' ? 0 : results.length
    if (this.now.seen.length !== wanted) this.#wrong(`it gave ${this.now.seen.length} results, the model says ${wanted}`)
  }
}

// One session of the chaos test: what it is sent, who has it open, and the checker: every result is the one that the model has at its index, whoever reads it and however often.

import assert from 'node:assert/strict'
import { expected } from './functions.mjs'

export class ChaosSession {
  #random
  #fronts
  #pace
  #stream
  #moves = 0
  #isGivenUp = false

  /** `fronts`: clusters by which it may be opened; `pace`: waits between two steps. */
  constructor({ name, id, events, random, fronts, pace }) {
    this.name = name
    this.id = id
    this.#random = random
    this.#fronts = fronts
    this.#pace = pace
    this.values = Array.from({ length: events }, () => Math.floor(random() * 1000))
    this.expected = expected(name, this.values)
    /** Results seen, by their index. */
    this.seen = []
    /** Events of which a send said that they are kept. */
    this.kept = 0
    this.isOver = false
    /** The server may have lost its tail: what was kept may be gone for whoever opens it anew. */
    this.mayForget = false
  }

  /** Until the end was read, or it is given up. */
  async run() {
    while (!this.isOver) {
      if (this.#isGivenUp) return
      const front = this.#fronts[Math.floor(this.#random() * this.#fronts.length)]
      const moves = this.#moves
      try {
        const stream = await front.open(this.name, this.id)
        this.#stream = stream
        const { events, results } = stream.position
        if (!this.mayForget && stream.state === 'open')
          assert.ok(events >= this.kept, `${this.id}: ${events} events are kept, ${this.kept} were acknowledged`)
        assert.ok(results <= this.seen.length, `${this.id}: result ${results} comes next, ${this.seen.length} were read`)
        await Promise.all([this.#write(stream), this.#read(stream)])
        if (!this.isOver) await stream.close()
      } catch (error) {
        if (error.code === undefined || !/VELO_(CLOSED|ENDED|TIMEOUT)/.test(error.code)) throw error
        if (moves === this.#moves && error.code === 'VELO_CLOSED' && error.reason === 'failed') throw error
        await this.#stream?.close().catch(() => {})
      }
    }
    assert.deepEqual(this.seen, this.expected, `${this.id}: all results`)
  }

  /** It is opened elsewhere while it is open here. */
  move() {
    this.#moves++
    this.#stream?.close().catch(() => {})
  }

  /** It is opened no more: what is stopped would refuse that at once, again and again. */
  giveUp() {
    this.#isGivenUp = true
  }

  async #write(stream) {
    try {
      for (let at = stream.position.events; at < this.values.length; ) {
        const count = 1 + Math.floor(this.#random() * 8)
        const events = this.values.slice(at, at + count).map((v, i) => ({ n: at + i, v }))
        await stream.sendBatch(events)
        at += events.length
        this.kept = Math.max(this.kept, at)
        await this.#pace()
      }
      stream.end()
    } catch (error) {
      if (!/VELO_(CLOSED|ENDED|TIMEOUT)/.test(error.code)) throw error
    }
  }

  async #read(stream) {
    for (;;) {
      const from = stream.position.results
      const results = await stream.recvBatch(32)
      for (const [i, result] of results.entries()) {
        const index = from + i
        assert.equal(result, this.expected[index], `${this.name} ${this.id}: result ${index}`)
        this.seen[index] = result
      }
      if (results.length > 0) continue
      const end = await stream.closed
      if (end.reason === 'failed') throw end.error
      if (end.reason === 'done') this.isOver = true
      return
    }
  }
}

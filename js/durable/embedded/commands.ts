// Each command as bytes. The other end is crates/velo-journal/src/wire.rs, which must change together with this file and `answers.ts`.

import type { Commit, EventRecord, Ownership, ReadLimit, StreamInit, StreamKey } from '../journal.js'
import type { Submission } from './submission.js'

/** What a command is. */
export const What = {
  Open: 1,
  Append: 2,
  Read: 3,
  Commit: 4,
  Discard: 5,
  Unfinished: 6,
  List: 7,
  Show: 8,
  Peek: 9,
  Verify: 10,
} as const

export function putKey(into: Submission, key: StreamKey): void {
  into.text(key.function)
  into.text(key.id)
}

export function putOpen(into: Submission, key: StreamKey, init: StreamInit): void {
  putKey(into, key)
  into.number(init.at)
  into.number(init.seed)
}

export function putAppend(into: Submission, own: Ownership, maxBytes: number, from: number, records: readonly EventRecord[]): void {
  putOwn(into, own)
  into.number(maxBytes)
  into.number(from)
  for (const { at, end, bytes } of records) {
    into.number(at)
    into.word(bytes.length * 2 + (end ? 1 : 0))
    into.raw(bytes)
  }
}

export function putRead(into: Submission, own: Ownership, from: number, limit: ReadLimit): void {
  putOwn(into, own)
  putPage(into, from, limit)
}

export function putPage(into: Submission, from: number, limit: ReadLimit): void {
  into.number(from)
  into.number(limit.events)
  into.number(limit.bytes)
}

export function putCommit(into: Submission, own: Ownership, maxBytes: number, commit: Commit): void {
  const { delivered, hashes, outcomes, state, outputs, over } = commit
  putOwn(into, own)
  into.number(maxBytes)
  const parts = [delivered, hashes, outcomes, state, outputs, over]
  into.byte(parts.reduce<number>((has, part, bit) => has | (part === undefined ? 0 : 1 << bit), 0))
  if (delivered !== undefined) into.number(delivered)
  if (hashes !== undefined) {
    into.number(hashes.from)
    into.words(hashes.values)
  }
  if (outcomes !== undefined) {
    into.word(outcomes.length)
    for (const { asked, bytes } of outcomes) {
      into.number(asked)
      into.blob(bytes)
    }
  }
  if (state !== undefined) {
    for (const value of [state.version, state.events, state.results, state.asked]) into.number(value)
    into.blob(state.bytes)
  }
  if (outputs !== undefined) {
    into.number(outputs.from)
    into.word(outputs.values.length)
    for (const bytes of outputs.values) into.blob(bytes)
  }
  if (over !== undefined) {
    into.number(over.retain)
    into.blob(over.bytes)
  }
}

/** Bytes of the random half of a token. */
const NONCE = 16

/** A token: the number by which the store knows the stream, and 16 random bytes. */
export function tokenOf(number: number, nonce: Uint8Array): string {
  return `${number.toString(36)}.${Buffer.from(nonce.buffer, nonce.byteOffset, NONCE).toString('latin1')}`
}

/** One that is not of this store names no stream. */
function putOwn(into: Submission, own: Ownership): void {
  const at = own.token.indexOf('.')
  const nonce = own.token.slice(at + 1)
  const known = at > 0 && nonce.length === NONCE
  into.number(known ? Number.parseInt(own.token.slice(0, at), 36) : 0)
  into.number(own.epoch)
  into.latin(known ? nonce : '\0'.repeat(NONCE))
}

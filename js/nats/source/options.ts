// js/nats/source: messages of streams as events, and their acknowledgement. Knows nothing of where results go.
//
// The options of `natsSource`, checked.

import { configError, duration, flag, integer, onlyKnown, text, word } from '../../kit/check.js'
import { codecOf, type MessageCodec, type PayloadCodec } from '../../kit/payload-codec.js'

/** Options of `natsSource`. */
export interface NatsSourceOptions {
  /** The stream of JetStream. */
  stream: string
  /** The durable consumer, made where it is missing. Without one every message comes, and nothing is acknowledged. */
  consumer?: string | undefined
  /** Only messages of this subject, or of these; wildcards as in NATS. Default: all of the stream. */
  subject?: string | readonly string[] | undefined
  /** Where a consumer begins that is made: a sequence, a moment, all, or what comes from now on. Default `'all'` with a consumer, else `'new'`. */
  from?: number | Date | 'all' | 'new' | undefined
  /** Most messages asked for at a time. Integer from 1. Default 500. */
  batch?: number | undefined
  /** ms that one request waits for messages on the server. From 100. Default 5000. */
  block?: number | undefined
  /** How values lie in messages. Default `'json'`. */
  codec?: MessageCodec | undefined
  /** Gives `{ sequence, subject, deliveries, time, headers, value }` in place of the value. Default false. */
  entries?: boolean | undefined
  /**
   * How a consumer is acknowledged that is made. `'each'`: every message, so many processes may share it. `'all'`: the last one for all before it, which costs a hundredth; for a consumer that one process
   * reads at a time: two would hinder each other. Default: that of the consumer, else `'each'`.
   */
  ack?: 'each' | 'all' | undefined
  /** ms after which a consumer that is made delivers again what it heard nothing of. From 100. Default 30000. */
  ackWait?: number | undefined
  /** Most messages that are delivered and not acknowledged, for a consumer that is made. Integer from 1. Default 16384. */
  maxAckPending?: number | undefined
  /** How often a message is delivered before it is put aside. Integer from 1. Default 5, or less where the consumer says so. */
  maxDeliveries?: number | undefined
  /** Where messages go that were put aside: a subject that a stream takes. Without one they end the source: with what the function threw, or with `VELO_CODEC`. */
  deadLetter?: string | undefined
  /**
   * ms after which a message that the function threw at comes again, doubled with each delivery; the others go on meanwhile, so its place in the order is lost. Default: it is tried again here, and
   * all others wait.
   */
  retryDelay?: number | undefined
  /** ms after the end in which acknowledgements that got no answer are sent again; then `consume` rejects, and the messages come again. Default 10000. */
  drain?: number | undefined
  /** The domain of JetStream, where there are several. */
  domain?: string | undefined
}

/** A message as an event, with `entries: true`. */
export interface NatsEntry<Value> {
  /** Its place in the stream. */
  readonly sequence: number
  readonly subject: string
  /** How often it was delivered, this time included. */
  readonly deliveries: number
  /** When the stream took it, ms since 1970. */
  readonly time: number
  readonly headers: Readonly<Record<string, string>>
  readonly value: Value
}

export type AckPolicy = 'each' | 'all' | 'none'

export interface SourceSettings {
  readonly stream: string
  readonly consumer: string | undefined
  readonly subjects: readonly string[]
  readonly from: number | Date | 'all' | 'new'
  readonly batch: number
  readonly block: number
  readonly codec: PayloadCodec
  readonly entries: boolean
  readonly ack: 'each' | 'all' | undefined
  readonly ackWait: number
  readonly maxAckPending: number
  readonly maxDeliveries: number
  readonly deadLetter: string | undefined
  readonly retryDelay: number | undefined
  readonly drain: number
}

const FOR_CONSUMERS = ['ack', 'ackWait', 'maxAckPending', 'maxDeliveries', 'deadLetter', 'retryDelay', 'drain'] as const
const NAMES = ['stream', 'consumer', 'subject', 'from', 'batch', 'block', 'codec', 'entries', ...FOR_CONSUMERS, 'domain'] as const

export function sourceSettings(options: NatsSourceOptions, field: string): SourceSettings {
  onlyKnown(options, field, NAMES)
  const { consumer, deadLetter, retryDelay } = options
  nameOf(options.stream, `${field}.stream`)
  if (consumer !== undefined) nameOf(consumer, `${field}.consumer`)
  else {
    for (const name of FOR_CONSUMERS)
      if (options[name] !== undefined) throw configError(`${field}.${name}`, 'the option consumer beside it', options[name])
  }
  if (deadLetter !== undefined) subjectOf(deadLetter, `${field}.deadLetter`)
  if (options.domain !== undefined) nameOf(options.domain, `${field}.domain`)
  return {
    stream: options.stream,
    consumer,
    subjects: subjectsOf(options.subject, `${field}.subject`),
    from: fromOf(options.from, `${field}.from`, consumer === undefined ? 'new' : 'all'),
    batch: integer(options.batch, `${field}.batch`, 1, 500),
    block: duration(options.block, `${field}.block`, 100, 5000),
    codec: codecOf(options.codec, field, 'nats'),
    entries: flag(options.entries, `${field}.entries`, false),
    ack: options.ack && word(options.ack, `${field}.ack`, ['each', 'all']),
    ackWait: duration(options.ackWait, `${field}.ackWait`, 100, 30_000),
    maxAckPending: integer(options.maxAckPending, `${field}.maxAckPending`, 1, 16_384),
    maxDeliveries: integer(options.maxDeliveries, `${field}.maxDeliveries`, 1, 5),
    deadLetter,
    retryDelay: retryDelay === undefined ? undefined : duration(retryDelay, `${field}.retryDelay`, 0, 0),
    drain: duration(options.drain, `${field}.drain`, 0, 10_000),
  }
}

/** A name is one part of a subject. */
function nameOf(name: unknown, field: string): void {
  text(name, field)
  if (/[\s.*>/\\]/.test(name as string)) throw configError(field, 'a name without spaces and any of . * > / \\', name)
}

/** A subject that can be published to. */
export function subjectOf(subject: unknown, field: string): void {
  text(subject, field)
  if (!/^[^\s.*>]+(\.[^\s.*>]+)*$/.test(subject as string)) throw configError(field, 'a subject without spaces and wildcards', subject)
}

function subjectsOf(subject: string | readonly string[] | undefined, field: string): readonly string[] {
  const subjects = subject === undefined ? [] : typeof subject === 'string' ? [subject] : subject
  if (!Array.isArray(subjects) || (subject !== undefined && subjects.length === 0))
    throw configError(field, 'a subject, or a list of subjects', subject)
  for (const one of subjects as unknown[]) {
    text(one, field)
    if (/\s/.test(one as string)) throw configError(field, 'a subject without spaces', one)
  }
  return subjects as readonly string[]
}

function fromOf(from: NatsSourceOptions['from'], field: string, usual: 'all' | 'new'): SourceSettings['from'] {
  if (from === undefined) return usual
  const isFit = from === 'all' || from === 'new' || (from instanceof Date && !Number.isNaN(from.getTime()))
  if (!isFit && !(typeof from === 'number' && Number.isInteger(from) && from >= 1))
    throw configError(field, "a sequence from 1 up, a Date, 'all' or 'new'", from)
  return from
}

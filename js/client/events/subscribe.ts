// subscribe: what users hold of the results of a request.

import { configError } from '../../kit/check.js'
import type { ValueIterator } from '../../kit/types.js'
import type { ClientEnd } from '../ends/end.js'
import { DISPOSE, OneReader } from '../ends/one-reader.js'
import type { ClientState } from '../ends/state.js'
import { type SubscribeOptions, type SubscribeSettings, subscribeSettings } from '../options/subscribe.js'
import { Feed } from './feed.js'

/** The results of a request, over one response or several. */
export interface Subscription<Out> extends AsyncIterable<Out> {
  readonly state: ClientState
  /** What the server calls the stream, for its `stop(id)`. Pages of another origin see it only of a server that resumes. */
  readonly id: string | undefined
  /** Of the last result that was read; another subscription may go on behind it. */
  readonly lastEventId: string
  /** Resolves once, when all is over. Never rejects. */
  readonly closed: Promise<ClientEnd>
  /** Leaves. */
  close(): Promise<void>
  /** The results. The first `next()` makes the request, and its iterator the only reader; leaving the loop closes the subscription. */
  [Symbol.asyncIterator](): ValueIterator<Out>
  [Symbol.asyncDispose](): Promise<void>
}

/**
 * Makes a request whose results come as server-sent events, and asks for the rest after a cut: nothing is missing and nothing comes twice where the server has `resume`. Reads no faster
 * than its results are read, which slows the server down, so little is ever kept here.
 *
 * @example
 * for await (const token of subscribe('/answer', { body: JSON.stringify(question), text: 'raw' })) show(token)
 *
 * @throws VeloError `VELO_CONFIG` when `url` is none of HTTP, or an option is unknown or out of range.
 */
export function subscribe<Out = unknown>(url: string | URL, options: SubscribeOptions = {}): Subscription<Out> {
  const settings = subscribeSettings(options)
  const address = addressOf(url)
  if (address === undefined) throw configError('subscribe(url)', 'an address that begins with http: or https:', String(url))
  return new FeedSubscription<Out>(address, settings)
}

/** In a page it may be relative. */
function addressOf(url: string | URL): string | undefined {
  const page = (globalThis as { location?: { href?: string } }).location?.href
  try {
    const { href, protocol } = new URL(url, page)
    return protocol === 'http:' || protocol === 'https:' ? href : undefined
  } catch {
    return undefined
  }
}

class FeedSubscription<Out> implements Subscription<Out> {
  readonly #feed: Feed<Out>
  readonly #reader: OneReader<Out>

  constructor(url: string, settings: SubscribeSettings) {
    this.#feed = new Feed(url, settings)
    this.#reader = new OneReader(this.#feed)
  }

  get state(): ClientState {
    return this.#feed.state.now
  }

  get id(): string | undefined {
    return this.#feed.id
  }

  get lastEventId(): string {
    return this.#feed.place.id
  }

  get closed(): Promise<ClientEnd> {
    return this.#feed.closed
  }

  close(): Promise<void> {
    return this.#feed.close()
  }

  [Symbol.asyncIterator](): ValueIterator<Out> {
    return this.#reader.iterator()
  }

  [DISPOSE](): Promise<void> {
    return this.close()
  }
}

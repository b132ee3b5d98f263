// js/dashboard/serve: what the process answers to the page. Knows nothing of what the page does with it.
//
// The feed: looks as server-sent events, through a stream function of our own, which bounds what waits for a page, and stops looking while the page does not read.

import type { IncomingMessage } from 'node:http'
import { type Handler, handler } from '../../http/index.js'
import { streamFn } from '../../index.js'
import type { Picture, View } from '../wire.js'
import { Looks } from './looks.js'
import { pictureOf } from './view.js'

/** Pages at once. */
const PAGES = 32

/** Serves what `viewOf` says that a request wants to see. */
export function feedOf(viewOf: (req: IncomingMessage) => View, headers: Readonly<Record<string, string>>): Handler {
  const pictures = streamFn(
    async function* (views: AsyncIterable<View>): AsyncGenerator<Picture, void, undefined> {
      for await (const view of views) yield pictureOf(view)
    },
    { name: 'velo:dashboard', buffer: 1, maxConcurrent: PAGES },
  )
  return handler(pictures, {
    out: 'sse',
    end: 'again',
    headers,
    events: (req) => new Looks(viewOf(req)),
    // Those of the request are nobody's business, and would be seen in the list.
    openOptions: { headers: {} },
  })
}

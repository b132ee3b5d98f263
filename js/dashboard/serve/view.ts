// From the query of a request to what it wants to see, and to the picture of that.

import { integer, onlyKnown } from '../../kit/check.js'
import type { WaitingFor } from '../../kit/sight/inspection.js'
import { listStreams, overview, type SortKey, streamDetail } from '../../telemetry/index.js'
import type { Picture, View } from '../wire.js'

/** Rows in one picture. */
const MOST = 300
const FIELD = 'dashboard'

/** Throws `VELO_CONFIG` for what a page does not ask. What words mean is for `pictureOf` to check. */
export function viewOf(query: URLSearchParams): View {
  const given = Object.fromEntries(query)
  onlyKnown(given, FIELD, ['search', 'waitingFor', 'sort', 'order', 'offset', 'limit', 'stream'])
  const { search = '', waitingFor = '', sort = 'waitingMs', order = 'desc', stream = '' } = given
  return {
    search,
    waitingFor,
    sort,
    order,
    stream,
    offset: integer(Number(given.offset ?? 0), `${FIELD}.offset`, 0, 0),
    limit: integer(Number(given.limit ?? 100), `${FIELD}.limit`, 0, 100, MOST),
  }
}

/** Throws `VELO_CONFIG` where words of the view mean nothing. */
export function pictureOf({ search, waitingFor, sort, order, offset, limit, stream }: View): Picture {
  const list = listStreams({
    search: search === '' ? undefined : search,
    waitingFor: waitingFor === '' ? undefined : (waitingFor as WaitingFor),
    sort: sort as SortKey,
    order: order as 'asc' | 'desc',
    offset,
    limit,
  })
  return { overview: overview(), list, offset, detail: stream === '' ? null : (streamDetail(stream) ?? null) }
}

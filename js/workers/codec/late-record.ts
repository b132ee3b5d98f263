// The exports of record.ts, loaded when the first value is persisted.

import { late } from '../../kit/start/late.js'

type Records = typeof import('./record.js')

const records = late<Records>(() => new URL('./record.js', import.meta.url))

export const encodeRecord: Records['encodeRecord'] = (value, codec, room) => records().encodeRecord(value, codec, room)
export const decodeRecord: Records['decodeRecord'] = (record, codec, from) => records().decodeRecord(record, codec, from)
export const encodeThrown: Records['encodeThrown'] = (error) => records().encodeThrown(error)
export const decodeThrown: Records['decodeThrown'] = (text) => records().decodeThrown(text)

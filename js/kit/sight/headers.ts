// The headers of a stream as they can be read: whoever opened it gave them, and any of them may throw.

import type { StreamHeaders } from '../types.js'

/** Name and value of each; of one that throws the value is `otherwise`. */
export function headersIn(headers: StreamHeaders, otherwise?: string): [name: string, value: StreamHeaders[string]][] {
  let names: string[]
  try {
    names = Object.keys(headers)
  } catch {
    return []
  }
  return names.map((name) => {
    try {
      return [name, headers[name]]
    } catch {
      return [name, otherwise]
    }
  })
}

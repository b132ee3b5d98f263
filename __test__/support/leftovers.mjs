// What a test has open is closed when its file is over, whatever became of the test: a failed assertion must not keep the process waiting for ever.

import { after } from 'node:test'

const open = new Set()
after(async () => {
  for (const close of open) await close()
})

/** `close` is called at the end of the file, unless what this answers was called before: then it is called there and then. */
export function leftover(close) {
  open.add(close)
  return () => {
    open.delete(close)
    return close()
  }
}

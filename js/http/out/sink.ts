// Where a response goes, of Node or of fetch. Owns what both have in common: the head goes out with the first write, a write may have to wait, and the client
// may be gone.

import type { Head } from './encoder.js'

export interface ResponseSink {
  /** Whether the head went out: the status is said. */
  readonly begun: boolean
  /** Whether the client is gone, or was dropped: writes are ignored. */
  readonly isGone: boolean
  /** Called once when the client goes away before the end of the response. */
  onGone: () => void
  /** Says what the head will be, unless it went out. */
  begin(head: Head): void
  /** Sends the head now. */
  flushHead(): void
  /** Sends a part of the body. A promise where there is no room for more: it resolves when there is, or the client is gone. Never rejects. */
  write(chunk: string | Uint8Array): Promise<void> | undefined
  /** The response is complete. Resolves when the last byte is on its way, or the client gone. */
  end(last?: string | Uint8Array): Promise<void>
  /** Cuts the response off, so that the client sees that it is not complete. */
  cut(): void
}

// Streams that go on elsewhere, because their client does.

import type { StreamEnd } from '../types.js'

/** Whether a kept stream ended here because another process opened it. */
export function hasMoved({ reason, error }: StreamEnd): boolean {
  return reason === 'closed' && (error as { reason?: unknown } | undefined)?.reason === 'moved'
}

// Why streams end: beside the other shapes, because errors name it where nothing of Node.js is known.

/** Why a stream ended. */
export type EndReason = 'done' | 'closed' | 'idle' | 'aborted' | 'failed'

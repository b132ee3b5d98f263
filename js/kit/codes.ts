// The error codes of both languages. Generated from crates/velo-core; do not edit.
// Command: cargo run -p velo-core --example law codes > js/kit/codes.ts

/** Every error code. */
export const codes = {
  VELO_CONFIG: { retryable: false },
  VELO_OVERLOADED: { retryable: true },
  VELO_DRAINING: { retryable: false },
  VELO_ENDED: { retryable: false },
  VELO_CLOSED: { retryable: false },
  VELO_ABORTED: { retryable: false },
  VELO_IDLE: { retryable: true },
  VELO_OVERRUN: { retryable: true },
  VELO_EVENT: { retryable: false },
  VELO_TIMEOUT: { retryable: true },
  VELO_LOCKED: { retryable: false },
  VELO_CODEC: { retryable: false },
  VELO_FUNCTION_REF: { retryable: false },
  VELO_WORKER_EXITED: { retryable: true },
  VELO_ADAPTER: { retryable: false },
  VELO_CHECKPOINT: { retryable: false },
  VELO_NATIVE_LOAD: { retryable: false },
  VELO_BUG: { retryable: false },
} as const

// The events that requests become where a line of JSON is not all there is to say.

/** An event of a form: a field, or a chunk of a file. Files come in chunks as they arrive; the last one of a file is empty and has `last: true`. */
export type Part =
  | { readonly part: { readonly name: string }; readonly value: string }
  | {
      readonly part: { readonly name: string; readonly filename: string; readonly type: string }
      readonly chunk: Uint8Array
      readonly last: boolean
    }

/** A server-sent event that came in. */
export interface ServerSentEvent {
  /** The last id seen up to here; empty without one. */
  readonly id: string
  /** Its name, `message` where it has none. */
  readonly event: string
  readonly data: string
}

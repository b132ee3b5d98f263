// Pipelines whose streams count at the limits of each of their functions, as servers make them for clients: `.pipe()` takes one permit, for whoever writes it
// knows what it is made of. The key is one of the whole process, so that several copies of this library agree.

/** Key of the method that makes such a pipeline. */
export const JOIN: unique symbol = Symbol.for('velo-stream.join') as never

export interface Joining<Fn> {
  /** This function and the `next` ones in a row, under a name of its own. */
  [JOIN](next: readonly Fn[], name: string): Fn
}

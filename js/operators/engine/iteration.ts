// What iterators that are written by hand share: they iterate over themselves, and throw() is return() with an error.

export abstract class Iteration<Value, End = unknown> implements AsyncIterableIterator<Value> {
  abstract next(): Promise<IteratorResult<Value, End>>

  /** Gives back what the iterator holds. */
  abstract return(value?: unknown): Promise<IteratorResult<Value, End>>

  async throw(error?: unknown): Promise<IteratorResult<Value, End>> {
    await this.return()
    throw error
  }

  [Symbol.asyncIterator](): this {
    return this
  }
}

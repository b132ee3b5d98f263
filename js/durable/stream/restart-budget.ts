// Worker threads that a durable stream has lost: it goes on as long as it gets somewhere between two of them.

/** Lives in a row that end with their thread and give no further result: then the stream fails. */
const MAX_LOSSES = 5

export class RestartBudget {
  private count = 0
  private handed = -1

  /** A thread is lost, and so many results were read until now: whether there is another life. */
  add(handed: number): boolean {
    if (handed > this.handed) this.count = 0
    this.handed = handed
    return ++this.count <= MAX_LOSSES
  }
}

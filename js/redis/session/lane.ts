// The steps of one owner of a session, in the order in which they were asked for: one is under way at a time, so that one whose answer was lost can be asked for again before
// anything that comes after it. What waits may be put together.

export interface Step {
  /** Does it; rejects where it is refused. */
  run(): Promise<unknown>
  /** One step that does both, in this order; `undefined` where there is none. */
  join?(next: Step): Step | undefined
  /** Steps that were put together and refused are tried one by one. */
  readonly apart?: boolean
}

interface Waiting {
  step: Step
  /** Those whose steps were put together. */
  readonly parts: Part[]
}

interface Part {
  readonly step: Step
  resolve(value: unknown): void
  reject(error: unknown): void
}

export class Lane {
  #waiting: Waiting[] = []
  #isBusy = false

  /** Whether nothing is under way. */
  get isIdle(): boolean {
    return !this.#isBusy
  }

  ask<Answer>(step: Step): Promise<Answer> {
    return new Promise<Answer>((resolve, reject) => {
      const part: Part = { step, resolve: resolve as Part['resolve'], reject }
      const last = this.#waiting.at(-1)
      const joined = last?.step.join?.(step)
      if (last !== undefined && joined !== undefined) {
        last.step = joined
        last.parts.push(part)
      } else this.#waiting.push({ step, parts: [part] })
      if (!this.#isBusy) void this.#go()
    })
  }

  async #go(): Promise<void> {
    this.#isBusy = true
    // What else is asked for in this turn goes with it.
    await undefined
    for (let next = this.#waiting.shift(); next !== undefined; next = this.#waiting.shift()) await this.#do(next)
    this.#isBusy = false
  }

  async #do({ step, parts }: Waiting): Promise<void> {
    try {
      const answer = await step.run()
      for (const part of parts) part.resolve(answer)
    } catch (error) {
      if (parts.length === 1 || step.apart !== true) {
        for (const part of parts) part.reject(error)
        return
      }
      // Each by itself: it may be the fault of one.
      for (const part of parts) await part.step.run().then(part.resolve, part.reject)
    }
  }
}

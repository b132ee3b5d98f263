// A pause before something is tried again, which may be cut short.

/** Resolves after so many ms, or at once when `cut` is called. */
export class Pause {
  #cut: (() => void) | undefined

  wait(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms)
      this.#cut = () => {
        clearTimeout(timer)
        resolve()
      }
    })
  }

  cut(): void {
    this.#cut?.()
  }
}

export function afterMs(ms: number): Promise<void> {
  return new Pause().wait(ms)
}

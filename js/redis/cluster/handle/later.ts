// A promise that is settled from outside, of which nobody need hear.

import { silence } from '../../../kit/promises.js'

export class Later<Value> {
  readonly promise: Promise<Value>
  resolve: (value: Value) => void = () => {}
  reject: (error: unknown) => void = () => {}

  constructor() {
    this.promise = silence(
      new Promise((resolve, reject) => {
        this.resolve = resolve
        this.reject = reject
      }),
    )
  }
}

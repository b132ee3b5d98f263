// Processes that are members of a group, each under a name that the broker knows.

import { fork } from 'node:child_process'
import { once } from 'node:events'
import { leftover } from '../support/leftovers.mjs'
import { within } from '../support/within.mjs'
import { PATIENT } from './support.mjs'

let made = 0

export class Hosts {
  #module
  #broker
  #plan
  #admin
  all = []

  /** `module` runs in each; `plan` has `from`, and `source.groupId`. */
  constructor(module, broker, plan, admin) {
    this.#module = module
    this.#broker = broker
    this.#plan = plan
    this.#admin = admin
  }

  /** Starts one in the place `at`. */
  async start(at) {
    const clientId = `host-${made++}`
    const env = { ...process.env, NODE_OPTIONS: undefined }
    const child = fork(this.#module, [this.#broker, JSON.stringify({ ...this.#plan, clientId })], { env })
    const exited = once(child, 'exit')
    leftover(() => child.kill('SIGKILL'))
    await within(PATIENT, once(child, 'message'), 'the start of a host')
    this.all[at] = { child, clientId, exited, ready: once(child, 'message') }
  }

  async kill(at) {
    this.all[at].child.kill('SIGKILL')
    await this.all[at].exited
  }

  /** Resolves when the group has these members and no others. */
  async share(hosts = this.all) {
    const wanted = hosts.map(({ clientId }) => clientId).sort()
    let isOver = false
    const looks = async () => {
      while (!isOver) {
        const { groups } = await this.#admin.describeGroups([this.#plan.source.groupId])
        const [{ state, members }] = groups
        const found = members.map(({ clientId }) => clientId).sort()
        if (state === 'Stable' && String(found) === String(wanted)) return
      }
    }
    try {
      await within(PATIENT, looks(), `members ${wanted}`)
    } finally {
      isOver = true
    }
  }

  /** Stops all; answers the codes that they ended with. */
  stop() {
    return Promise.all(
      this.all.map(async ({ child, exited }) => {
        if (child.connected) child.send('stop')
        const [code] = await within(PATIENT, exited, 'the end of a host')
        return code
      }),
    )
  }
}

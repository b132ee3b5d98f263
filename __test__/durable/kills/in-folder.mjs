// Where streams of killed processes are kept: in a folder, which is verified now and then.

import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { Inspector, journal } from 'velo-stream/durable'

export async function open({ folder, sync, verifies, maxBytes, retain }, wrong) {
  if (verifies && existsSync(join(folder, 'journal.redb'))) await verify()
  const journals = {
    forgetting: journal(folder, { sync }),
    retaining: journal(folder, { sync, retain }),
    bounded: journal(folder, { sync, maxBytes }),
  }
  const close = async () => {
    for (const one of Object.values(journals)) await one.close()
    await verify()
  }
  return { journals, close }

  async function verify() {
    const inspector = new Inspector(folder)
    for (const damage of await inspector.verify()) wrong(damage)
    await inspector.close()
  }
}
